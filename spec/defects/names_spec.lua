-- Known defects B3 to B7, B9, B10, B25, B28: names of volumes and revisions, and their times.
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")
local units = require("byre.units")

filesystems.each({ "btrfs", "xfs" }, function(fs)
   local pool, volume

   before_each(function()
      pool = pools.create(fs)
      volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 3 })
      pools.session(volume, "one")
   end)

   after_each(function() pool:close() end)

   local function path(name)
      return pools.path(pool, "vm/" .. name)
   end

   it("B3 stray files beside a volume keep it from nothing, and a check names them", function()
      local strays = { "disk.img.x@2026-01-01T00:00:00Z", "disk.img.1@2@2026-01-01T00:00:00Z",
         "disk.img.@2026-01-01T00:00:00Z", "disk.img.2@2026-13-01T00:00:00Z" }
      for _, name in ipairs(strays) do
         pools.write(path(name), name)
      end
      assert.same({ 1 }, pools.numbers(volume))
      pools.session(volume, "two")
      volume:revert()
      assert.equal("one", pools.committed(volume))
      local found = 0
      for _, finding in ipairs(pool:check()) do
         found = found + (finding.code == "stray_name" and 1 or 0)
      end
      assert.equal(#strays, found)
      volume:set({ revisions_to_keep = -1 })
      pools.session(volume, "three")
      volume:remove()
      for _, name in ipairs(strays) do
         assert.equal(name, pools.get(path(name)))
      end
   end)

   it("B4 each name that is taken is short enough for its revisions, and a longer one is refused", function()
      local longest = pools.origin(pool, "vm/" .. ("n"):rep(100))
      for number = 1, 12 do
         pools.session(longest, "state " .. number)
      end
      assert.same({ 12 }, pools.numbers(longest))
      longest:revert()
      longest:remove()
      for _, length in ipairs({ 101, 220, 233, 255 }) do
         local name = "vm/" .. ("n"):rep(length)
         local ok, e = pcall(pools.origin, pool, name)
         assert.equal("invalid", not ok and e.code)
         local reason = ("has a component of %d characters; 100 are allowed"):format(length)
         assert.is_truthy(tostring(e):find(reason, 1, true), tostring(e))
      end
   end)

   it("B5 an image whose time is beyond the year 9999 is committed, with the nearest time that can be told", function()
      -- XFS has no such times and takes its latest instead
      scratch.sh("touch -d @253402300900 %s", path("disk.img"))
      pools.session(volume, "two")
      assert.equal("two", pools.committed(volume))
      assert.equal("one", pools.get(volume:revision().path))
      local latest = fs.name == "btrfs" and "9999-12-31T23:59:59Z" or units.format_time(volume:revision().time)
      assert.equal(latest, units.format_time(volume:revision().time))
      volume:revert()
      assert.equal("one", pools.committed(volume))
   end)

   it("B6 a revision has the second of the last write, not the next one", function()
      for _, time in ipairs({ "2001-02-03T04:05:06.999999999Z", "1969-12-31T23:59:59.5Z" }) do
         scratch.sh("touch -d %s %s", time, path("disk.img"))
         volume:start()
         volume:stop()
         assert.equal(time:sub(1, 19), units.format_stamp(volume:revision().time))
      end
   end)

   it("B7 the latest revision is the same one to a list and to a revert, whatever the clock said", function()
      for i, year in ipairs({ 2030, 2010, 2020 }) do
         pools.session(volume, "state " .. i)
         scratch.sh("touch -d %s-01-01T00:00:00Z %s", year, path("disk.img"))
      end
      pools.session(volume, "now")
      local list = volume:revisions()
      assert.same({ "state 1", "state 2", "state 3" }, pools.history(volume))
      assert.is_true(list[1].time > list[3].time)
      assert.same(list[#list], volume:revision())
      volume:revert()
      assert.equal("state 3", pools.committed(volume))
   end)

   it("B9 a volume that exists is not created anew, and no vid leads out of the pool", function()
      pools.put(volume:start(), "session")
      pools.refuses(pool, "exists", "byre: vm/disk: there is a volume of this name", pools.origin, pool, "vm/disk")
      pools.refuses(pool, "exists", "byre: vm/disk: there is a volume of this name", pool.create_volume, pool,
         "vm/disk", { size = 4096 })
      local outside = fs:fresh()
      local before = pools.listing(outside)
      for _, vid in ipairs({ "", ".", "..", "../x", "vm/../../x", "/x", outside .. "/x", "vm//x", "vm/", "vm/.x" }) do
         for _, call in ipairs({ pools.origin, pool.volume, function(_, id) pool:remove({ id }) end }) do
            local ok, e = pcall(call, pool, vid)
            assert.equal("invalid", not ok and e.code, vid)
         end
      end
      assert.equal(before, pools.listing(outside))
   end)

   it("B10 no two volumes share a file", function()
      for _, ending in ipairs({ "-dirty", "-precache", "-import" }) do
         local ok, e = pcall(pools.origin, pool, "vm/disk" .. ending)
         assert.equal("invalid", not ok and e.code)
         assert.equal(("byre: volume id \"vm/disk%s\": ends in %s, which marks an image of the volume vm/disk"):format(
            ending, ending), tostring(e))
      end
      assert.is_false(pcall(pools.origin, pool, "vm/disk.img"))
   end)

   it("B25 revisions named as in 2018 are shown, removed by nothing, and can be taken over", function()
      local old = path("disk.img@2018-03-04T05:06:07Z")
      pools.write(old, "of 2018")
      pools.session(volume, "two")
      volume:set({ revisions_to_keep = 0 })
      pools.session(volume, "three")
      local roles = {}
      for _, file in ipairs(volume:files()) do
         roles[file.role] = file.path
      end
      assert.equal(old, roles.old_revision)
      assert.equal("old_revision", pool:check()[1].code)
      pool:check({ repair = true })
      volume:import_file(old)
      assert.equal("of 2018", pools.committed(volume))
      volume:remove()
      assert.equal("of 2018", pools.get(old))
   end)

   it("B28 two reverts within one second lose nothing", function()
      volume:set({ revisions_to_keep = 1 })
      pools.session(volume, "two")
      local time
      repeat
         time = os.time()
         volume:revert()
         assert.equal("one", pools.committed(volume))
         assert.same({ "two" }, pools.history(volume))
         volume:revert()
         assert.equal("two", pools.committed(volume))
         assert.same({ "one" }, pools.history(volume))
      until os.time() == time
   end)
end)
