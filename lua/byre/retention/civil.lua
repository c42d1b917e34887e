--- The Gregorian calendar: days, weeks, months and clock times as numbers.
--
-- Seconds here are *local* seconds: what the clock on the wall shows, counted
-- from 1970-01-01T00:00:00 of that wall.  Zones are the concern of
-- `byre.retention.zone`.
-- @module byre.retention.civil
local format = string.format

local civil = {}

--- Days since 1970-01-01 of a date; a month or day beyond its end runs on.
-- @tparam integer year
-- @tparam integer month
-- @tparam integer day
-- @treturn integer
function civil.days(year, month, day)
   year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
   -- the year starts in March here, so that the leap day is its last
   if month <= 2 then
      year = year - 1
   end
   local era = year // 400
   local year_of_era = year - era * 400
   local day_of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
   local day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
   return era * 146097 + day_of_era - 719468
end

--- The date of a day.
-- @tparam integer days since 1970-01-01
-- @treturn integer year
-- @treturn integer month
-- @treturn integer day
function civil.date(days)
   days = days + 719468
   local era = days // 146097
   local day_of_era = days - era * 146097
   local year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
   local day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
   local month = (5 * day_of_year + 2) // 153
   local day = day_of_year - (153 * month + 2) // 5 + 1
   month = month + (month < 10 and 3 or -9)
   return year_of_era + era * 400 + (month <= 2 and 1 or 0), month, day
end

--- @treturn integer days of a month
function civil.days_in_month(year, month)
   return civil.days(year, month + 1, 1) - civil.days(year, month, 1)
end

--- @treturn integer 1 (Monday) to 7 (Sunday)
function civil.weekday(days)
   return (days + 3) % 7 + 1
end

--- The ISO 8601 week of a day: weeks start on Monday, week 1 has the year's first Thursday.
-- @treturn integer year the week belongs to
-- @treturn integer week 1 to 53
function civil.iso_week(days)
   local thursday = days - (days + 3) % 7 + 3
   local year = civil.date(thursday)
   return year, (thursday - civil.days(year, 1, 1)) // 7 + 1
end

--- Local seconds of a date and a clock time; what is beyond its range runs on.
-- @treturn integer
function civil.seconds(year, month, day, hour, min, sec)
   return civil.days(year, month, day) * 86400 + (hour or 0) * 3600 + (min or 0) * 60 + (sec or 0)
end

--- Date and clock time of local seconds.
-- @tparam integer seconds
-- @treturn table `{year, month, day, hour, min, sec, wday, iso_year, iso_week}` by name; `wday` is 1 on Monday
function civil.fields(seconds)
   local days = seconds // 86400
   local rest = seconds - days * 86400
   local year, month, day = civil.date(days)
   local iso_year, iso_week = civil.iso_week(days)
   return { year = year, month = month, day = day, hour = rest // 3600, min = rest // 60 % 60, sec = rest % 60,
      wday = civil.weekday(days), iso_year = iso_year, iso_week = iso_week }
end

--- Local seconds so many months earlier: the same day and time, or the last
-- day of a month that is too short.
-- @tparam integer seconds local
-- @tparam integer months below 0: later
-- @treturn integer
function civil.months_before(seconds, months)
   local days = seconds // 86400
   local year, month, day = civil.date(days)
   local first = civil.days(year, month - months, 1)
   local last = civil.days(year, month - months + 1, 1) - 1
   return math.min(first + day - 1, last) * 86400 + seconds % 86400
end

--- @tparam integer days since 1970-01-01
-- @treturn string `"2026-11-22"`
function civil.date_text(days)
   return format("%04d-%02d-%02d", civil.date(days))
end

--- @tparam integer offset seconds east of UTC
-- @treturn string `"+02:00"`
function civil.offset_text(offset)
   local minutes = math.abs(offset) // 60
   return format("%s%02d:%02d", offset < 0 and "-" or "+", minutes // 60, minutes % 60)
end

return civil
