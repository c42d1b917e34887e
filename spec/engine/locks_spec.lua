-- Two processes at one pool.
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("another process", function()
      local pool, process

      before_each(function()
         pool = pools.create(fs)
         pools.session(pools.origin(pool, "vm/disk"), "one")
      end)

      after_each(function()
         if process then
            process.finish()
            process = nil
         end
         pool:close()
      end)

      -- a process that holds the lock of a group until its end
      local function hold(group, mode)
         process = scratch.process(([[
            local byre = require("byre")
            lock = byre.open_pool(arg[1]).store:lock(%q, %q, 0)
            print(require("byre.core").pid())
         ]]):format(group, mode), pool.dir)
         return math.tointeger(tonumber(process.line))
      end

      local function impatient(timeout)
         return pools.reopen(pool, { lock_timeout = timeout })
      end

      it("that works on a group keeps others out, who say whose turn it is", function()
         local pid = hold("vm", "exclusive")
         local other = impatient(0)
         local volume = other:volume("vm/disk")
         for _, name in ipairs({ "start", "stop", "revert", "snapshot", "remove" }) do
            local e = pools.refuses(pool, "busy", ("byre: vm: in use by process %d; waited 0 seconds"):format(pid),
               volume[name], volume)
            assert.equal(pid, e.pid)
         end
         pools.fails("busy", ("byre: vm: in use by process %d; waited 0 seconds"):format(pid), pools.origin, other,
            "vm/new")
         other:close()
      end)

      it("is waited for as long as was asked", function()
         local pid = hold("vm", "exclusive")
         local other = impatient(0.3)
         local started = core.clock()
         pools.fails("busy", ("byre: vm: in use by process %d; waited 0.3 seconds"):format(pid),
            pool.start, other, { "vm/disk" })
         local waited = core.clock() - started
         assert.is_true(waited >= 0.25 and waited < 2, waited)
         other:close()
      end)

      it("that ends lets the one who waits go on", function()
         hold("vm", "exclusive")
         os.execute(("(sleep 0.2; kill -9 %s) &"):format(process.line))
         local other = impatient(20)
         local started = core.clock()
         pools.session(other:volume("vm/disk"), "two")
         assert.is_true(core.clock() - started >= 0.1)
         assert.equal("two", pools.committed(other:volume("vm/disk")))
         other:close()
      end)

      it("does not keep from looking", function()
         hold("vm", "exclusive")
         local other = impatient(0)
         local volume = other:volume("vm/disk")
         assert.equal("origin", volume.kind)
         assert.equal(1, #volume:revisions())
         assert.is_false(volume:is_dirty())
         assert.equal("vm/disk", other:volumes()().vid)
         assert.is_truthy(tostring(volume:plan("start")))
         other:close()
      end)

      it("that works on another group is in nobody's way", function()
         pools.session(pools.origin(pool, "other/disk"), "one")
         pools.session(pools.origin(pool, "vm/deep/disk"), "one")
         pools.session(pools.origin(pool, "top"), "one")
         hold("vm", "exclusive")
         local other = impatient(0)
         for _, vid in ipairs({ "other/disk", "vm/deep/disk", "top" }) do
            pools.session(other:volume(vid), "two")
         end
         other:close()
      end)

      it("may start snapshots of one source at the same time, but not while that is committed", function()
         pool:create_volume("a/root", { snap_on_start = true, source = "vm/disk" })
         local pid = hold("vm", "shared")
         local other = impatient(0)
         pools.fails("busy", ("byre: vm: in use by process %d; waited 0 seconds"):format(pid), pool.start, other,
            { "vm/disk" })
         other:volume("a/root"):start()
         process.finish()
         pid = hold("vm", "exclusive")
         pools.fails("busy", ("byre: vm: in use by process %d; waited 0 seconds"):format(pid), pool.start, other,
            { "a/root" })
         -- a stop does not look at the source
         other:volume("a/root"):stop()
         other:close()
      end)

      it("at work at the same time loses and mixes nothing", function()
         local script = ([[
            local byre = require("byre")
            local pools = require("spec.support.pools")
            local volume = byre.open_pool(arg[1]):volume("vm/disk")
            local id = tostring(require("byre.core").pid())
            for i = 1, 15 do
               local path = volume:start()
               local file = io.open(path, "r+b")
               if file then
                  file:write(("%%-30s"):format(id .. " " .. i):rep(100))
                  file:close()
               end
               -- the other one may be writing to the same session just now
               local ok, e
               repeat
                  ok, e = pcall(volume.stop, volume)
               until ok or e.code ~= "running"
               assert(ok, e)
            end
            print("done")
         ]])
         pool:volume("vm/disk"):set({ revisions_to_keep = 10 })
         local path = fs:fresh() .. "/script.lua"
         pools.write(path, script)
         local out = scratch.sh("%%lua %s %s 2>&1 & %%lua %s %s 2>&1; wait", path, pool.dir, path, pool.dir)
         assert.equal("done\ndone", out)
         local volume = pool:volume("vm/disk")
         assert.is_false(volume:is_dirty())
         assert.equal(10, #volume:revisions())
         assert.same({}, pool:check())
         assert.is_nil(pools.names(pool, "vm"):find("~"))
      end)
   end)
end)
