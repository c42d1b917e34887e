--- Crashes in memory: every prefix of a plan, and what the next process makes of it.
-- @module spec.decide.crashes
local assert = require("luassert")
local catalog = require("byre.catalog")
local config = require("byre.config")
local executor = require("byre.executor")
local layout = require("byre.layout")
local memory_store = require("spec.support.memory_store")
local plan = require("byre.plan")
local recover = require("byre.decide.recover")
local survey = require("byre.survey")

local crashes = {}

--- The volume that things happen to, and the source of snapshots.
crashes.vid = "vm/work/private"
crashes.source = "vm/tpl/root"

local vid, source = crashes.vid, crashes.source
local pool = config.pool("pool", {})

function crashes.settings(kind, keep)
   return config.volume(vid, {
      snap_on_start = kind:find("snapshot") ~= nil, save_on_stop = kind:find("origin") ~= nil,
      source = kind:find("snapshot") and source or nil, size = 7, revisions_to_keep = keep,
   })
end

local function register(store, id, values)
   store:put(layout.entry(id), catalog.encode_volume(values, nil))
end

--- The state, as the next process reads it.
function crashes.look(store, id)
   return survey.volume(store, id or vid, pool, { writers = true, source_copy = true })
end

--- A store with a volume that went through some sessions: revisions 1..n hold "r1".."rn".
function crashes.pool_with(options)
   local store = memory_store.new()
   register(store, source, crashes.settings("origin", 1))
   store:put(layout.image(source, "clean"), "template")
   register(store, vid, crashes.settings(options.kind or "origin", options.keep))
   for seq = 1, options.revisions or 0 do
      store:put(layout.revision(vid, seq, seq * 100), "r" .. seq, seq * 100)
   end
   for _, role in ipairs(layout.roles) do
      if options[role] then
         store:put(layout.image(vid, role), options[role], role == "clean" and 5000 or 6000)
      end
   end
   return store
end

--- The plan with only its first `count` steps.
function crashes.prefix(whole, count)
   local phases = {}
   for _, phase in ipairs(whole.phases) do
      local part = { sync = false }
      for _, step in ipairs(phase) do
         if count > 0 then
            part[#part + 1] = step
            count = count - 1
         end
      end
      phases[#phases + 1] = part
   end
   return plan.new(whole.operation, whole.volume, phases)
end

--- The plan as an operation makes it.
function crashes.plan(store, decide)
   local state = crashes.look(store)
   return plan.after(recover(state), decide(state))
end

function crashes.count_steps(whole)
   local n = 0
   for _, phase in ipairs(whole.phases) do
      n = n + #phase
   end
   return n
end

function crashes.run(store, the_plan)
   local e = executor.run(store, { the_plan }, { log = function() end })[the_plan]
   if e then
      error(tostring(e), 0)
   end
end

function crashes.content(store, path)
   return store.names[path] and store:inode(path).content
end

--- What a user sees of a volume.
function crashes.view(store, id)
   local state = crashes.look(store, id)
   local seen = { history = {} }
   for _, revision in ipairs(survey.history(state)) do
      seen.history[#seen.history + 1] = crashes.content(store, revision.path)
   end
   seen.clean = crashes.content(store, state.paths.clean)
   seen.dirty = state.files.dirty and crashes.content(store, state.paths.dirty)
   seen.registered = state.registered
   return seen
end

function crashes.contains(list, item)
   for _, value in ipairs(list) do
      if value == item then
         return true
      end
   end
   return false
end

-- The end of a list: a revision that a crash saved from being pruned is in the
-- way of nobody and goes with the next commit.
local function tail(list, length)
   return table.move(list, math.max(1, #list - length + 1), #list, 1, {})
end

--- Crash at every prefix, check, do it again.
function crashes.crash_everywhere(store, decide, check_crash, is_done)
   local whole = crashes.plan(store, decide)
   local final = store:snapshot()
   crashes.run(final, whole)
   local expected = crashes.view(final)
   for count = 0, crashes.count_steps(whole) do
      local crashed = store:snapshot()
      crashes.run(crashed, crashes.prefix(whole, count))
      local label = ("after %d of %d steps of\n%s"):format(count, crashes.count_steps(whole), tostring(whole))
      check_crash(crashes.view(crashed), label, crashed)
      if not (is_done and is_done(crashed)) then
         crashes.run(crashed, crashes.plan(crashed, decide))
      end
      local now = crashes.view(crashed)
      now.history = tail(now.history, #expected.history)
      assert.same(expected, now, label)
   end
end

return crashes
