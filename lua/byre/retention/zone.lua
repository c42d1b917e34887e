--- Time zones: rules read from the bytes of a TZif file (RFC 9636).
--
-- The zone of the process is never asked for nor set.
-- @module byre.retention.zone
local civil = require("byre.retention.civil")
local posix_tz = require("byre.retention.posix_tz")

local unpack, sub = string.unpack, string.sub

local zone = {}

local header_size = 44

local function header(bytes, at)
   if sub(bytes, at, at + 3) ~= "TZif" or #bytes < at + header_size - 1 then
      return nil, "is not a zone file (TZif)"
   end
   local h = { version = sub(bytes, at + 4, at + 4) }
   h.isut, h.isstd, h.leap, h.time, h.type, h.char = unpack(">I4I4I4I4I4I4", bytes, at + 20)
   h.body = at + header_size
   return h
end

local function body_size(h, width)
   return h.time * width + h.time + h.type * 6 + h.char + h.leap * (width + 4) + h.isstd + h.isut
end

local function read_body(bytes, h, width)
   if h.type == 0 or #bytes < h.body + body_size(h, width) - 1 then
      return nil, "is cut short"
   end
   local rules = { times = {}, offsets = {}, dst = {} }
   local kinds_at = h.body + h.time * width
   local types_at = kinds_at + h.time
   local function kind(index)
      if index >= h.type then
         return nil
      end
      local offset, dst = unpack(">i4B", bytes, types_at + index * 6)
      return offset, dst ~= 0
   end
   rules.first_offset, rules.first_dst = kind(0)
   for i = 1, h.time do
      rules.times[i] = unpack(width == 8 and ">i8" or ">i4", bytes, h.body + (i - 1) * width)
      rules.offsets[i], rules.dst[i] = kind((unpack("B", bytes, kinds_at + i - 1)))
      if not rules.offsets[i] or (i > 1 and rules.times[i] <= rules.times[i - 1]) then
         return nil, "is damaged"
      end
   end
   return rules
end

--- Read the rules of a zone.
-- @tparam string bytes of a TZif file, version 1 to 4
-- @treturn ?table rules for the other functions here; nil when the bytes are none
-- @treturn string what is wrong with them
function zone.parse(bytes)
   local h, why = header(bytes, 1)
   if not h then
      return nil, why
   end
   if h.version < "2" then
      return read_body(bytes, h, 4)
   end
   local second = header(bytes, h.body + body_size(h, 4))
   if not second then
      return nil, "is cut short"
   end
   local rules
   rules, why = read_body(bytes, second, 8)
   if not rules then
      return nil, why
   end
   local footer_at = second.body + body_size(second, 8) + 1
   local stop = string.find(bytes, "\n", footer_at, true)
   if stop and stop > footer_at then
      rules.footer, why = posix_tz.parse(sub(bytes, footer_at, stop - 1))
      if not rules.footer then
         return nil, why
      end
   end
   return rules
end

--- A zone that is always the same distance from UTC.
-- @tparam integer offset seconds east
-- @treturn table rules
function zone.fixed(offset)
   return { times = {}, offsets = {}, dst = {}, first_offset = offset, first_dst = false }
end

--- UTC, for which no file is needed.
zone.utc = zone.fixed(0)

-- the number of transitions that are not after epoch
local function count_until(times, epoch)
   local low, high = 0, #times
   while low < high do
      local middle = (low + high + 1) // 2
      if times[middle] <= epoch then
         low = middle
      else
         high = middle - 1
      end
   end
   return low
end

--- The offset in force at a moment, and from when until when it is.
-- @tparam table rules
-- @tparam integer epoch
-- @treturn integer seconds east of UTC
-- @treturn integer first second of it (`math.mininteger`: always was)
-- @treturn integer first second no longer of it (`math.maxinteger`: for good)
-- @treturn boolean whether it is daylight saving time
function zone.lookup(rules, epoch)
   local times = rules.times
   local i = count_until(times, epoch)
   if i == #times and rules.footer then
      local offset, start, stop, dst = posix_tz.lookup(rules.footer, epoch)
      return offset, math.max(start, times[i] or math.mininteger), stop, dst
   end
   local start, stop = times[i] or math.mininteger, times[i + 1] or math.maxinteger
   if i == 0 then
      return rules.first_offset, start, stop, rules.first_dst
   end
   return rules.offsets[i], start, stop, rules.dst[i]
end

--- @treturn integer local seconds of a moment (see `byre.retention.civil`)
-- @treturn integer the offset, seconds east of UTC
function zone.to_local(rules, epoch)
   local offset = zone.lookup(rules, epoch)
   return epoch + offset, offset
end

--- The moment of local seconds.  Of an hour that comes twice the first is
-- meant; a time that is skipped counts on from the hour before.
-- @treturn integer epoch
function zone.from_local(rules, seconds)
   local before = zone.lookup(rules, seconds - 86400)
   local after = zone.lookup(rules, seconds + 86400)
   if zone.lookup(rules, seconds - before) ~= before and zone.lookup(rules, seconds - after) == after then
      return seconds - after
   end
   return seconds - before
end

--- All moments at which the clock shows local seconds: one, two where an hour
-- comes twice, none where it is skipped.
-- @treturn {integer,...} earliest first
function zone.moments(rules, seconds)
   local list = {}
   for _, at in ipairs({ seconds - 86400, seconds + 86400 }) do
      local epoch = seconds - zone.lookup(rules, at)
      if zone.to_local(rules, epoch) == seconds and list[1] ~= epoch then
         list[#list + 1] = epoch
      end
   end
   return list
end

--- Date and clock time of a moment.
-- @tparam table rules
-- @tparam integer epoch
-- @treturn table as `civil.fields`, and `offset`, `dst`
function zone.civil(rules, epoch)
   local offset, _, _, dst = zone.lookup(rules, epoch)
   local fields = civil.fields(epoch + offset)
   fields.offset, fields.dst = offset, dst
   return fields
end

--- The moment of a date and clock time.
-- @tparam table rules
-- @tparam table fields `{year, month, day[, hour, min, sec]}` by name
-- @treturn integer epoch
-- @see zone.from_local
function zone.epoch(rules, fields)
   return zone.from_local(rules,
      civil.seconds(fields.year, fields.month, fields.day, fields.hour, fields.min, fields.sec))
end

return zone
