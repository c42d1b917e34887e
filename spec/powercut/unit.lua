--- One recording and the cuts made of it.
-- @module spec.powercut.unit
local dkjson = require("dkjson")

local cutter = require("spec.powercut.cutter")
local process = require("spec.powercut.process")
local recorder = require("spec.powercut.recorder")

local unit = {}

local build = os.getenv("BYRE_BUILD") or "build"

-- so many cases are kept for another look
local most_kept = 3

-- Keep what is needed to cut once more at exactly this point.
local function keep(run, case, point, violations)
   local dir = ("%s/powercut/violations/%s-%s-%s-%d-%d"):format(build, run.mutant or "byre", run.fs,
      run.scenario:gsub("%W", "-"), run.seed, point.seed)
   process.must("mkdir -p %s && cp --sparse=always %s %s/base && cp %s %s/log", dir, case.base, dir, case.log, dir)
   local file <close> = assert(io.open(dir .. "/case.json", "w"))
   file:write(dkjson.encode({ run = run, point = point, fs = run.fs, volumes = case.volumes,
      pool = case.pool, exports = case.exports, violations = violations }, { indent = true }))
   return "make -s core powercut-programs && eval \"$(make -s env)\" && lua5.4 spec/powercut/main.lua again " .. dir
end

local function new_result(run)
   return { run = run, cells = {}, violations = {}, points = 0, during = {} }
end

local function count(result, cut, bad, seconds)
   local cell = result.cells[cut] or { points = 0, violations = 0, seconds = 0 }
   result.cells[cut] = cell
   cell.points, cell.violations = cell.points + 1, cell.violations + (bad and 1 or 0)
   cell.seconds = cell.seconds + seconds
   result.points = result.points + 1
end

-- what counts points and keeps violations; `prefix` goes before the name of the cut
local function reporter(result, case, prefix)
   local run = result.run
   local started = process.clock()
   return function(point, violations, promised)
      local now = process.clock()
      for _, pending in pairs(promised.pending) do
         result.during[pending.op.name] = (result.during[pending.op.name] or 0) + 1
      end
      if promised.pool == "making" then
         result.during.create_pool = (result.during.create_pool or 0) + 1
      end
      count(result, prefix .. point.cut, #violations > 0, now - started)
      started = now
      if #violations > 0 then
         local kept = #result.violations < most_kept and not run.mutant
         table.insert(result.violations, {
            at = point.at, cut = prefix .. point.cut, seed = point.seed, texts = violations,
            again = kept and keep(run, case, point, violations) or nil,
         })
      end
      return #violations > 0 and run.stop_at_first or #result.violations >= 50
   end
end

-- the recovery of some of the cuts is cut again
local function cut_recovery(result, run, disks, dir)
   for i, item in ipairs(disks) do
      local sub = ("%s/again%d"):format(dir, i)
      process.must("mkdir -p %s", sub)
      local case, violations = cutter.record_recovery(run.fs, item.work, item.promised, item.point.seed, sub)
      if not case then
         local cut = "recovery " .. item.point.cut
         count(result, cut, true, 0)
         table.insert(result.violations, { at = item.point.at, cut = cut, seed = item.point.seed, texts = violations })
      else
         cutter.run(case, sub, function(log)
            return cutter.choose(log, run.recovery_points, item.point.seed)
         end, reporter(result, case, "recovery "))
      end
      process.must("rm -rf %s %s", sub, item.work)
   end
end

-- Set disks aside whose recovery is to be cut: where operations were cut short.
local function collector(run, dir, disks)
   local wanted = run.recoveries or 0
   local step = wanted > 0 and math.max(1, run.points // (wanted * 5)) or 0
   local seen = 0
   return function(point, work, promised)
      -- a pool that is being released is not recovered
      if #disks >= wanted or next(promised.pending) == nil or promised.pool:find("^releas") then
         return
      end
      seen = seen + 1
      if seen % step == 0 then
         local path = ("%s/aside%d"):format(dir, #disks + 1)
         process.must("cp --sparse=always %s %s", work, path)
         table.insert(disks, { point = point, work = path,
            promised = require("spec.powercut.model").copy(promised) })
      end
   end
end

--- Record a run, cut it.
-- @tparam table run as for `recorder.record`, and `points`; `cuts`; `focus`; `stop_at_first`; `recoveries` (how many
-- are cut again), `recovery_points` (at how many points each)
-- @treturn table `run`, `cells` (cut -> points, violations, seconds), `during` (operation -> points that cut it
-- short), `points`, `violations`, `tried` (how many wrong plans were run), `seconds`
function unit.run(run)
   local result = new_result(run)
   local started = process.clock()
   process.tidily(function(undo)
      local dir = recorder.new_directory()
      undo[#undo + 1] = function() process.must("rm -rf --one-file-system %s", dir) end
      result.failed = not recorder.record(run, dir)
      process.check()
      result.recorded = process.clock() - started
      local case = { fs = run.fs, base = dir .. "/base", log = dir .. "/log", pool = "none" }
      local disks = {}
      cutter.run(case, dir, function(log)
         result.records = log:count()
         result.tried = cutter.count_mutated(log)
         -- a wrong variant of an operation whose plan never came up is no variant
         if run.mutant and run.focus and result.tried == 0 then
            return {}
         end
         local points = cutter.choose(log, run.points, run.seed, run)
         points[#points + 1] = { at = log:count(), cut = "prefix", seed = run.seed }
         return points
      end, reporter(result, case, ""), collector(run, dir, disks))
      cut_recovery(result, run, disks, dir)
   end)
   result.seconds = process.clock() - started
   return result
end

--- Cut once more at the point of a case that was kept.
-- @tparam string dir
-- @treturn {string,...} violations
function unit.again(dir)
   local file <close> = assert(io.open(dir .. "/case.json"))
   local saved = assert(dkjson.decode(file:read("a")))
   local found
   process.tidily(function(undo)
      local scratch = recorder.new_directory()
      undo[#undo + 1] = function() process.must("rm -rf --one-file-system %s", scratch) end
      local case = { fs = saved.fs, base = dir .. "/base", log = dir .. "/log", volumes = saved.volumes,
         pool = saved.pool, exports = saved.exports }
      cutter.run(case, scratch, { saved.point }, function(_, violations) found = violations end)
   end)
   return found
end

return unit
