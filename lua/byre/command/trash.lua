--- `byre trash`
-- @module byre.command.trash
local record = require("byre.command.record")
local report = require("byre.command.report")

local trash = {
   summary = "List the trash, or empty it.",
   description = [[List the revisions that were taken away and can be brought back by byre restore.
There is a trash where the pool (byre config trash=TIME) or the volume (byre set
VID trash=TIME) says how long it keeps them; without that what is removed is gone.
Revisions go there from a stop, byre prune and byre remove VID@REV; a volume that
is removed takes its trash along.

EXPIRES is when one goes for good, at the next stop of its volume or byre prune
after that; - where the trash is off: what is in it stays until it is emptied.]],
   examples = {
      { "byre trash" },
      { "byre trash --space 'appvms/*'", "also what each takes on the disk" },
      { "byre trash --empty --yes appvms/work/private", "remove for good what is in it" },
      { "byre config trash=2d", "the pool keeps what is taken away for two days" },
   },
}

function trash.parser(command)
   command:argument("PATTERN", "Volumes."):target("patterns"):args("*")
   command:flag("--space", "Also what each takes; reads the maps of images.")
   command:flag("--empty", "Remove for good what is in the trash (needs --yes).")
end

local function call_each(context, patterns, fn)
   local pool, known = context:pool(), {}
   for i = 1, math.max(1, #patterns) do
      local found = false
      for volume in pool:volumes(patterns[i]) do
         found = true
         if not known[volume.vid] then
            known[volume.vid] = true
            fn(volume)
         end
      end
      if patterns[i] and not found then
         require("byre.failure").raise("no_such_volume", patterns[i], "no such volume in this pool")
      end
   end
end

local function list(context, args)
   local rows = context.out:rows(context.out.format == "json" and record.trash_detail_fields
      or args.space and record.trash_space_fields or record.trash_fields)
   call_each(context, args.patterns, function(volume)
      for _, entry in ipairs(volume:trash({ space = args.space })) do
         rows:add(record.of_trash(entry))
      end
   end)
   rows:finish()
end

local function in_words(count)
   return count == 1 and "1 revision" or ("%d revisions"):format(count)
end

local function empty(context, args)
   local volumes, count = {}, 0
   call_each(context, args.patterns, function(volume)
      local entries = volume:trash()
      count = count + #entries
      volumes[#volumes + 1] = #entries > 0 and volume or nil
   end)
   if context:is_dry() then
      return context:show_plans_of(volumes, "empty_trash")
   elseif count > 0 then
      context:confirm(("remove %s in the trash"):format(in_words(count)))
      context:pool():empty_trash({ volumes = volumes })
   end
   context:say(count == 0 and "there is nothing in the trash" or ("took %s out of the trash"):format(in_words(count)))
end

function trash.run(context, args)
   if args.empty and args.space then
      report.usage("trash", "--space goes with a list, not with --empty")
   end
   return (args.empty and empty or list)(context, args)
end

return trash
