-- The setting cow_extent_size: what the session's image of a volume is told, and who is not.
local byre = require("byre")
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")

local megabyte <const> = 1 << 20

local function hint(path)
   local file <close> = assert(core.open(path))
   return assert(file:cow_extent_size())
end

local function images_with_a_hint(pool)
   local dir <close> = assert(core.open_dir(pool.dir))
   local found = {}
   for _, name in ipairs((dir:list("."))) do
      if name:find(".img", 1, true) and hint(pool.dir .. "/" .. name) ~= 0 then
         found[#found + 1] = name
      end
   end
   return found
end

local no_such_setting = "cow_extent_size: this file system has no such setting; XFS with reflinks has"

filesystems.each({ "xfs" }, function(fs)
   describe("the copy-on-write extent size", function()
      it("is left to the file system unless it is asked for", function()
         local pool = byre.create_pool(fs:fresh() .. "/pool")
         local disk = pools.origin(pool, "disk")
         assert.equal(0, hint(disk:start()))
         assert.is_nil(tostring(disk:plan("stop")):find("hint"))
      end)

      for _, precache in ipairs({ false, true }) do
         it("is that of the session's image alone, " .. (precache and "with" or "without") .. " precache", function()
            local pool = byre.create_pool(fs:fresh() .. "/pool",
               { cow_extent_size = "1M", precache = precache, revisions_to_keep = 3 })
            local disk = pools.origin(pool, "disk")
            for i = 1, 3 do
               assert.equal(megabyte, hint(disk:start()))
               pools.write(disk:path(), ("session %d"):format(i):rep(1000))
               disk:snapshot()
               assert.same({ "disk-dirty.img" }, images_with_a_hint(pool))
               disk:stop()
               assert.same({}, images_with_a_hint(pool))
            end
         end)
      end

      it("is that of the sessions of snapshots as well", function()
         local pool = byre.create_pool(fs:fresh() .. "/pool")
         pools.origin(pool, "template")
         local values = { snap_on_start = true, source = "template", cow_extent_size = megabyte }
         assert.equal(megabyte, hint(pool:create_volume("root", values):start()))
         values.save_on_stop = true
         local saved = pool:create_volume("saved", values)
         assert.equal(megabyte, hint(saved:start()))
         saved:stop()
         assert.same({ "root-dirty.img" }, images_with_a_hint(pool))
      end)

      it("of a volume goes before the pool's, 0 as well", function()
         local pool = byre.create_pool(fs:fresh() .. "/pool", { cow_extent_size = megabyte })
         local disk = pools.origin(pool, "disk", { cow_extent_size = 65536 })
         assert.equal(65536, hint(disk:start()))
         assert.equal(65536, disk:status().cow_extent_size)
         disk:set({ cow_extent_size = 0 })
         assert.equal(0, hint(disk:path()))
         disk:stop()
         assert.equal(0, hint(disk:start()))
      end)

      it("changes for a session that is running", function()
         local pool = byre.create_pool(fs:fresh() .. "/pool")
         local disk = pools.origin(pool, "disk")
         local path = disk:start()
         disk:set({ cow_extent_size = "1M" })
         assert.equal(megabyte, hint(path))
         disk:set({ cow_extent_size = false })
         assert.equal(0, hint(path))
         disk:stop()
         assert.same({}, images_with_a_hint(pool))
      end)

      it("is refused if the file system does not take it, and nothing is changed", function()
         local dir = fs:fresh() .. "/pool"
         local message = ": cow_extent_size: this file system does not take 1073741824; it takes multiples of its "
            .. "block size, and no more than half of an allocation group"
         pools.fails("invalid", "byre: " .. dir .. message, byre.create_pool, dir, { cow_extent_size = "1G" })
         assert.is_false(pools.exists(dir .. "/.byre/pool.json"))
         local pool = byre.create_pool(dir)
         local disk = pools.origin(pool, "disk")
         pools.fails("invalid", "byre: disk" .. message, disk.set, disk, { cow_extent_size = "1G" })
         pools.fails("invalid", "byre: more" .. message, pool.create_volume, pool, "more",
            { size = "1M", save_on_stop = true, cow_extent_size = "1G" })
         assert.is_nil(disk.config.cow_extent_size)
         assert.is_false(pools.exists(dir .. "/more.img"))
      end)
   end)
end)

filesystems.each({ "btrfs", "ext4" }, function(fs)
   describe("the copy-on-write extent size where there is no such thing", function()
      it("is refused", function()
         local dir = fs:fresh() .. "/pool"
         pools.fails("not_supported", "byre: " .. dir .. ": " .. no_such_setting, byre.create_pool, dir,
            { cow_extent_size = "1M", setup_check = false })
         local pool = byre.create_pool(dir, { setup_check = false })
         local disk = pools.origin(pool, "disk")
         pools.fails("not_supported", "byre: disk: " .. no_such_setting, disk.set, disk, { cow_extent_size = "1M" })
         disk:set({ cow_extent_size = 0 })
         disk:start()
      end)

      it("is a warning in a pool that came from elsewhere, and the session begins", function()
         local dir, warnings = fs:fresh() .. "/pool", {}
         byre.create_pool(dir, { setup_check = false }):close()
         local text = pools.get(dir .. "/.byre/pool.json", 10000)
         pools.write(dir .. "/.byre/pool.json", (text:gsub('"format":1', '"format":1,"cow_extent_size":1048576')))
         local pool = byre.open_pool(dir, { log = function(event)
            warnings[#warnings + 1] = event.step == "warning" and event.message or nil
         end })
         local disk = pools.origin(pool, "disk")
         disk:start()
         assert.same({ "byre: disk-dirty.img: set_cow_extent_size: Operation not supported" }, warnings)
         disk:stop()
         assert.equal(1, #warnings)
      end)
   end)
end)
