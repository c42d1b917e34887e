-- Every finding of a check, and what a repair makes of it.
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("a check", function()
      local pool, volume

      before_each(function()
         pool = pools.create(fs)
         volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 2 })
         pools.session(volume, "one")
         pools.session(volume, "two")
      end)

      after_each(function() pool:close() end)

      local function path(name)
         return pools.path(pool, name)
      end

      local function shell(command)
         scratch.sh("cd %s && " .. command, pool.dir)
      end

      -- One finding, found without a change; then a repair that mends it or changes nothing.
      local function finds(expected, mends)
         local before = pools.listing(pool.dir)
         assert.same({ expected }, pool:check())
         assert.same({ expected }, pool:check({ repair = false }))
         assert.equal(before, pools.listing(pool.dir))
         expected.repaired = mends or nil
         assert.same({ expected }, pool:check({ repair = true }))
         expected.repaired = nil
         if mends then
            assert.same({}, pool:check())
         else
            assert.equal(before, pools.listing(pool.dir))
            assert.same({ expected }, pool:check())
         end
      end

      it("of a pool in order finds nothing, running or not", function()
         pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
         pool:create_volume("vm/swap", { size = 4096 })
         pools.origin(pool, "vm/bare", { revisions_to_keep = -1 })
         assert.same({}, pool:check())
         local group = pool:group("vm")
         group:start()
         assert.same({}, pool:check())
         group:stop()
         assert.same({}, pool:check({ repair = true }))
      end)

      it("finds what was to become the pool's own file", function()
         shell("touch .byre/pool.json~a1b2c3d4 .byre/other.json~a1b2c3d4")
         finds({ code = "temporary", path = ".byre/pool.json~a1b2c3d4",
            message = "left by an operation that was cut short" }, true)
      end)

      it("leaves alone what is no file that byre could have left there", function()
         shell("mkdir .byre/pool.json~a1b2c3d4 && ln -s /nowhere .byre/pool.json~b1b2c3d4")
         local before = pools.listing(pool.dir)
         assert.same({}, pool:check({ repair = true }))
         assert.equal(before, pools.listing(pool.dir))
      end)

      it("finds what was to become a clock once nobody can be at work on it", function()
         for _, name in ipairs({ "clock", "trash" }) do
            shell("touch .byre/" .. name .. ".json~a1b2c3d4")
            assert.same({}, pool:check())
            local now = core.now
            finally(function() core.now = now end)
            function core.now()
               return now() + 3601
            end
            finds({ code = "temporary", path = (".byre/%s.json~a1b2c3d4"):format(name),
               message = "left by an operation that was cut short" }, true)
            core.now = now
         end
      end)

      it("says nothing of such a file while somebody is at work", function()
         shell("touch .byre/pool.json~a1b2c3d4")
         local lock <close> = pool.store:lock("", "exclusive", 0)
         assert.same({}, pool:check())
         lock:release()
         assert.same({ "temporary" }, pools.codes(pool:check()))
      end)

      it("finds an image that is no plain file, and leaves it alone", function()
         for command, kind in pairs({ ["mkfifo vm/disk-dirty.img"] = "fifo",
            ["mkdir vm/disk-dirty.img"] = "directory" }) do
            shell(command)
            finds({ code = "not_an_image", volume = "vm/disk", path = "vm/disk-dirty.img",
               message = ("is a %s, not a plain file"):format(kind) })
            shell("rm -r vm/disk-dirty.img")
         end
      end)

      it("finds a committed image that is missing", function()
         shell("rm vm/disk.img vm/disk-precache.img 2>/dev/null; true")
         finds({ code = "missing_image", volume = "vm/disk", path = "vm/disk.img",
            message = "the committed image is missing; byre revert --discard goes back to a revision" })
         shell("rm vm/disk.img.*")
         finds({ code = "missing_image", volume = "vm/disk", path = "vm/disk.img",
            message = "the committed image is missing" })
      end)

      it("finds a source that is missing", function()
         pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
         shell("rm -r .byre/volume/vm/disk.json vm/disk*")
         finds({ code = "missing_source", volume = "vm/root", message = "its source vm/disk is not in the pool" })
      end)

      it("finds half a commit without a session, and takes it back", function()
         local seq = volume:revision().seq + 1
         local name = ("vm/disk.img.%d@2026-01-01T00:00:00Z"):format(seq)
         shell(("ln vm/disk.img '%s'"):format(name))
         finds({ code = "half_commit", volume = "vm/disk", path = name,
            message = "an operation was cut short after this name was given to the committed image" }, true)
         assert.equal("two", pools.committed(volume))
         assert.same({ "", "one" }, pools.history(volume))
      end)

      it("finds no half commit where a snapshot of a session went, and then the session", function()
         volume:start()
         volume:remove_revision(volume:snapshot().id)
         assert.same({}, pool:check())
         volume:stop({ discard = true })
         assert.same({}, pool:check())
         assert.same({ "", "one" }, pools.history(volume))
         volume:start()
         volume:snapshot()
         volume:rename("vm/moved", { state = "committed" })
         assert.same({}, pool:check())
         assert.same({ "", "one", "two" }, pools.history(volume))
      end)

      it("finds a session that was dropped with its image still there, and removes it", function()
         pools.put(volume:start(), "session")
         core.inject_errors({ unlinkat = core.errno.EIO })
         volume:revert(nil, { discard = true })
         core.inject_errors({})
         finds({ code = "interrupted_revert", volume = "vm/disk", path = ".byre/volume/vm/disk.discarded",
            message = "the session was dropped, and its image is still there" }, true)
         assert.is_false(pools.exists(path("vm/disk-dirty.img")))
         assert.equal("one", pools.committed(volume))
      end)

      it("finds the mark of a session that was to be dropped, and leaves the session", function()
         pools.put(volume:start(), "session")
         core.inject_errors({ renameat = core.errno.EIO, unlinkat = core.errno.EIO })
         assert.is_false(pcall(volume.revert, volume, nil, { discard = true }))
         core.inject_errors({})
         finds({ code = "interrupted_revert", volume = "vm/disk", path = ".byre/volume/vm/disk.discarded",
            message = "the session was to be dropped, and was not" }, true)
         assert.equal("session", pools.get(volume:path()))
         assert.equal("two", pools.committed(volume))
      end)

      it("finds nothing wrong where snapshots are disabled and enabled, running or not", function()
         volume:set({ revisions_to_keep = -1 })
         assert.same({}, pool:check())
         pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
         volume:start()
         volume:set({ revisions_to_keep = 1 })
         assert.same({}, pool:check())
         assert.is_true(volume:verify())
         volume:stop()
         assert.same({}, pool:check())
         assert.equal("two", pools.committed(volume))
      end)

      it("does not name what an operation at work is about to take away", function()
         shell("cp --sparse=always vm/disk.img vm/new.img && touch .byre/volume/vm/new.removed"
            .. " vm/disk-dirty.img~a1b2c3d4 .byre/volume/vm/disk.json~a1b2c3d4 vm/stranger.img vm/disk.img.x@1")
         local others = pools.reopen(pool)
         local lock <close> = others.store:lock("vm", "exclusive", 5)
         assert.same({ "stray_name" }, pools.codes(pool:check()))
         lock:release()
         assert.same({ "interrupted_removal", "stray_name", "temporary", "temporary", "unknown_image" },
            pools.codes(pool:check()))
         others:close()
      end)

      it("finds temporaries of the volume, and removes them", function()
         pools.write(path("vm/disk-dirty.img~a1b2c3d4"), "left")
         pools.write(path("vm/disk2.img~a1b2c3d4"), "not the volume's")
         finds({ code = "temporary", volume = "vm/disk", path = "vm/disk-dirty.img~a1b2c3d4",
            message = "left by an operation that was cut short" }, true)
         assert.is_true(pools.exists(path("vm/disk2.img~a1b2c3d4")))
      end)

      it("finds names that do not parse and revisions of 2018, and leaves them alone", function()
         pools.write(path("vm/disk.img.x@2026-01-01T00:00:00Z"), "")
         finds({ code = "stray_name", volume = "vm/disk", path = "vm/disk.img.x@2026-01-01T00:00:00Z",
            message = "looks like a revision but is none; it is left alone" })
         shell("mv vm/disk.img.x@* vm/disk.img@2018-01-01T00:00:00Z")
         finds({ code = "old_revision", volume = "vm/disk", path = "vm/disk.img@2018-01-01T00:00:00Z",
            message = "is a revision as named in 2018; it is left alone" })
      end)

      it("finds an import that was not ended, and leaves it to its owner", function()
         volume:import_data(4096)
         finds({ code = "pending_import", volume = "vm/disk", path = "vm/disk-import.img",
            message = "an import was begun and not ended" })
         volume:import_data_end(false)
      end)

      it("finds a precache that is no copy of the image, and removes it", function()
         pools.write(path("vm/disk-precache.img"), "something else")
         finds({ code = "stale_precache", volume = "vm/disk", path = "vm/disk-precache.img",
            message = "is not a copy of the committed image" }, true)
         assert.equal("two", pools.get(volume:start()))
      end)

      it("finds an entry of the catalog that is damaged, and leaves it alone", function()
         pools.write(path(".byre/volume/vm/disk.json"), "{")
         local before = pools.listing(pool.dir)
         for _, repair in ipairs({ false, true }) do
            local found = pool:check({ repair = repair })
            assert.equal(1, #found)
            assert.equal("unreadable", found[1].code)
            assert.equal("vm/disk", found[1].volume)
            assert.equal(".byre/volume/vm/disk.json", found[1].path)
            assert.is_truthy(found[1].message:find("is not JSON", 1, true))
            assert.is_nil(found[1].repaired)
            assert.equal(before, pools.listing(pool.dir))
         end
      end)

      it("finds a removal that was cut short, and finishes it", function()
         shell("mv .byre/volume/vm/disk.json .byre/volume/vm/disk.removed")
         finds({ code = "interrupted_removal", volume = "vm/disk", path = ".byre/volume/vm/disk.removed",
            message = "a removal or renaming was cut short" }, true)
         assert.equal(".byre", pools.names(pool))
      end)

      it("finds the mark of a renaming that was cut short, and takes that away only", function()
         pools.write(path(".byre/volume/vm/disk.removed"), "")
         finds({ code = "interrupted_removal", volume = "vm/disk", path = ".byre/volume/vm/disk.removed",
            message = "a renaming was cut short" }, true)
         assert.equal("two", pools.committed(volume))
         assert.same({ "", "one" }, pools.history(volume))
      end)

      it("finds images that belong to no volume, and leaves them alone", function()
         pools.write(path("vm/stranger.img"), "")
         finds({ code = "unknown_image", volume = "vm/stranger", path = "vm/stranger.img",
            message = "belongs to no volume of the pool; byre adopt takes it in" })
         pool:adopt_volume("vm/stranger", { save_on_stop = true })
         assert.same({}, pool:check())
      end)

      it("finds symbolic links, and follows none", function()
         shell("ln -s /etc etc && ln -s . loop")
         local found = pool:check({ repair = true })
         table.sort(found, function(a, b) return a.path < b.path end)
         assert.same({
            { code = "symlink", path = "etc", message = "is a symbolic link; byre follows none" },
            { code = "symlink", path = "loop", message = "is a symbolic link; byre follows none" },
         }, found)
      end)

      it("goes on after what it cannot read, and looks at some volumes only if asked", function()
         pools.origin(pool, "a/first")
         pools.origin(pool, "z/last")
         pools.write(path(".byre/volume/vm/disk.json"), "{")
         pools.write(path("z/last.img~a1b2c3d4"), "")
         assert.same({ "temporary", "unreadable" }, pools.codes(pool:check({ repair = true })))
         assert.same({}, pool:check({ volumes = { "a/first", "z/last" } }))
         assert.equal(1, #pool:check({ volumes = { "vm/disk" } }))
         assert.has_error(function() pool:check({ volumes = { "../x" } }) end)
      end)

      it("leaves alone files that have nothing to do with byre", function()
         for _, name in ipairs({ "README", "vm/notes.txt", "vm/disk.img.bak", "vm/disk.img.orig~", "vm/x.iso" }) do
            pools.write(path(name), "text")
         end
         assert.same({}, pool:check({ repair = true }))
         assert.equal("text", pools.get(path("vm/disk.img.bak")))
      end)
   end)
end)
