--- Pruning: volumes, their policies, and what goes.
-- @module byre.prune
local core = require("byre.core")

local catalog = require("byre.catalog")
local config = require("byre.config")
local decide = require("byre.decide.prune")
local difference = require("byre.difference")
local failure = require("byre.failure")
local fingerprint = require("byre.fingerprint")
local gauge = require("byre.gauge")
local layout = require("byre.layout")
local notes = require("byre.notes")
local operation = require("byre.operation")
local plan = require("byre.plan")
local policy = require("byre.policy")
local survey = require("byre.survey")
local units = require("byre.units")

local prune = {}

--- The revisions of a volume as policies see them, oldest first.
-- @tparam store store
-- @tparam table state of `byre.survey`
-- @treturn {table,...} `id`, `seq`, `time`, `changed`, `size`, `allocated`, `tags`, `note`, `hold_until`, `pinned`,
-- `in_use`
function prune.revisions(store, state)
   local list = {}
   for i, revision in ipairs(survey.history(state)) do
      local stat, noted = store:stat(revision.path) or {}, notes.of(state, revision)
      list[i] = {
         id = revision.id, seq = revision.seq, time = revision.time, changed = stat.ctime, size = stat.size,
         allocated = stat.blocks and stat.blocks * 512, tags = noted.tags, note = noted.note,
         hold_until = noted.hold_until, pinned = notes.is_held(state, revision),
         in_use = store:is_in_use(revision.path),
      }
   end
   return list
end

-- One policy for a volume, or none.
local function require_one_policy(state)
   local names = state.config.policies
   if names and #names > 1 then
      failure.raise("invalid", state.vid, ("two policies for one volume: %s and %s; both are meant for it by a pattern")
         :format(names[1], names[2]), { volume = state.vid, hint = "byre policy show lists the patterns" })
   end
end

local function input_of(pool, state, revisions)
   local usage = pool.store:usage()
   return { now = state.now, volume = state.vid, pool = { free = usage.free, total = usage.size },
      revisions = revisions }
end

-- Bytes that a revision has changed against the one before: looked up once, and noted in it.
local function delta_of(pool, state, revisions)
   local history, asked, index = survey.history(state), {}, {}
   for i, revision in ipairs(revisions) do
      index[revision.id] = i
   end
   return function(id)
      local i = index[id] or 1
      if i > 1 and not asked[i] then
         revisions[i].delta, asked[i] = difference.bytes(pool.store, history[i - 1].path, history[i].path), true
      end
      return revisions[i] and revisions[i].delta
   end
end

-- what a policy may ask of a volume besides: see `policy.run`
local function answers(pool, state, revisions, meter)
   return {
      freed = meter and function(ids) return meter:freed(ids) end,
      taken = meter and function(ids) return meter:taken_without(ids) end,
      delta = delta_of(pool, state, revisions),
      child = pool.policy_child,
   }
end

local function judge(pool, state, revisions, chosen, meter)
   if not chosen then
      return decide.by_number(revisions, state.config.keep), {}
   end
   return policy.run(chosen, "judge", { input = input_of(pool, state, revisions) },
      answers(pool, state, revisions, meter))
end

--- What a policy would judge of a volume now.
-- @tparam pool pool
-- @tparam string id
-- @treturn table input of `evaluate.judge`
-- @treturn table `freed`, `taken` and `delta`, for `policy.run`
-- @raise `no_such_volume`, `corrupt`
function prune.input(pool, id)
   local state = survey.existing(pool, id)
   local revisions = prune.revisions(pool.store, state)
   return input_of(pool, state, revisions), answers(pool, state, revisions, gauge.new(pool):of(id))
end

