--- Tries wrong variants of byre: does the rig notice?
-- @module spec.powercut.trial
local campaign = require("spec.powercut.campaign")
local harmless = require("spec.powercut.harmless")
local mutants = require("spec.powercut.mutants")
local plans = require("spec.powercut.plans")
local process = require("spec.powercut.process")
local recorder = require("spec.powercut.recorder")

local trial = {}

-- where the plans are from that variants are named by
local seeds, operations = { btrfs = 1, ext4 = 2, xfs = 3 }, 700

-- the plans of a workload on a file system that nobody logs
local function plans_on(fs, seed)
   return process.tidily(function(undo)
      local dir = recorder.new_directory()
      undo[#undo + 1] = function() process.must("rm -rf --one-file-system %s", dir) end
      recorder.make_filesystem(fs, dir .. "/image")
      process.must("mkdir %s/mnt", dir)
      assert(recorder.mount(undo, fs, recorder.attach(undo, dir .. "/image"), dir .. "/mnt"))
      for _, arguments in ipairs({ "pool - 0", "general g1 " .. operations, "general:release g2 10" }) do
         process.must("lua5.4 spec/powercut/workload.lua %s/mnt/pool /dev/null %s %d 1 'plans %s/plans'", dir,
            arguments, seed, dir)
      end
      return plans.read(dir .. "/plans")
   end)
end

--- The names of all variants, from the plans of workloads with and without reflinks.
-- @treturn {string,...}
function trial.names()
   local list = {}
   for fs, seed in pairs(seeds) do
      for _, plan in ipairs(plans_on(fs, seed)) do
         list[#list + 1] = plan
      end
   end
   return mutants.list(list)
end

-- What a variant is tried in, one round after the other; what is still not noticed may need a rare plan. `as_named`: in
-- the workload that its name is from. A pool has precaches unless its seed can be divided by 4: once it has none.
local rounds = {
   { regime = "quiet", operations = 80, seed = 1 }, { regime = "storm", operations = 80, seed = 2 },
   { regime = "syncs", operations = 320, seed = 3 }, { regime = "storm", operations = 320, seed = 5 },
   { regime = "storm", operations = 640, seed = 6 }, { regime = "quiet", operations = 640, seed = 8 },
   { regime = "quiet", as_named = true }, { regime = "storm", as_named = true },
}

--- How many rounds there are.
trial.rounds = #rounds

-- operations that take a name away: in every other round somebody puts an image there
local frees_name = { remove = true, rename = true }

local function scenario_of(name, operation, round)
   if name == "store sync_all" then
      return "batch"
   elseif frees_name[operation] and round % 2 == 0 then
      return "removal"
   end
   return operation and operation ~= "init" and "general:" .. operation or "general"
end

--- The runs that try a variant on a file system; the first that notices is enough.
function trial.runs(name, fs, points)
   local operation = mutants.operation(name)
   local runs = {}
   for i, round in ipairs(rounds) do
      local run = { fs = fs, regime = round.regime, mutant = name, stop_at_first = true, points = points,
         focus = operation }
      if round.as_named then
         run.scenario, run.operations, run.seed = "general", operations, seeds[fs]
      else
         run.scenario, run.seed = scenario_of(name, operation, i), round.seed
         run.operations = run.scenario == "batch" and 10 or round.operations
      end
      runs[i] = run
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
   for _, result in pairs(by_fs) do
      if result.how then
         return true
      end
   end
   return false
end

-- the runs of a round: of each variant that no round before has noticed on a file system
local function runs_of_round(round, names, filesystems, options, found)
   local runs = {}
   for _, fs in ipairs(filesystems) do
      for _, name in ipairs(names) do
         -- one round has to do for those of which there is a reason that nobody can notice them
         if not found[name][fs].how and (round == options.first or not harmless.reason(name)) then
            local run = trial.runs(name, fs, options.points)[round]
            run.needless = options.any and function() return is_noticed(found[name]) end or nil
            runs[#runs + 1] = run
         end
      end
   end
   return runs
end

--- Try variants on file systems.
-- @tparam {string,...} names
-- @tparam {string,...} filesystems
-- @tparam table options `points` of a run, `jobs`, `any` (one file system that notices is enough), `first` and `rounds`
-- (the first and the last round), `told` (function that gets name, fs, result)
-- @treturn table name -> fs -> `how` it was noticed (nil: not at all), `tried` (how many wrong plans were run)
function trial.run(names, filesystems, options)
   local found = {}
   for _, name in ipairs(names) do
      found[name] = {}
      for _, fs in ipairs(filesystems) do
         found[name][fs] = { tried = 0 }
      end
   end
   -- all variants once, then those that are left once more
   for round = options.first, options.rounds do
      campaign.run(runs_of_round(round, names, filesystems, options, found), options.jobs, function(result)
         local run = result.run
         local item = found[run.mutant][run.fs]
         item.how, item.tried = trial.noticed(result), item.tried + (result.tried or 0)
         if result.error then
            io.stderr:write(run.mutant, ": ", result.error, "\n")
         end
         if item.how or round == options.rounds or harmless.reason(run.mutant) then
            options.told(run.mutant, run.fs, item)
         end
      end)
   end
   return found
end

return trial
