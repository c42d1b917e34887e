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

-- the entry without the notes on what goes, and with the policy that was agreed to
local function update_entry(state, facts, paths)
   local entry = notes.without(state, paths) or state.raw
   if #paths > 0 and facts.policy_hash and entry.confirmed_policy ~= facts.policy_hash then
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

local function removals(paths)
   local steps = {}
   for i, path in ipairs(paths) do
      steps[i] = plan.unlink(path)
   end
   return steps
end

--- Decide what goes.
-- @tparam table state of `byre.survey`
-- @tparam {table,...} revisions of it that are judged, oldest first, as a policy sees them
-- @tparam table judgement of `evaluate.judge` or `prune.by_number`
-- @tparam table facts `policy` (its name), `policy_hash`, `clock` (of `catalog.decode_clock`), `synchronised` (the
-- clock now), `confirm` (a hash that somebody has agreed to), `gauge` (for a policy with a rule on space, and for
-- `measure`), `measure` (`"all"`: what each revision frees, `"removed"`: the same where some go)
-- @treturn plan of the removals, oldest first; empty while somebody has to agree. `prune` besides: `volume`,
-- `policy`, `revisions` (each with `delta` (bytes changed, where the policy has asked), `verdict`, `reasons`, `guard`,
-- `spared` (why a rule on space leaves it), `removed`, `exclusive` and `freed` (bytes, where measured)), `removed`
-- (ids), `freed` (bytes, where measured), `space` (with a rule on space: `missing`, bytes that are missing all the
-- same; nil: not known), `hash`, `unconfirmed` (why somebody has to agree)
function prune.decide(state, revisions, judgement, facts)
   local list = sort_out(revisions, judgement, state.now)
   local rule = judgement.policy.space
   local space_left = rule and { missing = hold_back(list, rule, facts.gauge) } or nil
   local ids = removed_ids(list)
   local result = { volume = state.vid, policy = facts.policy, revisions = list, removed = ids, space = space_left,
      hash = plan_hash(state, facts, ids) }
   if facts.measure == "all" or facts.measure and #ids > 0 then
      result.freed = measure(list, ids, facts.gauge)
   end
   local why = guards.breaker(#ids, #list, {
      clock = clock.objection(state.now, facts.clock, revisions, facts.synchronised),
      policy_changed = facts.policy_hash ~= nil and state.raw.confirmed_policy ~= facts.policy_hash,
   })
   facts.agreed = facts.confirm == result.hash
   local phases
   if why and not facts.agreed then
      result.unconfirmed = why
      phases = { plan.phase({}, note_clock(state, facts)) }
   else
      local paths = paths_of(state, ids)
      phases = { plan.phase({}, removals(paths)),
         plan.phase({}, update_entry(state, facts, paths), note_clock(state, facts)) }
   end
   local the_plan = plan.new("prune", state.vid, phases)
   the_plan.prune = result
   return the_plan
end

return prune
