--- Rules: each names the revisions it wants to keep.
--
-- A rule is `{name, select = function(rule, context) -> selection}`, and
-- `counts_unsound` where it judges revisions with impossible times itself.  The context has
-- `revisions` (newest first, see `byre.retention.order`), `sound` (those of
-- them with a believable time), `calendar`, `now`, `anchor` (where durations
-- count from) and `kept` (by index: what earlier rules keep).  A selection is
-- `{kept = {[index] = list of reasons}, lost = function(r) -> {rule, period, winner}}`.
-- @module byre.retention.rules
local duration = require("byre.retention.duration")
local periods = require("byre.retention.periods")

local rules = {}

local function add(map, index, entry)
   local list = map[index]
   if not list then
      list = {}
      map[index] = list
   end
   list[#list + 1] = entry
end
rules.add = add

--- A selection of nothing.
-- @tparam[opt] function lost what a revision has lost by the rule
-- @treturn table
function rules.selection(lost)
   return { kept = {}, lost = lost or function() end }
end

-- later than this is within the duration; the border itself is not
local function threshold(rule, context)
   if rule.within and context.anchor then
      return duration.before(rule.within, context.calendar.rules, context.anchor)
   end
   return math.mininteger
end
rules.threshold = threshold

local function within_text(rule)
   return rule.within and "within " .. rule.within.text or nil
end

-- the periods of the sound revisions, newest first and by name, each with its winner
local function contest(rule, context)
   local list, by_label = {}, {}
   for _, r in ipairs(context.sound) do
      local label = periods.of(rule.period, context.calendar, r.time)
      local period = by_label[label]
      if not period then
         period = { label = label, winner = r }
         list[#list + 1], by_label[label] = period, period
      elseif rule.pick == "first" then
         period.winner = r
      end
   end
   return list, by_label
end

-- Keeps the oldest of all while the rule has room: years may pass before
-- there is a yearly one.
local function keep_oldest(rule, context, selection, slots, limit)
   local oldest = context.sound[#context.sound]
   if rule.oldest and oldest and slots < (rule.n or math.huge) and not selection.kept[oldest.index]
      and oldest.time > limit then
      add(selection.kept, oldest.index, { rule = rule.name, slot = slots + 1, of = rule.n, winner = oldest.id,
         period = periods.of(rule.period, context.calendar, oldest.time), why = "oldest" })
   end
end

-- The newest (or first) of each period, for so many periods or so long.
local function select_periodic(rule, context)
   local list, by_label = contest(rule, context)
   local slots, limit = 0, threshold(rule, context)
   local selection = rules.selection(function(r)
      local label = r.sound and periods.of(rule.period, context.calendar, r.time)
      local period = by_label[label]
      return period and { rule = rule.name, period = label, winner = period.kept and period.winner.id or nil }
   end)
   for _, period in ipairs(list) do
      local winner = period.winner
      -- what an earlier rule keeps takes no slot of a rule that wants fresh ones
      local free = rule.fresh and context.kept[winner.index]
      period.kept = free or winner.time > limit and slots < (rule.n or math.huge)
      if period.kept and not free then
         slots = slots + 1
         add(selection.kept, winner.index, { rule = rule.name, period = period.label, slot = slots, of = rule.n,
            winner = winner.id, why = within_text(rule) })
      end
   end
   keep_oldest(rule, context, selection, slots, limit)
   return selection
end

local function why_of(rule, r)
   if type(rule.why) == "function" then
      return rule.why(r)
   end
   return rule.why
end

-- All that a test accepts, for so many or so long: last, within, tagged, where, changed.
local function select_each(rule, context)
   local accepted, slots, limit = {}, 0, threshold(rule, context)
   local selection = rules.selection(function(r)
      return accepted[r.index] and { rule = rule.name }
   end)
   for _, r in ipairs(context.sound) do
      if rule.accepts(r, context) then
         accepted[r.index] = true
         if slots < (rule.n or math.huge) and r.time > limit then
            slots = slots + 1
            add(selection.kept, r.index, { rule = rule.name, slot = slots, of = rule.n, winner = r.id,
               why = why_of(rule, r) or within_text(rule) })
         end
      end
   end
   return selection
end

--- A rule over natural periods.
-- @tparam string period one of `periods.names`
-- @tparam table options `{n, within, pick, fresh, oldest}` by name
-- @treturn table
function rules.periodic(period, options)
   local oldest = options.oldest
   if oldest == nil then
      -- a window has no slots that could stay empty
      oldest = not options.within
   end
   return { name = period, period = period, select = select_periodic, n = options.n, within = options.within,
      pick = options.pick or "newest", fresh = options.fresh or false, oldest = oldest }
end

--- A rule that looks at each revision alone.
-- @tparam string name
-- @tparam function accepts of a revision and the context
-- @tparam table options `{n, within, why}` by name; `why` is text, or a function of the revision
-- @treturn table
function rules.each(name, accepts, options)
   return { name = name, select = select_each, accepts = accepts, n = options.n, within = options.within,
      why = options.why }
end

-- Combines what two rules keep; `wanted` says whether a revision remains.
local function select_both(rule, context)
   local a, b = rule.left:select(context), rule.right:select(context)
   local selection = rules.selection(function(r)
      return (a.kept[r.index] or b.kept[r.index]) and { rule = rule.name } or a.lost(r) or b.lost(r)
   end)
   for _, r in ipairs(context.revisions) do
      local in_a, in_b = a.kept[r.index], b.kept[r.index]
      if rule.wanted(in_a, in_b) then
         for _, part in ipairs({ in_a or {}, rule.name ~= "-" and in_b or {} }) do
            for _, reason in ipairs(part) do
               add(selection.kept, r.index, reason)
            end
         end
      end
   end
   return selection
end

local wanted = {
   ["|"] = function(a, b) return a or b end,
   ["&"] = function(a, b) return a and b end,
   ["-"] = function(a, b) return a and not b end,
}

--- Two rules as one set.
-- @tparam string operator `|`, `&` or `-`
-- @tparam table left a rule
-- @tparam table right a rule
-- @treturn table
function rules.combine(operator, left, right)
   return { name = operator, select = select_both, wanted = wanted[operator], left = left, right = right,
      counts_unsound = left.counts_unsound and right.counts_unsound }
end

return rules
