--- Many runs side by side, and what came of them.
-- @module spec.powercut.campaign
local dkjson = require("dkjson")

local cutter = require("spec.powercut.cutter")
local process = require("spec.powercut.process")
local recorder = require("spec.powercut.recorder")
local scenarios = require("spec.powercut.scenarios")
local unit = require("spec.powercut.unit")

local campaign = {}

-- Of ten runs on a file system under a regime. Those with an operation do it
-- more often than others and are cut where it is at work.
local mixture = { "general", "groups", "operation", "operation", "batch", "operation", "groups", "operation",
   "general", "operation", "removal" }

-- A batch of 50 volumes takes longer to look at. Of the points of a run a third
-- is spent on the recovery.
local function points_of(scenario)
   return scenario == "batch" and 100 or 240
end

-- a run cuts fewer recoveries than planned where few operations were cut short
local spare = 1.03

-- one run of at most so many points; a third of them cut the recovery
local function new_run(kind, index, seed, points)
   local scenario = kind.scenario or mixture[(seed + index) % #mixture + 1]
   local run = { fs = kind.fs, regime = kind.regime, seed = seed + index, recovery_points = 20,
      operations = scenario == "batch" and 30 or 100, points = points_of(scenario) }
   if scenario == "operation" then
      run.focus = scenarios.operations[(seed + index) % #scenarios.operations + 1]
      scenario = "general:" .. run.focus
   end
   run.scenario = scenario
   run.recoveries = math.min(run.points // 40, points // (3 * run.recovery_points))
   run.points = math.min(run.points, points - 1 - run.recoveries * run.recovery_points)
   run.total = run.points + 1 + run.recoveries * run.recovery_points
   return run
end

--- The runs that make so many points, or a few more, the same number on each file system.
-- @tparam integer points
-- @tparam integer seed of the first run
-- @tparam[opt] table options `filesystems` (default: all), `scenario` (default: a mixture)
-- @treturn {table,...} runs of `unit.run`
function campaign.plan(points, seed, options)
   local filesystems = options and options.filesystems or recorder.names
   local runs, kinds = {}, {}
   for _, fs in ipairs(filesystems) do
      for _, regime in ipairs({ "quiet", "syncs" }) do
         kinds[#kinds + 1] = { fs = fs, regime = regime, scenario = options and options.scenario,
            left = math.ceil(points * spare / #filesystems / 2) }
      end
   end
   local index, left = 0, true
   while left do
      left = false
      for _, kind in ipairs(kinds) do
         if kind.left > 0 then
            local run = new_run(kind, index, seed, kind.left)
            kind.left = kind.left - run.total
            runs[#runs + 1] = run
            left = true
         end
      end
      index = index + 1
   end
   return runs
end

-- the result of a run that came to nothing
local function failed(run, reason)
   return { run = run, cells = {}, violations = {}, points = 0, during = {}, error = reason }
end

local function run_one(run, path)
   process.catch_signals()
   local ok, result = xpcall(unit.run, function(e) return debug.traceback(tostring(e)) end, run)
   local file <close> = assert(io.open(path, "w"))
   file:write(dkjson.encode(ok and result or failed(run, result)))
end

local function read_result(path, run)
   local file <close> = io.open(path)
   local result = file and dkjson.decode(file:read("a"))
   os.remove(path)
   return result or failed(run, "died")
end

--- Run them, some at a time.
-- @tparam {table,...} runs; one that has `needless`, a function, is left out if that says so when its turn comes
-- @tparam integer jobs
-- @tparam function done called with each result; true: start no more
function campaign.run(runs, jobs, done)
   recorder.clear_leftovers()
   local active, next_run, stopped = {}, 1, false
   local prefix = os.tmpname()
   local function collect()
      local pid = process.finish_any()
      local index = pid and active[pid]
      if index then
         active[pid] = nil
         stopped = done(read_result(prefix .. "." .. index, runs[index])) or stopped
      end
   end
   process.tidily(function(undo)
      undo[#undo + 1] = function()
         for pid in pairs(active) do
            process.stop(pid)
         end
         for pid in pairs(active) do
            process.finish(pid)
         end
         os.remove(prefix)
      end
      while runs[next_run] and not stopped or next(active) do
         process.check()
         local count = 0
         for _ in pairs(active) do
            count = count + 1
         end
         if runs[next_run] and runs[next_run].needless and runs[next_run].needless() then
            next_run = next_run + 1
         elseif count < jobs and runs[next_run] and not stopped then
            runs[next_run].needless = nil
            local run, path = runs[next_run], prefix .. "." .. next_run
            active[process.fork(function() run_one(run, path) end)] = next_run
            next_run = next_run + 1
         else
            collect()
         end
      end
   end)
end

--- A table of results: file system, cut, regime -> points, violations, minutes; and how often each operation was
-- cut short.
function campaign.new_table()
   return { rows = {}, points = 0, violations = 0, errors = 0, during = {} }
end

function campaign.add(sums, result)
   local run = result.run
   for cut, cell in pairs(result.cells) do
      local key = ("%s/%s/%s"):format(run.fs, cut, run.regime)
      local row = sums.rows[key] or { points = 0, violations = 0, seconds = 0 }
      sums.rows[key] = row
      for name, value in pairs(cell) do
         row[name] = row[name] + value
      end
      sums.points = sums.points + cell.points
      sums.violations = sums.violations + cell.violations
   end
   for name, count in pairs(result.during) do
      sums.during[name] = (sums.during[name] or 0) + count
   end
   if result.error or result.failed then
      sums.errors = sums.errors + 1
   end
end

--- How often each operation was cut short, in order.
-- @treturn {table,...} `operation`, `points`
function campaign.during(sums)
   local list = { { operation = "create_pool", points = sums.during.create_pool or 0 } }
   for _, name in ipairs(scenarios.operations) do
      list[#list + 1] = { operation = name, points = sums.during[name] or 0 }
   end
   return list
end

--- The rows as a list, in order.
function campaign.rows(sums)
   local list = {}
   for _, fs in ipairs(recorder.names) do
      for _, prefix in ipairs({ "", "recovery " }) do
         for _, cut in ipairs(cutter.cuts) do
            for _, regime in ipairs({ "quiet", "syncs" }) do
               local row = sums.rows[("%s/%s%s/%s"):format(fs, prefix, cut, regime)]
               if row then
                  list[#list + 1] = { fs = fs, cut = prefix .. cut, regime = regime, points = row.points,
                     violations = row.violations, minutes = row.seconds / 60 }
               end
            end
         end
      end
   end
   return list
end

return campaign
