--- Judges the revisions of a volume by a policy.
--
-- Pruning, explaining and simulating all ask here; nothing else decides what a
-- policy wants.  Guards (newest, held, in use, floor …) come after it.
-- @module byre.retention.evaluate
local duration = require("byre.retention.duration")
local options = require("byre.retention.options")
local order = require("byre.retention.order")
local revision_view = require("byre.retention.revision_view")
local rules = require("byre.retention.rules")

local evaluate = {}

-- durations count from the newest revision whose time can be believed
local function anchor_of(policy, sound, now)
   if policy.from == "now" then
      return now
   end
   local newest = sound[1] and sound[1].time
   for _, r in ipairs(sound) do
      newest = math.max(newest, r.time)
   end
   return newest
end

local function new_context(policy, input)
   local context = { now = input.now, calendar = policy.calendar, revisions = order.newest_first(input), sound = {},
      kept = {}, exclusive = policy.exclusive, delta = policy.delta }
   for _, r in ipairs(context.revisions) do
      if r.sound then
         context.sound[#context.sound + 1] = r
      end
   end
   context.anchor = anchor_of(policy, context.sound, input.now)
   local views = {}
   function context.view(r)
      views[r.index] = views[r.index] or revision_view.new(r, context)
      return views[r.index]
   end
   return context
end

-- A list of rules ends with an implied "expire the rest".
local function apply_rules(policy, context)
   local selections = {}
   for i, rule in ipairs(policy.rules) do
      local selection = rule:select(context)
      for _, r in ipairs(context.revisions) do
         for _, reason in ipairs(selection.kept[r.index] or {}) do
            rules.add(context.kept, r.index, reason)
         end
      end
      selections[i] = selection
   end
   return selections
end

-- by each rule in turn, to whom a revision has lost
local function lost_to(selections, r)
   local list = {}
   for _, selection in ipairs(selections) do
      list[#list + 1] = selection.lost(r) or nil
   end
   return list
end

-- what a time that cannot be believed means: keep, whatever the rules say
local function keep_unsound(policy, context)
   local leave = #policy.rules > 0
   for _, rule in ipairs(policy.rules) do
      leave = leave and rule.counts_unsound
   end
   if leave then
      return
   end
   for _, r in ipairs(context.revisions) do
      if r.future then
         rules.add(context.kept, r.index, { rule = "future", why = "its time has not come yet" })
      elseif r.skewed then
         rules.add(context.kept, r.index, { rule = "skewed", why = "its time does not fit its neighbours" })
      end
   end
end

local function new_ctx(policy, input, context)
   local pool = input.pool or {}
   return {
      now = input.now, tz = policy.tz, volume = input.volume, count = #context.revisions,
      pool = { free = pool.free, total = pool.total },
      ago = options.public(function(text)
         return duration.before(options.duration("ctx.ago", text), context.calendar.rules,
            context.anchor or input.now)
      end),
      freed = options.public(function(list)
         local ids = {}
         if type(list) ~= "table" then
            options.fail("ctx.freed: takes a list of revisions, not %s", options.show(list))
         end
         for i, r in ipairs(list) do
            ids[i] = type(r) == "table" and r.id or options.fail("ctx.freed: item %d is not a revision", i)
         end
         table.sort(ids)
         return policy.freed and policy.freed(ids)
      end),
      log = function(text)
         return policy.log and policy.log(tostring(text))
      end,
   }
end

-- A function gives verdicts one by one; of what it says nothing it keeps.
local function apply_function(policy, input, context)
   local expired, views = {}, {}
   local verdicts = {
      keep = function(r, why)
         rules.add(context.kept, r.index, { rule = "function", why = why })
      end,
      expire = function(r, why)
         rules.add(expired, r.index, { rule = "function", why = why })
      end,
   }
   for i, r in ipairs(context.revisions) do
      views[i] = revision_view.new(r, context, verdicts)
   end
   policy.judge(views, new_ctx(policy, input, context))
   return expired
end

local function verdict_of(policy, r, kept, expired)
   local judged = { id = r.id, lost_to = {} }
   if kept then
      judged.verdict, judged.reasons = "keep", kept
   elseif expired then
      judged.verdict, judged.reasons = "expire", expired
   elseif #policy.rules > 0 then
      judged.verdict, judged.reasons = "expire", {}
   else
      judged.verdict, judged.reasons = "abstain", {}
   end
   return judged
end

-- What a space rule may take, oldest first: all that is released, or what it names.
local function space_of(policy, context, judged)
   local space = policy.space
   if not space then
      return nil
   end
   local named = space.among and space.among:select(context).kept
   local result = { free = space.free, free_percent = space.free_percent, quota = space.quota, order = space.order,
      candidates = {} }
   for i = #context.revisions, 1, -1 do
      local r = context.revisions[i]
      if judged[r.index].verdict == "expire" or (named and named[r.index]) then
         result.candidates[#result.candidates + 1] = r.id
      end
   end
   return result
end

--- Judge revisions.  Plain tables on both sides, fit for JSON.
-- @tparam table policy of `language.finish`
-- @tparam table input `{now, volume, pool = {free, total}, revisions = oldest first}`; a revision has
--   `id, seq, time` and as far as known `size, allocated, exclusive, delta, tags = {name = true}, note,
--   hold_until, pinned, origin, in_use`
-- @treturn table `{policy = {floor, min_age, tz, from, space}, revisions = in the order of the input}`;
--   a revision has `id`, `verdict` (`keep`, `expire`, `abstain`), `reasons` (a list of `{rule, period,
--   slot, of, winner, why}`), `lost_to` (a list of `{rule, period, winner}`) and, when they are true,
--   `future` and `skewed`.  `space.candidates` are the ids a space rule may take, oldest first.
-- @raise whatever a function of the policy raises
function evaluate.judge(policy, input)
   local context = new_context(policy, input)
   local selections = apply_rules(policy, context)
   keep_unsound(policy, context)
   local expired = policy.judge and apply_function(policy, input, context) or {}
   local judged = {}
   for _, r in ipairs(context.revisions) do
      local result = verdict_of(policy, r, context.kept[r.index], expired[r.index])
      result.future, result.skewed = r.future or nil, r.skewed or nil
      if result.verdict == "expire" then
         result.lost_to = lost_to(selections, r)
      end
      judged[r.index] = result
   end
   return {
      policy = { floor = policy.floor, min_age = policy.min_age, tz = policy.tz, from = policy.from,
         space = space_of(policy, context, judged) },
      revisions = judged,
   }
end

return evaluate
