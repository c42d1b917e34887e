--- `byre release`
-- @module byre.command.release
local annotation = require("byre.command.annotation")

local release = {
   summary = "End the hold on a revision, or give a whole pool back.",
   description = [[With VID and REV: end the hold on a revision; it goes when its time comes, as
any other.

With DIR alone: make a pool a plain tree of images again, as the Qubes driver
file-reflink keeps it. What byre alone knows goes: kinds, sources, settings,
notes, holds (byre --json list shows them). Images and revisions stay as they
are. Interrupted, run it again; byre adopt is the way back.]],
   examples = {
      { "byre release appvms/work/private 2" },
      { "byre --yes release /srv/pool", "no pool of byre any more, and every image in its place" },
   },
}

function release.parser(command)
   command:argument("VID|DIR", "The volume; or, alone, the directory of a pool."):target("vid")
   command:argument("REV", "The revision."):target("revision"):args("?")
end

local function give_back(context, dir)
   local byre = require("byre")
   local plan = byre.plan_release(dir)
   if context:is_dry() then
      return context:show_plans({ plan })
   end
   context:confirm("drop the catalog of " .. plan.volume .. ", with settings, notes and holds")
   byre.release_pool(dir, context:pool_options())
   context:say(("made %s a plain tree of images"):format(plan.volume))
end

function release.run(context, args)
   if args.revision then
      annotation.write(context, args, { hold_until = false })
   else
      give_back(context, args.vid)
   end
end

return release
