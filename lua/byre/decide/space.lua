--- Decide: which revisions go so that there is space again.
--
-- Pure, and a part of what runs in a sandbox. A rule on space, `space{ free=, quota= }` of a policy, holds
-- back what the policy has released until space is short; then they go one by one, and after each of them
-- it is asked anew whether space is still short.
--
-- What is asked is a gauge, which tells what would be if the revisions went that it was told of:
--
--    total        bytes of the file system
--    settle()     count what was removed a moment ago, if it does not yet
--    take(id)     this one, too; put_back(id): not the last one after all
--    free()       bytes that would be free; nil: nobody can know
--    taken()      bytes that the volume would take; nil: nobody can know
-- @module byre.decide.space
local space = {}

-- bytes that are to be free
local function wanted_free(rule, gauge)
   if rule.free_percent then
      return math.ceil(gauge.total * rule.free_percent / 100)
   end
   return rule.free
end

-- how many bytes are too few, or nil: nobody can know
local function missing(rule, gauge)
   local worst, wanted = 0, wanted_free(rule, gauge)
   if wanted then
      local free = gauge:free()
      if not free then
         return nil
      end
      worst = math.max(worst, wanted - free)
   end
   if rule.quota then
      local taken = gauge:taken()
      if not taken then
         return nil
      end
      worst = math.max(worst, taken - rule.quota)
   end
   return worst
end

local function oldest()
   return 1
end

-- the one without which least is missing, the oldest of such
local function best_gain(rule, gauge, candidates)
   local best, least
   for i, id in ipairs(candidates) do
      gauge:take(id)
      local now = missing(rule, gauge)
      gauge:put_back(id)
      if now and (not least or now < least) then
         best, least = i, now
      end
   end
   return best
end

local orders = { oldest = oldest, best_gain = best_gain }

--- Choose what goes.
-- @tparam table rule `space` of `evaluate.judge`
-- @tparam {string,...} candidates ids that may go, oldest first
-- @tparam table gauge
-- @treturn {string,...} ids that go, in this order; none where nobody can know what that would give
-- @treturn ?integer bytes that are missing all the same; nil: nobody can know
function space.choose(rule, candidates, gauge)
   local left, chosen = table.move(candidates, 1, #candidates, 1, {}), {}
   local short = missing(rule, gauge)
   if short and short > 0 and #left > 0 then
      gauge:settle()
      short = missing(rule, gauge)
   end
   while short and short > 0 and #left > 0 do
      local id = table.remove(left, orders[rule.order](rule, gauge, left))
      gauge:take(id)
      chosen[#chosen + 1] = id
      short = missing(rule, gauge)
   end
   return short and chosen or {}, short
end

return space
