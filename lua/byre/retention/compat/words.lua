--- What the presets of other tools share: their option names, versions, order.
-- @module byre.retention.compat.words
local options = require("byre.retention.options")
local rules = require("byre.retention.rules")

local format, gsub, match, sub = string.format, string.gsub, string.match, string.sub

local words = {}

--- Names of the period a clock time (`civil.fields`) is in, as these tools
-- cut them: the hour that comes twice is one, weeks are ISO weeks.
words.period = {
   secondly = function(c)
      return format("%d-%02d-%02d %02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.min, c.sec)
   end,
   minutely = function(c) return format("%d-%02d-%02d %02d:%02d", c.year, c.month, c.day, c.hour, c.min) end,
   hourly = function(c) return format("%d-%02d-%02d %02d", c.year, c.month, c.day, c.hour) end,
   daily = function(c) return format("%d-%02d-%02d", c.year, c.month, c.day) end,
   weekly = function(c) return format("%d-W%02d", c.iso_year, c.iso_week) end,
   monthly = function(c) return format("%d-%02d", c.year, c.month) end,
   quarterly_13weekly = function(c) return format("%d-Q%d", c.iso_year, math.min((c.iso_week - 1) // 13, 3) + 1) end,
   quarterly_3monthly = function(c) return format("%d-Q%d", c.year, (c.month - 1) // 3 + 1) end,
   yearly = function(c) return format("%d", c.year) end,
}

--- Options by one spelling: `keep-daily`, `keep_daily` and `daily` are the same.
-- @tparam string what the object of sentences
-- @tparam table given
-- @tparam table known `{name = true}`, with underscores
-- @tparam[opt] table same other spellings `{name = its known name}`
-- @treturn table
function words.read(what, given, known, same)
   if type(given) ~= "table" then
      options.fail("%s: takes a table of options, not %s", what, options.show(given))
   end
   local read = {}
   for _, key in ipairs(options.sorted_keys(given)) do
      local name = type(key) == "string" and gsub(key, "-", "_") or key
      if type(name) == "string" and not known[name] and sub(name, 1, 5) == "keep_" then
         name = sub(name, 6)
      end
      name = same and same[name] or name
      if not known[name] then
         options.check_keys(what, { [key] = given[key] }, known)
      elseif read[name] ~= nil then
         options.fail("%s: %s is given twice", what, name)
      end
      read[name] = given[key]
   end
   return read
end

--- Is version `a` at least `b`?  `"0.14.0"`, `"1.4"`.
function words.at_least(a, b)
   local function numbers(text)
      local major, minor, patch = match(text, "^v?(%d+)%.?(%d*)%.?(%d*)")
      return tonumber(major), tonumber(minor) or 0, tonumber(patch) or 0
   end
   local a1, a2, a3 = numbers(a)
   local b1, b2, b3 = numbers(b)
   if a1 ~= b1 then
      return a1 > b1
   elseif a2 ~= b2 then
      return a2 > b2
   end
   return a3 >= b3
end

--- The version asked for.
function words.version(what, value, newest)
   if value == nil then
      return newest
   elseif type(value) ~= "string" or not match(value, "^v?%d+%.?%d*%.?%d*") then
      options.fail('%s: version %s is not one such as "%s"', what, options.show(value), newest)
   end
   return value
end

--- The revisions by time, newest first; of one second in the order of the input.
-- @tparam table context of `byre.retention.rules`
-- @treturn table
function words.by_time(context)
   local list = { table.unpack(context.revisions) }
   table.sort(list, function(a, b)
      if a.time ~= b.time then
         return a.time > b.time
      end
      return a.index < b.index
   end)
   return list
end

--- A selection of nothing; such a tool does not say to whom a revision has lost.
function words.nothing(rule)
   return rules.selection(function()
      return { rule = rule.name }
   end)
end

--- A selection of the revisions that have a mark, for that reason.
-- @tparam table rule
-- @tparam table list revisions
-- @tparam table marks by index: a reason, or nothing
-- @treturn table
function words.selection(rule, list, marks)
   local selection = words.nothing(rule)
   for _, r in ipairs(list) do
      if marks[r.index] then
         rules.add(selection.kept, r.index, marks[r.index])
      end
   end
   return selection
end

return words
