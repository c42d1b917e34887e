--- Revisions in the order they were made, and those whose time cannot be right.
-- @module byre.retention.order
local order = {}

local function in_order(revisions)
   for i = 2, #revisions do
      if revisions[i].time < revisions[i - 1].time then
         return false
      end
   end
   return true
end

-- Marks the revisions that stand outside of the longest run of times that
-- never step back: the fewest that must be wrong for the others to be right.
local function mark_skewed(revisions)
   if in_order(revisions) then
      return
   end
   local ends, previous = {}, {}   -- of runs by length: index of the last one; who stands before whom
   for i, r in ipairs(revisions) do
      local low, high = 0, #ends
      while low < high do
         local middle = (low + high + 1) // 2
         if revisions[ends[middle]].time <= r.time then
            low = middle
         else
            high = middle - 1
         end
      end
      previous[i], ends[low + 1] = ends[low], i
   end
   local right, i = {}, ends[#ends]
   while i do
      right[i], i = true, previous[i]
   end
   for index, r in ipairs(revisions) do
      r.skewed = not right[index]
   end
end

--- The revisions as rules see them.
--
-- The order is that of the sequence numbers, never that of the times.  A
-- revision from the future, or one whose time steps out of the order, is not
-- `sound`: it neither anchors a duration nor uses a slot.
-- @tparam table input of `evaluate.judge`
-- @treturn table newest first: `{index = place in the input, future, skewed, sound}` and the fields of the input
function order.newest_first(input)
   local past, list = {}, {}
   for index, revision in ipairs(input.revisions) do
      local r = { index = index, seq = revision.seq or index, future = revision.time > input.now, skewed = false,
         id = revision.id, time = revision.time }
      list[index] = setmetatable(r, { __index = revision })
   end
   table.sort(list, function(a, b)
      if a.seq ~= b.seq then
         return a.seq < b.seq
      end
      return a.index < b.index
   end)
   for _, r in ipairs(list) do
      if not r.future then
         past[#past + 1] = r
      end
   end
   mark_skewed(past)
   local newest_first = {}
   for i, r in ipairs(list) do
      r.sound = not r.future and not r.skewed
      newest_first[#list + 1 - i] = r
   end
   return newest_first
end

return order
