-- Images in many pieces, written anew: on real file systems.
local byre = require("byre")
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local MIB <const> = 1 << 20

-- Sessions that write every second block, in random order: what a guest leaves.
local function fragment(volume, blocks)
   for round = 1, 2 do
      local file <close> = assert(io.open(volume:start(), "r+b"))
      local order = {}
      for i = 1, blocks do
         order[i] = i
      end
      math.randomseed(round)
      for i = blocks, 2, -1 do
         local other = math.random(i)
         order[i], order[other] = order[other], order[i]
      end
      for _, index in ipairs(order) do
         if round == 1 or index % 2 == 0 then
            assert(file:seek("set", (index - 1) * 4096))
            assert(file:write(("%d of %d "):format(index, round):rep(400):sub(1, 4096)))
         end
      end
      file:close()
      volume:stop()
   end
end

local function new_volume(fs, options)
   local pool = pools.create(fs, options)
   local volume = pools.origin(pool, "vm/disk", { size = 32 * MIB })
   fragment(volume, 2048)
   return pool, volume
end

local function digest(pool, name)
   return (scratch.sh("md5sum <%s", pools.path(pool, name)))
end

filesystems.each({ "btrfs", "xfs" }, function(fs)
   describe("defrag", function()
      it("leaves few extents, the same content, time and revisions", function()
         local pool, volume = new_volume(fs)
         local before, content = volume:fragmentation(), digest(pool, "vm/disk.img")
         local revision = volume:revisions()[1]
         local old = digest(pool, revision.path:sub(#pool.dir + 2))
         local time = pool.store:stat("vm/disk.img").mtime
         assert.is_true(before.extents > 500)
         local cost = volume:plan("defrag").cost
         assert.is_true(cost.write >= 8 * MIB and cost.write <= 9 * MIB)
         assert.is_true(cost.space <= cost.write)
         volume:defrag()
         assert.is_true(volume:fragmentation().extents <= 20)
         assert.is_true(volume:fragmentation().clone_seconds < before.clone_seconds)
         assert.equal(content, digest(pool, "vm/disk.img"))
         assert.equal(old, digest(pool, revision.path:sub(#pool.dir + 2)))
         assert.equal(time, pool.store:stat("vm/disk.img").mtime)
         assert.equal(1, #volume:revisions())
         assert.equal(0, #pool:check())
         -- the precache is one of the new image
         assert.is_true(pool.store:same_extents("vm/disk.img", "vm/disk-precache.img"))
         assert.same({}, volume:plan("defrag").phases)
      end)

      it("writes no more than its budget", function()
         local pool, volume = new_volume(fs)
         local whole = volume:plan("defrag").cost.write
         assert.same({}, volume:plan("defrag", { budget = whole - 1 }).phases)
         pools.put(volume:start(), "far away", 24 * MIB)
         pools.put(volume:path(), "farther", 26 * MIB)
         volume:stop()
         local before = pool.store:extents("vm/disk.img")
         volume:defrag({ budget = "1M" })
         assert.is_true(pool.store:extents("vm/disk.img") > before - 100)
         assert.equal("far away", pools.get(pools.path(pool, "vm/disk.img"), 8, 24 * MIB))
      end)

      it("does not take a running snapshot for outdated", function()
         local pool, volume = new_volume(fs)
         local root = pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
         root:start()
         volume:defrag()
         assert.is_false(root:is_outdated())
         root:stop()
      end)

      it("can be cancelled, and changes nothing then", function()
         local pool, volume = new_volume(fs)
         local other = byre.open_pool(pool.dir, { progress = function() return false end }):volume("vm/disk")
         local before = pools.listing(pool.dir)
         local e = pools.fails("cancelled", "byre: vm/disk.img: copy: Operation canceled", other.defrag, other)
         assert.equal(core.errno.ECANCELED, e.errno)
         assert.equal(before, pools.listing(pool.dir))
         assert.equal("vm/disk", volume.vid)
      end)

      it("is refused while the volume runs and for what has no content of its own", function()
         local pool = pools.create(fs)
         local disk = pools.origin(pool, "vm/disk")
         disk:start()
         pools.refuses(pool, "dirty", "byre: vm/disk: cannot defragment: it is running or was not cleanly stopped",
            disk.defrag, disk)
         local swap = pool:create_volume("vm/swap", { size = MIB })
         pools.refuses(pool, "not_supported",
            "byre: vm/swap: cannot defragment a volatile volume: it keeps nothing when it stops", swap.defrag, swap)
         pools.refuses(pool, "invalid", 'byre: vm/disk: budget: must be an integer of 1 byte or more, not "0"',
            disk.defrag, disk, { budget = 0 })
      end)
   end)
end)

filesystems.each({ "ext4" }, function(fs)
   describe("defrag", function()
      it("copies all of the image where blocks cannot be shared, but not with a budget", function()
         local pool = pools.create(fs)
         local volume = pools.origin(pool, "vm/disk", { size = 8 * MIB })
         for i = 1, 30 do
            pools.put(volume:start(), "piece " .. i, i * 3 * 65536)
         end
         volume:stop()
         local content = digest(pool, "vm/disk.img")
         pools.fails("not_supported", "byre: vm/disk.img: the file system has no reflinks: Operation not supported",
            volume.defrag, volume, { budget = "1G" })
         volume:defrag()
         assert.equal(content, digest(pool, "vm/disk.img"))
      end)
   end)
end)
