--- `byre release`
-- @module byre.command.release
local annotation = require("byre.command.annotation")
local layout = require("byre.layout")

local release = {
   summary = "End the hold on a revision, or give a whole pool back.",
   description = [[With VID and REV: end the hold on a revision; it goes when its time comes, as
any other.

With DIR alone: make a pool a plain tree of images again, as the Qubes driver
file-reflink keeps it. What byre alone knows goes: kinds, sources, settings,
notes, holds (byre --json list shows them), and what is in the trash. Images and
revisions stay as they are. Interrupted, run it again; byre adopt is the way back.]],
   examples = {
      { "byre release appvms/work/private 2" },
      { "byre --yes release /srv/pool", "no pool of byre any more, and every image in its place" },
   },
}

function release.parser(command)
   command:argument("VID|DIR", "The volume; or, alone, the directory of a pool."):target("vid")
   command:argument("REV", "The revision."):target("revision"):args("?")
end

-- what goes of the trash, in words; nil: nothing
local function trash_in(plan)
   local count = 0
   for _, phase in ipairs(plan.phases) do
      for _, step in ipairs(phase) do
         count = count + (step.op == "unlink" and layout.without_trash(step.path) and 1 or 0)
      end
   end
   return count > 0 and (count == 1 and "1 revision in the trash" or ("%d revisions in the trash"):format(count)) or nil
end

local function give_back(context, dir)
   local byre = require("byre")
   local plan = byre.plan_release(dir)
   if context:is_dry() then
      return context:show_plans({ plan })
   end
   local trash = trash_in(plan)
   context:confirm("drop the catalog of " .. plan.volume .. ", with settings, notes and holds"
      .. (trash and " and with " .. trash or ""))
   byre.release_pool(dir, context:pool_options())
   context:say(("made %s a plain tree of images%s"):format(plan.volume, trash and ", without " .. trash or ""))
end

function release.run(context, args)
   if args.revision then
      annotation.write(context, args, { hold_until = false })
   else
      give_back(context, args.vid)
   end
end

return release
