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

-- what would be, as far as the rule asks: `free` and `taken`, bytes; or nil: nobody can know
local function look(rule, gauge)
   local wants_free = wanted_free(rule, gauge) ~= nil
   local seen = { free = wants_free and gauge:free() or nil, taken = rule.quota and gauge:taken() }
   if wants_free and not seen.free or rule.quota and not seen.taken then
      return nil
   end
   return seen
end

-- How many bytes are too few, or nil: nobody can know. With `gain` as well: if there were so many more.
local function missing(rule, gauge, seen, gain)
   if not seen then
      return nil
   end
   local worst, wanted = 0, wanted_free(rule, gauge)
   if wanted then
      worst = math.max(worst, wanted - seen.free - (gain and gain.free or 0))
   end
   if rule.quota then
      worst = math.max(worst, seen.taken - (gain and gain.taken or 0) - rule.quota)
   end
   return worst
end

-- what more there would be without one more; false: nobody can know
local function gain_of(rule, gauge, item, before)
   gauge:take(item.id)
   local now = look(rule, gauge)
   gauge:put_back(item.id)
   return now and { free = now.free and now.free - before.free, taken = now.taken and before.taken - now.taken }
      or false
end

local function oldest()
   return 1
end

-- The one without which least is missing, the oldest of such. What was asked before counts as long as no neighbour has
-- gone since: in a history that goes straight on, what two revisions alone have in common is had by neighbours. (After
-- a revert it may be more than was counted; then another one goes first than would free most.)
local function best_gain(rule, gauge, candidates, before)
   local best, least
   for i, item in ipairs(candidates) do
      if item.gain == nil then
         item.gain = gain_of(rule, gauge, item, before)
      end
      local now = item.gain and missing(rule, gauge, before, item.gain)
      if now and (not least or now < least) then
         best, least = i, now
      end
   end
   return best
end

local orders = { oldest = oldest, best_gain = best_gain }

local function items_of(ids)
   local list = {}
   for i, id in ipairs(ids) do
      list[i] = { id = id }
   end
   return list
end

-- take one of the candidates; its neighbours are to be asked about anew
local function take(gauge, candidates, index)
   local item = table.remove(candidates, index)
   for _, neighbour in ipairs({ index - 1, index }) do
      if candidates[neighbour] then
         candidates[neighbour].gain = nil
      end
   end
   gauge:take(item.id)
   return item.id
end

--- Choose what goes.
-- @tparam table rule `space` of `evaluate.judge`
-- @tparam {string,...} candidates ids that may go, oldest first
-- @tparam table gauge
-- @treturn {string,...} ids that go, in this order; none where nobody can know what that would give
-- @treturn ?integer bytes that are missing all the same; nil: nobody can know
function space.choose(rule, candidates, gauge)
   local left, chosen = items_of(candidates), {}
   local seen = look(rule, gauge)
   local short = missing(rule, gauge, seen)
   if short and short > 0 and #left > 0 then
      gauge:settle()
      seen = look(rule, gauge)
      short = missing(rule, gauge, seen)
   end
   while short and short > 0 and #left > 0 do
      local index = orders[rule.order](rule, gauge, left, seen)
      if not index then
         return {}, nil
      end
      chosen[#chosen + 1] = take(gauge, left, index)
      seen = look(rule, gauge)
      short = missing(rule, gauge, seen)
   end
   return short and chosen or {}, short
end

return space
