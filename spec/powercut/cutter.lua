--- Cuts the power: builds the disk as of a point of a log, mounts it, has it
-- checked and recovered, unmounts it; next point.
-- @module spec.powercut.cutter
local dkjson = require("dkjson")
local replay = require("powercut.replay")

local checker = require("spec.powercut.checker")
local model = require("spec.powercut.model")
local predict = require("spec.powercut.predict")
local process = require("spec.powercut.process")
local recorder = require("spec.powercut.recorder")

local cutter = {}

--- What a cut does to the writes since the last flush that was completed.
cutter.cuts = { "prefix", "lost", "subset", "torn" }

-- points at which something has just been reported, or is about to be flushed, tell most
local function choose_record(random, first, marks, flushes, count)
   local how = random(10)
   if how <= 3 and #marks > 0 then
      return marks[random(#marks)].at
   elseif how <= 5 and #flushes > 0 then
      return math.max(first, flushes[random(#flushes)] - 1)
   end
   return random(first, count)
end

-- the stretches of a log in which an operation was at work
local function all_windows(marks)
   local open, list, mutated = {}, {}, {}
   for _, item in ipairs(marks) do
      local mark = dkjson.decode(item.text)
      if mark.what == "begin" or mark.what == "make_pool" then
         open[mark.op and mark.op.n or "pool"] = { from = item.at, op = mark.op or { name = "init", vids = {} } }
      elseif mark.what == "end" or mark.what == "pool_made" then
         local window = open[mark.n or "pool"]
         window.to, window.mutated, mutated = item.at, next(mutated) and mutated, {}
         list[#list + 1] = window
      elseif mark.what == "mutated" then
         mutated[mark.vid] = true
      end
   end
   return list
end

-- is this the first one about a volume since a wrong plan was run on it?
local function follows(window, mutated)
   local found = false
   for _, vid in ipairs(window.op.vids) do
      found, mutated[vid] = found or mutated[vid], nil
   end
   return found
end

-- Those in which a wrong plan was run and the next ones on the same volumes;
-- without a wrong one those of an operation.
local function windows(marks, name)
   local near, named, mutated = {}, {}, {}
   for _, window in ipairs(all_windows(marks)) do
      if follows(window, mutated) or window.mutated then
         near[#near + 1] = window
      end
      for vid in pairs(window.mutated or {}) do
         mutated[vid], mutated[predict.new_vid(window.op, vid) or vid] = true, true
      end
      named[#named + 1] = window.op.name == name and window or nil
   end
   return #near > 0 and near or named
end

-- during such an operation, when it has just been reported, or soon after
local function choose_near(random, list, count)
   local window = list[random(#list)]
   local how = random(10)
   if how <= 3 then
      return window.to
   elseif how <= 4 then
      return math.min(count, random(window.to, window.to + 20))
   end
   return random(window.from, window.to)
end

--- How many wrong plans were run.
function cutter.count_mutated(log)
   local count = 0
   for _, item in ipairs(log:marks()) do
      count = count + (item.text:find('"what":"mutated"', 1, true) and 1 or 0)
   end
   return count
end

--- Choose points of a log.
-- @tparam log log
-- @tparam integer number of points
-- @tparam integer seed
-- @tparam[opt] table options `cuts`: names (default: all four, one as often as the other); `focus`: name of an
-- operation to stay close to
-- @treturn {table,...} `at` (record), `cut`, `seed`, in the order of the log
function cutter.choose(log, number, seed, options)
   local cuts = options and options.cuts or cutter.cuts
   math.randomseed(seed)
   local marks, flushes, count = log:marks(), log:flushes(), log:count()
   local first = marks[1] and marks[1].at or 1
   local near = options and options.focus and windows(marks, options.focus) or {}
   local points = {}
   for i = 1, number do
      points[i] = { cut = cuts[(i - 1) % #cuts + 1], seed = math.random(1 << 40),
         at = #near > 0 and choose_near(math.random, near, count)
            or choose_record(math.random, first, marks, flushes, count) }
   end
   table.sort(points, function(a, b) return a.at < b.at end)
   return points
end

-- the model goes along with the points
local function follow(state, at)
   while state.marks[state.next] and state.marks[state.next].at <= at do
      state.model:apply(dkjson.decode(state.marks[state.next].text))
      state.next = state.next + 1
   end
   return state.model
end

local function check_mounted(undo, case, device, dir, promised, seed)
   local mounted, message = recorder.mount(undo, case.fs, device, dir .. "/cut")
   if not mounted then
      return { "the file system cannot be mounted: " .. message }
   end
   return checker.run(dir .. "/cut/pool", promised, { seed = seed, scratch = dir })
end

--- Cut at points of a log.
-- @tparam table case `fs`, `base` (path of the disk before), `log` (path), `volumes`, `pool`, `exports` (where the
-- model begins)
-- @tparam string dir for files
-- @tparam {table,...}|function points or what makes them of the log
-- @tparam function report called with each point, its violations and the model; true: that is enough
-- @tparam[opt] function on_disk called with each point and the path of its disk, before it is mounted
function cutter.run(case, dir, points, report, on_disk)
   local log = assert(replay.open_log(case.log))
   points = type(points) == "function" and points(log) or points
   process.must("mkdir -p %s/cut", dir)
   process.tidily(function(undo)
      -- the base goes forward with the points
      local base, work = dir .. "/cut-base", dir .. "/cut-work"
      process.must("cp --sparse=always %s %s", case.base, base)
      undo[#undo + 1] = function() process.must("rm -f %s %s", base, work) end
      local disk = assert(replay.open_disk(base, work))
      undo[#undo + 1] = function() disk:close() end
      local device = recorder.attach(undo, work)
      local state = { model = model.new(case.volumes, case.pool, case.exports), marks = log:marks(), next = 1 }
      for _, point in ipairs(points) do
         process.check()
         assert(disk:cut(log, point.at, point.cut, point.seed))
         local promised = follow(state, point.at)
         if on_disk then
            on_disk(point, work, promised)
         end
         local violations = process.tidily(check_mounted, case, device, dir, promised, point.seed)
         if report(point, violations, promised) then
            return
         end
      end
   end)
   log:close()
end

--- Record the recovery of a disk, so that it can be cut as well.
-- @tparam string fs
-- @tparam string work the disk as the first cut left it
-- @tparam model promised
-- @tparam integer seed
-- @tparam string dir for the files
-- @treturn ?table case for `cutter.run`; nil: the recovery fails as it is
-- @treturn {string,...} violations
function cutter.record_recovery(fs, work, promised, seed, dir)
   local case = { fs = fs, base = dir .. "/base", log = dir .. "/log" }
   local live = dir .. "/live"
   process.must("mkdir -p %s/mnt && cp --sparse=always %s %s && cp --sparse=always %s %s", dir, work, case.base, work,
      live)
   local violations = process.tidily(function(undo)
      local disk, mark = recorder.logdisk(undo, dir .. "/fuse", live, case.log)
      local mounted, message = recorder.mount(undo, fs, recorder.attach(undo, disk), dir .. "/mnt")
      if not mounted then
         return { "the file system cannot be mounted: " .. message }
      end
      local marks <close> = assert(io.open(mark, "w"))
      marks:setvbuf("no")
      return checker.run(dir .. "/mnt/pool", promised, {
         seed = seed, scratch = dir,
         mark = function(text) assert(marks:write(text)) end,
         found = function(volumes, exports)
            case.volumes, case.exports = predict.copy(volumes), exports
         end,
      })
   end)
   os.remove(live)
   return #violations == 0 and case or nil, violations
end

return cutter
