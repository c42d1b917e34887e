-- Symbolic links in a pool lead nowhere, whenever they come.
local byre = require("byre")
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local outside = require("spec.inside.outside")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

-- every component of every path that byre uses
local places = {
   ".byre", ".byre/pool.json", ".byre/volume", ".byre/volume/vm", ".byre/volume/vm/disk.json", ".byre/lock",
   ".byre/lock/vm", ".byre/lock/vm/.lock", "vm", "vm/disk.img", "vm/disk-dirty.img", "vm/disk-precache.img",
   "vm/disk-import.img", ".byre/volume/vm/disk.removed", ".byre/volume/vm/disk.lost", "vm/deep",
}

local function revision_of(pool)
   return pool:volume("vm/disk"):revisions()[1].path:sub(#pool.dir + 2)
end

-- run everything; whatever fails has to fail with an error of ours
local function run_all(pool, context)
   local done = 0
   for _, operation in ipairs(outside.operations) do
      local ok, e = pcall(operation[2], pool)
      assert(ok or byre.is_error(e), ("%s: %s: %s"):format(context, operation[1], e))
      done = done + (ok and 1 or 0)
   end
   return done
end

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("a symbolic link", function()
      it("in any place is followed by no operation", function()
         local count = #places
         for i = 1, count + 1 do
            local pool = outside.pool(fs)
            local place = places[i] or revision_of(pool)
            local target = outside.new(fs, pool)
            scratch.sh("cd %s && mkdir -p vm/deep && rm -rf %s && mkdir -p \"$(dirname %s)\" && ln -s %s %s", pool.dir,
               place, place, target:path(place), place)
            run_all(pool, place)
            pool:close()
            local ok, again = pcall(byre.open_pool, pool.dir, { lock_timeout = 0 })
            if ok then
               run_all(again, place)
               again:close()
            else
               assert.equal("corrupt", again.code, tostring(again))
            end
            target:untouched(place)
         end
      end)

      it("to what does not exist makes nothing", function()
         for _, place in ipairs(places) do
            local pool = outside.pool(fs)
            local empty = fs:fresh()
            scratch.sh("cd %s && mkdir -p vm/deep && rm -rf %s && mkdir -p \"$(dirname %s)\" && ln -s %s %s", pool.dir,
               place, place, empty .. "/new", place)
            run_all(pool, place)
            pool:close()
            assert.equal("", scratch.sh("ls -A %s", empty), place)
         end
      end)
   end)
end)

-- A process that exchanges a name with a link to the same outside, again and again, until it is ended.
local swapper = [[
   local core = require("byre.core")
   local dir = assert(core.open_dir(arg[1]))
   local place = %q
   print(core.pid())
   io.stdout:flush()
   for _ = 1, 2000000 do
      dir:rename(place, "decoy", "exchange")
   end
]]

filesystems.each({ "btrfs", "ext4" }, function(fs)
   describe("a symbolic link that comes between check and use", function()
      for _, place in ipairs({ "vm", "vm/disk.img", "vm/disk-dirty.img", ".byre", ".byre/volume/vm",
         ".byre/volume/vm/disk.json", ".byre/lock/vm", ".byre/lock/vm/.lock" }) do
         it("for " .. place .. " is not followed", function()
            local pool = outside.pool(fs)
            pool.lock_timeout = 0.1
            pool:volume("vm/disk"):start()
            local target = outside.new(fs, pool)
            scratch.sh("ln -s %s %s", target:path(place), pools.path(pool, "decoy"))
            local process = scratch.process(swapper:format(place), pool.dir)
            local deadline, rounds, done = core.clock() + 0.5, 0, 0
            while core.clock() < deadline or rounds < 2 do
               -- every other time as on a kernel that cannot resolve paths beneath a directory
               core.inject_errors(rounds % 2 == 1 and { openat2 = core.errno.ENOSYS } or {})
               done = done + run_all(pool, place)
               rounds = rounds + 1
            end
            core.inject_errors({})
            scratch.sh("kill -9 %s", process.line)
            process.finish()
            pool:close()
            target:untouched(place)
            assert.is_true(done > 0)
         end)
      end
   end)
end)

describe("qemu-img", function()
   it("gets images as open files, not by name", function()
      local fs, reason = filesystems.get("btrfs")
      if not fs then
         pending(reason)
         return
      end
      local pool = outside.pool(fs)
      local target = outside.new(fs, pool)
      local foreign = fs:fresh() .. "/image.qcow2"
      pool:volume("vm/disk"):export_file(foreign)
      local disk = pool:volume("vm/disk")
      -- the directory is a link by the time that qemu-img is called
      local spawn = core.spawn
      local calls = 0
      core.spawn = function(...)
         calls = calls + 1
         scratch.sh("cd %s && mv vm real && ln -s %s vm", pool.dir, target:path("vm"))
         local result = table.pack(spawn(...))
         scratch.sh("cd %s && rm vm && mv real vm", pool.dir)
         return table.unpack(result, 1, result.n)
      end
      finally(function() core.spawn = spawn end)
      scratch.sh("cp %s %s", pools.path(pool, "vm/disk.img"), target:path("vm/disk-import.img"))
      target.before = pools.listing(target.dir)
      disk:import_file(foreign)
      pools.write(target:path("vm/disk.img"), "stolen")
      target.before = pools.listing(target.dir)
      disk:export_file(foreign .. ".vmdk", { format = "qcow2" })
      target:untouched()
      core.spawn = spawn
      assert.equal(3, calls)
      disk:import_file(foreign .. ".vmdk", { format = "qcow2" })
      assert.equal("two", pools.committed(disk))
      pool:close()
   end)
end)
