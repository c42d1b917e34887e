local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("a new size", function()
      local pool, volume, device

      before_each(function()
         pool = pools.create(fs)
         volume = pools.origin(pool, "vm/disk")
         pools.session(volume, "one")
      end)

      after_each(function()
         if device then
            filesystems.detach(device)
            device = nil
         end
         pool:close()
      end)

      local function sectors()
         return tonumber(scratch.sh("blockdev --getsz %s", device))
      end

      it("of a stopped volume is that of a new image; the old one is never written to", function()
         local handle <close> = assert(io.open(volume:export(), "rb"))
         volume:resize("3M")
         assert.equal(3 << 20, volume:size())
         assert.equal("one", pools.committed(volume))
         assert.equal(pools.size, handle:seek("end"))
         assert.same({ "" }, pools.history(volume))
         assert.equal(3 << 20, #assert(io.open(volume:start(), "rb")):read("a"))
      end)

      it("of a running volume is that of its image, and the loop device on it follows", function()
         device = filesystems.attach(volume:start())
         assert.equal(2048, sectors())
         local events = {}
         local logged = pools.reopen(pool, { log = function(event) events[#events + 1] = event end })
         logged:volume("vm/disk"):resize("8M")
         logged:close()
         assert.equal(16384, sectors())
         assert.equal("resized", events[1].step)
         assert.same({ device }, events[1].loop_devices)
         assert.equal(8 << 20, volume:size())
         -- what is written behind the old end goes into the image
         pools.put(device, "behind the end", 5 << 20)
         scratch.sh("blockdev --flushbufs %s", device)
         filesystems.detach(device)
         device = nil
         volume:stop()
         assert.equal("behind the end", pools.get(volume:export(), 14, 5 << 20))
      end)

      it("of a running snapshot or volatile volume counts for its next start too", function()
         pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
         pool:create_volume("vm/swap", { size = pools.size })
         for _, vid in ipairs({ "vm/root", "vm/swap" }) do
            local other = pool:volume(vid)
            other:start()
            other:resize("2M")
            assert.equal(2 << 20, other:size())
            other:start()
            assert.equal(2 << 20, other:size())
            other:stop()
            assert.equal(2 << 20, other:size())
         end
      end)

      it("that is smaller is refused unless asked for", function()
         local e = pools.refuses(pool, "invalid", "byre: vm/disk: resizing from 1048576 to 4096 bytes would cut off "
            .. "what "
            .. "is behind; ask for it with shrink", volume.resize, volume, 4096)
         assert.equal("shrink the file system inside first, then: byre resize --shrink --yes vm/disk 4096", e.hint)
         volume:resize(4096, { shrink = true })
         assert.equal(4096, volume:size())
         assert.equal("one", pools.committed(volume))
         volume:start()
         pools.refuses(pool, "invalid", "byre: vm/disk: resizing from 4096 to 512 bytes would cut off what is "
            .. "behind; ask "
            .. "for it with shrink", volume.resize, volume, 512)
         volume:resize(512, { shrink = true })
         assert.equal(512, volume:size())
      end)

      it("that is the same changes no content", function()
         volume:resize(pools.size)
         assert.equal(pools.size, volume:size())
         assert.equal("one", pools.committed(volume))
      end)

      it("of a volume that is read-only is refused", function()
         volume:set({ rw = false })
         pools.refuses(pool, "read_only", "byre: vm/disk: cannot resize: the volume is read-only",
            volume.resize, volume, "2M")
      end)

      it("that is none is refused", function()
         pools.refuses(pool, "invalid", "byre: 0: is no size for an image; it must be at least 1 byte",
            volume.resize, volume, 0)
         pools.refuses(pool, "invalid", "byre: -5: is negative; a size is a number of bytes", volume.resize, volume, -5)
      end)

      if fs.name == "ext4" then
         it("that the file system cannot have changes nothing", function()
            local function refuses(other)
               local before = pools.listing(pool.dir, { directory_times = false })
               local ok, e = pcall(other.resize, other, "7E")
               assert.is_false(ok)
               assert.equal("File too large", tostring(e):match("[^:]*$"):sub(2))
               assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
            end
            refuses(volume)
            volume:start()
            refuses(volume)
            local swap = pool:create_volume("vm/swap", { size = pools.size })
            swap:start()
            refuses(swap)
            assert.equal(pools.size, swap.config.size)
         end)
      end
   end)
end)
