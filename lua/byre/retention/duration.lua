--- Spans of time as a policy writes them: `"2d"`, `"1y6mo"`, `"36h"`.
--
-- Units are `s min h d w mo y`.  Days, weeks, months and years follow the
-- calendar of the policy's zone; hours, minutes and seconds are absolute.
-- @module byre.retention.duration
local civil = require("byre.retention.civil")
local zone = require("byre.retention.zone")

local find, format, gmatch = string.find, string.format, string.gmatch

local duration = {}

-- each unit as what it adds to
local units = {
   s = { "seconds", 1 }, min = { "seconds", 60 }, h = { "seconds", 3600 },
   d = { "days", 1 }, w = { "days", 7 },
   mo = { "months", 1 }, y = { "months", 12 },
}

-- a span of more than this is a slip of the finger, and would overflow dates
local most = { seconds = 86400 * 366 * 10000, days = 366 * 10000, months = 12 * 10000 }

local function unit_error(text, unit)
   if unit == "m" or unit == "M" then
      return format('%q: a bare "m" is refused, as it is minutes to some and months to others; write "min" or "mo"',
         text)
   end
   return format("%q: there is no unit %q; the units are s, min, h, d, w, mo and y", text, unit)
end

--- Read a duration.
-- @param value text, or an integer of seconds
-- @treturn ?table `{months, days, seconds, text}` by name; nil when it is none
-- @treturn string what is wrong
function duration.parse(value)
   if math.type(value) == "integer" then
      if value <= 0 or value > most.seconds then
         return nil, format("%d seconds is no duration; it must be above 0 and at most 10000 years", value)
      end
      return { months = 0, days = 0, seconds = value, text = format("%ds", value) }
   elseif type(value) ~= "string" then
      return nil, format('a duration is text such as "2d", not a %s', type(value))
   end
   if not find(value, "^[%d%a ]+$") or not find(value, "^ *%d") or not find(value, "%a *$") then
      return nil, format('%q is not a duration; write numbers with units, such as "2d" or "1y6mo"', value)
   end
   local span, seen = { months = 0, days = 0, seconds = 0, text = value }, {}
   for digits, unit in gmatch(value, "(%d+) *(%a+)") do
      local kind = units[unit]
      local number = math.tointeger(tonumber(digits))
      if not kind then
         return nil, unit_error(value, unit)
      elseif seen[unit] then
         return nil, format("%q names the unit %q twice", value, unit)
      end
      seen[unit] = true
      local field, factor = kind[1], kind[2]
      if not number or number > most[field] // factor or span[field] + number * factor > most[field] then
         return nil, format("%q is longer than 10000 years", value)
      end
      span[field] = span[field] + number * factor
   end
   if span.months + span.days + span.seconds == 0 then
      return nil, format("%q is no time at all", value)
   end
   return span
end

--- The moment that lies a duration before another: months first (a day that
-- the month does not have becomes its last), then days, then the hours.
-- @tparam table span
-- @tparam table rules of the zone
-- @tparam integer epoch
-- @treturn integer epoch
function duration.before(span, rules, epoch)
   if span.months ~= 0 or span.days ~= 0 then
      local seconds = civil.months_before(zone.to_local(rules, epoch), span.months) - span.days * 86400
      epoch = zone.from_local(rules, seconds)
   end
   return epoch - span.seconds
end

--- The moment that lies a duration after another, counted in the same way.
-- @tparam table span
-- @tparam table rules of the zone
-- @tparam integer epoch
-- @treturn integer epoch
function duration.after(span, rules, epoch)
   return duration.before({ months = -span.months, days = -span.days, seconds = -span.seconds }, rules, epoch)
end

return duration
