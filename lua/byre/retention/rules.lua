--- Rules: each names the revisions it wants to keep.
--
-- A rule is `{name, select = function(rule, context) -> selection}`, and
-- `counts_unsound` where it judges revisions with impossible times itself.  The context has
-- `revisions` (newest first, see `byre.retention.order`), `sound` (those of
-- them with a believable time), `calendar`, `now`, `anchor` (where durations
-- count from) and `kept` (by index: what earlier rules keep).  A selection is
-- `{kept = {[index] = list of reasons}, lost = {[index] = list of {rule, period, winner}}}`.
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

--- @treturn table an empty selection
function rules.selection()
   return { kept = {}, lost = {} }
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

-- the periods of the sound revisions, newest first, each with its winner
local function contest(rule, context)
   local list, by_label = {}, {}
   for _, r in ipairs(context.sound) do
      local label = periods.of(rule.period, context.calendar, r.time)
      local period = by_label[label]
      if not period then
         period = { label = label, winner = r, members = {} }
         list[#list + 1], by_label[label] = period, period
      elseif rule.pick == "first" then
         period.winner = r
      end
      period.members[#period.members + 1] = r
   end
   return list
end

-- Keeps the oldest of all while the rule has room: years may pass before
-- there is a yearly one.
local function keep_oldest(rule, context, selection, slots, limit)
   local oldest = context.sound[#context.sound]
   if rule.oldest and oldest and slots < (rule.n or math.huge) and not selection.kept[oldest.index]
      and oldest.time > limit then
      add(selection.kept, oldest.index, { rule = rule.name, slot = slots + 1, of = rule.n, winner = oldest.id,
         period = periods.of(rule.period, context.calendar, oldest.time), why = "oldest" })
      selection.lost[oldest.index] = nil
   end
end

-- The newest (or first) of each period, for so many periods or so long.
local function select_periodic(rule, context)
   local selection, slots, limit = rules.selection(), 0, threshold(rule, context)
   for _, period in ipairs(contest(rule, context)) do
      local winner = period.winner
      local free = rule.fresh and context.kept[winner.index]
      local wins = not free and winner.time > limit and slots < (rule.n or math.huge)
      if wins then
         slots = slots + 1
         add(selection.kept, winner.index, { rule = rule.name, period = period.label, slot = slots, of = rule.n,
            winner = winner.id, why = within_text(rule) })
      end
      for _, r in ipairs(period.members) do
         if r ~= winner or not wins then
            add(selection.lost, r.index, { rule = rule.name, period = period.label,
               winner = (wins or free) and winner.id or nil })
         end
      end
   end
   keep_oldest(rule, context, selection, slots, limit)
   return selection
end

-- All that a test accepts, for so many or so long: last, within, tagged, where, changed.
local function select_each(rule, context)
   local selection, slots, limit = rules.selection(), 0, threshold(rule, context)
   for _, r in ipairs(context.sound) do
      if rule.accepts(r, context) then
         if slots < (rule.n or math.huge) and r.time > limit then
            slots = slots + 1
            add(selection.kept, r.index, { rule = rule.name, slot = slots, of = rule.n, winner = r.id,
               why = rule.why or within_text(rule) })
         else
            add(selection.lost, r.index, { rule = rule.name })
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
-- @tparam table options `{n, within, why}` by name
-- @treturn table
function rules.each(name, accepts, options)
   return { name = name, select = select_each, accepts = accepts, n = options.n, within = options.within,
      why = options.why }
end

--- What is kept has lost nothing.
-- @tparam table selection
-- @treturn table the selection
function rules.settle(selection)
   for index in pairs(selection.kept) do
      selection.lost[index] = nil
   end
   return selection
end

local function merge_lost(selection, ...)
   for _, part in ipairs({ ... }) do
      for index, list in pairs(part.lost) do
         for _, entry in ipairs(list) do
            add(selection.lost, index, entry)
         end
      end
   end
   return rules.settle(selection)
end

-- Combines what two rules keep; `wanted` says whether a revision remains.
local function select_both(rule, context)
   local a, b = rule.left:select(context), rule.right:select(context)
   local selection = rules.selection()
   for _, r in ipairs(context.revisions) do
      local in_a, in_b = a.kept[r.index], b.kept[r.index]
      if rule.wanted(in_a, in_b) then
         for _, part in ipairs({ in_a or {}, rule.name ~= "-" and in_b or {} }) do
            for _, reason in ipairs(part) do
               add(selection.kept, r.index, reason)
            end
         end
      elseif in_a or in_b then
         add(selection.lost, r.index, { rule = rule.name })
      end
   end
   return merge_lost(selection, a, b)
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
