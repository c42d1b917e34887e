--- `byre stop`
-- @module byre.command.stop
local report = require("byre.command.report")

local stop = {
   summary = "End a session; what was written is committed.",
   description = [[End the session on volumes. What was written becomes the committed content,
the content before it a revision; the oldest revisions beyond the number to
keep go. Volatile and snapshot volumes lose what was written. A volume without
a session is left alone.]],
   examples = {
      { "byre stop appvms/work/private" },
      { "byre stop --group appvms/work", "all volumes of a machine" },
      { "byre stop --discard --yes appvms/work/private", "drop what was written since the start" },
   },
}

local fields = { { key = "vid" } }

function stop.parser(command)
   command:argument("VID", "The volumes."):target("vids"):args("*")
   command:option("--group", "All volumes of this group."):argname("GROUP")
   command:flag("--discard", "Drop what was written instead of committing it (needs --yes).")
   command:flag("--force", "Even while somebody has the image open for writing.")
end

local function names(volumes)
   local list = {}
   for i, volume in ipairs(volumes) do
      list[i] = volume.vid
   end
   return table.concat(list, ", ")
end

function stop.run(context, args)
   local volumes = context:volumes_or_group(args)
   local options = { discard = args.discard, force = args.force }
   if context:is_dry() then
      return context:show_plans_of(volumes, "stop", options)
   elseif args.discard then
      context:confirm("drop the session of " .. names(volumes))
   end
   local done, err = context:batch("stop", volumes, options)
   if context.out.format == "json" then
      local records = {}
      for _, volume in ipairs(volumes) do
         records[#records + 1] = done[volume.vid] and { vid = volume.vid } or nil
      end
      context.out:list(fields, records)
   end
   return err and report.show(err)
end

return stop
