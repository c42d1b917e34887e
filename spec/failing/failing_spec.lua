-- A disk that really fails between start and stop: who hears of it, and what byre does then.
local byre = require("byre")
local core = require("byre.core")
local disk = require("spec.failing.disk")
local pools = require("spec.support.pools")
local shell = require("spec.support.shell")

local reason = disk.why_not()

local lost = "byre: vm/disk: data written to it could not be brought to the disk and may be missing"

for _, fs in ipairs(disk.names) do
   describe("a disk that fails, with " .. fs .. ",", function()
      if reason then
         pending(reason)
         return
      end

      local the_disk, pool, volume

      before_each(function()
         the_disk = disk.new(fs)
         pool = byre.create_pool(the_disk.dir .. "/pool", { setup_check = false })
         volume = pools.origin(pool, "vm/disk")
         pools.session(volume, "good")
      end)

      after_each(function()
         pool:close()
         the_disk:close()
      end)

      -- the user of the image is told, and after it nobody who opens the image
      local function told(path)
         local file <close> = assert(core.open_dir(path:match("^(.*)/"))):open(path:match("[^/]*$"), "rw")
         local ok, _, errno = file:sync()
         assert.is_nil(ok)
         assert.equal(core.errno.EIO, errno)
      end

      -- what is written to a path does not get to the disk, which works again after that
      local function spoil(path)
         the_disk:fail(true)
         the_disk:spoil(path)
         told(path)
         the_disk:fail(false)
      end

      local function refused()
         assert.equal("good", pools.committed(volume))
         assert.same({ "" }, pools.history(volume))
         assert.is_true(pools.exists(pools.path(pool, ".byre/volume/vm/disk.lost")))
         assert.same({ "lost_data" }, pools.codes(pool:check()))
      end

      it("is heard of by the stop of a pool that was open at the start", function()
         spoil(volume:start())
         pools.fails("io", "byre: vm/disk-dirty.img: fsync: Input/output error", volume.stop, volume)
         refused()
         pools.fails("io", lost, volume.stop, volume)
         -- and of another process, later
         local other <close> = pools.reopen(pool)
         pools.fails("io", lost, function() other:volume("vm/disk"):stop() end)
         refused()
         volume:stop({ discard = true })
         assert.same({}, pool:check())
         the_disk:spoil(volume:start(), "written as well as ever ")
         volume:stop()
         assert.matches("^written as well as ever ", pools.committed(volume))
      end)

      it("is heard of by the stop of a batch, for the volume whose data is lost", function()
         local names = { "vm/disk" }
         for i = 2, 8 do
            names[i] = "vm/disk" .. i
            pools.origin(pool, names[i])
         end
         local paths = pool:start(names)
         spoil(paths["vm/disk"])
         local ok, e = pcall(pool.stop, pool, names)
         assert.is_false(ok)
         assert.equal("io", e.code)
         assert.equal(1, #e.failures)
         assert.equal("vm/disk", e.failures[1].volume)
         refused()
         for i = 2, 8 do
            assert.equal(1, #pool:volume(names[i]):revisions())
         end
      end)

      it("is taken for a loss of every volume of a batch that nobody listened to", function()
         local names = {}
         for i = 1, 8 do
            names[i] = "vm/more" .. i
            pools.origin(pool, names[i])
         end
         local paths = pool:start(names)
         local other <close> = pools.reopen(pool)
         spoil(paths["vm/more1"])
         local ok, e = pcall(other.stop, other, names)
         assert.is_false(ok)
         assert.equal(8, #e.failures)
         assert.equal(8, #pool:check())
      end)

      it("is heard of by the end of an import that began in the same pool object", function()
         spoil(volume:import_data(pools.size))
         pools.fails("io", "byre: vm/disk-import.img: fsync: Input/output error", volume.import_data_end, volume, true)
         assert.equal("good", pools.committed(volume))
         pools.fails("io", lost, volume.import_data_end, volume, true)
         volume:import_data_end(false)
         volume:import_data(pools.size)
         volume:import_data_end(true)
         assert.equal("", pools.committed(volume))
      end)

      it("is heard of by byre run", function()
         local guest = ("printf %%s %s >%s/fuse/fail; yes %s | head -c 65536 | "
            .. "dd of=%s conv=notrunc,fsync 2>/dev/null; : >%s/fuse/fail"):format(shell.quote(disk.bad),
            the_disk.place, shell.quote(disk.bad), volume:path(), the_disk.place)
         local result = shell.run(("byre run spec/failing/session.lua %s vm/disk %s"):format(pool.dir,
            shell.quote(guest)))
         assert.equal(1, result.code, result.out .. result.err)
         assert.matches("disk%-dirty.img: fsync: Input/output error", result.err)
         refused()
      end)

      it("is heard of by a stop in another process as long as nobody else was told", function()
         shell.must("byre -q -p " .. pool.dir .. " start vm/disk")
         the_disk:fail(true)
         the_disk:spoil(volume:path())
         shell.must("sync")
         the_disk:fail(false)
         local result = shell.run("byre -p " .. pool.dir .. " stop vm/disk")
         assert.equal(1, result.code, result.out)
         assert.matches("Input/output error", result.err)
         refused()
      end)

      it("is unknown to a stop in another process once the user of the image was told, as the manual says", function()
         shell.must("byre -q -p " .. pool.dir .. " start vm/disk")
         spoil(volume:path())
         shell.must("byre -p " .. pool.dir .. " stop vm/disk")
         assert.same({}, pool:check())
         pool:close()
         the_disk:unmount()
         the_disk:mount()
         pool = byre.open_pool(the_disk.dir .. "/pool")
         volume = pool:volume("vm/disk")
         -- what was lost is not there, what was before is
         assert.is_nil(pools.committed(volume):find(disk.bad, 1, true))
         assert.same({ "good" }, pools.history(volume))
      end)
   end)
end
