--- Tries wrong variants of byre: does the rig notice?
-- @module spec.powercut.trial
local byre = require("byre")

local campaign = require("spec.powercut.campaign")
local mutants = require("spec.powercut.mutants")
local process = require("spec.powercut.process")

local trial = {}

-- Variants that change nothing that is promised, and why. Each gets the phases.
local harmless = {}

function harmless.barrier(operation, phase)
   if phase.steps.sync then
      return "no name that matters changes in this phase"
   elseif operation == "rename" and (phase.steps.write or phase.steps.rename)
      or operation == "remove" and phase.steps.rename then
      return "the next barrier makes the catalog durable first; only a sync of the other directory alone, by "
         .. "somebody else and right then, could tell"
   end
end

function harmless.content(operation, phase)
   if operation == "rename" and phase.steps.write then
      return "the marks are empty files"
   end
end

function harmless.swap(operation, first, second)
   if first.steps.remove_dir or second.steps.remove_dir then
      return "a directory is removed only if nothing is in it"
   elseif operation == "rename" and first.cleanup and second.steps.clone then
      return "the new name is registered by then: its mark means nothing any more"
   elseif second.cleanup and second.steps.clone and operation ~= "stop" and not operation:find("^import") then
      return "the later one makes a cache, which is checked when it is used"
   end
end

--- Why nobody can notice a variant, nil if somebody should.
-- @tparam string name
-- @tparam table phases of `mutants.list`
function trial.reason(name, phases)
   local kind, operation, i, j = name:match("^(%S+) (%S+) (%d+) ?(%d*)$")
   local of = phases and phases[operation]
   if of and harmless[kind] then
      return harmless[kind](operation, of[math.tointeger(i)], of[math.tointeger(j)])
   end
end

--- The names of all variants, from the plans of a workload on an ordinary directory.
-- @treturn {string,...}
-- @treturn table the phases, see `mutants.list`
function trial.names()
   local dir = process.must("mktemp -d"):gsub("\n", "")
   byre.create_pool(dir .. "/pool", { setup_check = false }):close()
   process.must("lua5.4 spec/powercut/workload.lua %s/pool /dev/null general g1 900 1 1 'plans %s/plans'", dir, dir)
   local names, phases = mutants.list(dir .. "/plans")
   process.must("rm -rf %s", dir)
   return names, phases
end

--- The runs that try a variant on a file system; the first that notices is enough.
function trial.runs(name, fs, points)
   local operation = mutants.operation(name)
   local runs = {}
   for i, regime in ipairs({ "quiet", "storm", "syncs", "storm" }) do
      local batch = name == "store sync_all"
      runs[i] = { fs = fs, regime = regime, seed = i, mutant = name, stop_at_first = true, points = points,
         operations = batch and 10 or 80, focus = operation,
         scenario = batch and "batch" or operation and "general:" .. operation or "general" }
   end
   return runs
end

--- Did a run notice that something is wrong?
-- @treturn ?string how: by the text of a violation, or because the workload itself fails
function trial.noticed(result)
   if result.violations[1] then
      local violation = result.violations[1]
      return ("%s at %d: %s"):format(violation.cut, violation.at, violation.texts[1]:match("[^\n]*"))
   elseif result.failed then
      return "without a cut: the workload fails"
   end
end

local function is_noticed(by_fs)
   for _, how in pairs(by_fs) do
      if how then
         return true
      end
   end
   return false
end

--- Try variants on file systems.
-- @tparam {string,...} names
-- @tparam {string,...} filesystems
-- @tparam table options `points` of a run, `jobs`, `any` (one file system that notices is enough), `rounds` (how
-- often what was not noticed is tried again, up to 4), `told` (function that gets name, fs, how)
-- @treturn table name -> fs -> how it was noticed; false: not at all
function trial.run(names, filesystems, options)
   local found = {}
   for _, name in ipairs(names) do
      found[name] = {}
   end
   -- all variants once, then those that are left once more
   for round = 1, options.rounds do
      local runs = {}
      for _, fs in ipairs(filesystems) do
         for _, name in ipairs(names) do
            if not found[name][fs] then
               runs[#runs + 1] = trial.runs(name, fs, options.points)[round]
               runs[#runs].needless = options.any and function() return is_noticed(found[name]) end or nil
            end
         end
      end
      campaign.run(runs, options.jobs, function(result)
         local run = result.run
         found[run.mutant][run.fs] = trial.noticed(result) or false
         if options.told and (found[run.mutant][run.fs] or round == options.rounds) then
            options.told(run.mutant, run.fs, found[run.mutant][run.fs])
         end
      end)
   end
   return found
end

return trial
