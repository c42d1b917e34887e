-- What an operation costs in clones, syncs and renames, counted with strace on
-- real file systems: the table of "Cost" in the manual.
local byre = require("byre")
local filesystems = require("spec.support.filesystems")
local scratch = require("spec.core.scratch")

-- one operation in a process of its own; goes through the calls between the marks: name, first argument, line
local function trace(pool_dir, operation, visit)
   local path = os.tmpname()
   local command = ("LUA_PATH='%s' LUA_CPATH='%s' strace -f -y -o %s lua5.4 spec/cost/cycle.lua %s %s 2>&1"):format(
      package.path, package.cpath, path, pool_dir, operation)
   local pipe = assert(io.popen(command))
   local output = pipe:read("a")
   assert(pipe:close(), output)
   local counting = false
   for line in io.lines(path) do
      local call, first = line:match("^%d+%s+(%w+)%(([^,)]*)")
      if call == "write" and line:find('"BEGIN', 1, true) then
         counting = true
      elseif call == "write" and line:find('"END', 1, true) then
         counting = false
      elseif call and counting then
         visit(call, first, line)
      end
   end
   os.remove(path)
end

-- counts of what takes time
local function count(pool_dir, operation)
   local counts = { clones = 0, file_syncs = 0, directory_syncs = 0, filesystem_syncs = 0, renames = 0 }
   local function add(key)
      counts[key] = counts[key] + 1
   end
   trace(pool_dir, operation, function(call, first, line)
      if not line:find("= 0", 1, true) then
         return
      elseif call == "ioctl" and line:find("FICLONE", 1, true) then
         add("clones")
      elseif call == "syncfs" then
         add("filesystem_syncs")
      elseif call == "fsync" or call == "fdatasync" then
         -- an unnamed file shows as "#123 (deleted)"
         local is_file = first:find("%.img") or first:find("%.json") or first:find("#")
         add(is_file and "file_syncs" or "directory_syncs")
      elseif call:find("^rename") then
         add("renames")
      end
   end)
   return counts
end

-- calls about memory (qsort asks how much there is), and the names of a directory, which are read in portions
local uncounted = { brk = true, mmap = true, munmap = true, mremap = true, sysinfo = true, getdents64 = true }

-- how many calls there are in all
local function calls(pool_dir, operation)
   local total = 0
   trace(pool_dir, operation, function(call)
      total = total + (uncounted[call] and 0 or 1)
   end)
   return total
end

local function cost(clones, file_syncs, directory_syncs, renames, filesystem_syncs)
   return { clones = clones, file_syncs = file_syncs, directory_syncs = directory_syncs, renames = renames,
      filesystem_syncs = filesystem_syncs or 0 }
end

local function write_something(path)
   local file = assert(io.open(path, "r+b"))
   assert(file:write(("x"):rep(8192)))
   assert(file:close())
end

local function new_pool(fs, options)
   local pool = byre.create_pool(fs:fresh() .. "/pool", options)
   local disk = pool:create_volume("vm/disk", { size = "1M", save_on_stop = true })
   disk:start()
   disk:stop()
   pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
   pool:create_volume("vm/swap", { size = "1M" })
   return pool, disk
end

