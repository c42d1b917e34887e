--- `byre snapshot`
-- @module byre.command.snapshot
local record = require("byre.command.record")
local report = require("byre.command.report")
local settings = require("byre.command.settings")

local snapshot = {
   summary = "Make a revision of volumes now.",
   description = [[Make a revision of volumes now, and print its name. A running volume is taken
as a power cut would leave it: what its user has not written out is missing.]],
   examples = {
      { "byre snapshot appvms/work/private" },
      { "byre snapshot --note 'before the upgrade' appvms/work/root appvms/work/private" },
   },
}

function snapshot.parser(command)
   command:argument("VID", "The volumes."):target("vids"):args("*")
   command:option("--group", "All volumes of this group."):argname("GROUP")
   command:option("--note", "A note that stays with the revisions."):argname("TEXT")
   command:option("--tag", "A word that stays with them; may be given again."):argname("TAG"):count("*")
   command:flag("--hold", "Hold them: nothing removes them before byre release.")
   settings.add_reflink(command)
end

-- the revision that was made; the newest one where its id is not known
local function revision_of(volume, result)
   local list = volume:revisions()
   for i = #list, 1, -1 do
      if result == true or list[i].id == result then
         return list[i]
      end
   end
end

local function fields_for(format)
   local fields = { { key = "vid" }, { key = "id" } }
   if format == "json" then
      fields[2] = nil
      table.move(record.revision_detail_fields, 1, #record.revision_detail_fields, 2, fields)
   end
   return fields
end

function snapshot.run(context, args)
   local volumes = context:volumes_or_group(args)
   local options = { note = args.note, tag = #args.tag > 0 and args.tag or nil, hold_until = args.hold,
      reflink = args.reflink }
   if context:is_dry() then
      return context:show_plans_of(volumes, "snapshot", options)
   end
   local done, err = context:batch("snapshot", volumes, options)
   local records = {}
   for _, volume in ipairs(volumes) do
      local revision = done[volume.vid] and revision_of(volume, done[volume.vid])
      if revision then
         records[#records + 1] = record.of_revision(revision)
         records[#records].vid = volume.vid
      end
   end
   if context.out.format ~= "text" then
      context.out:list(fields_for(context.out.format), records)
   else
      for _, item in ipairs(records) do
         context.out:write(item.vid, "@", item.id, "\n")
      end
   end
   return err and report.show(err)
end

return snapshot
