--- What every script in a sandbox may call: Lua's own functions, as far as
-- they end soon, give the same result each time, and lead nowhere else.
--
-- Left out are all that touch the world or another environment (`io`, `os`,
-- `load`, `require`, `debug`), those that give objects another behaviour
-- (`setmetatable` and with it finalizers, `rawset`), patterns, whose matching can
-- take for ever, and `xpcall`, whose handler would run outside of the limits.
-- Functions whose work grows with their arguments look at the limits first.
-- @module byre.sandbox.base
local base = {}

local assert, error, getmetatable, ipairs, next, pcall, rawlen, select, tonumber, tostring, type =
   assert, error, getmetatable, ipairs, next, pcall, rawlen, select, tonumber, tostring, type
local floor, max, min = math.floor, math.max, math.min
local byte, find, format, gsub, rep = string.byte, string.find, string.format, string.gsub, string.rep
local concat, insert, pack, remove, sort, unpack =
   table.concat, table.insert, table.pack, table.remove, table.sort, table.unpack
local coroutine_create, coroutine_resume = coroutine.create, coroutine.resume

local longest_text = 1 << 20            -- bytes of a text that is made at one stroke
local longest_list = 1 << 16            -- entries of a list that is worked on at one stroke
local most_comparisons = 1 << 24        -- bytes looked at by one search

local function copy(from, names)
   local to = {}
   for _, name in ipairs(names) do
      to[name] = from[name]
   end
   return to
end

-- An address would be another one each time.
local function text_of(value)
   local kind = type(value)
   if kind == "string" or kind == "number" or kind == "boolean" or kind == "nil" then
      return tostring(value)
   end
   local meta = getmetatable(value)
   if type(meta) == "table" and meta.__tostring then
      return tostring(value)
   end
   return kind
end

local function check_text(name, value)
   if type(value) ~= "string" and type(value) ~= "number" then
      error(name .. ": a text is needed, not a " .. type(value), 3)
   end
   return tostring(value)
end

-- The length of a table with holes can be any number up to 2^63.
local function check_list(name, list)
   if type(list) ~= "table" or getmetatable(list) ~= nil then
      error(name .. ": a plain table is needed", 3)
   end
   local length = rawlen(list)
   if length > longest_list then
      error((name .. ": a list of more than %d entries"):format(longest_list), 3)
   end
   return length
end

local function new_string(checkpoint)
   local library = copy(string, { "len", "sub", "upper", "lower", "reverse", "char" })

   function library.byte(text, first, last)
      text, first = check_text("string.byte", text), first or 1
      last = last or first
      if last - first > longest_list or #text > longest_list and last < 0 then
         error("string.byte: too many bytes at once", 2)
      end
      return byte(text, first, last)
   end

   function library.rep(text, n, separator)
      checkpoint()
      text, separator = check_text("string.rep", text), separator and check_text("string.rep", separator) or ""
      n = floor(tonumber(n) or 0)
      if n <= 0 or #text + #separator == 0 then
         return ""
      elseif n > longest_text // (#text + #separator) then
         error(format("string.rep: the text would be longer than %d bytes", longest_text), 2)
      end
      return rep(text, n, separator)
   end

   -- always plain: what it looks for is a text, not a pattern
   function library.find(text, wanted, first)
      checkpoint()
      text, wanted = check_text("string.find", text), check_text("string.find", wanted)
      if #text > most_comparisons // max(#wanted, 1) then
         error("string.find: the texts are too long", 2)
      end
      return find(text, wanted, first, true)
   end

   function library.format(template, ...)
      checkpoint()
      template = check_text("string.format", template)
      if #template > 4096 then
         error("string.format: the template is longer than 4096 bytes", 2)
      end
      local values, i = pack(...), 0
      gsub(template, "%%([-+ #0-9.]*)(.?)", function(flags, letter)
         if letter == "%" and flags == "" then
            return
         end
         i = i + 1
         if letter == "s" then
            values[i] = text_of(values[i])
         elseif letter == "" or not find("cdieEfgGoqxX", letter, 1, true) then
            error("string.format: there is no %" .. letter .. " here", 4)
         end
      end)
      return format(template, unpack(values, 1, max(values.n, i)))
   end

   return library