filesystems.each({ "btrfs", "xfs" }, function(fs)
   describe("what is paid:", function()
      it("a cycle without precache costs one clone at the start and none at the stop", function()
         local pool, disk = new_pool(fs, { precache = false })
         assert.same(cost(1, 1, 1, 0), count(pool.dir, "start"))
         write_something(disk:path())
         assert.same(cost(0, 1, 1, 1), count(pool.dir, "stop"))
         assert.same(cost(0, 0, 1, 1), count(pool.dir, "revert"))
      end)

      it("a cycle with precache starts by one rename and makes the next precache after the commit", function()
         local pool, disk = new_pool(fs)
         assert.same(cost(0, 0, 1, 1), count(pool.dir, "start"))
         write_something(disk:path())
         assert.same(cost(1, 2, 1, 1), count(pool.dir, "stop"))
         assert.same(cost(1, 1, 1, 1), count(pool.dir, "revert"))
      end)

      it("a volume without snapshots is renamed and synced, never cloned", function()
         local pool, disk = new_pool(fs)
         disk:set({ revisions_to_keep = -1 })
         assert.same(cost(0, 0, 1, 1), count(pool.dir, "start"))
         assert.same(cost(0, 1, 1, 1), count(pool.dir, "stop"))
      end)

      it("snapshot and volatile volumes pay for no sync at all", function()
         local pool = new_pool(fs)
         assert.same(cost(1, 0, 0, 0), count(pool.dir, "start_snapshot"))
         assert.same(cost(0, 0, 0, 0), count(pool.dir, "stop_snapshot"))
         assert.same(cost(0, 0, 0, 0), count(pool.dir, "start_volatile"))
         assert.same(cost(0, 0, 0, 0), count(pool.dir, "stop_volatile"))
      end)

      it("a removal makes durable that the entry, the images and the mark are gone, in this order", function()
         local pool = new_pool(fs)
         pool:create_volume("vm/other", { size = "1M", save_on_stop = true })
         assert.same(cost(0, 0, 4, 1), count(pool.dir, "remove_snapshot"))
         assert.same(cost(0, 0, 4, 1), count(pool.dir, "remove"))
      end)

      it("a session has as many calls with 1,000 revisions as with 10", function()
         local pool = new_pool(fs, { precache = false, revisions_to_keep = 2000 })
         local session = {}
         for i, revisions in ipairs({ 10, 1000 }) do
            for seq = 1, revisions do
               local path = pool.dir .. ("/vm/disk.img.%d@2026-01-01T00:00:00Z"):format(seq)
               assert(io.open(path, "w")):close()
            end
            session[i] = { calls(pool.dir, "start"), calls(pool.dir, "stop") }
            for seq = 1, revisions + 1 do
               os.remove(pool.dir .. ("/vm/disk.img.%d@2026-01-01T00:00:00Z"):format(seq))
            end
         end
         assert.same(session[1], session[2])
      end)

      it("one more snapshot in a batch is a few calls more", function()
         local pool = new_pool(fs, { precache = false })
         local bounds, total = { create = 18, start = 27, stop = 21, remove = 19 }, {}
         for _, count_of_volumes in ipairs({ 20, 60 }) do
            for _, operation in ipairs({ "create", "start", "stop", "remove" }) do
               total[operation .. count_of_volumes] = calls(pool.dir, operation .. count_of_volumes)
            end
         end
         for operation, bound in pairs(bounds) do
            local each = (total[operation .. 60] - total[operation .. 20]) / 40
            assert.is_true(each <= bound, ("%s: %s"):format(operation, each))
         end
      end)

      it("the number of syncs does not grow with the number of volumes of a batch", function()
         local pool = new_pool(fs, { precache = false })
         local list = {}
         for i = 1, 60 do
            list[i] = ("batch/v%03d"):format(i)
            pool:create_volume(list[i], { size = "1M", save_on_stop = true })
         end
         local function syncs(operation)
            local counts = count(pool.dir, operation)
            return counts.file_syncs + counts.directory_syncs + counts.filesystem_syncs
         end
         local starts, stops = {}, {}
         for i, many in ipairs({ 20, 60 }) do
            starts[i] = syncs("start" .. many)
            stops[i] = syncs("stop" .. many)
         end
         assert.same({ 2, 2 }, starts)
         assert.same({ 2, 2 }, stops)
      end)
   end)
end)

filesystems.each({ "xfs" }, function(fs)
   describe("what is paid with a size for what is written anew:", function()
      it("no clone, sync or rename more", function()
         local pool, disk = new_pool(fs, { precache = false, cow_extent_size = "1M" })
         assert.same(cost(1, 1, 1, 0), count(pool.dir, "start"))
         write_something(disk:path())
         assert.same(cost(0, 1, 1, 1), count(pool.dir, "stop"))
      end)
   end)
end)

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("what is paid on another file system that is mounted below a pool:", function()
      it("one sync for each file, since a sync of the pool's file system does not reach it", function()
         local other = assert(filesystems.tmpfs("16m"))
         local pool = new_pool(fs, { precache = false, setup_check = false })
         local mounted = pool.dir .. "/batch"
         scratch.sh("mkdir %s && mount --bind %s %s", mounted, other.dir, mounted)
         local ok, e = pcall(function()
            for i = 1, 20 do
               pool:create_volume(("batch/v%03d"):format(i), { size = "64K", save_on_stop = true })
            end
            assert.same(cost(0, 20, 1, 0), count(pool.dir, "start20"))
            assert.same(cost(0, 20, 1, 20), count(pool.dir, "stop20"))
         end)
         scratch.sh("umount %s", mounted)
         other:unmount()
         assert(ok, e)
      end)
   end)
end)

filesystems.each({ "btrfs" }, function(fs)
   describe("what is paid in a subvolume:", function()
      it("one sync for all files of a batch", function()
         local pool = new_pool(fs, { precache = false })
         scratch.sh("btrfs -q subvolume create %s/batch", pool.dir)
         for i = 1, 20 do
            pool:create_volume(("batch/v%03d"):format(i), { size = "64K", save_on_stop = true })
         end
         assert.same(cost(20, 0, 1, 0, 1), count(pool.dir, "start20"))
         assert.same(cost(0, 0, 1, 20, 1), count(pool.dir, "stop20"))
      end)
   end)
end)

filesystems.each({ "ext4" }, function(fs)
   describe("what is paid without reflinks:", function()
      it("a start copies, a commit copies nothing and no precache is made", function()
         local pool, disk = new_pool(fs, { setup_check = false })
         assert.same(cost(0, 1, 1, 0), count(pool.dir, "start"))
         write_something(disk:path())
         assert.same(cost(0, 1, 1, 1), count(pool.dir, "stop"))
         assert.same(cost(0, 0, 1, 1), count(pool.dir, "revert"))
      end)
   end)
end)
