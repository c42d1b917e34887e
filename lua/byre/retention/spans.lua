--- Rules that thin out with age: `keep.grid` and `keep.chain`.
-- @module byre.retention.spans
local options = require("byre.retention.options")
local periods = require("byre.retention.periods")
local rules = require("byre.retention.rules")

local fail = options.fail
local find, format, gmatch, match = string.find, string.format, string.gmatch, string.match

local spans = {}

local function read_interval(text)
   local count, length, rest = match(text, "^%s*(%d+)x(%w+)%s*(.-)%s*$")
   local kept = rest == "" and "1" or rest and match(rest, "^%(keep=(%w+)%)$")
   if not count or tonumber(count) == 0 or not kept or not (kept == "all" or match(kept, "^%d+$")) then
      fail('keep.grid: %q is not a piece such as "24x1h" or "1x1h(keep=all)"', text)
   end
   local span = options.duration("keep.grid", length)
   if span.months > 0 then
      fail("keep.grid: %q has no fixed length; use weeks, days or shorter units", length)
   end
   return math.tointeger(tonumber(count)), span.days * 86400 + span.seconds,
      kept == "all" and math.huge or math.tointeger(tonumber(kept))
end

-- The oldest of an interval stay: a younger one would slide into it and out
-- again before it could grow old.
local function select_grid(rule, context)
   local filled, winners, edges = {}, {}, rule.edges
   local function place(r)
      local age = context.anchor - r.time
      for number, edge in ipairs(edges) do
         if age < edge.until_age then
            return number, edge
         end
      end
   end
   local selection = rules.selection(function(r)
      local number, edge = place(r)
      return { rule = "grid", period = edge and edge.name, winner = winners[number or 0] }
   end)
   for i = #context.sound, 1, -1 do
      local r = context.sound[i]
      local number, edge = place(r)
      if edge and (filled[number] or 0) < edge.keep then
         filled[number], winners[number] = (filled[number] or 0) + 1, r.id
         rules.add(selection.kept, r.index, { rule = "grid", period = edge.name, slot = number, of = #edges,
            winner = r.id })
      end
   end
   return selection
end

--- Intervals laid end to end from the anchor back, each keeping one revision
-- (or as many as it says): `"1x1h(keep=all) | 24x1h | 30x1d"`.
-- @tparam string text
-- @treturn table a rule
function spans.grid(text)
   if type(text) ~= "string" or not find(text, "%S") then
      fail('keep.grid: takes text such as "1x1h(keep=all) | 24x1h | 30x1d", not %s', options.show(text))
   end
   local edges, age = {}, 0
   for piece in gmatch(text .. "|", "([^|]*)|") do
      local count, length, kept = read_interval(piece)
      if #edges + count > 10000 then
         fail("keep.grid: more than 10000 intervals")
      end
      for i = 1, count do
         age = age + length
         edges[#edges + 1] = { until_age = age, keep = kept, name = format("%s %d", match(piece, "^%s*(%w+)"), i) }
      end
   end
   return { name = "grid", select = select_grid, edges = edges }
end

-- each level chooses among what the one before it chose
local levels = { "hourly", "daily", "weekly", "monthly", "yearly" }

local function select_chain(rule, context)
   local chosen, lost = {}, {}
   local selection = rules.selection(function(r)
      return lost[r.index]
   end)
   for i = #context.sound, 1, -1 do
      chosen[#chosen + 1] = context.sound[i]
   end
   for _, level in ipairs(levels) do
      local first, seen, n = {}, {}, rule.counts[level] or 0
      local _, current = periods.of(level, context.calendar, context.anchor or context.now)
      for _, r in ipairs(chosen) do
         local label, number = periods.of(level, context.calendar, r.time)
         if not seen[label] then
            first[#first + 1], seen[label] = r, r.id
            if n == "all" or (n > 0 and current - number <= n) then
               rules.add(selection.kept, r.index, { rule = level, period = label, winner = r.id, why = "chain" })
            end
         elseif n ~= 0 then
            lost[r.index] = { rule = level, period = label, winner = seen[label] }
         end
      end
      chosen = first
   end
   return selection
end

local chain_options = {}
for _, level in ipairs(levels) do
   chain_options[level] = true
end

--- The first of each hour; of those the first of each day, of those the first
-- of each week, and so on.  A count is a number of periods back from the one
-- that runs, also of empty ones; `"all"` is no limit.
-- @tparam table given `{hourly, daily, weekly, monthly, yearly}` by name
-- @treturn table a rule
function spans.chain(given)
   if type(given) ~= "table" then
      fail("keep.chain: takes a table such as { daily = 14, weekly = 8 }, not %s", options.show(given))
   end
   options.check_keys("keep.chain", given, chain_options)
   local counts, some = {}, false
   for _, level in ipairs(levels) do
      local n = given[level]
      counts[level] = n == "all" and n or n ~= nil and options.count("keep.chain: " .. level, n) or 0
      some = some or counts[level] ~= 0
   end
   if not some then
      fail("keep.chain: names nothing to keep")
   end
   return { name = "chain", select = select_chain, counts = counts }
end

return spans
