--- `byre events`
-- @module byre.command.events
local core = require("byre.core")
local report = require("byre.command.report")
local steps = require("byre.command.steps")

local events = {
   summary = "What was done in the pool, step by step.",
   description = [[Show what was done in the pool: a line for each step and each operation, oldest
first. They are kept from byre events --on until byre events --off, about the last
2 MiB of them.

--follow goes on with what is done from now on, until it is interrupted.]],
   examples = {
      { "byre events --on" },
      { "byre events" },
      { "byre events --json appvms/work/private", "of one volume, a line of JSON each" },
   },
}

-- seconds between two looks
local interval = 0.2

function events.parser(command)
   command:argument("VID", "Only of these volumes."):target("vids"):args("*")
   command:mutex(
      command:flag("--follow", "Show what is done from now on."),
      command:flag("--on", "Keep events from now on."),
      command:flag("--off", "Keep none, and remove those that are there.")
   )
end

local function writer(context, vids)
   local wanted = {}
   for _, vid in ipairs(vids) do
      wanted[vid] = true
   end
   return function(event)
      if #vids > 0 and not wanted[event.volume] then
         return
      elseif context.out.format == "json" then
         context.out:json(event)
      else
         context.out:write(event.time, "  ", steps.describe(event), "\n")
      end
   end
end

local function follow(pool, kept, show)
   local read = kept.follower(pool)
   for text in read do
      for event in kept.parse(text) do
         show(event)
      end
      io.stdout:flush()
      core.sleep(interval)
   end
end

function events.run(context, args)
   local pool = context:pool()
   local kept = require("byre.events")
   if args.on or args.off then
      if context:is_dry() then
         report.usage("events", "-n: there is no plan of --on and --off")
      end
      return kept.keep(pool, args.on == true)
   elseif not kept.are_kept(pool) then
      require("byre.failure").raise("not_supported", pool.dir, "events are not kept in this pool",
         { hint = "byre events --on keeps them from now on" })
   end
   local show = writer(context, args.vids)
   if args.follow then
      return follow(pool, kept, show)
   end
   for _, event in ipairs(kept.list(pool)) do
      show(event)
   end
end

return events
