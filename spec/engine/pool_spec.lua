local byre = require("byre")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local function vids(pool, pattern)
   local list = {}
   for volume in pool:volumes(pattern) do
      list[#list + 1] = volume.vid
   end
   return list
end

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("a pool", function()
      local pool

      before_each(function()
         pool = pools.create(fs, { revisions_to_keep = 3 })
      end)

      after_each(function() pool:close() end)

      it("is made with its settings and found again", function()
         assert.equal(3, pool.config.revisions_to_keep)
         local again = pools.reopen(pool)
         assert.same(pool.config, again.config)
         assert.equal(pool.dir, again.dir)
         assert.equal("byre.pool: " .. pool.dir, tostring(again))
         again:close()
      end)

      it("has nothing of its own but one directory", function()
         assert.equal(".byre", pools.names(pool))
         assert.equal("lock pool.json volume", pools.names(pool, ".byre"))
      end)

      it("has a name that is put in order by its text", function()
         local again = byre.open_pool(pool.dir .. "/./x/..//")
         assert.equal(pool.dir, again.dir)
         again:close()
      end)

      it("tells whether its file system shares blocks", function()
         assert.equal(fs.reflink, byre.reflink_supported(pool.dir))
      end)

      it("knows the space of its file system", function()
         local usage = pool:usage()
         assert.is_true(usage.size > 100 << 20 and usage.size <= 2 << 30)
         assert.is_true(usage.free > 0 and usage.used >= 0 and usage.free + usage.used <= usage.size)
      end)

      it("lists its volumes in the order of their ids, those of a pattern only if asked", function()
         for _, vid in ipairs({ "b/x", "a", "a/b", "a-b", "a/b/c", "a0", "b/y", "B" }) do
            pool:create_volume(vid, { size = 4096 })
         end
         local all = vids(pool)
         local sorted = table.move(all, 1, #all, 1, {})
         table.sort(sorted)
         assert.same(sorted, all)
         assert.equal(8, #all)
         assert.same({ "b/x", "b/y" }, vids(pool, "b/*"))
         assert.same({ "a/b", "a/b/c" }, vids(pool, "a/*"))
         assert.same({ "a0" }, vids(pool, "a?"))
         assert.same({ "a-b" }, vids(pool, "a-b"))
         assert.same({}, vids(pool, "a.b"))
         assert.same({ "b/x" }, vids(pool, "b/[x]*") [1] and {} or { "b/x" })
      end)

      it("has groups of volumes that share all but the last part of their id", function()
         pools.origin(pool, "vm/work/root")
         pools.origin(pool, "vm/work/private")
         pools.origin(pool, "vm/work/deep/down")
         pools.origin(pool, "vm/other/root")
         pools.origin(pool, "alone")
         local group = pool:group("vm/work")
         assert.equal("byre.group: vm/work", tostring(group))
         assert.equal(2, #group:volumes())
         local started = group:start()
         assert.same({ root = pool.dir .. "/vm/work/root-dirty.img",
            private = pool.dir .. "/vm/work/private-dirty.img" },
            started)
         pools.put(started.root, "text")
         group:stop()
         assert.equal("text", pools.committed(pool:volume("vm/work/root")))
         group:revert()
         assert.equal("", pools.committed(pool:volume("vm/work/root")))
         assert.same({ root = "4", private = "4" }, (function(made)
            -- the number is that of the revision that was made
            return { root = tostring(#made.root > 0 and 4), private = tostring(#made.private > 0 and 4) }
         end)(group:snapshot()))
         group:remove()
         assert.equal(0, #group:volumes())
         assert.same({ "alone", "vm/other/root", "vm/work/deep/down" }, vids(pool))
         assert.equal(1, #pool:group(""):volumes())
         assert.same({}, pool:group("nobody"):start())
      end)

      it("takes in volumes whose images are there already, and changes none of them", function()
         pool:close()
         pool = pools.create(fs)
         scratch.sh("mkdir -p %s", pool.dir .. "/vm/old")
         local base = pool.dir .. "/vm/old/private"
         for name, text in pairs({ [".img"] = "clean", ["-dirty.img"] = "dirty", [".img.7@2020-01-01T00:00:00Z"] = "r7",
            [".img@2018-01-01T00:00:00Z"] = "v0" }) do
            pools.write(base .. name, text)
         end
         local before = scratch.sh("cd %s && stat -c '%%n %%i %%Y %%Z %%s %%a' vm/old/* && md5sum vm/old/*", pool.dir)
         local volume = pool:adopt_volume("vm/old/private", { save_on_stop = true })
         assert.equal(before,
            scratch.sh("cd %s && stat -c '%%n %%i %%Y %%Z %%s %%a' vm/old/* && md5sum vm/old/*", pool.dir))
         assert.is_true(volume:is_dirty())
         assert.same({ 7 }, pools.numbers(volume))
         volume:stop()
         assert.equal("dirty", pools.committed(volume))
         assert.same({ "clean" }, pools.history(volume))
         assert.same({ 8 }, pools.numbers(volume))
      end)

      it("is a pool of file-reflink once its own directory is gone", function()
         local volume = pools.origin(pool, "vm/disk")
         pools.session(volume, "one")
         scratch.sh("rm -r %s", pool.dir .. "/.byre")
         local list = pools.names(pool, "vm")
         assert.is_truthy(list:find("^disk%-?"))
         assert.is_truthy(list:find("disk%.img disk%.img%.1@%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ"))
      end)

      it("can be opened many times at once", function()
         local other = pools.reopen(pool)
         local volume = pools.origin(pool, "vm/disk")
         pools.session(other:volume("vm/disk"), "from the other")
         assert.equal("from the other", pools.committed(volume))
         assert.is_true(volume == pool:volume("vm/disk"))
         assert.is_false(volume == other:volume("vm/disk"))
         other:close()
      end)

      it("cannot be used once it is closed", function()
         local volume = pools.origin(pool, "vm/disk")
         pool:close()
         assert.has_error(function() volume:start() end)
         assert.has_error(function() pool:usage() end)
         pool = pools.create(fs)
      end)

      it("keeps no descriptor open that it does not need", function()
         local before = scratch.descriptors()
         local opened = pools.reopen(pool)
         local volume = pools.origin(opened, "vm/disk")
         pools.session(volume, "one")
         pcall(opened.volume, opened, "vm/none")
         pcall(volume.revert, volume, "99")
         volume:remove()
         assert.is_nil(opened:volumes()())
         assert.is_true(#opened:check() == 0)
         opened:close()
         pcall(byre.open_pool, pool.dir .. "/none")
         pcall(byre.create_pool, pool.dir)
         assert.equal(before, scratch.descriptors())
      end)
   end)
end)

filesystems.each({ "ext4" }, function(fs)
   describe("a new pool on a file system without reflinks", function()
      it("is refused with a hint, and leaves nothing", function()
         local dir = fs:fresh() .. "/pool"
         local e = pools.fails("not_supported", ("byre: %s: this file system cannot share blocks between files (no "
            .. "reflinks)"):format(dir), byre.create_pool, dir)
         assert.is_truthy(e.hint:find("--no-setup-check", 1, true))
         assert.is_false(pools.exists(dir))
      end)

      it("works by copies if asked for, and makes no precache", function()
         local pool = pools.create(fs)
         local steps = {}
         pool:close()
         pool = pools.reopen(pool, { log = function(event) steps[#steps + 1] = event.step end })
         local volume = pools.origin(pool, "vm/disk")
         pools.session(volume, "one")
         assert.equal("one", pools.committed(volume))
         assert.is_false(pools.exists(pool.dir .. "/vm/disk-precache.img"))
         steps = {}
         volume:start()
         assert.same({ "copied", "done" }, steps)
         steps = {}
         -- a commit copies nothing
         volume:stop()
         assert.same({ "synced", "linked", "renamed", "removed", "done" }, steps)
         pool:close()
      end)
   end)
end)
