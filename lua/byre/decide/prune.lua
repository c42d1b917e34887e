--- Decide: which revisions go by a policy, and whether somebody has to agree first.
-- @module byre.decide.prune
local catalog = require("byre.catalog")
local clock = require("byre.decide.clock")
local config = require("byre.config")
local fingerprint = require("byre.fingerprint")
local guards = require("byre.decide.guards")
local layout = require("byre.layout")
local notes = require("byre.notes")
local plan = require("byre.plan")
local space = require("byre.decide.space")
local trash = require("byre.decide.trash")

local prune = {}

-- a clock that is right is noted this often, in seconds
local clock_interval = 3600

--- What `revisions_to_keep = n` says of revisions, in the form of a policy's judgement.
-- @tparam {table,...} revisions oldest first
-- @tparam integer n
-- @treturn table
function prune.by_number(revisions, n)
   local judged = {}
   for i, revision in ipairs(revisions) do
      local slot = #revisions - i + 1
      judged[i] = slot <= n
         and { id = revision.id, verdict = "keep", reasons = { { rule = "revisions_to_keep", slot = slot, of = n } } }
         or { id = revision.id, verdict = "expire", reasons = {} }
   end
   return { policy = { floor = 1, min_age = 0 }, revisions = judged }
end

-- What the policy releases goes, or with a rule on space may go when space is short.
local function candidates(judgement)
   local set = {}
   for _, judged in ipairs(judgement.revisions) do
      set[judged.id] = judged.verdict == "expire" or nil
   end
   for _, id in ipairs(judgement.policy.space and judgement.policy.space.candidates or {}) do
      set[id] = true
   end
   return set
end