end

local function new_table(checkpoint)
   local library = { pack = pack }

   function library.concat(list, separator, first, last)
      checkpoint()
      local length = check_list("table.concat", list)
      return concat(list, separator, max(first or 1, 1), min(last or length, length))
   end

   function library.insert(list, ...)
      checkpoint()
      check_list("table.insert", list)
      return insert(list, ...)
   end

   function library.remove(list, ...)
      checkpoint()
      check_list("table.remove", list)
      return remove(list, ...)
   end

   function library.sort(list, before)
      checkpoint()
      check_list("table.sort", list)
      return sort(list, before)
   end

   function library.unpack(list, first, last)
      checkpoint()
      local length = check_list("table.unpack", list)
      return unpack(list, max(first or 1, 1), min(last or length, longest_list))
   end

   return library
end

-- Errors may be caught, but not that a limit is reached.
local function passing(checkpoint)
   return function(ok, ...)
      if not ok then
         checkpoint((...))
      end
      return ok, ...
   end
end

local function new_coroutine(checkpoint)
   local library = copy(coroutine, { "create", "yield", "status", "isyieldable" })
   local pass = passing(checkpoint)

   function library.resume(thread, ...)
      checkpoint()
      return pass(coroutine_resume(thread, ...))
   end

   local function results(ok, ...)
      if not ok then
         error((...), 0)
      end
      return ...
   end

   function library.wrap(fn)
      local thread = coroutine_create(fn)
      return function(...)
         return results(library.resume(thread, ...))
      end
   end

   return library
end

local order = { number = 1, string = 2, boolean = 3 }

local function key_before(a, b)
   local x, y = order[type(a)], order[type(b)]
   if x ~= y then
      return x < y
   elseif x == 3 then
      return not a and b
   end
   return a < b
end

-- Lua walks a table in an order that is another one each time.
local function sorted_keys(checkpoint, list)
   local keys, count = {}, 0
   for key in next, list do
      if not order[type(key)] then
         error("pairs: keys must be numbers, texts or booleans; others have no order", 3)
      end
      count = count + 1
      keys[count] = key
   end
   checkpoint()
   check_list("pairs", keys)
   sort(keys, key_before)
   return keys
end

local function new_pairs(checkpoint)
   return function(list)
      local meta = getmetatable(list)
      if type(meta) == "table" and meta.__pairs then
         return meta.__pairs(list)
      elseif type(list) ~= "table" then
         error("pairs: a table is needed, not a " .. type(list), 2)
      end
      local keys, i = sorted_keys(checkpoint, list), 0
      return function()
         local value
         repeat
            i = i + 1
            value = keys[i] ~= nil and list[keys[i]]
         until keys[i] == nil or value ~= nil
         return keys[i], value
      end
   end
end

--- Make the functions.
-- @tparam function checkpoint raises once a limit is hit
-- @treturn table name -> function or library; nobody else has it
function base.new(checkpoint)
   local pass = passing(checkpoint)
   return {
      assert = assert, error = error, ipairs = ipairs, select = select, tonumber = tonumber, type = type,
      tostring = text_of,
      pairs = new_pairs(checkpoint),
      pcall = function(...)
         checkpoint()
         return pass(pcall(...))
      end,
      string = new_string(checkpoint),
      table = new_table(checkpoint),
      coroutine = new_coroutine(checkpoint),
      math = copy(math, { "abs", "ceil", "floor", "fmod", "huge", "max", "maxinteger", "min", "mininteger", "modf",
         "pi", "sqrt", "tointeger", "type", "ult", "exp", "log" }),
   }
end

return base
