--- `compat.restic{…}`: what `restic forget` keeps.
--
-- The zone of the policy stands for that of the process.  A revision may bring
-- `offset` (the UTC offset stored with it; without one that of the zone),
-- `host` and `paths`.
-- @module byre.retention.compat.restic
local civil = require("byre.retention.civil")
local options = require("byre.retention.options")
local rules = require("byre.retention.rules")
local span = require("byre.retention.compat.restic_span")
local words = require("byre.retention.compat.words")
local zone = require("byre.retention.zone")

local format, gmatch, match = string.format, string.gmatch, string.match

local restic = {}

local newest_version = "0.19.1"

-- In the order they are applied; keys are compared with the neighbour's only.
local buckets = { "last", "hourly", "daily", "weekly", "monthly", "yearly" }

local function key_of(bucket, c, number)
   return bucket == "last" and number or words.period[bucket](c)
end

local known = { version = true, within = true, keep_tag = true, group_by = true, tag = true, host = true,
   path = true, unsafe_allow_remove_all = true }
for _, bucket in ipairs(buckets) do
   known[bucket] = true
   if bucket ~= "last" then
      known["within_" .. bucket] = true
   end
end

-- "a, b" as {"a", "b"}; "" as {""}, which is: no tags at all
local function split(text)
   local list = {}
   for item in gmatch(text .. ",", "([^,]*),") do
      list[#list + 1] = match(item, "^%s*(.-)%s*$")
   end
   return list
end

local function read_tag_lists(what, value)
   local lists = {}
   if type(value) == "string" then
      value = { value }
   elseif type(value) ~= "table" then
      options.fail("%s: takes text such as \"a,b\" or a list of such, not %s", what, options.show(value))
   end
   for i = 1, options.list_length(what, value) do
      if type(value[i]) ~= "string" then
         options.fail("%s: %s is not a tag", what, options.show(value[i]))
      end
      lists[i] = split(value[i])
   end
   return lists
end

local function has_tags(r, list)
   local tags = r.tags or {}
   for _, tag in ipairs(list) do
      if tag == "" and next(tags) == nil then
         return true
      elseif not tags[tag] then
         return false
      end
   end
   return true
end

-- paths as one text, whatever their order
local function paths_of(r)
   if type(r.paths) ~= "table" then
      return r.paths or ""
   end
   local list = { table.unpack(r.paths) }
   table.sort(list)
   return table.concat(list, "\n")
end

local function has_path(r, path)
   for _, each in ipairs(type(r.paths) == "table" and r.paths or { r.paths }) do
      if each == path then
         return true
      end
   end
   return false
end

local function among(value, list)
   for _, each in ipairs(list) do
      if each == value then
         return true
      end
   end
   return false
end

-- filters say which snapshots restic looks at; the others are not touched
local function passes(rule, r)
   if rule.hosts and not among(r.host, rule.hosts) then
      return false
   end
   for _, path in ipairs(rule.paths or {}) do
      if not has_path(r, path) then
         return false
      end
   end
   if not rule.tags then
      return true
   end
   for _, list in ipairs(rule.tags) do
      if has_tags(r, list) then
         return true
      end
   end
   return false
end

local group_fields = {
   host = function(r) return r.host or "" end,
   paths = paths_of,
   tags = function(r) return table.concat(options.sorted_keys(r.tags or {}), ",") end,
}

local function groups_of(rule, list)
   local groups, by_key = {}, {}
   for _, r in ipairs(list) do
      local parts = {}
      for i, field in ipairs(rule.group_by) do
         parts[i] = group_fields[field](r)
      end
      local key = table.concat(parts, "\0")
      if not by_key[key] then
         by_key[key] = {}
         groups[#groups + 1] = by_key[key]
      end
      table.insert(by_key[key], r)
   end
   return groups
end

-- the newest that is not in the future; of one second the first
local function latest_of(group, now)
   for i, r in ipairs(group) do
      if r.time < now then
         local first = i
         while group[first - 1] and group[first - 1].time == r.time do
            first = first - 1
         end
         return group[first]
      end
   end
end

-- What walks down a group, in restic's order: the counted buckets, then those
-- within a duration.
local function walkers(rule, context, latest)
   local function limit(within)
      return latest and span.before(within, context.calendar.rules, latest) or math.mininteger
   end
   local list = {}
   for _, bucket in ipairs(buckets) do
      local n = rule.counts[bucket]
      if n and n ~= 0 then
         list[#list + 1] = { bucket = bucket, left = n > 0 and n or math.huge, of = n > 0 and n or nil, slot = 0,
            limit = math.mininteger, what = bucket .. " snapshot" }
      end
   end
   for _, bucket in ipairs(buckets) do
      local within = rule.windows[bucket]
      if within then
         list[#list + 1] = { bucket = bucket, left = math.huge, slot = 0, limit = limit(within),
            what = format("%s within %s", bucket, within.text) }
      end
   end
   return list, rule.within and limit(rule.within)
end

-- A bucket takes a snapshot whose key differs from the one before, and (since
-- 0.16.0) the oldest of all while it has room.
local function take(rule, walker, r, key, is_oldest)
   if walker.left == 0 or r.time <= walker.limit or (key == walker.last and not (is_oldest and rule.keeps_oldest)) then
      return nil
   end
   local why = (key == walker.last and "oldest " or "") .. walker.what
   walker.last, walker.left, walker.slot = key, walker.left - 1, walker.slot + 1
   return { rule = walker.bucket, period = type(key) == "string" and key or nil, slot = walker.slot,
      of = walker.of, winner = r.id, why = why }
end

local function judge_group(rule, group, context, selection)
   local list, within_limit = walkers(rule, context, latest_of(group, context.now))
   for number, r in ipairs(group) do
      local c = civil.fields(r.time + (r.offset or zone.lookup(context.calendar.rules, r.time)))
      for _, tags in ipairs(rule.keep_tags) do
         if has_tags(r, tags) then
            rules.add(selection.kept, r.index, { rule = "tag",
               why = format("has tags [%s]", table.concat(tags, ", ")) })
         end
      end
      if within_limit and r.time > within_limit then
         rules.add(selection.kept, r.index, { rule = "within", why = "within " .. rule.within.text })
      end
      for _, walker in ipairs(list) do
         local reason = take(rule, walker, r, key_of(walker.bucket, c, number), number == #group)
         if reason then
            rules.add(selection.kept, r.index, reason)
         end
      end
   end
end

-- kept because restic decides nothing about them; such a reason has no `why`
local function leave(list, selection, rule_name)
   for _, r in ipairs(list) do
      selection.kept[r.index] = { { rule = rule_name } }
   end
end

local function keeps_any(group, selection)
   for _, r in ipairs(group) do
      if selection.kept[r.index] then
         return true
      end
   end
   return false
end

local function select(rule, context)
   local selection, seen, outside = words.nothing(rule), {}, {}
   for _, r in ipairs(words.by_time(context)) do
      local list = passes(rule, r) and seen or outside
      list[#list + 1] = r
   end
   leave(outside, selection, "not selected")
   if rule.empty then
      leave(seen, selection, "no policy")
      return selection
   end
   local groups = groups_of(rule, seen)
   for _, group in ipairs(groups) do
      judge_group(rule, group, context, selection)
   end
   for _, group in ipairs(groups) do
      -- restic stops there, before it has removed anything
      if rule.refuses_to_empty and not keeps_any(group, selection) then
         leave(seen, selection, "refused")
         break
      end
   end
   return selection
end

local function read_count(what, value, version)
   if value == "unlimited" and words.at_least(version, "0.16.0") then
      return -1
   end
   local n = options.count(what, value, words.at_least(version, "0.16.0") and -1 or math.mininteger)
   -- before 0.16.0 a negative count keeps nothing, and is no empty policy either
   return n < 0 and not words.at_least(version, "0.16.0") and 0 or n, n ~= 0
end

local function read_rules(rule, what, read, version)
   local some = #rule.keep_tags > 0
   for _, name in ipairs(buckets) do
      local window = "within_" .. name
      if read[name] ~= nil then
         local n, counts = read_count(what .. ": " .. name, read[name], version)
         rule.counts[name], some = n, some or counts or n ~= 0
      end
      if read[window] ~= nil then
         rule.windows[name] = span.parse(what .. ": within-" .. name, read[window])
         some = some or rule.windows[name] ~= nil
      end
   end
   rule.within = read.within ~= nil and span.parse(what .. ": within", read.within) or nil
   return some or rule.within ~= nil
end

local function read_group_by(what, value)
   local list = {}
   for _, field in ipairs(split(value == nil and "host,paths" or value)) do
      local name = ({ host = "host", hosts = "host", path = "paths", paths = "paths", tag = "tags",
         tags = "tags" })[field]
      if not name and field ~= "" then
         options.fail("%s: group-by: %s is none of host, paths, tags", what, options.show(field))
      end
      list[#list + 1] = name
   end
   return list
end

local function as_list(value)
   return type(value) == "table" and value or value ~= nil and { value } or nil
end

--- Make the rule.
-- @tparam table given restic's options (`last` to `yearly`, `within`, `within-hourly` …, `keep-tag`, `group-by`,
--   `tag`, `host`, `path`, `unsafe-allow-remove-all`) and `version`
-- @treturn table a rule
function restic.rule(given)
   local what = "compat.restic"
   local read = words.read(what, given, known)
   local version = words.version(what, read.version, newest_version)
   local careful = words.at_least(version, "0.17.0")
   local rule = { name = "restic", select = select, counts = {}, windows = {},
      keep_tags = read.keep_tag ~= nil and read_tag_lists(what .. ": keep-tag", read.keep_tag) or {},
      tags = read.tag ~= nil and read_tag_lists(what .. ": tag", read.tag) or nil,
      hosts = as_list(read.host), paths = as_list(read.path), group_by = read_group_by(what, read.group_by),
      keeps_oldest = words.at_least(version, "0.16.0"),
      refuses_to_empty = careful and not options.flag(what .. ": unsafe-allow-remove-all",
         read.unsafe_allow_remove_all) }
   rule.empty = not read_rules(rule, what, read, version)
   if rule.empty and careful then
      options.fail("%s: names nothing to keep; restic refuses that since 0.17.0", what)
   end
   return rule
end

return restic
