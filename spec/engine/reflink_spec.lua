-- Are blocks shared or copied, who decides, and what is said of it: on real file systems.
local byre = require("byre")
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")

-- a pool whose events are kept: the step and the reason of the latest image
local function logging_pool(fs, options)
   local events = {}
   options = options or {}
   function options.log(event)
      if event.step == "reflinked" or event.step == "copied" then
         events[#events + 1] = event
      end
   end
   local pool = pools.create(fs, options)
   return pool, function()
      local last = events[#events]
      return last and last.step, last and last.why
   end
end

local function committed_disk(pool)
   local disk = pools.origin(pool, "vm/disk")
   pools.session(disk, "content")
   return disk
end

filesystems.each({ "btrfs", "xfs" }, function(fs)
   describe("reflink", function()
      after_each(function()
         core.inject_errors({})
      end)

      it("never: images are copied, and there is no precache", function()
         local pool, last = logging_pool(fs, { reflink = "never" })
         local disk = committed_disk(pool)
         assert.is_false(pools.exists(pools.path(pool, "vm/disk-precache.img")))
         disk:clone("vm/copy")
         assert.same({ "copied", "reflinks were not wanted" }, { last() })
         assert.equal("content", pools.committed(pool:volume("vm/copy")))
      end)

      it("may be said for one call", function()
         local pool, last = logging_pool(fs)
         local disk = committed_disk(pool)
         disk:clone("vm/copy", { reflink = "never" })
         assert.is_true(last() ~= nil)
         local pool_never, last_never = logging_pool(fs, { reflink = "never" })
         committed_disk(pool_never):clone("vm/copy", { reflink = "always" })
         assert.equal("reflinked", last_never())
         pools.refuses(pool, "invalid", 'byre: vm/disk: reflink: must be "always", "auto" or "never", not "maybe"',
            disk.clone, disk, "vm/other", { reflink = "maybe" })
      end)

      it("waits for a file system that has not committed the data yet", function()
         local waits = 0
         local pool, last = logging_pool(fs, { precache = false, progress = function()
            waits = waits + 1
            if waits == 3 then core.inject_errors({}) end
         end })
         local disk = committed_disk(pool)
         waits = 0
         core.inject_errors({ ficlone = core.errno.EAGAIN })
         disk:start()
         assert.equal(3, waits)
         assert.same({ "reflinked" }, { last() })
      end)

      it("copies what was not committed for 6 seconds, and says so", function()
         local pool, last = logging_pool(fs, { precache = false })
         local disk = committed_disk(pool)
         core.inject_errors({ ficlone = core.errno.EAGAIN })
         disk:start()
         assert.same({ "copied", "the file system had not committed the data of the source after 6 seconds" },
            { last() })
         assert.equal("content", pools.get(disk:path()))
      end)

      it("can be cancelled while it waits", function()
         local pool = pools.create(fs, { precache = false, progress = function() return false end })
         local disk = committed_disk(pool)
         core.inject_errors({ ficlone = core.errno.EAGAIN })
         pools.refuses(pool, "cancelled", "byre: vm/disk-dirty.img: cancelled", disk.start, disk)
      end)

      it("does not wait for a precache, and leaves it out without a word", function()
         local events, waits = {}, 0
         local pool = pools.create(fs, {
            log = function(event) events[event.step] = event end, progress = function() waits = waits + 1 end,
         })
         local disk = pools.origin(pool, "vm/disk")
         disk:start()
         core.inject_errors({ ficlone = core.errno.EAGAIN })
         disk:stop()
         assert.is_nil(events.warning)
         assert.is_false(pools.exists(pools.path(pool, "vm/disk-precache.img")))
         assert.equal(0, waits)
      end)
   end)
end)

filesystems.each({ "ext4" }, function(fs)
   describe("reflink", function()
      it("auto: images are copied, and the log says why", function()
         local pool, last = logging_pool(fs)
         committed_disk(pool):start()
         assert.same({ "copied", "the file system has no reflinks" }, { last() })
      end)

      it("always: no image is made that would be a copy", function()
         local pool = pools.create(fs)
         local disk = committed_disk(pool)
         local e = pools.refuses(pool, "not_supported",
            "byre: vm/disk.img: the file system has no reflinks: Operation not supported",
            disk.start, disk, { reflink = "always" })
         assert.equal('reflink = "auto" makes a copy where blocks cannot be shared', e.hint)
         local strict = pools.create(fs, { reflink = "always" })
         assert.equal("always", byre.open_pool(strict.dir).config.reflink)
         local strict_disk = pools.origin(strict, "vm/disk")
         pools.fails("not_supported", "byre: vm/disk.img: the file system has no reflinks: Operation not supported",
            strict_disk.start, strict_disk)
      end)
   end)
end)
