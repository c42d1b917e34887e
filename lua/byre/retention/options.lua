--- Checks of what a policy file says: counts, durations, sizes, known keys.
--
-- A wrong word is raised as a plain sentence; `options.public` adds the file
-- and the line of the policy.
-- @module byre.retention.options
local duration = require("byre.retention.duration")

local format, match = string.format, string.match

local options = {}

--- Raise a sentence about the policy.
function options.fail(...)
   error(format(...), 0)
end

--- A function for policy files: what it raises carries their file and line.
-- @tparam function f
-- @treturn function
function options.public(f)
   return function(...)
      local ok, result = pcall(f, ...)
      if not ok then
         -- level 2 is the policy file
         error(result, type(result) == "string" and 2 or 0)
      end
      return result
   end
end

--- A value as it may stand in a sentence: no addresses.
function options.show(value)
   local kind = type(value)
   if kind == "string" then
      return format("%q", value)
   elseif kind == "number" or kind == "boolean" or kind == "nil" then
      return tostring(value)
   end
   return "a " .. kind
end

--- Keys in a fixed order: numbers, then words, then whatever else.
function options.sorted_keys(map)
   local keys = {}
   for key in pairs(map) do
      keys[#keys + 1] = key
   end
   table.sort(keys, function(a, b)
      if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then
         return a < b
      end
      return type(a) < type(b)
   end)
   return keys
end

--- Refuse a key that is not known.
-- @tparam string what the object of the sentence
-- @tparam table map what was given
-- @tparam table known `{name = true}`
-- @tparam[opt] integer list so many leading integer keys are fine
function options.check_keys(what, map, known, list)
   for _, key in ipairs(options.sorted_keys(map)) do
      local listed = math.type(key) == "integer" and key >= 1 and key <= (list or 0)
      if not listed and not (type(key) == "string" and known[key]) then
         options.fail("%s: there is no option %s; the options are %s", what,
            type(key) == "string" and key or options.show(key), table.concat(options.sorted_keys(known), ", "))
      end
   end
end

--- The number of items of a list that has no holes.
-- @tparam string what the object of the sentence
-- @tparam table map list, with named keys beside it
-- @treturn integer
function options.list_length(what, map)
   local count, highest = 0, 0
   for key in pairs(map) do
      if math.type(key) == "integer" and key > 0 then
         count, highest = count + 1, math.max(highest, key)
      end
   end
   if count ~= highest then
      local hole = 1
      while map[hole] ~= nil do
         hole = hole + 1
      end
      options.fail("%s: item %d is nil; a name is misspelt, or a value is missing", what, hole)
   end
   return count
end

--- @treturn integer a count of `least` or more
function options.count(what, value, least)
   local n = type(value) == "number" and math.tointeger(value)
   least = least or 0
   if not n then
      options.fail("%s: %s is not a count; it is a whole number of %d or more", what, options.show(value), least)
   elseif n < least then
      options.fail("%s: %d is %s; a count is %d or more", what, n, n < 0 and "negative" or "too small", least)
   end
   return n
end

--- @treturn table a span of `byre.retention.duration`
function options.duration(what, value)
   local span, why = duration.parse(value)
   if not span then
      options.fail("%s: %s", what, why)
   end
   return span
end

--- @treturn string one of the words
function options.choice(what, value, words)
   for _, word in ipairs(words) do
      if value == word then
         return word
      end
   end
   local quoted = {}
   for i, word in ipairs(words) do
      quoted[i] = format("%q", word)
   end
   options.fail("%s: %s is none of %s", what, options.show(value), table.concat(quoted, ", "))
end

--- @treturn ?boolean
function options.flag(what, value)
   if value ~= nil and type(value) ~= "boolean" then
      options.fail("%s: %s is neither true nor false", what, options.show(value))
   end
   return value
end

local powers = { [""] = 0, K = 1, M = 2, G = 3, T = 4, P = 5 }

--- @treturn integer bytes of an integer, or of text such as `"200GiB"`
function options.size(what, value)
   local n = type(value) == "number" and math.tointeger(value)
   if type(value) == "string" then
      local number, letter = match(value, "^(%d+%.?%d*) *([KMGTP]?)i?B?$")
      n = number and math.tointeger(math.floor(tonumber(number) * 1024 ^ powers[letter]))
   end
   if not n or n < 0 then
      options.fail('%s: %s is not a size; write bytes, or a number with K, M, G or T, such as "200GiB"', what,
         options.show(value))
   end
   return n
end

return options
