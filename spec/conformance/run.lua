--- Replay recorded scenarios on real file systems.
--
--    lua5.4 spec/conformance/run.lua [DIR] [--fs btrfs,xfs,ext4] [--scenario NAME] [-v]
--
-- DIR holds `scenarios.json` and `<fs>/<scenario>.json`, or the same packed (`scenarios.json.xz`, `<fs>.tar.xz`);
-- without DIR it is the published data beside this file. Prints a line for every failure and, as the last line,
-- `N passed, N failed, N deviating`, counted per file system and scenario. Exits with 1 if any failed.
local script = arg[0]:match("^(.*)/[^/]*$") or "."
local project = script .. "/../.."

-- files are made with the modes of the recordings
local pipe = assert(io.popen("umask"))
local umask = pipe:read("l")
pipe:close()
if tonumber(umask, 8) ~= tonumber("022", 8) then
   local words = { "umask 022; exec" }
   for i = -1, #arg do
      words[#words + 1] = "'" .. arg[i]:gsub("'", "'\\''") .. "'"
   end
   local _, _, code = os.execute(table.concat(words, " "))
   os.exit(code, true)
end

local build = os.getenv("BYRE_BUILD") or "build"
build = build:sub(1, 1) == "/" and build or project .. "/" .. build
package.path = ("%s/lua/?.lua;%s/lua/?/init.lua;%s/?.lua;"):format(project, project, project) .. package.path
package.cpath = ("%s/lua/5.4/?.so;"):format(build) .. package.cpath

local compare = require("spec.conformance.compare")
local deviations = require("spec.conformance.deviations")
local disk = require("spec.conformance.disk")
local recordings = require("spec.conformance.recordings")
local replay = require("spec.conformance.replay")
local filesystems = require("spec.support.filesystems")

local function usage(message)
   io.stderr:write(message, "\n", "usage: run.lua [DIR] [--fs btrfs,xfs,ext4] [--scenario NAME] [-v]\n")
   os.exit(2, true)
end

local function parse(words)
   local options = { kinds = "btrfs,xfs,ext4" }
   local i = 1
   while i <= #words do
      local word = words[i]
      if word == "--fs" or word == "--scenario" then
         options[word == "--fs" and "kinds" or "scenario"] = words[i + 1] or usage(word .. " needs a value")
         i = i + 1
      elseif word == "-v" then
         options.verbose = true
      elseif word:sub(1, 1) == "-" or options.dir then
         usage("what is " .. word .. "?")
      else
         options.dir = word
      end
      i = i + 1
   end
   return options
end

local function file_system(name)
   local fs, reason = filesystems.get(name)
   return fs or error(name .. ": " .. reason, 0)
end

-- A: the file system under test, B: the other one with reflinks, E: ext4; T: a tmpfs
local function make_places(scenario, kind)
   local others = { A = kind, B = kind == "btrfs" and "xfs" or "btrfs", E = "ext4" }
   local places = { roots = {}, reflinks = {}, tmpfs = {} }
   for _, letter in ipairs(scenario.roots) do
      local fs = file_system(others[letter])
      places.roots[letter], places.reflinks[letter] = fs:fresh(), fs.reflink
   end
   for letter, size in pairs(scenario.tmpfs or {}) do
      local fs = filesystems.tmpfs(size)
      table.insert(places.tmpfs, fs)
      places.roots[letter], places.reflinks[letter] = fs.dir, false
   end
   return places
end

local function remove_places(places)
   for _, fs in ipairs(places.tmpfs) do
      fs:unmount()
   end
   for _, path in pairs(places.roots) do
      -- files that a scenario made immutable
      pcall(disk.run, "chattr", "-R", "-f", "-i", path)
      disk.run("rm", "-rf", path)
   end
end

local function sentence(scenario, kind, step, difference)
   local words = {}
   for _, key in ipairs({ "vol", "pool", "id", "file" }) do
      words[#words + 1] = step.op[key]
   end
   return ("%s/%s step %d (%s %s): %s"):format(kind, scenario.name, step.i, step.op.op, table.concat(words, " "),
      compare.describe(difference))
end

local function tell_details(scenario, kind, step)
   for i = 2, #step.differences do
      print("   " .. sentence(scenario, kind, step, step.differences[i]))
   end
   local e = step.got.result.error
   if e and e.traceback then
      print(e.traceback)
   end
end

local function judge(scenario, kind, trace, options)
   local places = make_places(scenario, kind)
   local ok, step = pcall(replay.run, scenario, trace, places)
   remove_places(places)
   if not ok then
      error(step, 0)
   end
   local verdict, why = deviations.judge(scenario.name, kind, step)
   if verdict == "failed" then
      print(("FAILED %s"):format(step and sentence(scenario, kind, step, step.differences[1])
         or kind .. "/" .. scenario.name .. ": " .. why))
      if step and options.verbose then
         tell_details(scenario, kind, step)
      end
   elseif options.verbose then
      print(("%s %s%s"):format(verdict, step and sentence(scenario, kind, step, step.differences[1])
         or kind .. "/" .. scenario.name, why and " [" .. why .. "]" or ""))
   end
   return verdict
end

local function is_wanted(scenario, kind, name)
   if name and name ~= scenario.name then
      return false
   end
   for _, fs in ipairs(scenario.fs or { kind }) do
      if fs == kind then
         return true
      end
   end
   return false
end

local function run_all(options, set)
   local counts = { passed = 0, failed = 0, deviating = 0 }
   local deviating = {}
   for kind in options.kinds:gmatch("[^,]+") do
      for _, scenario in ipairs(set.scenarios) do
         local trace = is_wanted(scenario, kind, options.scenario) and set:trace(kind, scenario.name)
         if trace then
            local verdict = judge(scenario, kind, trace, options)
            counts[verdict] = counts[verdict] + 1
            if verdict == "deviating" and not deviating[scenario.name] then
               deviating[scenario.name] = true
               deviating[#deviating + 1] = scenario.name
            end
         end
      end
   end
   print(("%d of %d scenarios deviate somewhere"):format(#deviating, #set.scenarios))
   print(("%d passed, %d failed, %d deviating"):format(counts.passed, counts.failed, counts.deviating))
   return counts.failed == 0 and counts.passed + counts.deviating > 0
end

local options = parse(arg)
io.stdout:setvbuf("line")
os.exit(run_all(options, recordings.open(options.dir or script .. "/data")), true)
