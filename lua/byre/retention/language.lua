--- The words of a policy file, and the check of what it returns.
--
-- Runs inside the sandbox as trusted code beside the policy, so it uses
-- nothing of the outside but what `environment` is given.
-- @module byre.retention.language
local compat = require("byre.retention.compat")
local duplicate_keys = require("byre.retention.duplicate_keys")
local keep = require("byre.retention.keep")
local options = require("byre.retention.options")
local periods = require("byre.retention.periods")
local rules = require("byre.retention.rules")
local zone = require("byre.retention.zone")

local fail, find, match = options.fail, string.find, string.match

local language = {}

local rule_mt = { __name = "rule", __metatable = "rule" }
local space_mt = { __name = "space", __metatable = "space" }
local policy_mt = { __name = "policy", __metatable = "policy" }

-- objects by what they are: a metatable that is hidden cannot be compared
local kinds = setmetatable({}, { __mode = "k" })

local function is(value, kind)
   return type(value) == "table" and kinds[value] == kind
end

local function new(kind, mt, value)
   kinds[value] = kind
   return setmetatable(value, mt)
end

local function operator(sign)
   return options.public(function(a, b)
      if not is(a, "rule") or not is(b, "rule") then
         fail("%s combines two rules, not %s", sign, options.show(is(a, "rule") and b or a))
      end
      return new("rule", rule_mt, rules.combine(sign, a, b))
   end)
end
rule_mt.__bor, rule_mt.__band, rule_mt.__sub = operator("|"), operator("&"), operator("-")

-- A table of rule makers as the policy sees it: misspelt names are said.
local function makers(title, functions)
   local visible = {}
   for name, make in pairs(functions) do
      visible[name] = options.public(function(...)
         return new("rule", rule_mt, make(...))
      end)
   end
   return setmetatable({}, {
      __metatable = title,
      __newindex = function()
         error(title .. " can only be read", 2)
      end,
      __index = function(_, name)
         if not visible[name] then
            error(string.format("there is no %s.%s; there are %s", title,
               type(name) == "string" and name or options.show(name),
               table.concat(options.sorted_keys(functions), ", ")), 2)
         end
         return visible[name]
      end,
   })
end

local space_options = { free = true, quota = true, among = true, order = true }

local function space(given)
   if type(given) ~= "table" then
      fail('space: takes a table such as space{ free = "15%%" }, not %s', options.show(given))
   end
   options.check_keys("space", given, space_options)
   local result = { order = options.choice("space: order", given.order or "oldest", { "oldest", "best_gain" }) }
   local percent = type(given.free) == "string" and match(given.free, "^(%d+%.?%d*)%%$")
   if percent then
      result.free_percent = tonumber(percent)
      if result.free_percent >= 100 then
         fail("space: free: %s of a file system can never be free", given.free)
      end
   elseif given.free ~= nil then
      result.free = options.size("space: free", given.free)
   end
   result.quota = given.quota ~= nil and options.size("space: quota", given.quota) or nil
   if given.among ~= nil and not is(given.among, "rule") then
      fail("space: among is a rule such as keep.tagged \"cache\", not %s", options.show(given.among))
   end
   result.among = given.among
   if not given.free and not given.quota then
      fail("space: says neither free nor quota")
   end
   return new("space", space_mt, result)
end

local function read_zone_rules(name, read_zone)
   if type(name) ~= "string" or not find(name, "^%a[%w_+/-]*$") or find(name, "//", 1, true) then
      fail('tz: %s is not the name of a zone; write one such as "Europe/Berlin"', options.show(name))
   elseif name == "UTC" then
      return zone.utc
   end
   local bytes, why = read_zone(name)
   if not bytes then
      fail("tz: there is no zone %q%s", name, why and " (" .. why .. ")" or "")
   end
   local zone_rules
   zone_rules, why = zone.parse(bytes)
   if not zone_rules then
      fail("tz: the file of zone %q %s", name, why)
   end
   return zone_rules
end

local weekdays = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" }

local function read_week_start(value)
   options.choice("week_start", value, weekdays)
   for number, name in ipairs(weekdays) do
      if name == value then
         return number
      end
   end
end

local function read_day_start(value)
   local hour, minute = match(type(value) == "string" and value or "", "^(%d%d?):(%d%d)$")
   if not hour or tonumber(hour) > 23 or tonumber(minute) > 59 then
      fail('day_start: %s is not a time of the day such as "04:00"', options.show(value))
   end
   return math.tointeger(tonumber(hour) * 3600 + tonumber(minute) * 60)
end

local function read_year_start(value)
   local month, day = match(type(value) == "string" and value or "", "^(%d%d)%-(%d%d)$")
   month, day = math.tointeger(tonumber(month)), math.tointeger(tonumber(day))
   if not month or month < 1 or month > 12 or day < 1 or day > 28 then
      fail('year_start: %s is not a month and a day up to 28, such as "07-01"', options.show(value))
   end
   return { month = month, day = day }
end

local policy_options = { tz = true, floor = true, min_age = true, from = true,
   week_start = true, day_start = true, year_start = true }

