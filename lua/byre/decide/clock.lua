--- The clock guard: a clock that is wrong must not take revisions away.
-- @module byre.decide.clock
local units = require("byre.units")

local clock = {}

-- the most that the clock may go ahead unseen, in seconds, where revisions are made more often
local shortest_jump = 86400

-- the usual time between two revisions: half of the times are shorter
local function usual_interval(revisions)
   local gaps = {}
   for i = 2, #revisions do
      gaps[i - 1] = math.max(0, revisions[i].time - revisions[i - 1].time)
   end
   table.sort(gaps)
   return gaps[(#gaps + 1) // 2] or 0
end

--- What is strange about the clock, in words; nil: nothing.
-- @tparam integer now
-- @tparam ?integer latest when a policy was last applied in this pool
-- @tparam {table,...} revisions oldest first
-- @treturn ?string
function clock.objection(now, latest, revisions)
   if not latest then
      return nil
   elseif now < latest then
      return ("the clock is behind: it was %s before"):format(units.format_time(latest))
   elseif now - latest > math.max(3 * usual_interval(revisions), shortest_jump) then
      return ("the clock has gone ahead since %s"):format(units.format_time(latest))
   end
end

return clock
