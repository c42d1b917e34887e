--- `compat.pbs{…}`: what Proxmox Backup Server (and vzdump) keeps.
--
-- The zone of the policy stands for that of the server.  A revision that is
-- pinned is a protected backup; `unfinished` marks one without a manifest.
-- @module byre.retention.compat.pbs
local options = require("byre.retention.options")
local words = require("byre.retention.compat.words")
local zone = require("byre.retention.zone")

local pbs = {}

local newest_version = "3.2.4"

-- In the order they are applied.
local order = { "last", "hourly", "daily", "weekly", "monthly", "yearly" }

local known = { version = true, all = true }
for _, name in ipairs(order) do
   known[name] = true
end

-- Of unfinished backups only the very newest stays; no rule sees them.
local function mark_unfinished(list, marks)
   for i, r in ipairs(list) do
      if r.unfinished then
         marks[r.index] = i == 1 and { rule = "pbs", why = "keep-partial" } or false
      end
   end
end

-- Periods of what earlier rules keep are covered.  The others of a chosen
-- period are given up at once, so later rules do not see them.
local function mark_period(name, n, context, list, marks)
   local covered, chosen, count = {}, {}, 0
   local function label_of(r)
      -- "last" counts seconds
      return name == "last" and r.time or words.period[name](zone.civil(context.calendar.rules, r.time))
   end
   for _, r in ipairs(list) do
      if marks[r.index] and marks[r.index].why == "keep" then
         covered[label_of(r)] = true
      end
   end
   for _, r in ipairs(list) do
      if marks[r.index] == nil then
         local label = label_of(r)
         if r.pinned then
            marks[r.index] = { rule = "pbs", why = "protected" }
         elseif chosen[label] then
            marks[r.index] = false
         elseif not covered[label] then
            if count >= n then
               return
            end
            count, chosen[label] = count + 1, true
            marks[r.index] = { rule = name, period = name ~= "last" and label or nil, slot = count, of = n,
               winner = r.id, why = "keep" }
         end
      end
   end
end

local function select(rule, context)
   local list, marks = words.by_time(context), {}
   mark_unfinished(list, marks)
   for _, name in ipairs(order) do
      if rule.counts[name] then
         mark_period(name, rule.counts[name], context, list, marks)
      end
   end
   for _, r in ipairs(list) do
      if r.pinned then
         marks[r.index] = { rule = "pbs", why = "protected" }
      elseif rule.all then
         marks[r.index] = { rule = "pbs", why = "keep" }
      end
   end
   return words.selection(rule, list, marks)
end

--- Make the rule.
-- @tparam table given `last`, `hourly` to `yearly`, `all`, `version`; nothing, or only zeros, keeps all
-- @treturn table a rule
function pbs.rule(given)
   local what = "compat.pbs"
   local read = words.read(what, given, known)
   words.version(what, read.version, newest_version)
   local rule = { name = "pbs", select = select, counts = {}, all = true }
   for _, name in ipairs(order) do
      if read[name] ~= nil then
         rule.counts[name] = options.count(what .. ": " .. name, read[name])
         rule.all = rule.all and rule.counts[name] == 0
      end
   end
   if options.flag(what .. ": all", read.all) and not rule.all then
      options.fail("%s: all stands alone", what)
   end
   return rule
end

return pbs
