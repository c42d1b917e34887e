local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("a batch", function()
      local pool, names

      before_each(function()
         pool = pools.create(fs)
         names = {}
         for i = 1, 8 do
            names[i] = ("vm%d/disk"):format(i)
            pools.origin(pool, names[i])
         end
      end)

      after_each(function() pool:close() end)

      local function failing(fn, ...)
         local ok, e = pcall(fn, ...)
         assert.is_false(ok, "it succeeded")
         local failed = {}
         for i, item in ipairs(e.failures) do
            failed[i] = item.volume .. ": " .. item.error.code
         end
         return e, failed
      end

      it("sees the marks of each volume", function()
         local group = { "one/a", "one/b", "one/c" }
         for _, vid in ipairs(group) do
            pools.origin(pool, vid)
         end
         pool:start(group)
         pools.write(pool.dir .. "/.byre/volume/one/b.lost", "")
         local _, failed = failing(pool.stop, pool, group)
         assert.same({ "one/b: io" }, failed)
         assert.is_true(pool:volume("one/b"):is_dirty())
         assert.is_false(pool:volume("one/c"):is_dirty())
      end)

      it("does the same to many volumes", function()
         local paths = pool:start(names)
         for _, vid in ipairs(names) do
            assert.equal(pools.path(pool, vid .. "-dirty.img"), paths[vid])
            pools.put(paths[vid], vid)
         end
         local results = pool:stop(names)
         for _, vid in ipairs(names) do
            assert.is_true(results[vid])
            assert.equal(vid, pools.committed(pool:volume(vid)))
            assert.same({ "" }, pools.history(pool:volume(vid)))
         end
         assert.equal("2", pool:snapshot(names)[names[1]])
         pool:revert(names)
         pool:remove(names)
         assert.is_nil(pool:volumes()())
         assert.equal(".byre", pools.names(pool))
      end)

      it("keeps no descriptor when it is over, whatever came of it", function()
         local list = { "fork/a", "fork/b", "fork/c" }
         local before = scratch.descriptors()
         pool:create_volumes(list, { snap_on_start = true, source = names[1] })
         pool:start(list)
         failing(pool.start, pool, { "fork/a", "missing" })
         failing(pool.create_volumes, pool, { "fork/a", "fork/d" }, { size = 1024 })
         pool.hooks = { pre_stop = function() error("no") end }
         failing(pool.stop, pool, list)
         pool.hooks = nil
         pool:remove(list)
         assert.equal(before, scratch.descriptors())
      end)

      it("makes many volumes of the same settings", function()
         local made = pool:create_volumes({ "fork/a", "fork/b", "fork/a" }, { snap_on_start = true, source = names[1] })
         assert.equal(pool:volume("fork/a"), made["fork/a"])
         assert.equal("snapshot", made["fork/b"].kind)
         local e, failed = failing(pool.create_volumes, pool, { "fork/c", "fork/a" }, { size = 1024 })
         assert.equal("exists", e.code)
         assert.same({ "fork/a: exists" }, failed)
         assert.same({ "fork/c" }, e.done)
         assert.equal("volatile", pool:volume("fork/c").kind)
         e, failed = failing(pool.create_volumes, pool, { "x/a", "x/b" }, { snap_on_start = true, source = "none" })
         assert.equal("no_such_volume", e.code)
         assert.same({ "x/a: no_such_volume", "x/b: no_such_volume" }, failed)
         pools.fails("invalid", 'byre: volume id "/": has an empty component; write it without a slash at either end '
            .. "and without //", pool.create_volumes, pool, { "y/a", "/" }, { size = 1024 })
         assert.is_false(pools.exists(pools.path(pool, ".byre/volume/y/a.json")))
      end)

      it("takes volumes as well as their ids, and each of them once", function()
         local volume = pool:volume(names[1])
         local paths = pool:start({ volume, names[1], names[2], volume })
         assert.same({ [names[1]] = volume:path(), [names[2]] = pools.path(pool, "vm2/disk-dirty.img") }, paths)
         pool:stop({ names[1], names[1] })
         assert.equal(1, #volume:revisions())
      end)

      it("that takes volumes away leaves nothing, and warns of nothing, whether they have images or not", function()
         local warnings = {}
         local logged = pools.reopen(pool, { log = function(event)
            warnings[#warnings + 1] = event.step == "warning" and event.message or nil
         end })
         local function make()
            for _, group in ipairs({ "mixed", "mixed/below" }) do
               pools.origin(pool, group .. "/a")
               pool:create_volume(group .. "/b", { size = pools.size })
            end
         end
         make()
         logged:group("mixed"):rename("other")
         logged:group("other"):rename("mixed")
         logged:group("mixed/below"):rename("other")
         logged:group("mixed"):remove()
         logged:group("other"):remove()
         assert.same({}, warnings)
         assert.same({}, pool:check())
         logged:close()
      end)

      it("of nothing does nothing", function()
         assert.same({}, pool:start({}))
      end)

      it("does what it can, and tells what failed and what was done", function()
         scratch.sh("rm %s", pools.path(pool, names[3] .. ".img"))
         pools.write(pools.path(pool, ".byre/volume/vm5/disk.json"), "{")
         table.insert(names, 2, "vm9/none")
         local e, failed = failing(pool.start, pool, names)
         assert.same({ "vm9/none: no_such_volume", "vm3/disk: corrupt", "vm5/disk: corrupt" }, failed)
         assert.same({ "vm1/disk", "vm2/disk", "vm4/disk", "vm6/disk", "vm7/disk", "vm8/disk" }, e.done)
         -- the first of the failures speaks for it
         assert.equal("byre: vm9/none: no such volume in this pool", tostring(e))
         assert.equal("no_such_volume", e.code)
         for _, vid in ipairs(e.done) do
            assert.is_true(pool:volume(vid):is_dirty())
         end
         assert.is_false(pools.exists(pools.path(pool, "vm3/disk-dirty.img")))
         assert.is_false(pools.exists(pools.path(pool, "vm5/disk-dirty.img")))
      end)

      it("that fails in the middle of one plan finishes the others", function()
         pool:start(names)
         for _, vid in ipairs(names) do
            pools.put(pools.path(pool, vid .. "-dirty.img"), vid)
         end
         -- its commit fails behind the first barrier
         scratch.sh("chattr +i %s", pools.path(pool, "vm4/disk.img"))
         local e, failed = failing(pool.stop, pool, names)
         scratch.sh("chattr -i %s", pools.path(pool, "vm4/disk.img"))
         assert.same({ "vm4/disk: denied" }, failed)
         assert.equal(7, #e.done)
         for _, vid in ipairs(e.done) do
            assert.equal(vid, pools.committed(pool:volume(vid)))
         end
         local volume = pool:volume("vm4/disk")
         assert.equal("", pools.committed(volume))
         assert.same({}, pools.history(volume))
         volume:stop()
         assert.equal("vm4/disk", pools.committed(volume))
      end)

      it("with an id that can be none changes nothing at all", function()
         local before = pools.listing(pool.dir)
         local ok, e = pcall(pool.start, pool, { names[1], "../x" })
         assert.is_false(ok)
         assert.equal("invalid", e.code)
         assert.equal(before, pools.listing(pool.dir))
      end)

      it("that cannot have one of its locks changes nothing at all", function()
         local process = scratch.process([[
            lock = require("byre").open_pool(arg[1]).store:lock("vm8", "exclusive", 0)
            print("ready")
         ]], pool.dir)
         local other = pools.reopen(pool, { lock_timeout = 0 })
         local before = pools.listing(pool.dir)
         local ok, e = pcall(other.start, other, names)
         process.finish()
         assert.is_false(ok)
         assert.equal("busy", e.code)
         assert.equal(before, pools.listing(pool.dir))
         -- nor does it keep those that it had
         other:start(names)
         other:close()
      end)

      it("of sources and their snapshots works in any order", function()
         local all = {}
         for i = 1, 3 do
            all[#all + 1] = ("vm%d/root"):format(i)
            pool:create_volume(all[#all], { snap_on_start = true, source = names[i] })
            all[#all + 1] = names[i]
         end
         pool:start(all)
         pools.put(pools.path(pool, "vm1/disk-dirty.img"), "new")
         pool:stop(all)
         assert.equal("new", pools.get(pool:start(all)["vm1/root"]))
      end)
   end)
end)
