-- What an operation costs in clones, syncs and renames, counted with strace on
-- real file systems: the table of "Cost" in the manual.
local byre = require("byre")
local filesystems = require("spec.support.filesystems")

-- one operation in a process of its own -> counts of the calls between the marks
local function count(pool_dir, operation)
   local trace = os.tmpname()
   local command = ("LUA_PATH='%s' LUA_CPATH='%s' strace -f -y -o %s "
      .. "-e trace=ioctl,fsync,fdatasync,syncfs,rename,renameat,renameat2,write "
      .. "lua5.4 spec/cost/cycle.lua %s %s 2>&1"):format(package.path, package.cpath, trace, pool_dir, operation)
   local pipe = assert(io.popen(command))
   local output = pipe:read("a")
   assert(pipe:close(), output)
   local counts = { clones = 0, file_syncs = 0, directory_syncs = 0, filesystem_syncs = 0, renames = 0 }
   local counting = false
   for line in io.lines(trace) do
      local call, first = line:match("^%d+%s+(%w+)%(([^,)]*)")
      if call == "write" then
         counting = counting and not line:find('"END', 1, true) or line:find('"BEGIN', 1, true) ~= nil
      elseif counting and line:find("= 0", 1, true) then
         if call == "ioctl" and line:find("FICLONE", 1, true) then
            counts.clones = counts.clones + 1
         elseif call == "syncfs" then
            counts.filesystem_syncs = counts.filesystem_syncs + 1
         elseif call == "fsync" or call == "fdatasync" then
            -- an unnamed file shows as "#123 (deleted)"
            local key = first:find("%.img") or first:find("%.json") or first:find("#")
            key = key and "file_syncs" or "directory_syncs"
            counts[key] = counts[key] + 1
         elseif call and call:find("^rename") then
            counts.renames = counts.renames + 1
         end
      end
   end
   os.remove(trace)
   return counts
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
