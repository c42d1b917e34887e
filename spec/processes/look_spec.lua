-- Who looks takes no lock; what changes meanwhile must not look like damage.
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("who looks at a volume", function()
      -- do something once between the listing of names and the look at the files
      local function meanwhile(pool, fn)
         local list = pool.store.list
         pool.store.list = function(self, ...)
            local listing = table.pack(list(self, ...))
            self.list = nil
            fn()
            return table.unpack(listing, 1, listing.n)
         end
      end

      for _, keep in ipairs({ -1, 2 }) do
         it("while it stops or starts sees it before or after, with revisions_to_keep = " .. keep, function()
            local pool = pools.create(fs)
            local other = pools.reopen(pool)
            local volume = pools.origin(pool, "vm/disk", { revisions_to_keep = keep })
            for _, look in ipairs({ "verify", "status", "size", "files", "revisions", "is_running" }) do
               volume:start()
               meanwhile(pool, function() other:stop({ "vm/disk" }) end)
               local result = volume[look](volume)
               assert.is_true(look ~= "size" or result == pools.size)
               meanwhile(pool, function() other:start({ "vm/disk" }) end)
               result = volume[look](volume)
               assert.is_true(look ~= "size" or result == pools.size)
            end
            meanwhile(pool, function() other:stop({ "vm/disk" }) end)
            assert.same({}, pool:check())
            other:close()
            pool:close()
         end)
      end

      it("sees every volume, though files of the catalog are replaced all the time", function()
         local pool = pools.create(fs)
         for i = 1, 20 do
            pools.origin(pool, "vm/disk" .. i, { size = 4096 })
         end
         local process = scratch.process([[
            local pool = require("byre").open_pool(arg[1])
            print(require("byre.core").pid())
            io.stdout:flush()
            for i = 1, 1000000 do
               pool:volume("vm/disk" .. i % 20 + 1):set({ rw = true })
            end
         ]], pool.dir)
         local deadline = core.clock() + 1
         local fewest = 20
         while core.clock() < deadline do
            local count = 0
            for _ in pool:volumes() do
               count = count + 1
            end
            fewest = math.min(fewest, count)
         end
         scratch.sh("kill -9 %s", process.line)
         process.finish()
         assert.equal(20, fewest)
         pool:close()
      end)

      it("that is damaged is told so", function()
         local pool = pools.create(fs)
         local volume = pools.origin(pool, "vm/disk")
         assert(os.remove(pools.path(pool, "vm/disk.img")))
         pools.fails("corrupt", "byre: vm/disk: the image vm/disk.img is missing", volume.verify, volume)
         pool:close()
      end)
   end)
end)
