--- `byre clone`
-- @module byre.command.clone
local settings = require("byre.command.settings")

local clone = {
   summary = "Make a copy of a volume or of a revision.",
   description = [[Make a volume with the settings and the content of another one, or the content
of one of its revisions. Nothing ties the two together afterwards; the blocks
are shared until they are written to.

A volume with a session is refused unless --state says which content is meant.]],
   examples = {
      { "byre clone templates/debian/root vm/root" },
      { "byre clone appvms/work/private@3 rescue/private", "an old revision, to look at it" },
   },
}

function clone.parser(command)
   command:argument("VID", "The volume, or VID@REV."):target("vid")
   command:argument("NEW", "The new volume."):target("new")
   command:option("--state", "Of a volume with a session: \"committed\" is the state before it, "
      .. "\"current\" the session so far."):choices({ "committed", "current" })
   settings.add_reflink(command)
end

function clone.run(context, args)
   local vid, revision = context:split_revision(args.vid)
   local volume = context:volume(vid)
   local options = { state = args.state, revision = revision, reflink = args.reflink }
   if revision and args.state then
      require("byre.command.report").usage("clone", "--state is about a volume, not about a revision")
   end
   if context:is_dry() then
      return context:show_plans({ volume:plan("clone", args.new, options) })
   end
   volume:clone(args.new, options)
   context:show_volume(context:volume(args.new))
end

return clone
