--- `byre start`
-- @module byre.command.start
local report = require("byre.command.report")
local settings = require("byre.command.settings")

local start = {
   summary = "Begin a session; prints the path of the image.",
   description = [[Begin a session on volumes: each gets an image that may be written to. Prints
the paths of the images, a line each. Several volumes are one batch, which
costs hardly more than one.

A volume that was started before and not stopped keeps its image and what is
in it; volatile and snapshot volumes begin anew.]],
   examples = {
      { "byre start appvms/work/private" },
      { "byre start --group appvms/work", "all volumes of a machine" },
      { "disk=$(byre start vm/root) && mkfs.ext4 \"$disk\"" },
   },
}

local fields = { { key = "vid" }, { key = "path" } }

function start.parser(command)
   command:argument("VID", "The volumes."):target("vids"):args("*")
   command:option("--group", "All volumes of this group."):argname("GROUP")
   settings.add_reflink(command)
end

function start.run(context, args)
   local volumes, options = context:volumes_or_group(args), { reflink = args.reflink }
   if context:is_dry() then
      return context:show_plans_of(volumes, "start", options)
   end
   local paths, err = context:batch("start", volumes, options)
   local records = {}
   for _, volume in ipairs(volumes) do
      local path = paths[volume.vid]
      if path then
         records[#records + 1] = { vid = volume.vid, path = path == true and volume:path() or path }
      end
   end
   if context.out.format ~= "text" then
      context.out:list(fields, records)
   else
      for _, item in ipairs(records) do
         context.out:write(item.path, "\n")
      end
   end
   return err and report.show(err)
end

return start
