--- `compat.borg{…}`: what `borg prune` of 1.x keeps.
--
-- The zone of the policy stands for that of the machine that prunes, the
-- clock for its clock.
-- @module byre.retention.compat.borg
local options = require("byre.retention.options")
local words = require("byre.retention.compat.words")
local zone = require("byre.retention.zone")

local format, match = string.format, string.match

local borg = {}

local newest_version = "1.4.5"

-- In the order they are applied.
local order = { "secondly", "minutely", "hourly", "daily", "weekly", "monthly", "quarterly_13weekly",
   "quarterly_3monthly", "yearly" }

local known = { within = true, version = true }
for _, name in ipairs(order) do
   known[name] = true
end
local same = { last = "secondly", ["13weekly"] = "quarterly_13weekly", ["3monthly"] = "quarterly_3monthly" }

-- fixed lengths: a month is 31 days, a year 365
local seconds_of = { S = 1, M = 60, H = 3600, d = 86400, w = 7 * 86400, m = 31 * 86400, y = 365 * 86400 }

local function read_within(text)
   local digits, unit = match(type(text) == "string" and text or "", "^(%d+)(%a)$")
   if not seconds_of[unit] or tonumber(digits) == 0 then
      options.fail('compat.borg: within: %s is not an interval such as "2d"; the units are H, d, w, m and y',
         options.show(text))
   end
   return math.tointeger(tonumber(digits)) * seconds_of[unit]
end

local function select_within(seconds, context, list, kept)
   local count = 0
   for _, r in ipairs(list) do
      if r.time > context.now - seconds then
         count = count + 1
         kept[r.index] = { rule = "within", slot = count, why = "within #" .. count }
      end
   end
end

-- A period whose newest archive an earlier rule keeps is passed over for free.
local function select_period(name, n, context, list, kept)
   local count, last, r = 0, nil, nil
   local function keep(label)
      count = count + 1
      kept[r.index] = { rule = name, period = last, slot = count, of = n > 0 and n or nil, winner = r.id,
         why = format("%s #%d", label, count) }
   end
   for i = 1, n == 0 and 0 or #list do
      r = list[i]
      local label = words.period[name](zone.civil(context.calendar.rules, r.time))
      if label ~= last then
         last = label
         if not kept[r.index] then
            keep(name)
            if count == n then
               return
            end
         end
      end
   end
   -- room is left: the oldest stays too
   if r and count < n and not kept[r.index] then
      keep(name .. "[oldest]")
   end
end

local function select(rule, context)
   local list, kept = words.by_time(context), {}
   if rule.within then
      select_within(rule.within, context, list, kept)
   end
   for _, name in ipairs(order) do
      select_period(name, rule.counts[name] or 0, context, list, kept)
   end
   return words.selection(rule, list, kept)
end

--- Make the rule.
-- @tparam table given `within`, `secondly` (also `last`) to `yearly`, `13weekly` or `3monthly`, `version`
-- @treturn table a rule
function borg.rule(given)
   local what = "compat.borg"
   local read = words.read(what, given, known, same)
   local version = words.version(what, read.version, newest_version)
   if words.at_least(version, "2") then
      options.fail("%s: version %s is not one of 1.x", what, version)
   elseif (read.quarterly_13weekly or read.quarterly_3monthly) and not words.at_least(version, "1.4.1") then
      options.fail("%s: version %s has no quarterly rule; it came with 1.4.1", what, version)
   end
   local rule = { name = "borg", select = select, counts = {}, within = read.within and read_within(read.within) }
   local some = rule.within ~= nil
   for _, name in ipairs(order) do
      if read[name] ~= nil then
         rule.counts[name] = options.count(what .. ": " .. name, read[name], -1)
         some = some or rule.counts[name] ~= 0
      end
   end
   if not some then
      options.fail("%s: names nothing to keep; borg refuses that", what)
   end
   return rule
end

return borg
