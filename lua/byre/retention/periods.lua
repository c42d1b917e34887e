--- Natural periods: the second, minute, hour, day, week, month, quarter and
-- year a moment belongs to.
-- @module byre.retention.periods
local civil = require("byre.retention.civil")
local zone = require("byre.retention.zone")

local format = string.format

local periods = {}

--- Names of the periods, finest first, as rules are called.
periods.names = { "secondly", "minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly" }

-- Each gives the number of the period (neighbours differ by 1) and its name,
-- which no other period has.
local of = {}

local function clock(width, pattern)
   return function(_, seconds, offset)
      local c = civil.fields(seconds)
      -- the hour that comes twice when summer ends is two hours
      return (seconds - offset) // width,
         format(pattern, c.year, c.month, c.day, c.hour, c.min, c.sec) .. civil.offset_text(offset)
   end
end

of.secondly = clock(1, "%04d-%02d-%02dT%02d:%02d:%02d")
of.minutely = clock(60, "%04d-%02d-%02dT%02d:%02d")

function of.hourly(_, seconds, offset)
   local hours = seconds // 3600
   return hours, format("%sT%02d%s", civil.date_text(hours // 24), hours % 24, civil.offset_text(offset))
end

function of.daily(_, _, _, day)
   return day, civil.date_text(day)
end

function of.weekly(calendar, _, _, day)
   local week = (day + 4 - calendar.week_start) // 7
   if calendar.week_start == 1 then
      return week, format("%04d-W%02d", civil.iso_week(day))
   end
   return week, "week of " .. civil.date_text(week * 7 + calendar.week_start - 4)
end

function of.monthly(_, _, _, day)
   local year, month = civil.date(day)
   return year * 12 + month - 1, format("%04d-%02d", year, month)
end

-- months since the start of the calendar's year 0, and the day in them does not count
local function months_of_year(calendar, day)
   local year, month, day_of_month = civil.date(day)
   local start = calendar.year_start
   return year * 12 + month - start.month - (day_of_month < start.day and 1 or 0)
end

function of.quarterly(calendar, _, _, day)
   local quarter = months_of_year(calendar, day) // 3
   return quarter, format("%04d-Q%d", quarter // 4, quarter % 4 + 1)
end

function of.yearly(calendar, _, _, day)
   local year = months_of_year(calendar, day) // 12
   return year, format("%04d", year)
end

--- A calendar: a zone and where days, weeks and years begin.
-- @tparam table options `{rules, day_start = seconds, week_start = 1..7, year_start = {month, day}}` by name
-- @treturn table for `periods.of`
function periods.calendar(options)
   local calendar = { rules = options.rules, day_start = options.day_start or 0,
      week_start = options.week_start or 1, year_start = options.year_start or { month = 1, day = 1 } }
   calendar.memory = {}
   for _, name in ipairs(periods.names) do
      calendar.memory[name] = {}
   end
   calendar.remembered = 0
   return calendar
end

local memory_limit = 20000

local function remember(calendar, name, epoch, entry)
   calendar.remembered = calendar.remembered + 1
   if calendar.remembered > memory_limit then
      calendar.remembered = 1
      for _, each in ipairs(periods.names) do
         calendar.memory[each] = {}
      end
   end
   calendar.memory[name][epoch] = entry
end

--- The period a moment belongs to.
-- @tparam string name one of `periods.names`
-- @tparam table calendar
-- @tparam integer epoch
-- @treturn string its name, such as `"2026-W47"`
-- @treturn integer its number: that of the next period is 1 more
function periods.of(name, calendar, epoch)
   local entry = calendar.memory[name][epoch]
   if not entry then
      local seconds, offset = zone.to_local(calendar.rules, epoch)
      local number, label = of[name](calendar, seconds, offset, (seconds - calendar.day_start) // 86400)
      entry = { label, number }
      remember(calendar, name, epoch, entry)
   end
   return entry[1], entry[2]
end

return periods
