--- What two policies keep differently.
-- @module byre.retention.diff
local civil = require("byre.retention.civil")

local diff = {}

local function kept_by_id(data)
   local kept = {}
   for _, r in ipairs(data.revisions) do
      kept[r.id] = not r.removed_at
   end
   return kept
end

local function entry(r)
   return { id = r.id, time = r.time, day = civil.date_text(r.day), clock = r.clock, reasons = r.reasons }
end

--- Compare what is left in the end.
-- @tparam table a data of `simulate.run` or `simulate.now` by one policy
-- @tparam table b data of the same revisions by another one
-- @treturn table `only_a`, `only_b` (lists of `{id, time, day, clock, reasons}`: kept by one alone, oldest first),
--   `both` (how many both keep), `neither`, and of each policy the last of its samples: `a`, `b`
-- @raise a sentence, when they are not of the same revisions
function diff.compare(a, b)
   local in_a, in_b = kept_by_id(a), kept_by_id(b)
   local result = { only_a = {}, only_b = {}, both = 0, neither = 0, a = a.samples[#a.samples],
      b = b.samples[#b.samples] }
   for i = 1, math.max(#a.revisions, #b.revisions) do
      local r, other = a.revisions[i], b.revisions[i]
      if not r or not other or r.id ~= other.id or r.time ~= other.time then
         error("policies can only be compared on the same revisions", 0)
      end
      if in_a[r.id] and in_b[r.id] then
         result.both = result.both + 1
      elseif in_a[r.id] then
         result.only_a[#result.only_a + 1] = entry(r)
      elseif in_b[r.id] then
         result.only_b[#result.only_b + 1] = entry(other)
      else
         result.neither = result.neither + 1
      end
   end
   return result
end

local function merged(result)
   local list = {}
   for sign, entries in pairs({ ["-"] = result.only_a, ["+"] = result.only_b }) do
      for _, each in ipairs(entries) do
         list[#list + 1] = { sign = sign, entry = each }
      end
   end
   table.sort(list, function(x, y)
      if x.entry.time ~= y.entry.time then
         return x.entry.time > y.entry.time
      end
      return x.entry.id > y.entry.id
   end)
   return list
end

--- The difference as lines, newest first: `-` is kept by the first policy only, `+` by the second only.
-- @tparam table result of `diff.compare`
-- @tparam string name_a
-- @tparam string name_b
-- @treturn string
function diff.text(result, name_a, name_b)
   local lines = { "--- " .. name_a .. (" keeps %d"):format(result.both + #result.only_a),
      "+++ " .. name_b .. (" keeps %d"):format(result.both + #result.only_b) }
   for _, item in ipairs(merged(result)) do
      local reason = item.entry.reasons[1]
      lines[#lines + 1] = ("%s %s %s%s"):format(item.sign, item.entry.day, item.entry.clock,
         reason and "  " .. reason.rule or "")
   end
   lines[#lines + 1] = ("both keep %d, neither %d"):format(result.both, result.neither)
   return table.concat(lines, "\n") .. "\n"
end

return diff
