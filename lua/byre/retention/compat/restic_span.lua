--- Durations as restic reads and subtracts them (`1y6m2d3h`).
--
-- Not those of `byre.retention.duration`: `m` is a month, and a day the month
-- does not have runs over into the next one.
-- @module byre.retention.compat.restic_span
local civil = require("byre.retention.civil")
local options = require("byre.retention.options")
local zone = require("byre.retention.zone")

local find, format, gmatch, gsub = string.find, string.format, string.gmatch, string.gsub

local restic_span = {}

local order = { "y", "m", "d", "h" }

--- Read a duration.
-- @treturn ?table `{y, m, d, h, text}` by name; nil for none (`"0d"`)
function restic_span.parse(what, text)
   if type(text) ~= "string" or text == "" or find((gsub(text, "%d+[ymdh]", "")), ".") then
      options.fail('%s: %s is not a duration such as "1y6m2d3h"; the units are y, m (month), d and h', what,
         options.show(text))
   end
   local span, written = { y = 0, m = 0, d = 0, h = 0 }, ""
   for digits, unit in gmatch(text, "(%d+)([ymdh])") do
      span[unit] = math.tointeger(tonumber(digits))
   end
   for _, unit in ipairs(order) do
      if span[unit] ~= 0 then
         written = written .. format("%d%s", span[unit], unit)
      end
   end
   span.text = written
   return written ~= "" and span or nil
end

-- The moment of a clock time, as Go finds it where that time is skipped or comes twice.
local function moment(rules, seconds)
   local offset, start, stop = zone.lookup(rules, seconds)
   local epoch = seconds - offset
   if offset ~= 0 and (epoch < start or epoch >= stop) then
      epoch = seconds - zone.lookup(rules, epoch)
   end
   return epoch
end

--- The moment so long before a snapshot.  The calendar is that of the zone
-- where the snapshot has its offset, else a fixed offset.
-- @tparam table span
-- @tparam table rules of the zone
-- @tparam table r the snapshot: `time`, `offset`
-- @treturn integer epoch
function restic_span.before(span, rules, r)
   local offset = zone.lookup(rules, r.time)
   if r.offset and r.offset ~= offset then
      rules, offset = zone.fixed(r.offset), r.offset
   end
   local fields = civil.fields(r.time + offset)
   local seconds = civil.seconds(fields.year - span.y, fields.month - span.m, fields.day - span.d,
      fields.hour, fields.min, fields.sec)
   return moment(rules, seconds) - span.h * 3600
end

return restic_span
