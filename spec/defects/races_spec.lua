-- Known defects R1 to R9: several at work at once, and volumes that depend on others.
local child = require("spec.defects.child")
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local function inode(path)
   return scratch.sh("stat -c %%i %s", path)
end

-- a life of the volume "vm/disk" in which each error but a refusal ends the process
local sessions = [[
   local volume = pool:volume("vm/disk")
   local done = 0
   for i = 1, %d do
      local ok, e = pcall(function()
         local path = volume:start()
         local file = io.open(path, "r+b")
         if file then
            file:write(("%%-32s"):format(core.pid() .. " " .. i))
            file:close()
         end
         volume:stop()
         done = done + 1
      end)
      -- the other one has the image open at this moment
      assert(ok or byre.is_error(e) and e.code == "running", e)
   end
   print(done > 0 and "fine" or "never")
]]

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   local pool, volume

   before_each(function()
      pool = pools.create(fs)
      volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 5 })
      pools.session(volume, "one")
   end)

   after_each(function() pool:close() end)

   it("R1 two processes at one volume do not get in each other's way, and commit nothing half-written", function()
      assert.equal("fine\nfine", child.together(pool, { sessions:format(25), sessions:format(25) }))
      volume:stop()
      assert.same({}, pool:check())
      assert.is_true(#volume:revisions() >= 5)
      local before = pools.history(volume)
      -- a guest in another process, half-way through its writing
      local guest = scratch.process([[
         local file = assert(io.open(require("byre").open_pool(arg[1]):volume("vm/disk"):start(), "r+b"))
         file:write("half") file:flush()
         print(require("byre.core").pid())
      ]], pool.dir)
      local ok, e = pcall(volume.stop, volume)
      guest.finish()
      assert.is_false(ok)
      assert.is_truthy(tostring(e):find("cannot stop: process " .. guest.line, 1, true), tostring(e))
      assert.equal("running", e.code)
      assert.same(before, pools.history(volume))
   end)

   it("R2 two objects of one volume, and two pools at one directory, take turns", function()
      local second = pools.reopen(pool, { lock_timeout = 0 })
      local objects = { volume, pool:volume("vm/disk"), second:volume("vm/disk") }
      for i = 1, 30 do
         pools.put(objects[i % 3 + 1]:start(), ("round %02d"):format(i))
         objects[(i + 1) % 3 + 1]:stop()
         assert.equal(("round %02d"):format(i), pools.committed(volume))
      end
      -- in the middle of one's operation
      local refused
      local logging = pools.reopen(pool, { log = function()
         refused = refused or pools.fails("busy",
            ("byre: vm: in use by process %d; waited 0 seconds"):format(core.pid()), objects[3].start, objects[3])
      end })
      logging:volume("vm/disk"):start()
      assert.equal(core.pid(), refused.pid)
      logging:close()
      second:close()
   end)

   it("R3 of a stop that was interrupted nothing goes on once others may work on the volume", function()
      local steps = 0
      local cancelling = pools.reopen(pool, { log = function(event)
         steps = steps + 1
         error("cancelled after " .. event.step, 0)
      end })
      pools.put(volume:start(), "session")
      local before = inode(volume:path())
      local ok, e = pcall(function() cancelling:volume("vm/disk"):stop() end)
      assert.same({ false, "cancelled after synced" }, { ok, e })
      local _, out = child.run(pool, "print(pool:volume('vm/disk'):start())")
      assert.equal(volume:path() .. "\n", out)
      scratch.sh("sleep 0.1")
      assert.same({ 1, before }, { steps, inode(volume:path()) })
      -- nor of one that was killed, whose lock is free at once
      assert.is_true((child.run(pool, "pool:volume('vm/disk'):stop()", 1)))
      local impatient = pools.reopen(pool, { lock_timeout = 0 })
      impatient:volume("vm/disk"):start()
      assert.same({ before, "session" }, { inode(volume:path()), pools.get(volume:path()) })
      impatient:close()
      cancelling:close()
   end)

   it("R4 nothing that is done to a volume touches files of one whose name begins alike", function()
      local sibling = pools.origin(pool, "vm/disk2")
      pools.put(sibling:import_data(4096), "import")
      local others = { "disk2.img~a1b2c3d4", "disk2-dirty.img~a1b2c3d4", "disk-x.img~a1b2c3d4", "disk.backup.img~",
         "disk.img~", "disk.img.bak" }
      for _, name in ipairs(others) do
         pools.write(pools.path(pool, "vm/" .. name), name)
      end
      pools.session(volume, "two")
      volume:revert()
      volume:resize("2M")
      volume:remove()
      pools.origin(pool, "vm/disk"):remove()
      for _, name in ipairs(others) do
         assert.equal(name, pools.get(pools.path(pool, "vm/" .. name)))
      end
      sibling:import_data_end(true)
      assert.equal("import", pools.committed(sibling))
   end)

   it("R5 a start between begin and end of an import leaves the import alone, and its end takes no revision", function()
      pools.put(volume:import_data(4096), "import")
      pools.put(volume:start(), "session")
      pools.refuses(pool, "dirty", "byre: vm/disk: cannot import: it is running or was not cleanly stopped",
         volume.import_data_end, volume, true)
      volume:stop()
      volume:import_data_end(true)
      assert.equal("import", pools.committed(volume))
      assert.same({ "", "one", "session" }, pools.history(volume))
   end)

   it("R6 an import into a volume with a session is refused, so that no stop overwrites it", function()
      local other = pools.origin(pool, "vm/other")
      local outside = fs:fresh() .. "/image"
      pools.write(outside, "outside")
      pools.put(volume:start(), "session")
      local sentence = "byre: vm/disk: cannot import: it is running or was not cleanly stopped"
      pools.refuses(pool, "dirty", sentence, volume.import_data, volume, 4096)
      pools.refuses(pool, "dirty", sentence, volume.import_volume, volume, other)
      pools.refuses(pool, "dirty", sentence, volume.import_file, volume, outside)
   end)

   it("R7 copying and renaming a volume with a session ask which state is meant, and take that", function()
      pools.put(volume:start(), "session")
      local other = pools.origin(pool, "new/other")
      for _, call in ipairs({
         function() volume:clone("new/disk") end,
         function() other:import_volume(volume) end,
         function() volume:rename("new/disk") end,
      }) do
         local ok, e = pcall(call)
         assert.equal("dirty", not ok and e.code)
         assert.is_truthy(e.hint:find("--state current", 1, true))
      end
      assert.equal("session", pools.committed(volume:clone("new/a", { state = "current" })))
      assert.equal("one", pools.committed(volume:clone("new/b", { state = "committed" })))
      assert.equal("session", pools.committed(other:import_volume(volume, { state = "current" })))
      volume:rename("new/disk", { state = "current" })
      assert.equal("session", pools.get(volume:start()))
      assert.equal("one", pools.committed(volume))
   end)

   describe("a source without snapshots", function()
      local snapshot, saved

      before_each(function()
         snapshot = pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
         saved = pool:create_volume("vm/saved", { snap_on_start = true, save_on_stop = true, source = "vm/disk",
            revisions_to_keep = 3 })
      end)

      local function image(name)
         return pools.path(pool, name)
      end

      local function write_to_source(text)
         pools.put(volume:start(), text)
         return inode(volume:path())
      end

      describe("R8 never lends its inode to a snapshot,", function()
         it("whichever of the two is started first", function()
            volume:set({ revisions_to_keep = -1 })
            local own = inode(image("vm/disk.img"))
            snapshot:start()
            saved:start()
            assert.is_true(inode(image("vm/root.img")) ~= own and inode(image("vm/saved.img")) ~= own)
            assert.equal(own, write_to_source("later"))
            assert.same({ "one", "one" }, { pools.committed(snapshot), pools.committed(saved) })
            assert.same({ "one", "one" }, { pools.get(snapshot:path()), pools.get(saved:path()) })
            pools.put(saved:path(), "mine")
            saved:stop()
            assert.same({ "one" }, pools.history(saved))
            volume:stop()
            assert.equal("later", pools.get(snapshot:start()))
         end)

         it("also not where the snapshot has run since before", function()
            snapshot:start()
            saved:start()
            local lent = inode(image("vm/disk.img"))
            assert.same({ lent, lent }, { inode(image("vm/root.img")), inode(image("vm/saved.img")) })
            volume:set({ revisions_to_keep = -1 })
            assert.is_true(write_to_source("later") ~= lent)
            assert.same({ "one", "one" }, { pools.committed(snapshot), pools.committed(saved) })
            volume:stop()
            write_to_source("and again")
            pools.put(saved:path(), "mine")
            saved:stop()
            assert.same({ "one", "one" }, { pools.committed(snapshot), pools.history(saved)[1] })
            volume:stop()
            assert.equal("and again", pools.committed(volume))
         end)
      end)

      it("R9 has snapshots that are out of date once it was written to and stopped", function()
         volume:set({ revisions_to_keep = -1 })
         snapshot:start()
         saved:start()
         assert.same({ false, false }, { snapshot:is_outdated(), saved:is_outdated() })
         write_to_source("later")
         assert.same({ false, false }, { snapshot:is_outdated(), saved:is_outdated() })
         volume:stop()
         assert.same({ true, true }, { snapshot:is_outdated(), saved:is_outdated() })
         snapshot:start()
         assert.is_false(snapshot:is_outdated())
      end)
   end)
end)