--- What the policy of a volume says of its revisions now.
-- @tparam pool pool
-- @tparam string id
-- @treturn table in the form of `simulate.now`, with `policy`: its name
-- @raise `invalid`: no policy, or one that is wrong; `no_such_volume`, `corrupt`
function prune.calendar(pool, id)
   pool:refresh()
   local state = survey.existing(pool, id)
   require_one_policy(state)
   local name = state.config.policy
   if not name then
      failure.raise("invalid", id, "no policy is meant for it, it keeps a number of revisions",
         { volume = id, hint = "byre policy set gives the pool one" })
   end
   local revisions = prune.revisions(pool.store, state)
   local data = policy.run(policy.read(pool.store, name), "now", { input = input_of(pool, state, revisions) },
      answers(pool, state, revisions))
   data.policy = name
   return data
end

-- When each revision that stays will go, noted in what was decided. A forecast that cannot be made is told of.
local function foretell(pool, state, revisions, chosen, result)
   local ok, times = failure.catch(policy.run, chosen, "forecast", { input = input_of(pool, state, revisions) },
      config.with(policy.long, answers(pool, state, revisions)))
   if not ok then
      table.insert(result.log, "when they will go is not known: " .. tostring(times))
      return
   end
   for _, item in ipairs(result.revisions) do
      item.goes_at = not item.removed and times[item.id] or nil
   end
end

--- The request that prunes one volume.
-- @tparam pool pool
-- @tparam string id
-- @tparam[opt] table options `confirm`: hash of a volume's plan that somebody agrees to; `policy`: of `policy.new`, in
-- place of the volume's own; `gauge`: that of the run (default: a new one); `measure`, `trash`: see `decide.prune`;
-- `forecast`: also when each will go
-- @treturn table for `byre.operation`; its plan has `prune`, see `decide.prune`, with `log` (lines of the policy) and,
-- where something was measured, `exact` and `reason` as of `byre.space`
function prune.request(pool, id, options)
   options = options or {}
   local run = options.gauge or gauge.new(pool)
   return { vid = id, reads = false, decide = function(state)
      if not state.config.save_on_stop then
         local the_plan = plan.new("prune", id, {})
         the_plan.prune = { volume = id, revisions = {}, removed = {}, emptied = {}, gone = {}, log = {} }
         return the_plan
      end
      local chosen = options.policy
      if not chosen then
         require_one_policy(state)
         chosen = state.config.policy and policy.read(pool.store, state.config.policy)
      end
      local revisions = prune.revisions(pool.store, state)
      local meter = run:of(id)
      local judgement, log = judge(pool, state, revisions, chosen, meter)
      local clock = chosen and pool.store:read(layout.clock)
      local the_plan = decide.decide(state, revisions, judgement, {
         policy = chosen and chosen.name, policy_hash = chosen and chosen.hash,
         clock = clock and catalog.decode_clock(layout.clock, clock), synchronised = core.clock_is_synchronised(),
         confirm = options.confirm,
         gauge = meter, measure = options.measure, trash = options.trash,
      })
      the_plan.prune.log = log
      if options.forecast and chosen then
         foretell(pool, state, revisions, chosen, the_plan.prune)
      end
      if run.map then
         the_plan.prune.exact, the_plan.prune.reason = run.map.exact, run.map.reason
      end
      return the_plan
   end }
end

--- What is to be said of a volume that nobody looks at, in words; nil: nothing.
-- @tparam table result of a volume, see `decide.prune`
-- @treturn ?string
function prune.complaint(result)
   if result.unconfirmed then
      return ("byre: %s: nothing was pruned: %s; byre prune shows what would go"):format(result.volume,
         result.unconfirmed)
   end
   local shortage = prune.shortage(result)
   return shortage and ("byre: %s: %s"):format(result.volume, shortage)
end

--- What a rule on space could not do for a volume, in words; nil: nothing.
-- @tparam table result of a volume, see `decide.prune`
-- @treturn ?string
function prune.shortage(result)
   local space = result.space
   if not space or space.missing == 0 then
      return nil
   elseif not space.missing then
      return ("nothing goes to make space: %s"):format(result.reason or "nobody can tell what would be free")
   end
   return ("%s more should be free than there is when all has gone that may go"):format(
      units.format_size(space.missing))
end

