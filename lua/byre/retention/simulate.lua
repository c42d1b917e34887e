--- A policy at work over invented or real time: after each new revision it is
-- asked and what it gives up goes, as in real life.
--
-- The evaluator is that of pruning; only the clock and the list are invented.
-- @module byre.retention.simulate
local evaluate = require("byre.retention.evaluate")
local growth = require("byre.retention.growth")
local options = require("byre.retention.options")
local restore_gaps = require("byre.retention.restore_gaps")
local schedule = require("byre.retention.schedule")
local space = require("byre.decide.space")
local zone = require("byre.retention.zone")

local simulate = {}

local known = { schedule = true, from = true, to = true, gaps = true, skew = true, start_revisions = true,
   growth = true, batch = true, objection = true, volume = true, pool = true, disk = true }

local function in_gap(gaps, time)
   for _, gap in ipairs(gaps or {}) do
      if time >= gap.from and time < gap.to then
         return true
      end
   end
   return false
end

-- what a wrong clock adds to the time
local function skew_at(skew, time)
   for _, span in ipairs(skew or {}) do
      if time >= span.from and time < span.to then
         return span.by
      end
   end
   return 0
end

-- What a revision is kept for, where that changed.
local function note_rule(track, judged, now)
   local reason = judged.reasons[1]
   local rule = reason and reason.rule or judged.verdict
   local last = track.history[#track.history]
   if not last or last.rule ~= rule then
      track.history[#track.history + 1] = { at = now, rule = rule }
   end
   track.reasons = judged.reasons
end

-- what the policy releases and no guard keeps: by id, and what kept the others
local function released(state, output, now)
   local given, may_go, kept_by = state.given, {}, {}
   local limits = { now = now, floor = output.policy.floor, min_age = output.policy.min_age }
   local named = {}
   for _, id in ipairs(output.policy.space and output.policy.space.candidates or {}) do
      named[id] = true
   end
   for i, r in ipairs(state.alive) do
      local judged = output.revisions[i]
      r.future, r.skewed = judged.future, judged.skewed
      if judged.verdict == "expire" or named[r.id] then
         local guard = given.objection and given.objection(r, #state.alive - i + 1, limits)
         may_go[r.id], kept_by[r.id] = not guard, guard
      end
   end
   return may_go, kept_by
end

-- of what may go, what a rule on space takes; nobody knows without figures, and then nothing goes
local function make_space(state, rule, may_go, now)
   local gauge = state.given.gauge
   if not gauge and state.growth then
      gauge = growth.gauge(state.growth, state.alive, now, state.disk)
   end
   local candidates, goes = {}, {}
   for _, r in ipairs(state.alive) do
      candidates[#candidates + 1] = may_go[r.id] and r.id or nil
   end
   local chosen, short = {}, nil
   if gauge then
      chosen, short = space.choose(rule, candidates, gauge)
   end
   for _, id in ipairs(chosen) do
      goes[id] = true
   end
   if short == nil then
      state.data.space_unknown = true
   end
   return goes
end

-- what a revision stays for though the policy releases it
local function guard_reason(guard)
   return { { rule = guard and "guard" or "space", why = guard or "there is space" } }
end

local function prune(state, now)
   local given = state.given
   local output = evaluate.judge(state.policy, { now = now, volume = given.volume, pool = given.pool,
      revisions = state.alive })
   local goes, kept_by = released(state, output, now)
   if output.policy.space then
      goes = make_space(state, output.policy.space, goes, now)
   end
   local alive = {}
   for i, r in ipairs(state.alive) do
      local judged, track = output.revisions[i], state.tracks[r.id]
      if goes[r.id] then
         track.removed_at, track.lost_to = now, judged.lost_to
      else
         if judged.verdict == "expire" then
            judged.reasons = guard_reason(kept_by[r.id])
         end
         note_rule(track, judged, now)
         alive[#alive + 1] = r
      end
   end
   state.alive = alive
end

local function add(state, r, made_at)
   state.alive[#state.alive + 1] = r
   local track = { id = r.id, seq = r.seq, time = r.time, made_at = made_at, history = {} }
   state.tracks[r.id], state.data.revisions[#state.data.revisions + 1] = track, track
end

-- once a day: how many there are, how much they take, how far apart they are
local function sample(state, now)
   local day = zone.to_local(state.policy.calendar.rules, now) // 86400
   local samples = state.data.samples
   if samples[#samples] and samples[#samples].day == day then
      samples[#samples] = nil
   end
   samples[#samples + 1] = { day = day, time = now, count = #state.alive, bytes = growth.bytes(state.growth,
      state.alive, now) }
   restore_gaps.widen(state.data.restore_gaps, state.alive, now)
end

local function run_moment(state, moment, number)
   add(state, { id = "new-" .. number, seq = state.next_seq, time = moment + skew_at(state.given.skew, moment),
      tags = {}, origin = "auto", size = state.growth and state.growth.size,
      delta = state.growth and growth.changed(state.growth, 3600) }, moment)
   state.next_seq = state.next_seq + 1
   if not state.given.batch then
      prune(state, moment)
   end
   sample(state, moment)
end

-- changes of the clock while it runs, for marks
local function clock_changes(rules, from, to)
   local list = {}
   local offset, _, stop = zone.lookup(rules, from)
   while stop <= to do
      local at = stop
      local after
      after, _, stop = zone.lookup(rules, at)
      if after ~= offset then
         list[#list + 1] = { time = at, by = after - offset }
      end
      offset = after
   end
   return list
end

local function read_disk(disk)
   if disk == nil then
      return nil
   end
   options.check_keys("disk", disk, { size = true, others = true })
   return { size = options.size("disk: size", disk.size), others = options.size("disk: others", disk.others) }
end

local function start(policy, given)
   local state = { policy = policy, given = given, growth = growth.read(given.growth), disk = read_disk(given.disk),
      alive = {}, tracks = {}, next_seq = 1 }
   state.data = { tz = policy.tz, from = given.from, to = given.to, schedule = given.schedule, revisions = {},
      samples = {}, restore_gaps = restore_gaps.new(),
      clock_changes = clock_changes(policy.calendar.rules, given.from, given.to) }
   for _, r in ipairs(given.start_revisions or {}) do
      local copy = {}
      for key, value in pairs(r) do
         copy[key] = value
      end
      add(state, copy, r.time)
      state.next_seq = math.max(state.next_seq, (r.seq or 0) + 1)
   end
   return state
end

local function finish(state, now)
   sample(state, now)
   for _, r in ipairs(state.data.revisions) do
      local seconds = zone.to_local(state.policy.calendar.rules, r.time)
      r.day = seconds // 86400
      r.clock = string.format("%02d:%02d", seconds // 3600 % 24, seconds // 60 % 60)
   end
   return state.data
end

--- Run a policy over time.
-- @tparam table policy of `language.finish`
-- @tparam table given `schedule` (see `byre.retention.schedule`), `from` and `to` (seconds since the epoch);
--   `gaps` (list of `{from, to}` without revisions), `skew` (list of `{from, to, by}`: the clock is wrong by so many
--   seconds), `start_revisions` (oldest first), `growth` (`{size, change_per_day}` in bytes), `disk` (`{size, others}`
--   in bytes: of the file system, and what others take of it), `batch` (ask once, at the end), `objection` (guards:
--   function of a revision, its rank from the newest and `{now, floor, min_age}`; what keeps it, or nil)
-- @treturn table `tz from to schedule`; `revisions`: each with `id seq time`, `made_at` (the true time), `history`
--   (list of `{at, rule}`: what it was kept for from when on), `reasons` (the last ones), `removed_at`, `lost_to`,
--   `day` (since 1970-01-01) and `clock` (text) in the zone of the policy; `samples`: one a day, `{day, time, count,
--   bytes}`; `restore_gaps` (see `byre.retention.restore_gaps`); `clock_changes`: `{time, by}`
--   With a rule on space, `space_unknown`: without `growth`, or `disk`, nobody can know when space is short, and what
--   the rules release stays.
-- @raise a sentence about what cannot be
function simulate.run(policy, given)
   options.check_keys("simulate", given, known)
   if math.type(given.from) ~= "integer" or math.type(given.to) ~= "integer" or given.from > given.to then
      options.fail("simulate: from and to are times, from the earlier one")
   end
   local state = start(policy, given)
   local moments = schedule.moments(schedule.parse(given.schedule), policy.calendar.rules, given.from, given.to)
   for number, moment in ipairs(moments) do
      if not in_gap(given.gaps, moment) then
         run_moment(state, moment, number)
      end
   end
   if given.batch or #moments == 0 then
      prune(state, given.to)
   end
   return finish(state, given.to)
end

--- What a policy says of real revisions, in the form of `simulate.run`: those
-- that would go are removed now.
-- @tparam table policy
-- @tparam table input of `evaluate.judge`
-- @tparam[opt] table facts `objection`, as for `simulate.run`; `gauge` (see `byre.decide.space`)
-- @treturn table
function simulate.now(policy, input, facts)
   facts = facts or {}
   local first = input.revisions[1] and input.revisions[1].time or input.now
   local state = start(policy, { from = math.min(first, input.now), to = input.now, start_revisions = input.revisions,
      objection = facts.objection, gauge = facts.gauge, volume = input.volume, pool = input.pool })
   prune(state, input.now)
   return finish(state, input.now)
end

return simulate
