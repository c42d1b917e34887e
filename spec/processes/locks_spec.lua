-- Who holds a lock, how long it is waited for, and when it ends.
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local operation = require("byre.operation")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")
local survey = require("byre.survey")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("the lock of a group", function()
      local pool, other, processes

      before_each(function()
         pool = pools.create(fs)
         pools.session(pools.origin(pool, "vm/disk"), "one")
         other = pools.reopen(pool, { lock_timeout = 0 })
         processes = {}
      end)

      local function kill(process)
         scratch.sh("kill -9 %s", process.line)
         process.finish()
         processes[process] = nil
      end

      after_each(function()
         for process in pairs(processes) do
            kill(process)
         end
         other:close()
         pool:close()
      end)

      local function hold(mode)
         local process = scratch.process(([[
            local byre = require("byre")
            lock = byre.open_pool(arg[1]).store:lock("vm", %q, 0)
            print(require("byre.core").pid())
         ]]):format(mode), pool.dir)
         process.pid = math.tointeger(tonumber(process.line))
         processes[process] = true
         return process
      end

      local function holder()
         local ok, e = pcall(other.start, other, { "vm/disk" })
         assert.is_false(ok)
         assert.equal("busy", e.code)
         assert.equal(("byre: vm: in use by process %d; waited 0 seconds"):format(e.pid), tostring(e))
         return e.pid
      end

      it("names a holder that still is one, of several", function()
         local held = { hold("shared"), hold("shared"), hold("shared"), hold("shared") }
         -- in an order that is neither that of coming nor its opposite
         for _, i in ipairs({ 3, 1, 4 }) do
            kill(held[i])
            held[i] = nil
            local pid = holder()
            local found = false
            for _, process in pairs(held) do
               found = found or process.pid == pid
            end
            assert.is_true(found, pid)
         end
         kill(held[2])
         other:start({ "vm/disk" })
      end)

      it("dies with its holder, whatever that was doing", function()
         for _ = 1, 5 do
            kill(hold("exclusive"))
            other:start({ "vm/disk" })
            other:stop({ "vm/disk" })
         end
      end)

      it("is not held by a program that its holder started", function()
         local process = scratch.process([[
            local byre = require("byre")
            lock = byre.open_pool(arg[1]).store:lock("vm", "exclusive", 0)
            os.execute("sleep 5 >/dev/null 2>&1 &")
            print(require("byre.core").pid())
         ]], pool.dir)
         processes[process] = true
         kill(process)
         other:start({ "vm/disk" })
      end)

      it("is waited for as long as was said, over all groups together", function()
         pools.origin(pool, "a/disk")
         local first, patient = hold("exclusive"), pools.reopen(pool, { lock_timeout = 0.5 })
         local lock = pool.store:lock("a", "exclusive", 0)
         local started = core.clock()
         local release = scratch.process(([[
            print(1)
            os.execute("sleep 0.3; kill -9 %d")
         ]]):format(first.pid), pool.dir)
         local ok, e = pcall(patient.start, patient, { "a/disk", "vm/disk" })
         local waited = core.clock() - started
         assert.is_false(ok)
         assert.equal("busy", e.code)
         assert.equal(core.pid(), e.pid)
         assert.is_true(waited >= 0.5 and waited < 2, waited)
         lock:release()
         release.finish()
         patient:start({ "a/disk", "vm/disk" })
         patient:close()
      end)

      it("is that of the source which a volume has once it is locked", function()
         pools.session(pools.origin(pool, "old/disk"), "old")
         pools.session(pools.origin(pool, "new/disk"), "new")
         local root = pool:create_volume("a/root", { snap_on_start = true, source = "old/disk" })
         local lock, taken = pool.store.lock, {}
         -- another process is quicker: the volume is a new one by the time that its lock is there
         pool.store.lock = function(self, group, mode, timeout)
            if #taken == 0 then
               self.lock = nil
               root:remove()
               pool:create_volume("a/root", { snap_on_start = true, source = "new/disk" })
               function self.lock(store, ...)
                  taken[#taken + 1] = table.concat({ (...), (select(2, ...)) }, " ")
                  return lock(store, ...)
               end
            end
            taken[#taken + 1] = group .. " " .. mode
            return lock(self, group, mode, timeout)
         end
         operation.run(pool, { { vid = "a/root", decide = function(state)
            assert.equal("new/disk", state.config.source)
            return require("byre.decide.start")(state)
         end } })
         pool.store.lock = nil
         assert.same({ "a exclusive", "old shared", "a exclusive", "new shared" }, taken)
         assert.equal("new", pools.get(root:path()))
         assert.equal("new/disk", survey.entry(pool.store, "a/root", pool.config).source)
      end)
   end)
end)
