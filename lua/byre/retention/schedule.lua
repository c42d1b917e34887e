--- When revisions are made: `"daily"`, `"mon..fri 8..18:0/15"`, `"sat,sun 3:00"`.
--
-- Weekdays, then hours and minutes; each a list of numbers, ranges (`8..18`) and
-- steps (`0/15`, `8..18/2`), `*` for all.  Pieces are joined by `;`.
-- @module byre.retention.schedule
local civil = require("byre.retention.civil")
local options = require("byre.retention.options")
local zone = require("byre.retention.zone")

local fail = options.fail
local gmatch, lower, match = string.gmatch, string.lower, string.match

local schedule = {}

--- More than this is a slip of the pen, and takes for ever.
schedule.most = 200000

local words = {
   minutely = "*:*", hourly = "*:0", daily = "0:0", weekly = "mon 0:0",
   monthly = "0:0", quarterly = "0:0", yearly = "0:0",
}
-- those that run on the first of some months only
local months_of = { monthly = 1, quarterly = 3, yearly = 12 }

local weekdays = { mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6, sun = 7 }

local function read_weekdays(text, piece)
   local set = {}
   for item in gmatch(text, "[^,]+") do
      local first, last = match(item, "^(%a+)%.%.(%a+)$")
      first, last = weekdays[first or item], weekdays[last or item]
      if not first or not last then
         fail("schedule: %q: %q is no weekday; they are mon to sun", piece, item)
      end
      local day = first
      set[day] = true
      while day ~= last do
         day = day % 7 + 1
         set[day] = true
      end
   end
   return set
end

-- "5", "8..18", "*", each with a step ("8..18/2"): from, to and step
local function read_range(item, limit)
   local range, step = match(item, "^([^/]+)/(%d+)$")
   range = range or item
   local from, to = match(range, "^(%d+)%.%.(%d+)$")
   if range == "*" then
      from, to = 0, limit - 1
   elseif not from then
      from = match(range, "^%d+$")
      -- "0/15" goes on to the end
      to = step and limit - 1 or from
   end
   return math.tointeger(tonumber(from)), math.tointeger(tonumber(to)), math.tointeger(tonumber(step or 1))
end

-- a list of such as a sorted list of numbers below `limit`
local function read_numbers(text, limit, piece)
   local set, list = {}, {}
   for item in gmatch(text, "[^,]+") do
      local from, to, step = read_range(item, limit)
      if not from or not to or from > to or to >= limit or step < 1 then
         fail("schedule: %q: %q is no number, range or step below %d", piece, item, limit)
      end
      for number = from, to, step do
         set[number] = true
      end
   end
   for number = 0, limit - 1 do
      list[#list + 1] = set[number] and number or nil
   end
   return list
end

local function read_piece(text)
   local piece = match(lower(text), "^%s*(.-)%s*$")
   local days, clock = match(words[piece] or piece, "^(%a[%a,.]*)%s*(.-)$")
   if not days then
      clock = words[piece] or piece
   elseif clock == "" then
      clock = "0:0"
   end
   local hours, minutes = match(clock, "^([%d.,/*]+):([%d.,/*]+)$")
   if not hours then
      fail('schedule: %q is not a schedule; write "daily" or such as "mon..fri 8..18:0/15"', piece)
   end
   return { months = months_of[piece], weekdays = days and read_weekdays(days, piece),
      hours = read_numbers(hours, 24, piece), minutes = read_numbers(minutes, 60, piece) }
end

--- Read a schedule.
-- @tparam string text
-- @treturn table
-- @raise a sentence, when it is none
function schedule.parse(text)
   if type(text) ~= "string" then
      fail("schedule: is text such as \"daily\", not %s", options.show(text))
   end
   local pieces = {}
   for piece in gmatch(text, "[^;]+") do
      pieces[#pieces + 1] = read_piece(piece)
   end
   if #pieces == 0 then
      fail("schedule: is empty")
   end
   return pieces
end

local function runs_on(piece, day)
   if piece.months then
      local _, month, day_of_month = civil.date(day)
      return day_of_month == 1 and (month - 1) % piece.months == 0
   end
   return not piece.weekdays or piece.weekdays[civil.weekday(day)]
end

local function add_day(set, list, piece, rules, day)
   for _, hour in ipairs(piece.hours) do
      for _, minute in ipairs(piece.minutes) do
         for _, epoch in ipairs(zone.moments(rules, day * 86400 + hour * 3600 + minute * 60)) do
            if not set[epoch] then
               set[epoch], list[#list + 1] = true, epoch
            end
         end
      end
   end
end

--- The moments of a schedule.
-- @tparam table pieces of `schedule.parse`
-- @tparam table rules of the zone
-- @tparam integer from the first moment that counts
-- @tparam integer to the last one
-- @treturn {integer,...} in order
-- @raise a sentence, when there are more than `schedule.most`
function schedule.moments(pieces, rules, from, to)
   local result = {}
   for day = zone.to_local(rules, from) // 86400, zone.to_local(rules, to) // 86400 do
      local set, list = {}, {}
      for _, piece in ipairs(pieces) do
         if runs_on(piece, day) then
            add_day(set, list, piece, rules, day)
         end
      end
      table.sort(list)
      for _, epoch in ipairs(list) do
         if epoch >= from and epoch <= to then
            result[#result + 1] = epoch
         end
      end
      if #result > schedule.most then
         fail("schedule: it means more than %d revisions; take a shorter time", schedule.most)
      end
   end
   return result
end

return schedule
