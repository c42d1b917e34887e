local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")
local this_process = require("spec.support.this_process")
local units = require("byre.units")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   local pool, volume

   before_each(function()
      pool = pools.create(fs)
      volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 3 })
   end)

   after_each(function() pool:close() end)

   local function path(name)
      return pools.path(pool, "vm/" .. name)
   end

   describe("revisions", function()
      it("have numbers that only grow, and the oldest go", function()
         for i = 1, 5 do
            pools.session(volume, "state " .. i)
         end
         assert.same({ 3, 4, 5 }, pools.numbers(volume))
         assert.same({ "state 2", "state 3", "state 4" }, pools.history(volume))
      end)

      it("are told with number, time, path and size", function()
         pools.session(volume, "one")
         volume:resize("2M")
         pools.session(volume, "two")
         local list = volume:revisions()
         assert.same({ "1", "2" }, { list[1].id, list[2].id })
         assert.same({ pools.size, 2 << 20 }, { list[1].size, list[2].size })
         for _, revision in ipairs(list) do
            assert.equal(path(("disk.img.%d@%s"):format(revision.seq, units.format_time(revision.time))), revision.path)
            assert.same({}, revision.tags)
            assert.same(revision, volume:revision(revision.id))
         end
         assert.same(list[2], volume:revision())
      end)

      it("carry the time of the last write to their content", function()
         pools.session(volume, "one")
         scratch.sh("touch -d 2001-02-03T04:05:06.999999999Z %s", path("disk.img"))
         volume:start()
         volume:stop()
         assert.equal("2001-02-03T04:05:06Z", units.format_time(volume:revision().time))
         assert.equal("one", pools.get(volume:revision().path))
      end)

      it("are ordered by number where a clock went backwards", function()
         for i, time in ipairs({ "2030-01-01", "2010-01-01", "2020-01-01" }) do
            pools.session(volume, "state " .. i)
            scratch.sh("touch -d %s %s", time .. "T00:00:00Z", path("disk.img"))
         end
         pools.session(volume, "now")
         assert.same({ "state 1", "state 2", "state 3" }, pools.history(volume))
         volume:revert()
         assert.equal("state 3", pools.committed(volume))
      end)

      it("are made whatever the time of the image", function()
         for _, time in ipairs({ "1969-12-31T23:59:59.5Z", "2037-01-01T00:00:00Z" }) do
            scratch.sh("touch -d %s %s", time, path("disk.img"))
            volume:start()
            volume:stop()
            assert.equal(time:sub(1, 19), units.format_stamp(volume:revision().time))
         end
         if fs.name == "btrfs" then
            scratch.sh("touch -d @253402300900 %s", path("disk.img"))
            volume:start()
            volume:stop()
            assert.equal("9999-12-31T23:59:59Z", units.format_time(volume:revision().time))
         end
      end)

      it("need no inode of their own", function()
         local function inode(name)
            return scratch.sh("stat -c %%i %s", name)
         end
         local ino = inode(path("disk.img"))
         pools.session(volume, "one")
         assert.equal(ino, inode(volume:revision().path))
      end)

      it("that do not parse are left alone by everything", function()
         pools.session(volume, "one")
         local strays = { "disk.img.x@2026-01-01T00:00:00Z", "disk.img.1@2@2026-01-01T00:00:00Z",
            "disk.img.2@2026-01-01", "disk.img@2018-01-01T00:00:00Z", "disk.img.bak", "disk.img~",
            "disk.img.9223372036854775807@2026-01-01T00:00:00Z" }
         for _, name in ipairs(strays) do
            pools.write(path(name), name)
         end
         assert.same({ "" }, pools.history(volume))
         pools.session(volume, "two")
         pools.session(volume, "three")
         pools.session(volume, "four")
         assert.same({ 2, 3, 4 }, pools.numbers(volume))
         volume:revert("2")
         assert.equal("one", pools.committed(volume))
         volume:remove_revision("3")
         for _, name in ipairs(strays) do
            assert.equal(name, pools.get(path(name)))
         end
         volume:remove()
         for _, name in ipairs(strays) do
            assert.equal(name, pools.get(path(name)))
         end
      end)

      it("that are no plain files are left alone by everything", function()
         pools.session(volume, "one")
         scratch.sh("cd %s && ln -s /etc/passwd disk.img.7@2026-01-01T00:00:00Z && mkfifo "
            .. "disk.img.8@2026-01-01T00:00:00Z"
            .. " && mkdir disk.img.9@2026-01-01T00:00:00Z", path("."))
         assert.same({ 1 }, pools.numbers(volume))
         volume:revert()
         assert.equal("", pools.committed(volume))
         pools.session(volume, "two")
         pools.fails("no_such_revision", "byre: vm/disk: no revision \"7\"", volume.revert, volume, "7")
         local found = {}
         for _, finding in ipairs(pool:check()) do
            found[#found + 1] = finding.code .. " " .. finding.path:match("%.([789])@")
         end
         table.sort(found)
         assert.same({ "stray_name 7", "stray_name 8", "stray_name 9", "symlink 7" }, found)
      end)

      it("are removed one by one", function()
         for i = 1, 3 do
            pools.session(volume, "state " .. i)
         end
         volume:remove_revision("2")
         assert.same({ 1, 3 }, pools.numbers(volume))
         pools.refuses(pool, "no_such_revision", "byre: vm/disk: no revision \"2\"",
            volume.remove_revision, volume, "2")
         volume:remove_revision("3")
         pools.session(volume, "state 4")
         assert.same({ 1, 2 }, pools.numbers(volume))
      end)

      it("do not show the half of a commit", function()
         pools.session(volume, "one")
         pools.put(volume:start(), "two")
         -- as a process leaves it that was killed between the link and the rename
         scratch.sh("ln %s %s", path("disk.img"), path("disk.img.2@2026-01-01T00:00:00Z"))
         assert.same({ "" }, pools.history(volume))
         pools.fails("no_such_revision", "byre: vm/disk: no revision \"2\"", volume.revision, volume, "2")
         volume:stop()
         assert.same({ "", "one" }, pools.history(volume))
         assert.equal("two", pools.committed(volume))
      end)
   end)

   describe("going back to a revision", function()
      before_each(function()
         for i = 1, 3 do
            pools.session(volume, "state " .. i)
         end
      end)

      it("keeps the state that is left as the newest revision, so twice is nothing", function()
         volume:revert()
         assert.equal("state 2", pools.committed(volume))
         assert.same({ "", "state 1", "state 3" }, pools.history(volume))
         assert.same({ 1, 2, 4 }, pools.numbers(volume))
         volume:revert()
         assert.equal("state 3", pools.committed(volume))
         assert.same({ "", "state 1", "state 2" }, pools.history(volume))
      end)

      it("goes to any of them", function()
         volume:revert("1")
         assert.equal("", pools.committed(volume))
         assert.same({ "state 1", "state 2", "state 3" }, pools.history(volume))
         assert.equal("", pools.get(volume:start()))
      end)

      it("keeps the state that is left also with revisions_to_keep = 0", function()
         volume:set({ revisions_to_keep = 0 })
         volume:revert("2")
         assert.equal("state 1", pools.committed(volume))
         assert.equal("state 3", pools.history(volume)[3])
      end)

      it("is refused while there is a session, and drops it if told to", function()
         pools.put(volume:start(), "session")
         local e = pools.refuses(pool, "dirty", "byre: vm/disk: cannot revert: it is running or was not cleanly "
            .. "stopped",
            volume.revert, volume)
         assert.equal("stop it first, or drop the session with: byre stop --discard vm/disk", e.hint)
         do
            local _ <close> = assert(io.open(volume:path(), "r+b"))
            pools.refuses(pool, "running", ("byre: vm/disk: cannot drop the session: %s has its image open for "
               .. "writing"):format(this_process.words()), volume.revert, volume, nil, { discard = true })
         end
         volume:revert(nil, { discard = true })
         assert.equal("state 2", pools.committed(volume))
         assert.is_false(volume:is_dirty())
         assert.equal("state 2", pools.get(volume:start()))
      end)

      it("drops the session for good even where its image cannot be removed", function()
         pools.put(volume:start(), "session")
         core.inject_errors({ unlinkat = core.errno.EIO })
         volume:revert(nil, { discard = true })
         core.inject_errors({})
         assert.equal("state 2", pools.committed(volume))
         assert.is_false(volume:is_dirty())
         assert.equal("state 2", pools.get(volume:start()))
      end)

      it("works without a committed image if told to", function()
         scratch.sh("rm %s", path("disk.img"))
         local e = pools.refuses(pool, "corrupt", "byre: vm/disk: the image vm/disk.img is missing",
            volume.revert, volume)
         assert.is_truthy(e.hint:find("--discard", 1, true))
         volume:revert(nil, { discard = true })
         assert.equal("state 2", pools.committed(volume))
         assert.same({ "", "state 1" }, pools.history(volume))
      end)

      it("is refused where there is none", function()
         pools.refuses(pool, "no_such_revision", "byre: vm/disk: no revision \"99\"", volume.revert, volume, "99")
         pools.refuses(pool, "no_such_revision", "byre: vm/disk: no revision \"a\\x0ab\"", volume.revert, volume,
            "a\nb")
         local fresh = pools.origin(pool, "vm/fresh")
         pools.refuses(pool, "no_such_revision", "byre: vm/fresh: it has no revisions", fresh.revert, fresh)
      end)
   end)

   describe("a snapshot made now", function()
      it("of a stopped volume is its committed state", function()
         pools.session(volume, "one")
         local revision = volume:snapshot()
         assert.equal(2, revision.seq)
         assert.equal("one", pools.get(revision.path))
         assert.same({ "", "one" }, pools.history(volume))
         pools.session(volume, "two")
         assert.same({ "", "one", "one" }, pools.history(volume))
      end)

      it("of a running volume is what is in its image, and the session goes on", function()
         pools.session(volume, "one")
         pools.put(volume:start(), "two")
         local revision = volume:snapshot()
         assert.equal("two", pools.get(revision.path))
         assert.is_true(volume:is_dirty())
         pools.put(volume:path(), "three")
         assert.equal("two", pools.get(revision.path))
         assert.equal("one", pools.committed(volume))
         volume:stop()
         assert.equal("three", pools.committed(volume))
         assert.same({ "", "one", "two" }, pools.history(volume))
      end)

      it("is not counted until the next commit, and any number can be made", function()
         pools.put(volume:start(), "x")
         for _ = 1, 5 do
            volume:snapshot()
         end
         assert.is_true(#volume:revisions() >= 5)
      end)

      it("may be noted and tagged", function()
         local revision = volume:snapshot({ note = "before the upgrade", tag = "upgrade" })
         assert.equal("before the upgrade", revision.note)
         assert.is_truthy(revision.tags.upgrade)
      end)

      it("is refused where snapshots are disabled", function()
         volume:set({ revisions_to_keep = -1 })
         local e = pools.refuses(pool, "not_supported",
            "byre: vm/disk: snapshots are disabled (revisions_to_keep = -1)", volume.snapshot, volume)
         assert.equal("byre set vm/disk keep=1", e.hint)
      end)
   end)
end)
