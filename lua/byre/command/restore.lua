--- `byre restore`
-- @module byre.command.restore
local failure = require("byre.failure")
local record = require("byre.command.record")
local report = require("byre.command.report")

local restore = {
   summary = "Bring back what is in the trash.",
   description = [[Bring revisions back from the trash, under their numbers and with their tags,
notes and holds. byre trash lists what is there.

They are pruned as any other: byre hold keeps one, byre revert makes it the content.]],
   examples = {
      { "byre restore appvms/work/private@3" },
      { "byre restore appvms/work/private@3 && byre hold appvms/work/private 3", "and keep it" },
      { "byre restore -n appvms/work/private@3", "show what would be done" },
   },
}

function restore.parser(command)
   command:argument("VID@REV", "The revisions."):target("names"):args("+")
end

-- words of the command line -> {volume=, id=}
local function find(context, names)
   local list = {}
   for i, name in ipairs(names) do
      local vid, id = context:split_revision(name)
      if not id then
         report.usage("restore", ("say which revision: %s@REV; byre trash %s lists them"):format(vid, vid))
      end
      list[i] = { volume = context:volume(vid), id = id }
   end
   return list
end

function restore.run(context, args)
   local list = find(context, args.names)
   if context:is_dry() then
      local plans = {}
      for i, item in ipairs(list) do
         plans[i] = item.volume:plan("restore", item.id)
      end
      return context:show_plans(plans)
   end
   local restored, code = {}, nil
   for _, item in ipairs(list) do
      local ok, result = failure.catch(item.volume.restore, item.volume, item.id)
      if ok then
         restored[#restored + 1] = record.of_revision(result)
      else
         code = report.show(result)
      end
   end
   if context.out.format ~= "text" then
      context.out:list(context.out.format == "json" and record.revision_detail_fields or record.revision_fields,
         restored)
   end
   return code and #restored > 0 and report.exit.partly or code
end

return restore