local function read_min_age(value)
   if math.type(value) == "integer" and value >= 0 then
      return value
   end
   local span = options.duration("min_age", value)
   if span.months > 0 then
      fail("min_age: %q is not a fixed time; use days or shorter units", value)
   end
   return span.days * 86400 + span.seconds
end

local function read_settings(given, read_zone)
   local result = {
      tz = given.tz or "UTC",
      from = options.choice("from", given.from or "newest", { "newest", "now" }),
      floor = given.floor ~= nil and options.count("floor", given.floor, 1) or 1,
      min_age = given.min_age ~= nil and read_min_age(given.min_age) or 3600,
   }
   result.calendar = periods.calendar({
      rules = read_zone_rules(result.tz, read_zone),
      week_start = given.week_start ~= nil and read_week_start(given.week_start) or nil,
      day_start = given.day_start ~= nil and read_day_start(given.day_start) or nil,
      year_start = given.year_start ~= nil and read_year_start(given.year_start) or nil,
   })
   return result
end

-- sorts the items of a policy into rules, at most one function, at most one space rule
local function read_items(result, given, count)
   result.rules = {}
   for i = 1, count do
      local item = given[i]
      if is(item, "rule") then
         result.rules[#result.rules + 1] = item
      elseif is(item, "space") then
         if result.space then
            fail("policy: two space rules; one can say both free and quota")
         end
         result.space = item
      elseif type(item) == "function" then
         if result.judge then
            fail("policy: two functions that judge; one policy has one")
         end
         result.judge = item
      else
         fail("policy: item %d is %s; items are rules such as keep.daily(7)", i, options.show(item))
      end
   end
end

-- a policy of nothing but zero counts is a slip, and would delete all
local function check_keeps_something(result)
   if result.judge then
      return
   elseif #result.rules == 0 then
      fail("policy: it has no rule, so it would keep nothing; write what to keep, such as keep.daily(7)")
   end
   for _, rule in ipairs(result.rules) do
      if rule.n ~= 0 then
         return
      end
   end
   fail("policy: every rule has a count of 0, so it would keep nothing")
end

local function policy(given, read_zone)
   if type(given) == "function" then
      given = { given }
   elseif type(given) ~= "table" then
      fail("policy: takes a table of rules or a function, not %s", options.show(given))
   elseif kinds[given] then
      fail("policy: takes a table of rules; write policy { … } around the %s", kinds[given])
   end
   local count = options.list_length("policy", given)
   options.check_keys("policy", given, policy_options, count)
   local result = read_settings(given, read_zone)
   read_items(result, given, count)
   check_keeps_something(result)
   return new("policy", policy_mt, result)
end

local function multiple(name, unit)
   return options.public(function(n)
      if type(n) ~= "number" then
         fail("%s: takes a number, not %s", name, options.show(n))
      end
      return math.tointeger(n * unit) or math.floor(n * unit)
   end)
end

local minute, hour, day = 60, 3600, 86400
-- months and years are mean ones here; ctx.ago("2mo") follows the calendar
local amounts = {
   minutes = minute, hours = hour, days = day, weeks = 7 * day, months = 2629746, years = 31556952,
   KiB = 1 << 10, MiB = 1 << 20, GiB = 1 << 30, TiB = 1 << 40,
}

local function count_freed_calls(freed)
   local known, calls = {}, 0
   return freed and function(ids)
      local key = table.concat(ids, "\n")
      if known[key] == nil then
         calls = calls + 1
         if calls > 1000 then
            fail("ctx.freed: asked for more than 1000 different sets")
         end
         known[key] = freed(ids) or false
      end
      return known[key] or nil
   end
end

--- The globals a policy file sees, beside the harmless part of Lua's own.
-- @tparam table outside `read_zone(name)` gives the bytes of a TZif file, or nil and why not;
--   `freed(ids)` the bytes that deleting these revisions returns, or nil when unknown; `delta(id)` the bytes
--   that a revision has changed against the one before, or nil; `log(text)`
-- @treturn table
function language.environment(outside)
   local env = {
      keep = makers("keep", keep),
      compat = makers("compat", compat),
      space = options.public(space),
      -- "return policy { … }" is a tail call, which leaves no line to tell
      policy = function(given)
         local result = policy(given, outside.read_zone)
         result.freed, result.log = count_freed_calls(outside.freed), outside.log
         result.exclusive = outside.freed and function(id)
            return outside.freed({ id })
         end
         result.delta = outside.delta
         return result
      end,
   }
   for name, unit in pairs(amounts) do
      env[name] = multiple(name, unit)
   end
   return env
end

--- Check the text of a policy file for what cannot be seen once it has run.
-- @tparam string text that Lua can read
-- @tparam string name of the file, for the sentence
-- @raise a sentence with file and line: a name stands twice in one table
function language.check_text(text, name)
   local what, line = duplicate_keys.find(text)
   if what then
      fail("%s:%d: %s", name, line, what)
   end
end

--- Check what a policy file returned.
-- @param returned its first result
-- @treturn table the policy, for `evaluate.judge`
-- @raise a sentence, when it is none
function language.finish(returned)
   if not is(returned, "policy") then
      fail("a policy file returns policy { … } or policy(function); this one returned %s",
         returned == nil and "nothing" or kinds[returned] and "a " .. kinds[returned] or options.show(returned))
   end
   return returned
end

return language
