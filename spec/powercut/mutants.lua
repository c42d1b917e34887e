--- Wrong variants of byre: each leaves out one sync or swaps two phases. The
-- rig has to notice those that matter.
--
-- A phase is known by what it does (`plans.label`), since its number depends on
-- what else a plan has to do. A variant is named by what it does to the plans of an operation:
--
--    barrier stop link+rename:dirty>clean           the names of this phase are not made durable
--    content clone clone:clean clone:clean          this file of this phase gets its name unsynced
--    sync stop sync                                 these steps are left out
--    swap stop sync / rename:dirty>clean            these phases change places
--    store sync_file                                everywhere at once
-- @module spec.powercut.mutants
local core = require("byre.core")
local executor = require("byre.executor")
local files = require("byre.store.files")
local plans = require("spec.powercut.plans")
local runner = require("byre.runner")

local mutants = {}

-- make a change to the plans of one operation before they run; `told` hears of it
local function change_plans(operation, change, told)
   local run = executor.run
   function executor.run(store, list, hooks)
      for _, plan in ipairs(list) do
         if plan.operation == operation and change(plan.phases, plans.labels(plan), store) then
            told(plan.volume)
         end
      end
      return run(store, list, hooks)
   end
end

-- keep the steps of a phase for which a function says so
local function filter(phase, keep)
   local kept = {}
   for _, step in ipairs(phase) do
      kept[#kept + 1] = keep(step) and step or nil
   end
   for i = 1, math.max(#phase, #kept) do
      phase[i] = kept[i]
   end
end

local by_plan = {}

-- Nobody makes these names durable: not this barrier, and no later one instead.
function by_plan.barrier(phases, i)
   phases[i].forgotten = true
end

local function forget_directories()
   local apply = runner.apply
   function runner.apply(self, steps)
      apply(self, steps)
      if self.phase.forgotten then
         self.directories = {}
      end
   end
end

function by_plan.content(phases, i, item)
   for _, step in ipairs(phases[i]) do
      step.volatile = step.volatile or plans.item(step) == item
   end
end

function by_plan.sync(phases, i)
   filter(phases[i], function(step) return step.op ~= "sync" end)
end

-- can blocks be shared where this process works?
local shared

-- The steps change places; what is a cleanup and what is not stays. What now
-- comes first is durable first, as if somebody else synced right then. A cache
-- has to be made there; where blocks cannot be shared there is none anyway.
function by_plan.swap(phases, i, j, store)
   -- asked once: it makes files on the disk that is going to be cut
   if shared == nil then
      shared = core.reflink_supported(store.dir) == true
   end
   filter(phases[j], function(step) return not step.cache or shared end)
   for _, step in ipairs(phases[j]) do
      step.cache = nil
   end
   phases[i], phases[j] = phases[j], phases[i]
   phases[i].cleanup, phases[j].cleanup = phases[j].cleanup, phases[i].cleanup
   phases[i].sync = true
end

-- calls of the store that do nothing, or less than they should
local in_store = {}

for _, name in ipairs({ "sync_file", "sync_directory", "sync_all" }) do
   in_store[name] = function() end
end

function in_store.resize(store, path, size)
   local file = store:open(path, "rw")
   assert(file:truncate(size))
   file:close()
   return {}
end

local function break_store(name)
   local new = files.new
   function files.new(...)
      local store = new(...)
      store[name] = in_store[name]
      return store
   end
end

--- The parts of a name: kind, operation, label of a phase, and the rest.
function mutants.parse(name)
   local kind, operation, first, rest = name:match("^(%S+) (%S+) (%S+) ?/? ?(.*)$")
   return kind, operation, first, rest
end

--- Make byre wrong, in this process.
-- @tparam string name of the variant
-- @tparam function told called with the vid each time that a plan of it was changed
function mutants.install(name, told)
   local call = name:match("^store (.*)$")
   if call then
      assert(in_store[call], name)
      return break_store(call)
   end
   local kind, operation, first, rest = mutants.parse(name)
   local change = assert(by_plan[kind], name)
   if kind == "barrier" then
      forget_directories()
   end
   change_plans(operation, function(phases, labels, store)
      local i = plans.find(labels, first)
      local other = rest
      if kind == "swap" then
         other = plans.find(labels, rest)
      end
      if not i or not other then
         return false
      end
      change(phases, i, other, store)
      return true
   end, told)
end

-- no barrier comes after these: they change no name
local nameless = { sync = true, resize = true, touch = true, hint = true }

local function add_phase(add, plan, i)
   local phase = plan.phases[i]
   local where = plan.operation .. " " .. phase.label
   local names = false
   for _, item in ipairs(phase.items) do
      names = names or not nameless[item.label]
   end
   if phase.sync and names then
      add("barrier " .. where)
   end
   for _, item in ipairs(phase.items) do
      if item.label == "sync" then
         add("sync " .. where)
      elseif item.durable then
         add("content " .. where .. " " .. item.label)
      end
   end
   for earlier = 1, i - 1 do
      add(("swap %s %s / %s"):format(plan.operation, plan.phases[earlier].label, phase.label))
   end
end

--- Every variant of some plans.
-- @tparam {table,...} list of `plans.read`
-- @treturn {string,...} names, sorted
function mutants.list(list)
   local known, names = {}, {}
   local function add(name)
      if not known[name] then
         known[name] = true
         names[#names + 1] = name
      end
   end
   for name in pairs(in_store) do
      add("store " .. name)
   end
   for _, plan in ipairs(list) do
      for i in ipairs(plan.phases) do
         add_phase(add, plan, i)
      end
   end
   table.sort(names)
   return names
end

--- The operation that a variant is about; nil: all.
function mutants.operation(name)
   return not name:find("^store") and name:match("^%S+ (%S+)") or nil
end

return mutants
