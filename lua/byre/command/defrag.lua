--- `byre defrag`
-- @module byre.command.defrag
local units = require("byre.units")

local defrag = {
   summary = "Write an image that is in many pieces anew.",
   description = [[Write the committed image of a volume anew, in order, where it is in many pieces
on the disk (byre show tells in how many). Clones of it, and so starts and
stops, are faster afterwards. Revisions stay as they are, and the volume must
be stopped.

What is written anew is not shared with revisions and clones any more: the
verb says how much space that takes, and wants --yes.]],
   examples = {
      { "byre defrag -n appvms/work/private", "what it would cost" },
      { "byre defrag --yes appvms/work/private" },
      { "byre defrag --yes --budget 2G appvms/work/private", "only the worst parts" },
   },
}

function defrag.parser(command)
   command:argument("VID", "The volume."):target("vid")
   command:option("--budget", "The most bytes to write; they go where they help most (default: no end).")
      :argname("SIZE")
end

local function cost_in_words(cost)
   return ("%s written anew, in place of %d extents; takes up to %s more space"):format(
      units.format_size(cost.write), cost.extents, units.format_size(cost.space))
end

function defrag.run(context, args)
   local volume = context:volume(args.vid)
   local options = { budget = args.budget and units.parse_size(args.budget) }
   local plan = volume:plan("defrag", options)
   if #plan.phases > 0 then
      context:say(("%s: %s"):format(args.vid, cost_in_words(plan.cost)))
   end
   if context:is_dry() then
      return context:show_plans({ plan })
   elseif #plan.phases == 0 then
      return context:say("nothing to gain from writing " .. args.vid .. " anew")
   end
   context:confirm(("give %s blocks of its own"):format(args.vid))
   volume:defrag(options)
   context:show_volume(volume)
end

return defrag
