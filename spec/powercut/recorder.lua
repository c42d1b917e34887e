--- Records what a workload does to a disk: a file system on a loop device on
-- the logging disk, and processes at work on a pool in it.
-- @module spec.powercut.recorder
local replay = require("powercut.replay")
local unistd = require("posix.unistd")

local process = require("spec.powercut.process")

local recorder = {}

local build = os.getenv("BYRE_BUILD") or "build"
local directories = "/dev/shm/byre-powercut"

--- What to make file systems with, and how large.
recorder.filesystems = {
   btrfs = { size = "256M", make = "mkfs.btrfs -q" },
   xfs = { size = "320M", make = "mkfs.xfs -q -m reflink=1" },
   ext4 = { size = "64M", make = "mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0" },
}

--- Names in the order of tables.
recorder.names = { "btrfs", "xfs", "ext4" }

--- Why the rig cannot run here; nil: it can.
function recorder.why_not()
   local function fails(command)
      return not os.execute(command .. " >/dev/null 2>&1")
   end
   if fails("test \"$(id -u)\" = 0") then
      return "needs root"
   elseif fails("test -c /dev/fuse") then
      return "needs FUSE (/dev/fuse)"
   elseif fails("test -c /dev/loop-control") then
      return "needs loop devices"
   elseif fails("test -d /dev/shm -a -w /dev/shm") then
      return "needs a tmpfs at /dev/shm"
   elseif fails("test -x " .. build .. "/powercut/logdisk") then
      return "needs build/powercut/logdisk (package libfuse3-dev)"
   end
   for _, fs in ipairs(recorder.names) do
      local program = recorder.filesystems[fs].make:match("%S+")
      if fails("command -v " .. program) then
         return "needs " .. program
      end
   end
end

--- Make an empty file system in a file.
function recorder.make_filesystem(fs, path)
   local kind = recorder.filesystems[fs]
   process.must("rm -f %s && truncate -s %s %s && %s %s && fallocate -d %s", path, kind.size, path,
      kind.make, path, path)
end

--- Mount a device.
-- @tparam table undo gets what unmounts it
function recorder.mount(undo, fs, device, dir)
   local ok, message = replay.mount(device, dir, fs)
   if not ok then
      return nil, message
   end
   undo[#undo + 1] = function()
      process.retry(replay.unmount, dir)
      if fs == "btrfs" then
         replay.forget(device)
      end
   end
   return true
end

--- Attach a file to a loop device.
function recorder.attach(undo, path)
   local device = assert(replay.attach(path))
   undo[#undo + 1] = function() process.retry(replay.detach, device) end
   return device
end

--- Put the logging disk before a file.
-- @tparam table undo gets what takes it away again
-- @tparam string dir where to mount it
-- @tparam string image
-- @tparam string log
-- @treturn string path of the disk
-- @treturn string path of the file that takes marks
function recorder.logdisk(undo, dir, image, log)
   process.must("mkdir -p %s && rm -f %s", dir, log)
   local pid = process.start({ build .. "/powercut/logdisk", dir, image, log })
   undo[#undo + 1] = function()
      process.retry(replay.unmount, dir)
      process.finish(pid)
   end
   process.retry(function()
      local file <close> = io.open(dir .. "/disk", "rb")
      return file, "logdisk does not start"
   end)
   return dir .. "/disk", dir .. "/mark"
end

local function workers(run)
   return run.scenario == "groups" and 2 or 1
end

-- the processes of a run, until they are done; a failure is that of the last line they wrote
local function work(undo, run, pool, mark)
   local function argv(scenario, group, count, worker)
      return { "lua5.4", "spec/powercut/workload.lua", pool, mark, scenario, group, tostring(count),
         tostring(run.seed), tostring(worker), run.mutant }
   end
   if not process.finish(process.start(argv("pool", "-", 0, 0))) then
      return false
   end
   local apart = ({ syncs = 25, storm = 8 })[run.regime]
   if apart then
      local pid = process.start(argv("sync", "g1", apart, 0))
      undo[#undo + 1] = function() process.kill(pid) end
   end
   local pids = {}
   for worker = 1, workers(run) do
      local scenario = run.scenario == "groups" and "general" or run.scenario
      pids[worker] = process.start(argv(scenario, "g" .. worker, run.operations, worker))
   end
   local ok = true
   for _, pid in ipairs(pids) do
      local done, code = process.finish(pid)
      ok = done and ok
      assert(done or code == 1, "the rig itself fails")
   end
   return ok
end

--- Record a run.
-- @tparam table run `fs`, `scenario`, `seed`, `regime` (`quiet`, `syncs`, `storm`), `operations` (how many), `mutant`
-- @tparam string dir for the files: `base` (the disk before), `log`
-- @treturn boolean whether the workload got to its end
function recorder.record(run, dir)
   local base, live = dir .. "/base", dir .. "/live"
   recorder.make_filesystem(run.fs, base)
   process.must("mkdir -p %s/mnt && cp --sparse=always %s %s", dir, base, live)
   local ok = process.tidily(function(undo)
      local disk, mark = recorder.logdisk(undo, dir .. "/fuse", live, dir .. "/log")
      assert(recorder.mount(undo, run.fs, recorder.attach(undo, disk), dir .. "/mnt"))
      return process.tidily(function(processes)
         return work(processes, run, dir .. "/mnt/pool", mark)
      end)
   end)
   os.remove(live)
   return ok
end

-- Loop devices on files beneath a directory. The mount through which a file was
-- opened may be gone, and with it the beginning of its path.
local function devices(dir)
   local list = {}
   local pipe = io.popen("grep -lF /" .. dir:match("[^/]+$") .. "/ /sys/block/loop*/loop/backing_file 2>/dev/null")
   for line in pipe:lines() do
      list[#list + 1] = "/dev/" .. line:match("^/sys/block/(loop%d+)/")
   end
   pipe:close()
   return list
end

--- Clear what runs left behind that were killed. Their mounts went with them.
function recorder.clear_leftovers()
   local pipe = io.popen("ls -d " .. directories .. ".* 2>/dev/null")
   local left = {}
   for dir in pipe:lines() do
      local pid = math.tointeger(dir:match("%.(%d+)%.%w+$"))
      left[#left + 1] = pid and not process.is_alive(pid) and dir or nil
   end
   pipe:close()
   for _, dir in ipairs(left) do
      for _, device in ipairs(devices(dir)) do
         replay.detach(device)
      end
      process.must("rm -rf --one-file-system %s", dir)
   end
end

--- A directory for files of this process, on tmpfs.
function recorder.new_directory()
   return (process.must("mktemp -d %s.%d.XXXXXX", directories, unistd.getpid()):gsub("\n", ""))
end

return recorder
