--- How far apart the revisions were that one could go back to, by their age.
-- @module byre.retention.restore_gaps
local restore_gaps = {}

local day = 86400

-- the first second of each range of ages
local ranges = {
   { 0, "up to 1 h" }, { 3600, "1 h to 1 d" }, { day, "1 d to 1 w" }, { 7 * day, "1 w to 1 mo" },
   { 30 * day, "1 mo to 3 mo" }, { 91 * day, "3 mo to 1 y" }, { 365 * day, "above 1 y" },
}

--- @treturn table a list of `{age = from, name = text, worst = seconds}`
function restore_gaps.new()
   local list = {}
   for i, range in ipairs(ranges) do
      list[i] = { age = range[1], name = range[2], worst = 0 }
   end
   return list
end

-- the smallest of the worst gaps: one that is not longer changes nothing
local function least_of(list)
   local least = math.huge
   for _, range in ipairs(list) do
      least = math.min(least, range.worst)
   end
   return least
end

local function widen_by(list, youngest, oldest)
   for number, range in ipairs(list) do
      local last = list[number + 1] and list[number + 1].age or math.huge
      if oldest > range.age and youngest < last then
         range.worst = math.max(range.worst, oldest - youngest)
      end
   end
end

--- Take the gaps of one moment into account: between neighbours, and from the newest until now.
-- @tparam table list of `restore_gaps.new`
-- @tparam table revisions oldest first
-- @tparam integer now
function restore_gaps.widen(list, revisions, now)
   local later, least = now, least_of(list)
   for i = #revisions, 1, -1 do
      local time = revisions[i].time
      if later - time > least then
         widen_by(list, now - later, now - time)
      end
      later = math.min(later, time)
   end
end

return restore_gaps
