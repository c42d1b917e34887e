--- `byre adopt`
-- @module byre.command.adopt
local settings = require("byre.command.settings")

local adopt = {
   summary = "Take in images that are in the pool directory already.",
   description = [[Take in a volume whose images are in the pool directory already, named as the
Qubes storage driver file-reflink names them (VID.img and its revisions). The
images are not changed; the pool notes what kind of volume they are.]],
   examples = {
      { "byre adopt appvms/work/private" },
      { "byre adopt appvms/work/root --source templates/debian/root" },
      { "byre adopt -n appvms/work/private", "show what would be written" },
   },
}

function adopt.parser(command)
   command:argument("VID", "The volume."):target("vid")
   settings.add_options(command)
end

function adopt.run(context, args)
   local values = settings.from("adopt", args)
   if context:is_dry() then
      return context:show_plans({ context:pool():plan_adopt(args.vid, values) })
   end
   context:show_volume(context:pool():adopt_volume(args.vid, values))
end

return adopt
