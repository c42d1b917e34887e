--- `byre revert`
-- @module byre.command.revert
local revert = {
   summary = "Make a revision the content of a volume again.",
   description = [[Make a revision the content of a volume again; without REV, the newest one. The
content it replaces becomes the newest revision, so that a second revert goes
back to it.

A volume with a session is refused; --discard drops the session first. It also
goes back where the committed image is missing and cannot become a revision.]],
   examples = {
      { "byre revert appvms/work/private" },
      { "byre revert appvms/work/private 3", "a certain revision" },
      { "byre revert --discard --yes appvms/work/private 3", "although it has a session, which is lost" },
   },
}

function revert.parser(command)
   command:argument("VID", "The volume; VID@REV is understood as well."):target("vid")
   command:argument("REV", "The revision, as byre revisions names it."):target("revision"):args("?")
   command:flag("--discard", "Drop a running session (needs --yes).")
end

function revert.run(context, args)
   local vid, revision = context:split_revision(args.vid)
   revision = args.revision or revision
   local volume = context:volume(vid)
   local options = { discard = args.discard }
   if context:is_dry() then
      return context:show_plans({ volume:plan("revert", revision, options) })
   elseif args.discard and volume:is_dirty() then
      context:confirm("drop the session of " .. vid)
   end
   volume:revert(revision, options)
   context:show_volume(volume)
end

return revert
