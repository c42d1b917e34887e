--- `byre prune`
-- @module byre.command.prune
local report = require("byre.command.report")
local verdict = require("byre.command.verdict")

local prune = {
   summary = "Remove revisions that the policies let go.",
   description = [[Remove the revisions that the policies of the volumes let go, and show which; of
volumes without a policy those beyond their number of revisions to keep. Never
the newest, nor one that is held, in use, or very young.

FREES is what it gives back once those above it are gone as well; for whom the
figures are exact, byre help usage says.

What would take away very many, and what a new policy takes away first, is only
shown. To agree to it, say --confirm with the hash that is shown with it.

The exit code is 1 when something waits to be confirmed (3 when the rest was
done), 2 when a policy is wrong; where a policy is wrong nothing goes.]],
   examples = {
      { "byre prune" },
      { "byre prune -n", "show what would go" },
      { "byre prune --explain appvms/work/private", "show of each revision why it stays or goes" },
   },
}

function prune.parser(command)
   command:argument("VID", "Only these volumes."):target("vids"):args("*")
   command:flag("--explain", "Show of each revision what becomes of it, and why; change nothing.")
   command:option("--confirm", "Agree to the plan with this hash."):argname("HASH")
end

local function say_what_waits(context, result)
   for _, volume in ipairs(result.volumes) do
      if volume.unconfirmed then
         context:say(("%s: %d of %d revisions would go, but %s"):format(volume.volume, #volume.removed,
            #volume.revisions, volume.unconfirmed))
      end
   end
   if result.hash then
      context:say("to agree: byre prune --confirm " .. result.hash)
   end
end

local function removed_anything(result)
   for _, volume in ipairs(result.volumes) do
      if #volume.removed > 0 and not volume.unconfirmed then
         return true
      end
   end
end

function prune.run(context, args)
   local pool = context:pool()
   local shows = context:is_dry() or args.explain
   local options = { dry_run = shows, confirm = args.confirm, measure = args.explain and "all" or "removed" }
   if #args.vids > 0 then
      options.volumes = context:volumes(args.vids)
   end
   if args.explain and args.confirm then
      report.usage("prune", "--explain changes nothing, so there is nothing to confirm")
   end
   local result = pool:prune(options)
   verdict.list(context, result, { everything = args.explain, done = not shows })
   local code = verdict.failures(result)
   say_what_waits(context, result)
   if not shows and result.hash then
      code = code or report.exit.failed
   end
   return code and not shows and removed_anything(result) and report.exit.partly or code
end

return prune