-- What is to become of each revision, oldest first, before the breaker and before it is asked whether space is short.
local function sort_out(revisions, judgement, now)
   local limits = { now = now, floor = judgement.policy.floor, min_age = judgement.policy.min_age }
   local list, may_go = {}, candidates(judgement)
   for i, revision in ipairs(revisions) do
      local judged = judgement.revisions[i]
      revision.future, revision.skewed = judged.future, judged.skewed
      local guard = may_go[revision.id] and guards.objection(revision, #revisions - i + 1, limits) or nil
      list[i] = {
         id = revision.id, seq = revision.seq, time = revision.time, size = revision.size,
         allocated = revision.allocated, delta = revision.delta, verdict = judged.verdict,
         reasons = judged.reasons, lost_to = judged.lost_to or {},
         guard = judged.verdict == "expire" and guard or nil,
         removed = may_go[revision.id] == true and guard == nil,
      }
   end
   return list
end

local function removed_ids(list)
   local ids = {}
   for _, item in ipairs(list) do
      ids[#ids + 1] = item.removed and item.id or nil
   end
   return ids
end

-- A rule on space takes of what may go only as much as is missing.
-- Returns the bytes that are missing all the same.
local function hold_back(list, rule, gauge)
   local chosen, short = space.choose(rule, removed_ids(list), gauge)
   local goes = {}
   for _, id in ipairs(chosen) do
      goes[id] = true
   end
   for _, item in ipairs(list) do
      if item.removed and not goes[item.id] then
         item.removed = false
         item.spared = item.verdict == "expire"
            and (short and "space is not short" or "nobody can tell what space it would free") or nil
      end
   end
   return short
end

-- What leaves the trash: what has had its time, and for a rule on space as much as is missing, what was put there
-- first first. No revision goes for want of space before all of it has.
local function empty_trash(state, rule, gauge)
   local entries, left, paths = trash.expired(state), {}, {}
   for _, entry in ipairs(state.trash) do
      left[entry.path] = entry
   end
   for _, entry in ipairs(entries) do
      left[entry.path] = nil
      if rule then
         gauge:take(entry.path)
      end
   end
   for _, entry in ipairs(rule and state.trash or {}) do
      paths[#paths + 1] = left[entry.path] and entry.path
   end
   for _, path in ipairs(rule and space.choose(config.with(rule, { order = "oldest" }), paths, gauge) or {}) do
      entries[#entries + 1] = left[path]
   end
   return entries
end

-- what each frees alone, and what it adds to what those before it free
local function measure(list, ids, gauge)
   local going, before = {}, 0
   for _, item in ipairs(list) do
      item.exclusive = gauge:freed({ item.id })
   end
   for _, item in ipairs(list) do
      if item.removed then
         going[#going + 1] = item.id
         local now = gauge:freed(going)
         item.freed = now and now - before
         before = now or 0
      end
   end
   return gauge:freed(ids)
end

-- what somebody agrees to: these revisions of this volume, by this policy
local function plan_hash(state, facts, ids)
   return fingerprint.of(table.concat({ state.vid, facts.policy_hash or "", table.unpack(ids) }, "\n"))
end

-- Whoever agrees takes the clock as it is.
local function note_clock(state, facts)
   local mark = facts.clock
   local synchronised = facts.synchronised or mark ~= nil and mark.synchronised and not facts.agreed
   local late = not mark or state.now >= mark.latest + clock_interval
   if late or facts.agreed and (state.now ~= mark.latest or synchronised ~= mark.synchronised) then
      return plan.write(layout.clock, catalog.encode({ latest = state.now, synchronised = synchronised or nil }))
   end
end

-- the entry without the notes on what is gone, and with the policy that was agreed to if something is removed
local function update_entry(state, facts, gone, removes)
   local entry = notes.without(state, gone) or state.raw
   if removes and facts.policy_hash and entry.confirmed_policy ~= facts.policy_hash then
      entry = config.with(entry, { confirmed_policy = facts.policy_hash })
   end
   return entry ~= state.raw and plan.write(layout.entry(state.vid), catalog.encode(entry)) or nil
end

-- paths of the revisions with these ids, the oldest first
local function paths_of(state, ids)
   local wanted, paths = {}, {}
   for _, id in ipairs(ids) do
      wanted[id] = true
   end
   for _, revision in ipairs(state.revisions) do
      paths[#paths + 1] = wanted[revision.id] and revision.path or nil
   end
   return paths
end

-- What was asked for and did not wait for space goes into the trash, where there is one.
local function goes_into_trash(state, rule, facts)
   return not rule and trash.is_used(state, facts)
end

-- what the gauge is to be told of once it is done
local function gone_for_good(result)
   local stays = result.trash or result.unconfirmed
   local list = stays and {} or table.move(result.removed, 1, #result.removed, 1, {})
   for _, entry in ipairs(result.emptied) do
      list[#list + 1] = entry.path
   end
   return list
end

local function phases_of(state, facts, result, paths)
   local steps, gone = trash.take_away(state, paths, { trash = result.trash })
   local emptied, expired = trash.empty(result.emptied)
   table.move(expired, 1, #expired, #gone + 1, gone)
   result.gone = gone_for_good(result)
   return { plan.phase({}, steps, emptied),
      plan.phase({}, update_entry(state, facts, gone, #paths > 0), note_clock(state, facts),
         trash.note_clock(state, result.trash and #paths > 0)) }
end

--- Decide what goes.
-- @tparam table state of `byre.survey`
-- @tparam {table,...} revisions of it that are judged, oldest first, as a policy sees them
-- @tparam table judgement of `evaluate.judge` or `prune.by_number`
-- @tparam table facts `policy` (its name), `policy_hash`, `clock` (of `catalog.decode_clock`), `synchronised` (the
-- clock now), `confirm` (a hash that somebody has agreed to), `gauge` (for a policy with a rule on space, and for
-- `measure`), `measure` (`"all"`: what each revision frees, `"removed"`: the same where some go), `trash = false`: what
-- goes goes for good
-- @treturn plan of the removals, oldest first; empty while somebody has to agree. `prune` besides: `volume`,
-- `policy`, `revisions` (each with `delta` (bytes changed, where the policy has asked), `verdict`, `reasons`, `guard`,
-- `spared` (why a rule on space leaves it), `removed`, `exclusive` and `freed` (bytes, where measured)), `removed`
-- (ids), `freed` (bytes, where measured), `space` (with a rule on space: `missing`, bytes that are missing all the
-- same; nil: not known), `hash`, `unconfirmed` (why somebody has to agree), `trash` (what is removed goes into the
-- trash), `emptied` (entries that leave it for good), `gone` (ids and paths of what is not there any more afterwards,
-- for the gauge)
function prune.decide(state, revisions, judgement, facts)
   local list = sort_out(revisions, judgement, state.now)
   local rule = judgement.policy.space
   local emptied = empty_trash(state, rule, facts.gauge)
   local space_left = rule and { missing = hold_back(list, rule, facts.gauge) } or nil
   local ids = removed_ids(list)
   local result = { volume = state.vid, policy = facts.policy, revisions = list, removed = ids, space = space_left,
      hash = plan_hash(state, facts, ids), emptied = emptied, trash = goes_into_trash(state, rule, facts) }
   if facts.measure == "all" or facts.measure and #ids > 0 then
      result.freed = measure(list, ids, facts.gauge)
   end
   local why = guards.breaker(#ids, #list, {
      clock = clock.objection(state.now, facts.clock, revisions, facts.synchronised),
      policy_changed = facts.policy_hash ~= nil and state.raw.confirmed_policy ~= facts.policy_hash,
   })
   facts.agreed = facts.confirm == result.hash
   local paths = {}
   if why and not facts.agreed then
      result.unconfirmed = why
   else
      paths = paths_of(state, ids)
   end
   local the_plan = plan.new("prune", state.vid, phases_of(state, facts, result, paths))
   the_plan.prune = result
   return the_plan
end

return prune
