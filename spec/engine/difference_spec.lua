-- Where two images differ, beside a comparison byte by byte.
local core = require("byre.core")
local difference = require("byre.difference")
local files = require("byre.store.files")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")
local spaces = require("spec.support.space")

local sh = scratch.sh
local KIB <const>, MIB <const> = 1 << 10, 1 << 20

-- Ranges between two images, and their sum.
local function ranges_of(store, old, new)
   local list, bytes = {}, 0
   local found = difference.new(store, old, new)
   for offset, length in found:ranges() do
      list[#list + 1] = { offset, length }
      bytes = bytes + length
   end
   return list, bytes, found
end

local function read(path, size)
   local file <close> = assert(io.open(path, "rb"))
   local data = file:read("a")
   return data .. ("\0"):rep(size - #data)
end

-- Is what the ranges leave out the same, and are they in order, apart, and inside?
local function check(dir, store, old, new, label)
   local list, bytes, found = ranges_of(store, old, new)
   local size = math.max(found.old_size, found.new_size)
   local a, b = read(dir .. "/" .. old, size), read(dir .. "/" .. new, size)
   local at = 0
   for _, range in ipairs(list) do
      assert(range[1] >= at and range[2] > 0 and (at == 0 or range[1] > at), label .. ": ranges are not in order")
      assert(a:sub(at + 1, range[1]) == b:sub(at + 1, range[1]), ("%s: a change before %d is missed"):format(
         label, range[1]))
      at = range[1] + range[2]
   end
   assert(at <= size and a:sub(at + 1) == b:sub(at + 1), ("%s: a change behind %d is missed"):format(label, at))
   -- from the maps alone it is the same, or not known
   local told = difference.bytes(store, old, new)
   assert(told == nil or told == bytes, label .. ": the maps alone say something else")
   return bytes, told
end

local function every_pair(dir, store, count, label)
   for i = 0, count do
      for j = i + 1, count do
         check(dir, store, "r" .. i, "r" .. j, ("%s, r%d and r%d"):format(label, i, j))
         check(dir, store, "r" .. j, "r" .. i, ("%s, r%d and r%d"):format(label, j, i))
      end
   end
end

describe("byre.difference", function()
   local dir, store

   local function on(fs)
      before_each(function()
         dir = fs:fresh()
         store = files.new(assert(core.open_dir(dir)), dir)
      end)
      after_each(function()
         store:close()
         sh("rm -rf %s", dir)
      end)
   end

   filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
      on(fs)

      it("says whether two images have the same content, also where that was written twice", function()
         sh("cd %s && head -c 300000 /dev/urandom >old && cp --reflink=auto old shared && cp --reflink=never old again"
            .. " && head -c 299999 old >changed && tail -c 1 old | tr '\\000-\\377' '\\001-\\377\\000' >>changed"
            .. " && head -c 299999 old >shorter", dir)
         assert.is_true(difference.same_content(store, "old", "shared"))
         assert.is_true(difference.same_content(store, "old", "again"))
         assert.is_false(difference.same_content(store, "old", "changed"))
         assert.is_false(difference.same_content(store, "old", "shorter"))
      end)

      -- who is interrupted meanwhile must get a turn
      it("comes back from long reading before there is an end, and takes no range apart for it", function()
         sh("cd %s && head -c 40M /dev/urandom >old && cp --reflink=never old new", dir)
         sh("cd %s && head -c 20M /dev/zero | dd of=new bs=1M seek=1 conv=notrunc status=none", dir)
         local old, new = store:open("old", "r"), store:open("new", "r")
         local handle, pauses, at, ranges = assert(core.difference(old, new, "data")), 0, 0, {}
         while true do
            local offset, length = handle:next()
            if not offset then
               break
            elseif length == 0 then
               assert(offset > at, "no progress")
               pauses, at = pauses + 1, offset
            else
               ranges[#ranges + 1] = { offset, length }
            end
         end
         handle:close()
         old:close()
         new:close()
         assert.equal(2, pauses)
         assert.same({ { MIB, 20 * MIB } }, ranges)
         check(dir, store, "old", "new", fs.name)
      end)

      it("never misses a change", function()
         local seed = os.time()
         for round = seed, seed + 1 do
            math.randomseed(round)
            spaces.history(dir, math.random, 4)
            every_pair(dir, store, 4, "seed " .. round)
            sh("rm %s/r*", dir)
         end
      end)

      it("tells of nothing between a file and itself, and between empty ones", function()
         pools.write(dir .. "/a", "some")
         pools.write(dir .. "/empty", "")
         pools.write(dir .. "/nothing", "")
         assert.same({}, (ranges_of(store, "a", "a")))
         assert.same({}, (ranges_of(store, "empty", "nothing")))
         sh("ln %s %s", dir .. "/a", dir .. "/b")
         assert.same({}, (ranges_of(store, "a", "b")))
      end)

      it("takes zeros for what is behind the end of the shorter one", function()
         sh("truncate -s 1M %s && truncate -s 4M %s", dir .. "/a", dir .. "/b")
         local list, _, found = ranges_of(store, "a", "b")
         assert.same({}, list)
         assert.equal(MIB, found.old_size)
         assert.equal(4 * MIB, found.new_size)
         pools.put(dir .. "/b", ("x"):rep(4 * KIB), 2 * MIB)
         assert.same({ { 2 * MIB, 4 * KIB } }, (ranges_of(store, "a", "b")))
         assert.same({ { 2 * MIB, 4 * KIB } }, (ranges_of(store, "b", "a")))
      end)

      it("takes what is reserved for zeros", function()
         sh("truncate -s 1M %s && fallocate -l 1M %s", dir .. "/a", dir .. "/b")
         assert.same({}, (ranges_of(store, "a", "b")))
      end)

      it("compares small files, too", function()
         for _, name in ipairs({ "a", "b", "c" }) do
            pools.write(dir .. "/" .. name, name == "c" and "other" or "equal")
         end
         assert.equal(0, check(dir, store, "a", "a", "a and a"))
         assert.is_true(check(dir, store, "a", "c", "a and c") > 0)
         check(dir, store, "a", "b", "a and b")
      end)

      it("tells how much differs from the maps alone, or nothing where it would have to read", function()
         pools.write(dir .. "/a", ("x"):rep(MIB))
         sh("cp --reflink=auto %s %s", dir .. "/a", dir .. "/b")
         sh("truncate -s 2M %s", dir .. "/b")
         pools.put(dir .. "/b", ("y"):rep(4 * KIB), 64 * KIB)
         pools.put(dir .. "/b", ("y"):rep(8 * KIB), MIB + 64 * KIB)
         sh("sync -f %s", dir)
         local open = scratch.descriptors()
         assert.equal(fs.reflink and 12 * KIB or nil, difference.bytes(store, "a", "b"))
         assert.equal(fs.reflink and 0 or nil, difference.bytes(store, "a", "a"))
         assert.is_nil(difference.bytes(store, "a", "gone"))
         assert.is_nil(difference.bytes(store, "gone", "b"))
         assert.equal(open, scratch.descriptors())
      end)

      it("raises what is wrong with the images", function()
         pools.write(dir .. "/a", "some")
         local e = pools.fails("corrupt", "byre: gone: No such file or directory", difference.new, store, "a", "gone")
         assert.equal("gone", e.path)
      end)

      it("lets go of the images behind the last range, and when it is closed", function()
         pools.write(dir .. "/a", "some")
         pools.write(dir .. "/b", "else")
         local open = scratch.descriptors()
         local found = difference.new(store, "a", "b")
         assert.equal(open + 2, scratch.descriptors())
         found:close()
         found:close()
         assert.equal(open, scratch.descriptors())
         assert.has_error(found:ranges(), "the difference is closed")
         ranges_of(store, "a", "b")
         assert.equal(open, scratch.descriptors())
      end)
   end)

   filesystems.each({ "btrfs", "xfs" }, function(fs)
      on(fs)

      it("tells of a clone exactly what was written since", function()
         sh("dd if=/dev/urandom of=%s bs=1M count=8 status=none && cp --reflink=always %s %s",
            dir .. "/a", dir .. "/a", dir .. "/b")
         assert.same({}, (ranges_of(store, "a", "b")))
         for _, offset in ipairs({ 0, 64, 68, 4096 }) do
            pools.put(dir .. "/b", ("w"):rep(4 * KIB), offset * KIB)
         end
         local list, bytes, found = ranges_of(store, "a", "b")
         assert.same({ { 0, 4 * KIB }, { 64 * KIB, 8 * KIB }, { 4 * MIB, 4 * KIB } }, list)
         assert.equal(16 * KIB, bytes)
         assert.equal(fs.name == "btrfs" and "extents" or "fiemap", found.basis)
      end)

      it("reads and compares images on two file systems", function()
         local other = filesystems.get("ext4")
         sh("dd if=/dev/urandom of=%s bs=1M count=2 status=none && truncate -s 1G %s", dir .. "/a", dir .. "/a")
         sh("mkdir %s && mount --bind %s %s", dir .. "/mount", other:fresh(), dir .. "/mount")
         finally(function() sh("umount %s", dir .. "/mount") end)
         sh("cp --sparse=always %s %s", dir .. "/a", dir .. "/mount/a")
         local list, _, found = ranges_of(store, "a", "mount/a")
         assert.same({}, list)
         assert.equal("data", found.basis)
         -- more than a byte, which may be in random data already
         pools.put(dir .. "/mount/a", ("x"):rep(16), MIB + 5000)
         pools.put(dir .. "/mount/a", ("x"):rep(16), 512 * MIB)
         assert.same({ { MIB + 4096, 4096 }, { 512 * MIB, 4096 } }, (ranges_of(store, "a", "mount/a")))
      end)
   end)

   filesystems.each({ "btrfs" }, function(fs)
      on(fs)

      it("never misses a change after defragmentation and balance", function()
         local seed = os.time()
         math.randomseed(seed)
         spaces.history(dir, math.random, 4)
         sh("btrfs filesystem defragment -f %s >/dev/null && btrfs filesystem defragment -f -c %s >/dev/null",
            dir .. "/r2", dir .. "/r4")
         every_pair(dir, store, 4, ("seed %d, defragmented"):format(seed))
         sh("btrfs balance start --full-balance %s >/dev/null 2>&1", fs.dir)
         every_pair(dir, store, 4, ("seed %d, balanced"):format(seed))
      end)

      it("never misses a change of compressed images, with privilege and without", function()
         local seed = os.time()
         math.randomseed(seed)
         sh("chattr +c %s", dir)
         sh("yes | head -c 8M >%s", dir .. "/r0")
         for i = 1, 4 do
            sh("cp --reflink=always %s %s", dir .. "/r" .. i - 1, dir .. "/r" .. i)
            for _ = 1, 5 do
               spaces.change(dir .. "/r" .. i, math.random, 2048)
            end
         end
         -- the second half of an extent at the place of the first
         sh("cp --reflink=always %s %s && xfs_io -c 'reflink %s 64k 0 64k' %s >/dev/null", dir .. "/r0", dir .. "/r5",
            dir .. "/r0", dir .. "/r5")
         every_pair(dir, store, 5, "seed " .. seed)
         for i = 1, 5 do
            local a, b = store:open("r0", "r"), store:open("r" .. i, "r")
            local handle = assert(core.difference(a, b, "fiemap"))
            local x, y, at = read(dir .. "/r0", 9 * MIB), read(dir .. "/r" .. i, 9 * MIB), 0
            for offset, length in handle.next, handle do
               assert(x:sub(at + 1, offset) == y:sub(at + 1, offset), ("seed %d, r%d, %d"):format(seed, i, offset))
               at = offset + length
            end
            assert(x:sub(at + 1) == y:sub(at + 1), ("seed %d, r%d, end"):format(seed, i))
            handle:close()
            a:close()
            b:close()
         end
      end)
   end)

   filesystems.each({ "xfs" }, function(fs)
      on(fs)

      it("never misses a change after defragmentation", function()
         local seed = os.time()
         math.randomseed(seed)
         spaces.history(dir, math.random, 4)
         sh("xfs_fsr %s %s >/dev/null", dir .. "/r2", dir .. "/r4")
         every_pair(dir, store, 4, "seed " .. seed)
      end)
   end)

   it("reads and compares where there are no maps", function()
      local fs, reason = filesystems.tmpfs("32m")
      if not fs then return pending(reason) end
      dir = fs.dir
      store = files.new(assert(core.open_dir(dir)), dir)
      math.randomseed(1)
      spaces.history(dir, math.random, 2)
      every_pair(dir, store, 2, "tmpfs")
      sh("cp %s %s", dir .. "/r2", dir .. "/copy")
      local list, _, found = ranges_of(store, "r2", "copy")
      assert.same({}, list)
      assert.equal("data", found.basis)
      store:close()
      fs:unmount()
   end)
end)

describe("volume:diff", function()
   filesystems.each({ "btrfs" }, function(fs)
      local pool, volume

      before_each(function()
         pool = pools.create(fs, { revisions_to_keep = 5 })
         volume = pools.origin(pool, "vm")
         pools.session(volume, "one")
         pools.session(volume, "two")
      end)

      after_each(function() pool:close() end)

      local function bytes(found)
         local sum = 0
         for _, length in found:ranges() do
            sum = sum + length
         end
         return sum
      end

      it("compares revisions, the committed content and the session", function()
         assert.equal(4096, bytes(volume:diff("1", "2")))
         assert.equal(4096, bytes(volume:diff("2")))
         assert.equal(4096, bytes(volume:diff("2", nil, { state = "current" })))
         pools.put(volume:start(), "x", 8192)
         assert.equal(4096, bytes(volume:diff("2")))
         assert.equal(8192, bytes(volume:diff("2", nil, { state = "current" })))
      end)

      it("refuses what is not there", function()
         pools.refuses(pool, "no_such_revision", 'byre: vm: no revision "7"', volume.diff, volume, "7")
         pools.refuses(pool, "no_such_revision", 'byre: vm: no revision "7"', volume.diff, volume, "1", "7")
         pools.refuses(pool, "invalid", 'byre: vm: state: must be "committed" or "current", not "x"',
            volume.diff, volume, "1", nil, { state = "x" })
         assert.has_error(function() volume:diff() end, "a revision's id is needed")
      end)
   end)
end)
