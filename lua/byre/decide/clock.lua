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
-- Where nobody synchronises it, it is not asked for; where somebody did it until now, it is.
-- @tparam integer now
-- @tparam ?table mark of `catalog.decode_clock`: how it was when a policy was last applied in this pool
-- @tparam {table,...} revisions oldest first
-- @tparam ?boolean synchronised the kernel knows its time to be right; nil: it does not tell
-- @treturn ?string
function clock.objection(now, mark, revisions, synchronised)
   local latest = mark and mark.latest
   if not mark then
      return nil
   elseif mark.synchronised and synchronised == false then
      return "the clock is not synchronised, which it was before"
   elseif now < latest then
      return ("the clock is behind: it was %s before"):format(units.format_time(latest))
   elseif now - latest > math.max(3 * usual_interval(revisions), shortest_jump) then
      return ("the clock has gone ahead since %s"):format(units.format_time(latest))
   end
end

return clock