--- Prune a volume that has just been stopped. What goes wrong is a warning: the stop is done.
-- @tparam pool pool
-- @tparam string id
function prune.after_stop(pool, id)
   local request = prune.request(pool, id)
   local ok, e = failure.catch(operation.run, pool, { request })
   local message = not ok and tostring(e) or prune.complaint(request.plan.prune)
   if message then
      pool.log({ step = "warning", volume = id, operation = "prune", seconds = 0, message = message })
   end
end

-- call a function for every volume that is to be pruned
local function each_volume(pool, options, fn)
   if options.volumes then
      for _, item in ipairs(options.volumes) do
         fn(type(item) == "string" and item or item.vid)
      end
   else
      for volume in pool:volumes(options.pattern) do
         fn(volume.vid)
      end
   end
end

-- what would go; nothing is changed
local function look(pool, options, result)
   local run = gauge.new(pool)
   each_volume(pool, options, function(id)
      local ok, the_plan = failure.catch(operation.plan, pool,
         prune.request(pool, id, { policy = options.policy, gauge = run, measure = options.measure,
            trash = options.trash, forecast = options.forecast }))
      if ok then
         table.insert(result.volumes, the_plan.prune)
         -- the next one need not make the same space once more
         run:forget(id, the_plan.prune.gone)
      else
         table.insert(result.failures, { volume = id, error = the_plan })
      end
   end)
   return result
end

local function run(pool, options, agreed, result)
   local shared = gauge.new(pool)
   each_volume(pool, options, function(id)
      local request = prune.request(pool, id, { confirm = agreed[id], gauge = shared, measure = options.measure,
         trash = options.trash })
      local ok, e = failure.catch(operation.run, pool, { request })
      if ok then
         table.insert(result.volumes, request.plan.prune)
         shared:forget(id, request.plan.prune.gone)
      else
         table.insert(result.failures, { volume = id, error = e })
      end
   end)
   return result
end

-- one hash for all that somebody has to agree to
local function finish(result)
   local hashes = {}
   for _, volume in ipairs(result.volumes) do
      if volume.unconfirmed then
         hashes[#hashes + 1] = volume.hash
      end
   end
   result.hash = #hashes > 0 and fingerprint.of(table.concat(hashes, "\n")) or nil
   return result
end

local function agreed_hashes(pool, options)
   local agreed = {}
   if not options.confirm then
      return agreed
   end
   local shown = finish(look(pool, config.with(options, { measure = false }), { volumes = {}, failures = {} }))
   if shown.hash ~= options.confirm then
      failure.raise("policy", failure.quote(options.confirm), shown.hash
         and "what would go now is another plan than the one that was agreed to" or "there is no plan to agree to",
         { hint = "byre prune shows what would go" })
   end
   for _, volume in ipairs(shown.volumes) do
      agreed[volume.volume] = volume.unconfirmed and volume.hash
   end
   return agreed
end

--- Prune volumes, each by its policy; those without one by their number of revisions to keep.
-- @tparam pool pool
-- @tparam[opt] table options `dry_run`: only say what would go; `volumes`: these (vids or volumes); `pattern`: those
-- whose vids fit; `confirm`: the hash of a plan that somebody has agreed to; `policy`: with `dry_run`, this one (of
-- `policy.new`) in place of the volumes' own; `measure`: `"removed"`: what those free that go, `"all"`: what each
-- revision frees; that reads maps; `trash = false`: what goes goes for good, also where there is a trash; `forecast`:
-- with `dry_run`, also when each that stays will go (`goes_at`, epoch), if revisions are made as often as until now and
-- nothing else changes
-- @treturn table `volumes` (see `decide.prune`), `failures` ({volume=, error=}), `hash` (what has to be agreed to; nil:
-- nothing)
-- @raise `policy`: the plan is another one than was agreed to
function prune.run(pool, options)
   options = options or {}
   local result = { volumes = {}, failures = {} }
   if options.dry_run then
      return finish(look(pool, options, result))
   end
   assert(not options.policy, "another policy is for dry_run")
   return finish(run(pool, options, agreed_hashes(pool, options), result))
end

return prune
