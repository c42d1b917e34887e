--- Sizes and times, as text and as integers.
--
-- Sizes are bytes; times are seconds since the epoch, as text RFC 3339 in UTC.
-- @module byre.units
local core = require("byre.core")

local civil = require("byre.retention.civil")
local failure = require("byre.failure")

local units = {}

local power = { [""] = 0, K = 1, M = 2, G = 3, T = 4, P = 5, E = 6 }
local letters = { "K", "M", "G", "T", "P", "E" }

local function bad_size(value, reason)
   local text = tostring(value)
   local plain = text:find("^[%w.+-]+$") and #text <= 60
   failure.raise("invalid", plain and text or failure.quote(text), reason)
end

-- digits * 1024^exponent, or nil when that is above 2^63 - 1
local function scaled(digits, exponent)
   local n = math.tointeger(tonumber(digits))
   for _ = 1, exponent do
      if not n or n > math.maxinteger // 1024 then
         return nil
      end
      n = n * 1024
   end
   return n
end

-- "5" of "1.5G": the bytes behind the decimal point, nil when they are not whole
local function fraction(digits, exponent)
   local value = tonumber("0." .. digits) * 1024.0 ^ exponent
   return value < 2.0 ^ 53 and math.tointeger(value) or nil
end

--- Read a size.
-- @param value integer of bytes, or text such as `"512"`, `"10G"`, `"1.5 GiB"` (K, M, G, T, P, E count by 1024)
-- @treturn integer bytes, 0 or more
-- @raise `invalid`: not a size, negative, or above 2^63 - 1
function units.parse_size(value)
   if type(value) == "number" then
      local n = math.tointeger(value)
      if not n then
         bad_size(value, "is not a whole number of bytes")
      elseif n < 0 then
         bad_size(value, "is negative; a size is a number of bytes")
      end
      return n
   end
   assert(type(value) == "string", "a size is an integer or a string")
   if value:match("^%s*%-") then
      bad_size(value, "is negative; a size is a number of bytes")
   end
   local whole, decimals, letter, i = value:match("^%s*(%d+)%.?(%d*)%s*([KMGTPEkmgtpe]?)(i?)[Bb]?%s*$")
   if not whole or (value:find(".", 1, true) and decimals == "") or (letter == "" and i ~= "") then
      bad_size(value, "is not a size; write bytes, or a number with K, M, G or T, such as 10G")
   end
   local exponent = power[letter:upper()]
   local n = scaled(whole, exponent)
   local rest = decimals == "" and 0 or fraction(decimals, exponent)
   if not rest then
      bad_size(value, "is not a whole number of bytes")
   elseif not n or n > math.maxinteger - rest then
      bad_size(value, "is too large; sizes end at 2^63 - 1 bytes")
   end
   return n + rest
end

--- Like `parse_size` for a size that something is to have: 0 is refused as well.
-- @param value as for `parse_size`
-- @treturn integer bytes, 1 or more
-- @raise `invalid`
function units.parse_image_size(value)
   local n = units.parse_size(value)
   if n == 0 then
      bad_size(value, "is no size for an image; it must be at least 1 byte")
   end
   return n
end

--- A size for people.
-- @tparam integer bytes
-- @treturn string such as `"512"`, `"1.5G"`
function units.format_size(bytes)
   if bytes < 1024 then
      return tostring(bytes)
   end
   local value, letter = bytes / 1024, 1
   while value >= 1023.95 and letter < #letters do
      value, letter = value / 1024, letter + 1
   end
   return (("%.1f"):format(value):gsub("%.0$", "")) .. letters[letter]
end

local stamp_length = #"0000-01-01T00:00:00"
local first_second = core.parse_stamp("0000-01-01T00:00:00")
local last_second = core.parse_stamp("9999-12-31T23:59:59")

--- The nearest time that has a text: outside of the years 0000 to 9999 that is the first or the last of them, so
-- that a strange clock never makes a name impossible.
-- @tparam integer epoch seconds since the epoch
-- @treturn integer
function units.nearest_stamp(epoch)
   return math.max(first_second, math.min(last_second, epoch))
end

--- Text of a time without the zone letter, as file names of revisions carry it.
-- @tparam integer epoch seconds since the epoch; the nearest one that has a text is taken
-- @treturn string `"2026-11-22T18:00:00"`
function units.format_stamp(epoch)
   epoch = units.nearest_stamp(epoch)
   local days = epoch // 86400
   local seconds = epoch - days * 86400
   local year, month, day = civil.date(days)
   return ("%04d-%02d-%02dT%02d:%02d:%02d"):format(year, month, day,
      seconds // 3600, seconds // 60 % 60, seconds % 60)
end

--- Text of a time, RFC 3339, UTC.
-- @tparam integer epoch seconds since the epoch
-- @treturn string `"2026-11-22T18:00:00Z"`
function units.format_time(epoch)
   return units.format_stamp(epoch) .. "Z"
end

--- Read the text of a time.
-- @tparam string text RFC 3339 with `Z` or an offset; the zone may be left out (UTC)
-- @treturn ?integer seconds since the epoch; nil when the text is not a time that exists
function units.parse_time(text)
   local epoch, zone = core.parse_stamp(text:sub(1, stamp_length)), text:sub(stamp_length + 1)
   if not epoch then
      return nil
   end
   if zone == "" or zone == "Z" or zone == "z" then
      return epoch
   end
   local sign, hours, minutes = zone:match("^([+-])(%d%d):(%d%d)$")
   if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then
      return nil
   end
   local offset = math.tointeger(tonumber(hours) * 3600 + tonumber(minutes) * 60)
   return sign == "+" and epoch - offset or epoch + offset
end

return units
