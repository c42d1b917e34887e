--- The last line of a zone file: rules for all years to come, such as
-- `CET-1CEST,M3.5.0,M10.5.0/3`.
-- @module byre.retention.posix_tz
local civil = require("byre.retention.civil")

local match, sub = string.match, string.sub

local posix_tz = {}

-- "-1", "+5:30", "3:00:00": seconds and what follows
local function read_time(text)
   local sign, hours, rest = match(text, "^([+-]?)(%d+)(.*)$")
   if not hours then
      return nil
   end
   local seconds = tonumber(hours) * 3600
   for unit = 1, 2 do
      local number, behind = match(rest, "^:(%d%d)(.*)$")
      if not number then
         break
      end
      seconds, rest = seconds + tonumber(number) * (unit == 1 and 60 or 1), behind
   end
   return math.tointeger(sign == "-" and -seconds or seconds), rest
end

local function read_name(text)
   local rest = match(text, "^<[%w+-]+>(.*)$") or match(text, "^%a%a%a+(.*)$")
   return rest
end

-- "M3.5.0", "J60", "59", each with "/time"
local function read_date(text)
   local date = { time = 7200 }
   local month, week, day, rest = match(text, "^M(%d+)%.(%d)%.(%d)(.*)$")
   if month then
      date.month, date.week, date.day = math.tointeger(tonumber(month)), math.tointeger(tonumber(week)),
         math.tointeger(tonumber(day))
   else
      local julian, number
      julian, number, rest = match(text, "^(J?)(%d+)(.*)$")
      if not number then
         return nil
      end
      date.julian, date.number = julian == "J", math.tointeger(tonumber(number))
   end
   if sub(rest, 1, 1) == "/" then
      date.time, rest = read_time(sub(rest, 2))
   end
   return date.time and date, rest
end

--- Read such a rule.
-- @tparam string text
-- @treturn ?table for `lookup`
-- @treturn string what is wrong
function posix_tz.parse(text)
   local function bad()
      return nil, "has a rule for later years that cannot be read"
   end
   local rule = {}
   local rest = read_name(text)
   if not rest then
      return bad()
   end
   rule.standard, rest = read_time(rest)
   if not rule.standard then
      return bad()
   end
   rule.standard = -rule.standard
   if rest == "" then
      return rule
   end
   rest = read_name(rest)
   if not rest then
      return bad()
   end
   rule.summer = rule.standard + 3600
   if match(rest, "^[%d+-]") then
      rule.summer, rest = read_time(rest)
      rule.summer = -rule.summer
   end
   rule.start, rest = read_date(sub(rest, 1, 1) == "," and sub(rest, 2) or "")
   if not rule.start then
      return bad()
   end
   rule.stop, rest = read_date(sub(rest, 1, 1) == "," and sub(rest, 2) or "")
   if not rule.stop or rest ~= "" then
      return bad()
   end
   return rule
end

-- local seconds of a date of the rule in a year
local function seconds_of(date, year)
   if date.month then
      local first = civil.days(year, date.month, 1)
      local day = first + (date.day - civil.weekday(first) % 7) % 7 + (date.week - 1) * 7
      if day >= first + civil.days_in_month(year, date.month) then
         day = day - 7
      end
      return day * 86400 + date.time
   end
   local days = civil.days(year, 1, 1) + date.number
   if date.julian then
      -- day 60 is 1 March, also where there is a 29 February
      days = days - 1
      if date.number >= 60 and civil.days_in_month(year, 2) == 29 then
         days = days + 1
      end
   end
   return days * 86400 + date.time
end

--- The offset at a moment; results as of `zone.lookup`.
function posix_tz.lookup(rule, epoch)
   if not rule.start then
      return rule.standard, math.mininteger, math.maxinteger, false
   end
   local year = civil.date((epoch + rule.standard) // 86400)
   local last, last_summer = math.mininteger, false
   -- the changes of three years, in order; the last that is not after the moment counts
   for y = year - 1, year + 1 do
      local begin = { seconds_of(rule.start, y) - rule.standard, true }
      local finish = { seconds_of(rule.stop, y) - rule.summer, false }
      local first, second = begin, finish
      if finish[1] < begin[1] then
         first, second = finish, begin
      end
      for _, change in ipairs({ first, second }) do
         if change[1] > epoch then
            return last_summer and rule.summer or rule.standard, last, change[1], last_summer
         end
         last, last_summer = change[1], change[2]
      end
   end
   return last_summer and rule.summer or rule.standard, last, math.maxinteger, last_summer
end

return posix_tz
