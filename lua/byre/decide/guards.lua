--- Guards: what no policy can take away, whatever it says.
--
-- Pure, and a part of what runs in a sandbox. A policy says which revisions may go; a guard that objects keeps one of
-- them all the same, and the breaker wants to be asked before very many go.
-- @module byre.decide.guards
local guards = {}

--- More than this many at once, or more than half of them, wants to be confirmed.
guards.many = 20

--- Why a revision must stay, in words; nil: no guard objects.
-- @tparam table revision `time`, `changed` (when its file was last given a name), `hold_until`, `in_use`, `future`,
-- `skewed`
-- @tparam integer rank 1 for the newest one
-- @tparam table limits `now`, `floor`, `min_age` (seconds)
-- @treturn ?string
function guards.objection(revision, rank, limits)
   local hold = revision.hold_until
   local age = limits.now - math.max(revision.time, revision.changed or revision.time)
   if rank == 1 then
      return "the newest"
   elseif hold == true or hold and hold > limits.now then
      return "held"
   elseif revision.in_use then
      return "in use"
   elseif revision.future then
      return "its time has not come yet"
   elseif revision.skewed then
      return "its time does not fit its neighbours"
   elseif rank <= limits.floor then
      return ("one of the last %d"):format(limits.floor)
   elseif age < limits.min_age then
      return ("younger than %d s"):format(limits.min_age)
   end
end

--- Why somebody has to look before these revisions go, in words; nil: nobody has.
-- @tparam integer removed how many go
-- @tparam integer count of how many
-- @tparam table facts `policy_changed`, `clock` (what is strange about it)
-- @treturn ?string
function guards.breaker(removed, count, facts)
   if removed == 0 then
      return nil
   elseif facts.clock then
      return facts.clock
   elseif facts.policy_changed then
      return "the policy is new or has changed"
   elseif removed > guards.many then
      return ("more than %d go at once"):format(guards.many)
   elseif 2 * removed > count then
      return "more than half of them go"
   end
end

return guards
