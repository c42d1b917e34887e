-- The power-cut rig from the command line:
--
--    lua5.4 spec/powercut/main.lua run [--points N] [--seed N] [--jobs N] [--fs NAME] [--scenario NAME]
--       [--result FILE]
--    lua5.4 spec/powercut/main.lua mutants [--names "A;B"] [--first N] [--rounds N] [--points N] [--jobs N]
--       [--fs NAME] [--any yes] [--result FILE]
--    lua5.4 spec/powercut/main.lua again DIRECTORY
--    lua5.4 spec/powercut/main.lua ready
--
-- `again` cuts once more where a violation was found, `ready` only says whether
-- the rig can run here.
local build = os.getenv("BYRE_BUILD") or "build"
package.path = "?.lua;" .. package.path
package.cpath = build .. "/powercut/lua/?.so;" .. package.cpath
require("posix.stdlib").setenv("LUA_PATH", package.path)

local dkjson = require("dkjson")

local campaign = require("spec.powercut.campaign")
local harmless_variants = require("spec.powercut.harmless")
local process = require("spec.powercut.process")
local recorder = require("spec.powercut.recorder")
local trial = require("spec.powercut.trial")
local unit = require("spec.powercut.unit")

local function read_options(first)
   local options = { jobs = "3", seed = tostring(os.time() % 100000) }
   for i = first, #arg, 2 do
      options[assert(arg[i]:match("^%-%-(%a+)$"), arg[i])] = assert(arg[i + 1], arg[i])
   end
   return options
end

local function integer(text)
   return assert(math.tointeger(tonumber(text)), text)
end

local function save(path, value)
   if path then
      local file <close> = assert(io.open(path, "w"))
      file:write(dkjson.encode(value, { indent = true }), "\n")
   end
end

local function tell_violations(result)
   local run = result.run
   local name = ("%s, %s, %s, seed %d"):format(run.fs, run.scenario, run.regime, run.seed)
   if result.error or result.failed then
      print(("ERROR  %s: %s"):format(name, result.error or "the workload fails"))
   end
   for _, violation in ipairs(result.violations) do
      print(("VIOLATION  %s, cut %s at %d, seed %d"):format(name, violation.cut, violation.at, violation.seed))
      for _, text in ipairs(violation.texts) do
         print("   " .. text)
      end
      print("   again: " .. (violation.again or "(not kept)"))
   end
end

local function print_table(sums)
   print(("%-6s %-16s %-6s %7s %11s %8s"):format("fs", "cut", "regime", "points", "violations", "minutes"))
   for _, row in ipairs(campaign.rows(sums)) do
      print(("%-6s %-16s %-6s %7d %11d %8.1f"):format(row.fs, row.cut, row.regime, row.points, row.violations,
         row.minutes))
   end
end

local function print_during(sums)
   local words = {}
   for _, row in ipairs(campaign.during(sums)) do
      words[#words + 1] = ("%s %d"):format(row.operation, row.points)
   end
   print("cut short: " .. table.concat(words, ", "))
end

local commands = {}

function commands.run()
   local options = read_options(2)
   local runs = campaign.plan(integer(options.points or "30000"), integer(options.seed),
      { filesystems = options.fs and { options.fs }, scenario = options.scenario })
   local sums, started, done = campaign.new_table(), process.clock(), 0
   local complete, e = pcall(campaign.run, runs, integer(options.jobs), function(result)
      done = done + 1
      campaign.add(sums, result)
      tell_violations(result)
      io.stderr:write(("\r%d of %d runs, %d points, %d violations "):format(done, #runs, sums.points,
         sums.violations))
   end)
   io.stderr:write("\n")
   if not complete then
      print(("%s; what follows is what was done until then: %d of %d runs"):format(e, done, #runs))
   end
   local minutes = (process.clock() - started) / 60
   print_table(sums)
   print_during(sums)
   print(("%d points, %d violations, %d errors, %.1f minutes, seed %s, kernel %s"):format(sums.points,
      sums.violations, sums.errors, minutes, options.seed, (process.must("uname -r"):gsub("\n", ""))))
   save(options.result, { complete = complete, points = sums.points, violations = sums.violations, errors = sums.errors,
      minutes = minutes, seed = integer(options.seed), rows = campaign.rows(sums), cut_short = campaign.during(sums),
      kernel = (process.must("uname -r"):gsub("\n", "")), date = os.date("!%Y-%m-%dT%H:%M:%SZ") })
   return complete and sums.violations == 0 and sums.errors == 0
end

local function print_score(found, names, filesystems)
   local caught, harmless, missed, score = 0, 0, 0, {}
   for _, name in ipairs(names) do
      local by
      for _, fs in ipairs(filesystems) do
         score[fs] = (score[fs] or 0) + (found[name][fs].how and 1 or 0)
         by = by or found[name][fs].how
      end
      local reason = harmless_variants.reason(name)
      if by then
         caught = caught + 1
      elseif reason then
         harmless = harmless + 1
         print(("harmless: %s: %s"):format(name, reason))
      else
         missed = missed + 1
         print("MISSED: " .. name)
      end
      if by and reason then
         print(("not harmless after all: %s: %s"):format(name, by))
      end
   end
   for _, fs in ipairs(filesystems) do
      print(("%-6s %d caught"):format(fs, score[fs]))
   end
   print(("%d variants: %d caught, %d argued harmless, %d missed"):format(#names, caught, harmless, missed))
   return missed == 0
end

-- "a;b" -> {"a", "b"}
local function split(text)
   local list = {}
   for part in text:gmatch("[^;]+") do
      list[#list + 1] = part:match("^%s*(.-)%s*$")
   end
   return list
end

function commands.mutants()
   local options = read_options(2)
   local filesystems = options.fs and { options.fs } or recorder.names
   local names = options.names and split(options.names) or trial.names()
   local first = integer(options.first or "1")
   local last = integer(options.rounds or tostring(trial.rounds))
   local found = trial.run(names, filesystems, {
      points = integer(options.points or "160"), jobs = integer(options.jobs),
      first = first, rounds = last, any = options.any ~= nil,
      told = function(name, fs, result)
         print(("%-6s %s: %s"):format(fs, name, result.how or ("not caught, tried %d times"):format(result.tried)))
      end,
   })
   local good = print_score(found, names, filesystems)
   save(options.result, found)
   return good
end

function commands.again()
   local violations = unit.again(assert(arg[2], "which directory?"))
   for _, text in ipairs(violations) do
      print(text)
   end
   print(#violations > 0 and "violated again" or "no violation this time")
   return #violations > 0
end

function commands.ready()
   return true
end

local why_not = recorder.why_not()
if why_not then
   io.stderr:write("powercut: ", why_not, "\n")
   os.exit(1)
end
io.stdout:setvbuf("line")
assert(require("powercut.replay").private_mounts())
process.catch_signals()
local command = assert(commands[arg[1]], "run, mutants or again")
local ok, good = xpcall(command, debug.traceback)
if not ok then
   io.stderr:write(tostring(good), "\n")
end
os.exit(ok and good)
