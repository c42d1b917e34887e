--- Wrong variants of byre: each leaves out one sync or swaps two phases. The
-- rig has to notice those that matter.
--
-- A variant is named by what it does: `barrier stop 2` (the names of phase 2 of
-- every stop are not made durable), `content create 2` (files made there get
-- their names unsynced), `sync stop 1` (its sync steps are left out), `swap
-- stop 2 3`, and, everywhere at once, `store sync_file`.
-- @module spec.powercut.mutants
local executor = require("byre.executor")
local files = require("byre.store.files")

local mutants = {}

-- make a change to the plans of one operation before they run
local function change_plans(operation, change)
   local run = executor.run
   function executor.run(store, plans, hooks)
      for _, plan in ipairs(plans) do
         if plan.operation == operation then
            change(plan.phases)
         end
      end
      return run(store, plans, hooks)
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

function by_plan.barrier(phases, i)
   if phases[i] then
      phases[i].sync = false
   end
end

function by_plan.content(phases, i)
   for _, step in ipairs(phases[i] or {}) do
      step.volatile = true
   end
end

function by_plan.sync(phases, i)
   if phases[i] then
      filter(phases[i], function(step) return step.op ~= "sync" end)
   end
end

-- The steps change places; what is a cleanup and what is not stays. What now
-- comes first is durable first, as if somebody else synced right then. A cache
-- that may fail in a cleanup would fail the operation before it.
function by_plan.swap(phases, i, j)
   if phases[i] and phases[j] then
      if phases[j].cleanup and not phases[i].cleanup then
         filter(phases[j], function(step) return not step.cache end)
      end
      phases[i], phases[j] = phases[j], phases[i]
      phases[i].cleanup, phases[j].cleanup = phases[j].cleanup, phases[i].cleanup
      phases[i].sync = true
   end
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

-- write down what plans look like: a line of operation and phases
local function describe_plans(path)
   local run = executor.run
   function executor.run(store, plans, hooks)
      local file <close> = assert(io.open(path, "a"))
      for _, plan in ipairs(plans) do
         for i, phase in ipairs(plan.phases) do
            file:write(plan.operation, " ", i, " ", phase.sync and "barrier" or "-", " ",
               phase.cleanup and "cleanup" or "-")
            for _, step in ipairs(phase) do
               file:write(" ", step.op, step.volatile and "!" or "")
            end
            file:write("\n")
         end
      end
      return run(store, plans, hooks)
   end
end

--- Make byre wrong, in this process.
-- @tparam string name of the variant; `plans PATH` changes nothing and writes down what plans look like
function mutants.install(name)
   local kind, rest = name:match("^(%S+) (.*)$")
   if kind == "plans" then
      return describe_plans(rest)
   elseif kind == "store" then
      assert(in_store[rest], name)
      return break_store(rest)
   end
   local operation, i, j = rest:match("^(%S+) (%d+) ?(%d*)$")
   local change = assert(by_plan[kind], name)
   change_plans(operation, function(phases) change(phases, math.tointeger(i), math.tointeger(j)) end)
end

local fills = { create = true, clone = true, copy = true, write = true }

-- variants of one phase, from its line
local function add_phase(add, line)
   local operation, i, barrier, _, steps = line:match("^(%S+) (%d+) (%S+) (%S+) ?(.*)$")
   if barrier == "barrier" then
      add("barrier " .. operation .. " " .. i)
   end
   for step in steps:gmatch("%S+") do
      if step == "sync" then
         add("sync " .. operation .. " " .. i)
      elseif fills[step] then
         add("content " .. operation .. " " .. i)
      end
   end
   for earlier = 1, math.tointeger(i) - 1 do
      add(("swap %s %d %s"):format(operation, earlier, i))
   end
end

-- what phases consist of, of all plans that were seen: operation -> number -> step -> true
local function note_phase(phases, line)
   local operation, i, _, cleanup, steps = line:match("^(%S+) (%d+) (%S+) (%S+) ?(.*)$")
   i = math.tointeger(i)
   phases[operation] = phases[operation] or {}
   local phase = phases[operation][i] or { steps = {} }
   phases[operation][i] = phase
   phase.cleanup = cleanup == "cleanup"
   for step in steps:gmatch("%S+") do
      phase.steps[step] = true
   end
end

--- Every variant of the plans that a workload has written down.
-- @tparam string path
-- @treturn {string,...} names, sorted
-- @treturn table operation -> number of a phase -> `steps` (set of what it consists of), `cleanup`
function mutants.list(path)
   local known, list, phases = {}, {}, {}
   local function add(name)
      if not known[name] then
         known[name] = true
         list[#list + 1] = name
      end
   end
   for name in pairs(in_store) do
      add("store " .. name)
   end
   for line in io.lines(path) do
      add_phase(add, line)
      note_phase(phases, line)
   end
   table.sort(list)
   return list, phases
end

--- The operation that a variant is about; nil: all.
function mutants.operation(name)
   return not name:find("^store") and name:match("^%S+ (%S+)") or nil
end

return mutants
