--- An operation on one or many volumes: lock, look, decide, do.
-- @module byre.operation
local core = require("byre.core")
local executor = require("byre.executor")
local failure = require("byre.failure")
local hooks = require("byre.hooks")
local listing = require("byre.listing")
local plan = require("byre.plan")
local recover = require("byre.decide.recover")
local survey = require("byre.survey")
local vid = require("byre.vid")

local operation = {}

-- group -> mode of the locks that requests need; who writes wins over who reads. Which source a volume has,
-- `source_of` says.
local function lock_modes(requests, source_of)
   local modes = {}
   for _, request in ipairs(requests) do
      modes[vid.group(request.vid)] = "exclusive"
      for _, other in ipairs(request.also or {}) do
         modes[vid.group(other)] = "exclusive"
      end
   end
   for _, request in ipairs(requests) do
      local reads = request.reads
      if reads == nil then
         reads = source_of(request)
      end
      if reads and not modes[vid.group(reads)] then
         modes[vid.group(reads)] = "shared"
      end
   end
   return modes
end

local function release(locks)
   for _, lock in ipairs(locks) do
      lock:release()
   end
end

-- take locks in the order of the group names, so that two processes never wait for one another
local function acquire(pool, modes, deadline)
   hooks.require_outside(pool)
   local groups = {}
   for group in pairs(modes) do
      groups[#groups + 1] = group
   end
   table.sort(groups)
   local locks = {}
   for _, group in ipairs(groups) do
      local ok, lock = pcall(pool.store.lock, pool.store, group, modes[group],
         math.max(0, deadline - core.clock()))
      if not ok then
         release(locks)
         error(lock, 0)
      end
      locks[#locks + 1] = lock
   end
   locks[#locks + 1] = pool.store:hold()
   return locks
end

--- Call a function while groups are locked.
-- @tparam pool pool
-- @tparam table modes group -> `exclusive` or `shared`
-- @tparam function fn gets a function that releases the locks before it returns
-- @return what it returns
-- @raise `busy`
function operation.locked(pool, modes, fn)
   local locks = acquire(pool, modes, core.clock() + pool.lock_timeout)
   local ok, result = pcall(fn, function() release(locks) end)
   release(locks)
   if not ok then
      error(result, 0)
   end
   return result
end

-- are these locks enough where those are needed?
local function covers(held, needed)
   for group, mode in pairs(needed) do
      if held[group] ~= mode and held[group] ~= "exclusive" then
         return false
      end
   end
   return true
end

local function look(pool, request, options)
   local state = survey.volume(pool.store, request.vid, pool.config, {
      writers = true, listing = options.listing, entries = options.entries, memo = options.memo,
      fixed_names = request.fixed_names, source_copy = request.source_copy,
   })
   request.state = state
end

local function look_at_all(pool, requests)
   local options = { memo = {} }
   -- worth it from two on: they read all names of a directory, not those of one volume
   if #requests > 1 then
      options.listing, options.entries = listing.new(pool.store), listing.new(pool.store)
   end
   for _, request in ipairs(requests) do
      request.state, request.error = nil, nil
      local ok, e = failure.catch(look, pool, request, options)
      request.error = not ok and e or nil
   end
end

-- While one waits, another process may make a volume anew with another source:
-- what to lock is only known for sure once it is locked and looked at.
local function lock_and_look(pool, requests)
   local deadline = core.clock() + pool.lock_timeout
   local function source_by_entry(request)
      -- a damaged entry is that volume's failure, when its turn comes
      local ok, source = failure.catch(survey.source, pool.store, request.vid)
      return ok and source
   end
   local function source_by_state(request)
      return request.state and request.state.registered and request.state.config.source
   end
   while true do
      local held = pool.store:hold()
      local known, modes = pcall(lock_modes, requests, source_by_entry)
      held:release()
      if not known then
         error(modes, 0)
      end
      local locks = acquire(pool, modes, deadline)
      local ok, e = pcall(look_at_all, pool, requests)
      if ok and covers(modes, lock_modes(requests, source_by_state)) then
         return locks
      end
      release(locks)
      if not ok then
         error(e, 0)
      end
   end
end

local function decide(request)
   if not request.may_be_missing then
      survey.require(request.state)
   end
   local result = plan.after(recover(request.state), request.decide(request.state))
   result.reflink = request.reflink
   return result
end

local function decide_all(requests)
   local plans = {}
   for _, request in ipairs(requests) do
      local ok, result = true, nil
      if not request.error then
         ok, result = failure.catch(decide, request)
      end
      if ok and result then
         request.plan = result
         plans[#plans + 1] = result
      else
         request.error = request.error or result
         request.error.volume = request.error.volume or request.vid
      end
   end
   return plans
end

local function report(requests)
   local first
   local failures, done = {}, {}
   for _, request in ipairs(requests) do
      if request.error then
         first = first or request.error
         failures[#failures + 1] = { volume = request.vid, error = request.error }
      else
         done[#done + 1] = request.vid
      end
   end
   if first and #requests > 1 and not (requests.all_or_none and #done == 0) then
      local e = failure.new(first.code, first.object, first.message, first)
      e.failures, e.done = failures, done
      error(e, 0)
   elseif first then
      error(first, 0)
   end
end

-- what hooks hear of a request; nil: nothing is going to be done
local function call_of(request)
   local the_plan = request.plan
   if request.error or not the_plan or #the_plan.phases == 0 then
      return nil
   elseif the_plan.prune and #the_plan.prune.removed + #the_plan.prune.emptied == 0 then
      -- it only notes when it has looked
      return nil
   end
   return {
      operation = the_plan.operation, volume = request.vid, plan = the_plan, config = request.state.config,
      from = request.reads or nil, to = request.also and request.also[1], result = request.value,
   }
end

-- who is refused is out of the batch
local function ask_hooks(pool, hooked, requests)
   local plans = {}
   for _, request in ipairs(requests) do
      local call = call_of(request)
      local ok, e = true, nil
      if call and not request.asked then
         request.asked = true
         ok, e = failure.catch(hooks.before, pool, hooked, call)
      end
      request.error = request.error or (not ok and e or nil)
      plans[#plans + 1] = not request.error and request.plan or nil
   end
   return plans
end

-- where one is refused, all are, for its reason; returns whether one is
local function refuse_together(requests)
   local cause
   for _, request in ipairs(requests) do
      cause = cause or request.error
   end
   for _, request in ipairs(cause and requests or {}) do
      request.error = request.error or failure.new(cause.code, cause.object, cause.message, cause)
   end
   return cause ~= nil
end

local function run_locked(pool, hooked, requests)
   local all_or_none = requests.all_or_none
   local plans = decide_all(requests)
   if all_or_none and refuse_together(requests) then
      return
   end
   if #hooked > 0 then
      plans = ask_hooks(pool, hooked, requests)
   end
   if all_or_none and refuse_together(requests) then
      return
   end
   local errors = executor.run(pool.store, plans, { log = pool.log, progress = pool.progress,
      reflink = pool.config.reflink, all_or_none = all_or_none })
   for _, request in ipairs(requests) do
      request.error = request.error or errors[request.plan]
      -- while nobody else can change what it tells of
      if not request.error and request.result then
         request.value = request.result()
      end
   end
end

-- what has become of each request; nothing where there was nothing to do
local function tell_results(pool, requests, began)
   for _, request in ipairs(requests) do
      local e, the_plan = request.error, request.plan
      local event = { volume = request.vid, operation = the_plan and the_plan.operation,
         seconds = core.clock() - began }
      if e then
         event.step, event.code, event.message = "failed", e.code, tostring(e)
      elseif #the_plan.phases > 0 then
         event.step = "done"
      end
      if event.step then
         pool.log(event)
      end
   end
end

local function attempt(pool, hooked, requests)
   local locks = lock_and_look(pool, requests)
   local ok, e = pcall(run_locked, pool, hooked, requests)
   release(locks)
   if not ok then
      error(e, 0)
   end
end

-- tell of what will not be tried again
local function settle(pool, hooked, requests, began)
   tell_results(pool, requests, began)
   for _, request in ipairs(requests) do
      local call = call_of(request)
      if call then
         hooks.after(pool, hooked, call)
      end
      if request.afterwards and not request.error then
         request.afterwards()
      end
   end
end

-- those that have failed for the lack of space, and for whom some can be made; and the others
local function split_off_full(requests)
   local full, others = {}, {}
   for _, request in ipairs(requests) do
      local is_full = request.make_space and request.error and request.error.code == "no_space"
      table.insert(is_full and full or others, request)
   end
   return full, others
end

-- What fails for all before it begins, such as by a lock that another process holds, is told of each.
local function attempt_or_tell(pool, hooked, requests, began)
   local ok, e = failure.catch(attempt, pool, hooked, requests)
   if not ok then
      for _, request in ipairs(requests) do
         request.error = request.error or e
      end
      tell_results(pool, requests, began)
      error(e, 0)
   end
end

--- Run requests as one batch.
--
-- A request has `vid`, `decide(state) -> plan`, and where needed `reads` (a vid
-- that is only read, false for none; default: the volume's source), `also`
-- (further vids that change), `may_be_missing`, `result()`, `fixed_names` and `source_copy` (see `survey.volume`),
-- `reflink` (in place of the pool's), `afterwards()` (what follows once it is done, without its locks),
-- `make_space(failed, requests)` (asked once before, and for those that fail for the lack of space until it returns
-- false; true: it is worth another try). It is given back with `state`, `plan` and `value`, what `result` returned.
-- @tparam pool pool
-- @tparam {request,...} requests with `all_or_none = true` none is done where one is refused or fails, up to the first
-- commit point; the error is that of the one then
-- @treturn {request,...}
-- @raise the error of the first request that failed; with several requests it
-- has `failures` ({volume=, error=}) and `done` (vids)
function operation.run(pool, requests)
   for _, request in ipairs(requests) do
      vid.check(request.vid)
   end
   pool:refresh()
   if requests[1] and requests[1].make_space then
      requests[1].make_space(false, requests)
   end
   local hooked, began = hooks.of(pool), core.clock()
   attempt_or_tell(pool, hooked, requests, began)
   local full, settled = split_off_full(requests)
   settle(pool, hooked, settled, began)
   while #full > 0 and full[1].make_space(true, full) do
      attempt_or_tell(pool, hooked, full, began)
      full, settled = split_off_full(full)
      settle(pool, hooked, settled, began)
   end
   settle(pool, hooked, full, began)
   report(requests)
   return requests
end

--- The plan of a request as things are now; nothing is locked or changed.
-- @tparam pool pool
-- @tparam table request
-- @treturn plan
function operation.plan(pool, request)
   vid.check(request.vid)
   pool:refresh()
   look(pool, request, {})
   return decide(request)
end

return operation
