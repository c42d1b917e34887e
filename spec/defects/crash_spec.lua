-- Known defects C1 to C9: operations that are cut short.
local byre = require("byre")
local child = require("spec.defects.child")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local all = { "btrfs", "xfs", "ext4" }

-- vm/disk with revisions "" and "A" and the content "B"
local function two_revisions(pool, settings)
   local volume = pools.origin(pool, "vm/disk", settings or { revisions_to_keep = 2 })
   pools.session(volume, "A")
   pools.session(volume, "B")
   return volume
end

filesystems.each(all, function(fs)
   local pool

   before_each(function() pool = pools.create(fs) end)
   after_each(function() pool:close() end)

   it("C1 a stop that is killed anywhere and done again keeps the revisions that it would have kept", function()
      local kills = child.killed_everywhere(fs, function(the_pool)
         pools.put(two_revisions(the_pool):start(), "C")
      end, "pool:volume('vm/disk'):stop()", function(the_pool, label)
         local volume = the_pool:volume("vm/disk")
         volume:stop()
         assert.equal("C", pools.committed(volume), label)
         local history, numbers = pools.history(volume), pools.numbers(volume)
         assert.same({ "A", "B" }, { history[#history - 1], history[#history] }, label)
         assert.same({ 2, 3 }, { numbers[#numbers - 1], numbers[#numbers] }, label)
         pools.session(volume, "D")
         assert.same({ "B", "C" }, pools.history(volume), label)
      end)
      assert.is_true(kills >= 4, kills)
   end)

   it("C2 a revert that is killed anywhere and done again goes to the revision that was meant", function()
      local kills = child.killed_everywhere(fs, function(the_pool)
         two_revisions(the_pool, { revisions_to_keep = 1 })
      end, "pool:volume('vm/disk'):revert()", function(the_pool, label)
         local volume = the_pool:volume("vm/disk")
         if pools.committed(volume) == "B" then
            assert.same({ "A" }, pools.history(volume), label)
            volume:revert()
         end
         assert.equal("A", pools.committed(volume), label)
         assert.same({ "B" }, pools.history(volume), label)
      end)
      assert.is_true(kills >= 2, kills)
   end)

   it("C3 an import that is killed anywhere has pruned nothing unless its content is there", function()
      local scripts = {
         "pool:volume('vm/disk'):import_volume(pool:volume('vm/new'))",
         "pool:volume('vm/disk'):import_data_end(true)",
      }
      for _, script in ipairs(scripts) do
         local kills = child.killed_everywhere(fs, function(the_pool)
            local volume = two_revisions(the_pool)
            pools.session(pools.origin(the_pool, "vm/new"), "new")
            pools.put(volume:import_data(pools.size), "new")
         end, script, function(the_pool, label)
            local volume = the_pool:volume("vm/disk")
            local content, history = pools.committed(volume), pools.history(volume)
            assert.is_true(content == "B" or content == "new", label)
            if content == "B" then
               assert.same({ "", "A" }, history, label)
            else
               assert.same({ "A", "B" }, { history[#history - 1], history[#history] }, label)
            end
         end)
         assert.is_true(kills >= 3, kills)
      end
   end)

   it("C4 a commit that fails again and again neither adds nor removes a revision", function()
      local volume = two_revisions(pool)
      pools.put(volume:start(), "C")
      scratch.sh("chattr +i %s", pools.path(pool, "vm"))
      local codes = {}
      for i = 1, 4 do
         codes[i] = select(2, pcall(volume.stop, volume)).code
      end
      scratch.sh("chattr -i %s", pools.path(pool, "vm"))
      assert.same({ "denied", "denied", "denied", "denied" }, codes)
      for _ = 1, 4 do
         local ok, e = child.with_errors({ renameat = "EIO" }, volume.stop, volume)
         assert.equal("io", not ok and e.code)
      end
      assert.same({ "", "A" }, pools.history(volume))
      assert.is_true(volume:is_dirty())
      volume:stop()
      assert.same({ "A", "B" }, pools.history(volume))
      os.remove(volume:import_data(4096))
      for _ = 1, 3 do
         pools.refuses(pool, "invalid", "byre: vm/disk: there is no import to end; begin one with import_data",
            volume.import_data_end, volume, true)
      end
   end)

   it("C6 a volume without snapshots is verified while it runs, and after a crash", function()
      local volume = pools.origin(pool, "vm/disk", { revisions_to_keep = -1 })
      pools.put(volume:start(), "session")
      assert.is_true(volume:verify())
      local other = pools.reopen(pool)
      assert.is_true(other:volume("vm/disk"):verify())
      assert.equal("session", pools.get(other:volume("vm/disk"):start()))
      other:volume("vm/disk"):stop()
      assert.equal("session", pools.committed(volume))
      other:close()
   end)

   it("C7 a session stops properly although snapshots were enabled in the middle of it", function()
      local volume = pools.origin(pool, "vm/disk", { revisions_to_keep = -1 })
      pools.put(volume:start(), "one")
      volume:set({ revisions_to_keep = 1 })
      assert.equal("one", pools.get(volume:start()))
      volume:stop()
      assert.equal("one", pools.committed(volume))
      pools.session(volume, "two")
      assert.same({ "one" }, pools.history(volume))
   end)

   it("C8 disabling snapshots removes the revisions once the start is done, not before it may fail", function()
      local volume = two_revisions(pool)
      volume:set({ revisions_to_keep = -1 })
      local ok, e = child.with_errors({ renameat = "EIO" }, volume.start, volume)
      assert.equal("io", not ok and e.code)
      assert.same({ "", "A" }, pools.history(volume))
      assert.equal("B", pools.committed(volume))
      child.killed_everywhere(fs, function(the_pool)
         two_revisions(the_pool):set({ revisions_to_keep = -1 })
      end, "pool:volume('vm/disk'):start()", function(the_pool, label)
         local again = the_pool:volume("vm/disk")
         if not again:is_dirty() then
            assert.same({ "", "A" }, pools.history(again), label)
         end
         assert.equal("B", pools.get(again:start()), label)
      end)
   end)

   it("C9 what a removal or an import leaves is listed, and cleared", function()
      local volume = two_revisions(pool)
      pools.put(volume:import_data(4096), "pending")
      local roles = {}
      for _, file in ipairs(volume:files()) do
         roles[file.role] = file
      end
      assert.is_true(roles.import.used > 0)
      assert.equal("pending_import", pool:check()[1].code)
      child.with_errors({ unlinkat = "EIO" }, volume.remove, volume)
      assert.is_true(pools.exists(pools.path(pool, "vm/disk.img")))
      local found = pool:check()
      assert.equal("interrupted_removal vm/disk", found[1].code .. " " .. found[1].volume)
      pool:check({ repair = true })
      assert.same({}, pool:check())
      assert.equal(".byre", pools.names(pool))

      child.killed_everywhere(fs, two_revisions, "pool:volume('vm/disk'):remove()", function(the_pool, label)
         local left = pools.names(the_pool) ~= ".byre"
         local is_listed = the_pool:volumes()() or the_pool:check()[1]
         assert.is_true(is_listed ~= nil or not left, label)
         the_pool:check({ repair = true })
         pcall(the_pool.remove, the_pool, { "vm/disk" })
         assert.equal(".byre", pools.names(the_pool), label)
      end)
   end)
end)

-- mkfs options for a disk as small as can be
local disks = {
   btrfs = { size = "128M", make = "mkfs.btrfs -q -M" },
   xfs = { size = "300M", make = "mkfs.xfs -q -m reflink=1" },
   ext4 = { size = "32M", make = "mkfs.ext4 -q -F" },
}

filesystems.each(all, function(fs)
   it("C5 a volume without snapshots has all of its session on the disk when stop returns", function()
      local base, disk = fs:fresh(), disks[fs.name]
      local image, dir = base .. "/disk", base .. "/mounted"
      scratch.sh("PATH=$PATH:/sbin; mkdir %s && truncate -s %s %s && " .. disk.make .. " %s && mount -o loop %s %s",
         dir, disk.size, image, image, image, dir)
      local ok, message = pcall(function()
         local pool = byre.create_pool(dir .. "/pool", { setup_check = fs.reflink })
         local volume = pools.origin(pool, "vm/disk", { revisions_to_keep = -1 })
         pools.session(volume, "one")
         pools.put(volume:start(), ("session "):rep(32768))
         volume:stop()
         pool:close()
         -- what the disk has now is what a power cut leaves
         scratch.sh("cp --sparse=always %s %s.cut && umount %s && mount -o loop %s.cut %s", image, image, dir,
            image, dir)
         pool = byre.open_pool(dir .. "/pool")
         assert.equal(("session "):rep(32768), pools.get(pool:volume("vm/disk"):start(), 262144))
         pool:close()
      end)
      collectgarbage()
      scratch.sh("umount %s; rm -f %s %s.cut", dir, image, image)
      assert.is_true(ok, tostring(message))
   end)
end)
