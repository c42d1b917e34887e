-- Disks that are really full.
local byre = require("byre")
local filesystems = require("spec.support.filesystems")
local images = require("spec.support.images")
local layout = require("byre.layout")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

-- Fill a disk to its last byte with files that can be removed again.
local function fill(dir)
   scratch.sh("for size in 1M 64k 4k; do dd if=/dev/zero of=%s/fill.$size bs=$size status=none 2>/dev/null; done; "
      .. "true", dir)
end

local function make_space(dir)
   scratch.sh("rm -f %s/fill.*; sync -f %s", dir, dir)
end

describe("a pool that prunes before a start fails", function()
   local fs, pool, volume, warnings

   before_each(function()
      warnings = {}
      fs = filesystems.tmpfs("8m")
      pool = byre.create_pool(fs.dir .. "/pool", { setup_check = false, on_full = "prune", log = function(event)
         warnings[#warnings + 1] = event.step == "warning" and event.message or nil
      end })
   end)

   after_each(function()
      pool:close()
      fs:unmount()
   end)

   -- a volume with six revisions of so many bytes, the first one empty
   local function make(size)
      volume = pools.origin(pool, "vm/disk", { size = size, revisions_to_keep = 9 })
      for i = 1, 6 do
         pools.session(volume, images.pattern(size, i))
      end
   end

   -- three of them are to go, which nobody has to agree to
   local function let_three_go()
      volume:set({ revisions_to_keep = 3 })
   end

   it("makes space when a start has failed, and starts", function()
      make(1 << 20)
      let_three_go()
      fill(fs.dir)
      assert.matches("disk%-dirty.img$", volume:start())
      assert.same({ 4, 5, 6 }, pools.numbers(volume))
      assert.same({}, warnings)
   end)

   -- so far that a start fails, but not so far that space is made before it
   local function fill_nearly()
      pools.write(fs.dir .. "/reserve", ("x"):rep(600 << 10))
      fill(fs.dir)
      os.remove(fs.dir .. "/reserve")
   end

   it("is one operation to its hooks and its log, however often it tries", function()
      make(1 << 20)
      let_three_go()
      local seen = {}
      local other = byre.open_pool(pool.dir, { log = function(event)
         if event.operation == "start" and (event.step == "done" or event.step == "failed") then
            seen[#seen + 1] = event.step
         end
      end, hooks = { pre_start = function() seen[#seen + 1] = "pre" end, post_start = function()
         seen[#seen + 1] = "post"
      end } })
      fill_nearly()
      other:volume("vm/disk"):start()
      other:close()
      assert.same({ "pre", "done", "post" }, seen)
   end)

   it("tells once of a start that fails again", function()
      make(1 << 20)
      let_three_go()
      local seen = {}
      local other
      other = byre.open_pool(pool.dir, { log = function(event)
         if event.operation == "start" and (event.step == "done" or event.step == "failed") then
            seen[#seen + 1] = event.step .. " " .. event.code
         end
      end, hooks = { post_prune = function() fill(fs.dir) end } })
      fill_nearly()
      assert.is_false((pcall(function() other:volume("vm/disk"):start() end)))
      other:close()
      assert.same({ "failed no_space" }, seen)
   end)

   it("leaves what waits for somebody, says so, and fails", function()
      make(1 << 20)
      pool:set_policy("p", "return policy { keep.last(2), min_age = 0 }", { unused = true })
      volume:set({ revisions_to_keep = false, retention = "p" })
      -- it notes what the time is, which needs a little space
      pools.write(fs.dir .. "/reserve", ("x"):rep(64 << 10))
      fill(fs.dir)
      os.remove(fs.dir .. "/reserve")
      pools.fails("no_space", "byre: vm/disk-dirty.img: write: No space left on device", volume.start, volume)
      assert.same({ 1, 2, 3, 4, 5, 6 }, pools.numbers(volume))
      assert.matches("^byre: vm/disk: nothing was pruned: the policy is new or has changed", warnings[1])
   end)

   it("prunes a pool that is nearly full before the start", function()
      make(64 << 10)
      let_three_go()
      volume:start()
      volume:stop({ discard = true })
      assert.same({ 1, 2, 3, 4, 5, 6 }, pools.numbers(volume))
      pools.write(fs.dir .. "/fill", ("x"):rep(pool:usage().free - (300 << 10)))
      volume:start()
      assert.same({ 4, 5, 6 }, pools.numbers(volume))
   end)

   it("prunes only the groups of what starts, and all once a start has failed", function()
      make(64 << 10)
      let_three_go()
      local far = volume
      volume = pools.origin(pool, "web/disk", { size = 64 << 10, revisions_to_keep = 9 })
      for i = 1, 6 do
         pools.session(volume, images.pattern(64 << 10, i))
      end
      local near = pools.origin(pool, "web/other", { size = 64 << 10, revisions_to_keep = 3 })
      let_three_go()
      pools.write(fs.dir .. "/fill", ("x"):rep(pool:usage().free - (300 << 10)))
      pool:start({ near, "web/disk" })
      assert.same({ 4, 5, 6 }, pools.numbers(volume))
      assert.same({ 1, 2, 3, 4, 5, 6 }, pools.numbers(far))
      volume:stop({ discard = true })
      fill(fs.dir)
      volume:start()
      assert.same({ 4, 5, 6 }, pools.numbers(far))
   end)

   describe("with a trash", function()
      before_each(function() pool:set({ trash = "2d" }) end)

      local function in_trash()
         local list = {}
         for i, entry in ipairs(volume:trash()) do
            list[i] = entry.seq
         end
         table.sort(list)
         return list
      end

      it("empties that first, and prunes nothing where that is enough", function()
         make(1 << 20)
         volume:remove_revision("2")
         volume:remove_revision("5")
         let_three_go()
         fill(fs.dir)
         volume:start()
         -- one of them was enough
         assert.same({ 5 }, in_trash())
         assert.same({ 1, 3, 4, 6 }, pools.numbers(volume))
      end)

      it("prunes past it where that is not enough", function()
         make(1 << 20)
         pool:set({ trash = "9d" })
         -- the first revision is empty
         volume:remove_revision("1")
         let_three_go()
         fill(fs.dir)
         volume:start()
         assert.same({}, in_trash())
         assert.same({ 4, 5, 6 }, pools.numbers(volume))
      end)

      it("empties as much as it takes of a pool that is nearly full, what was put there first first", function()
         make(256 << 10)
         for _, id in ipairs({ "5", "3", "4" }) do
            volume:remove_revision(id)
         end
         local seconds = { ["5"] = 30, ["3"] = 20, ["4"] = 10 }
         for _, entry in ipairs(volume:trash()) do
            local home = layout.without_trash(entry.path)
            assert(os.rename(entry.path, layout.trash(home, entry.removed - seconds[entry.id])))
         end
         let_three_go()
         pools.write(fs.dir .. "/fill", ("x"):rep(pool:usage().free - (300 << 10)))
         volume:start()
         assert.same({ 3, 4 }, in_trash())
         assert.same({ 1, 2, 6 }, pools.numbers(volume))
      end)

      it("empties nothing without the setting", function()
         make(1 << 20)
         volume:remove_revision("2")
         local text = pools.get(pool.dir .. "/.byre/pool.json", 4096)
         pools.write(pool.dir .. "/.byre/pool.json", (text:gsub('"on_full":"prune"', '"on_full":"fail"')))
         fill(fs.dir)
         pools.fails("no_space", "byre: vm/disk-dirty.img: write: No space left on device", volume.start, volume)
         assert.same({ 2 }, in_trash())
      end)
   end)

   it("prunes nothing without the setting", function()
      make(1 << 20)
      let_three_go()
      local text = pools.get(pool.dir .. "/.byre/pool.json", 4096)
      pools.write(pool.dir .. "/.byre/pool.json", (text:gsub('"on_full":"prune"', '"on_full":"fail"')))
      fill(fs.dir)
      pools.fails("no_space", "byre: vm/disk-dirty.img: write: No space left on device", volume.start, volume)
      assert.same({ 1, 2, 3, 4, 5, 6 }, pools.numbers(volume))
   end)
end)

describe("a full tmpfs", function()
   local fs, pool, volume

   before_each(function()
      fs = filesystems.tmpfs("8m")
      pool = byre.create_pool(fs.dir .. "/pool", { setup_check = false })
      volume = pools.origin(pool, "vm/disk")
      pools.session(volume, images.pattern(1 << 20, 1))
   end)

   after_each(function()
      pool:close()
      fs:unmount()
   end)

   local function fails_then_works(operation)
      fill(fs.dir)
      local before = pools.listing(pool.dir, { directory_times = false })
      local ok, e = pcall(operation)
      assert.is_false(ok)
      assert.is_true(byre.is_error(e), tostring(e))
      assert.equal("no_space", e.code)
      assert.is_truthy(tostring(e):find("No space left on device", 1, true), tostring(e))
      assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
      make_space(fs.dir)
      operation()
   end

   it("lets no copy be made, and changes nothing; with space it is", function()
      fails_then_works(function() volume:start() end)
      assert.equal("byre 0000001 ", pools.get(volume:path(), 13))
      volume:stop()
      fails_then_works(function() volume:snapshot() end)
      fails_then_works(function() volume:clone("new/disk") end)
      assert.equal("byre 0000001 ", pools.get(pools.path(pool, "new/disk.img"), 13))
   end)

   it("takes no import and no new size", function()
      local outside = os.tmpname()
      pools.write(outside, images.pattern(2 << 20, 2))
      fails_then_works(function() volume:import_file(outside) end)
      assert.equal("byre 0000002 ", pools.get(volume:export(), 13))
      fails_then_works(function() volume:resize("3M") end)
      os.remove(outside)
   end)

   it("lets a session be committed, which needs no space, and reverted", function()
      pools.put(volume:start(), "session")
      fill(fs.dir)
      volume:stop()
      assert.equal("session", pools.get(volume:export(), 7))
      volume:revert()
      assert.equal("byre 0000001 ", pools.get(volume:export(), 13))
      volume:remove()
      assert.is_nil(pool:volumes()())
   end)

   it("fails those of a batch that need more than there is, and does the others", function()
      local names = {}
      for i = 1, 4 do
         names[i] = ("b%d/disk"):format(i)
         pools.session(pools.origin(pool, names[i], { revisions_to_keep = 0 }), images.pattern(1 << 20, i))
      end
      local ok, e = pcall(pool.start, pool, names)
      assert.is_false(ok)
      assert.is_true(#e.done >= 1 and #e.done + #e.failures == 4)
      for _, item in ipairs(e.failures) do
         assert.equal("no_space", item.error.code)
         assert.is_false(pool:volume(item.volume):is_dirty())
      end
      for _, vid in ipairs(e.done) do
         assert.equal("byre", pools.get(pool:volume(vid):path(), 4))
      end
      assert.is_nil(scratch.sh("ls %s/*", pool.dir):find("~"))
   end)
end)

filesystems.each({ "btrfs" }, function(fs)
   it("a full one fails an import, changes nothing, and takes it once there is space", function()
      local base = fs:fresh()
      local image, dir = base .. "/image", base .. "/mounted"
      scratch.sh("mkdir %s && truncate -s 128M %s && mkfs.btrfs -q -M %s && mount -o loop %s %s", dir, image, image,
         image,
         dir)
      local ok, message = pcall(function()
         local pool = byre.create_pool(dir .. "/pool")
         local volume = pools.origin(pool, "vm/disk")
         pools.session(volume, "one")
         local outside = base .. "/outside"
         pools.write(outside, images.pattern(8 << 20, 3))
         fill(dir)
         local before = pools.listing(pool.dir, { directory_times = false })
         local _, e = pcall(volume.import_file, volume, outside)
         assert.equal("no_space", byre.is_error(e) and e.code, tostring(e))
         assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
         make_space(dir)
         volume:import_file(outside)
         assert.equal("byre 0000003 ", pools.get(volume:export(), 13))
         assert.same({ "one" }, pools.history(volume))
         pool:close()
      end)
      collectgarbage()
      scratch.sh("umount %s", dir)
      assert.is_true(ok, tostring(message))
   end)
end)
