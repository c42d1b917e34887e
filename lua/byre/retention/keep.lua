--- The rules a policy file writes as `keep.…`.
-- @module byre.retention.keep
local options = require("byre.retention.options")
local periods = require("byre.retention.periods")
local rules = require("byre.retention.rules")
local spans = require("byre.retention.spans")

local fail = options.fail

local keep = {}

-- what every rule may be told
local limits = { n = true, within = true }

local function read_limits(what, given)
   return {
      n = given.n ~= nil and options.count(what .. ": n", given.n) or nil,
      within = given.within ~= nil and options.duration(what .. ": within", given.within) or nil,
   }
end

-- A count, a duration or a table of options, as `{n, within, …}`.
local function read_argument(what, value, known)
   if type(value) == "number" then
      return { n = options.count(what, value) }
   elseif type(value) == "string" then
      return { within = options.duration(what, value) }
   elseif type(value) ~= "table" then
      fail("%s: takes a count, a duration or a table of options, not %s", what, options.show(value))
   end
   options.check_keys(what, value, known)
   local read = read_limits(what, value)
   if not read.n and not read.within then
      fail("%s: says neither n nor within, so it would keep all", what)
   end
   return read
end

local periodic_options = { n = true, within = true, pick = true, fresh = true, oldest = true }

for _, name in ipairs(periods.names) do
   local what = "keep." .. name
   keep[name] = function(value)
      local read = read_argument(what, value, periodic_options)
      if type(value) == "table" then
         read.pick = value.pick ~= nil and options.choice(what .. ": pick", value.pick, { "newest", "first" }) or nil
         read.fresh = options.flag(what .. ": fresh", value.fresh)
         read.oldest = options.flag(what .. ": oldest", value.oldest)
      end
      return rules.periodic(name, read)
   end
end

local function always()
   return true
end

function keep.last(value)
   return rules.each("last", always, read_argument("keep.last", value, limits))
end

function keep.within(value)
   return rules.each("within", always, { within = options.duration("keep.within", value) })
end

-- the tags of `"release"` or `{"release", "v1", n = 3}`
local function read_tags(value)
   if type(value) == "string" then
      value = { value }
   elseif type(value) ~= "table" then
      fail("keep.tagged: takes a tag or a list of tags, not %s", options.show(value))
   end
   local count = options.list_length("keep.tagged", value)
   options.check_keys("keep.tagged", value, limits, count)
   local tags = {}
   for i = 1, count do
      if type(value[i]) ~= "string" or value[i] == "" then
         fail("keep.tagged: %s is not a tag", options.show(value[i]))
      end
      tags[i] = value[i]
   end
   if count == 0 then
      fail("keep.tagged: names no tag")
   end
   return tags, read_limits("keep.tagged", value)
end

--- Revisions that carry all of these tags.
function keep.tagged(value)
   local tags, read = read_tags(value)
   read.why = "tagged " .. table.concat(tags, ", ")
   return rules.each("tagged", function(r)
      for _, tag in ipairs(tags) do
         if not (r.tags and r.tags[tag]) then
            return false
         end
      end
      return true
   end, read)
end

--- Revisions a function accepts; its name stands in explanations.
function keep.where(name, accepts, given)
   if type(name) ~= "string" or name == "" then
      fail("keep.where: the first argument is a name for the rule, not %s", options.show(name))
   elseif type(accepts) ~= "function" then
      fail("keep.where(%q): the second argument is a function, not %s", name, options.show(accepts))
   end
   local what = string.format("keep.where(%q)", name)
   local read = {}
   if given ~= nil then
      read = read_argument(what, given, limits)
   end
   return rules.each(name, function(r, context)
      return accepts(context.view(r))
   end, read)
end

--- Revisions that differ from the one before; where that is not known, they count as changed.
function keep.changed(given)
   local over, read = 0, {}
   if given ~= nil then
      if type(given) ~= "table" then
         fail("keep.changed: takes a table of options, not %s", options.show(given))
      end
      options.check_keys("keep.changed", given, { n = true, within = true, over = true })
      read = read_limits("keep.changed", given)
      over = given.over ~= nil and options.size("keep.changed: over", given.over) or 0
   end
   function read.why(r)
      return r.delta and string.format("%d bytes", r.delta) or "how much is not known"
   end
   return rules.each("changed", function(r, context)
      local delta = context.view(r).delta
      return delta == nil or delta > over
   end, read)
end

keep.grid = spans.grid
keep.chain = spans.chain

return keep
