--- `byre rename`
-- @module byre.command.rename
local settings = require("byre.command.settings")

local rename = {
   summary = "Give a volume another name.",
   description = [[Give a volume another name; its revisions go along. A volume with a session is
refused unless --state says what becomes of it.]],
   examples = {
      { "byre rename appvms/work/private appvms/office/private" },
      { "byre rename --state current vm/a vm/b", "a session goes along" },
   },
}

function rename.parser(command)
   command:argument("VID", "The volume."):target("vid")
   command:argument("NEW", "Its new name."):target("new")
   command:option("--state", "Of a volume with a session: \"current\" takes it along, \"committed\" drops it.")
      :choices({ "committed", "current" })
   settings.add_reflink(command)
end

function rename.run(context, args)
   local volume = context:volume(args.vid)
   local options = { state = args.state, reflink = args.reflink }
   if context:is_dry() then
      return context:show_plans({ volume:plan("rename", args.new, options) })
   end
   if args.state == "committed" and volume:is_dirty() then
      context:confirm("drop the session of " .. volume.vid)
   end
   volume:rename(args.new, options)
   context:show_volume(context:volume(args.new))
end

return rename
