-- The trash on real file systems.
local byre = require("byre")
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local layout = require("byre.layout")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local day <const> = 86400

local function ids(list)
   local result = {}
   for i, entry in ipairs(list) do
      result[i] = entry.id
   end
   return result
end

-- put what is in the trash there some time earlier; the clock was looked at a moment ago
local function age(pool, volume, id, seconds)
   for _, entry in ipairs(volume:trash()) do
      if entry.id == id then
         local home = layout.without_trash(entry.path)
         assert(os.rename(entry.path, layout.trash(home, entry.removed - seconds)))
      end
   end
   pools.write(pool.dir .. "/.byre/trash.json", ('{"latest":%d}'):format(core.now()))
end

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("the trash", function()
      local pool, volume, events

      before_each(function()
         events = {}
         pool = pools.create(fs, { trash = "2d", log = function(event) events[#events + 1] = event end })
         volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 3 })
      end)

      after_each(function() pool:close() end)

      local function sessions(n)
         pools.sessions(volume, n)
      end

      it("takes what the number of revisions to keep takes away, and gives it back", function()
         sessions(6)
         assert.same({ "1", "2", "3" }, ids(volume:trash()))
         assert.same({ 4, 5, 6 }, pools.numbers(volume))
         local entry = volume:trash()[3]
         assert.equal("state 2", pools.get(entry.path))
         assert.equal(pools.size, entry.size)
         assert.equal(entry.removed + 2 * day, entry.expires)
         local restored = volume:restore("3")
         assert.same({ "3", entry.time }, { restored.id, restored.time })
         assert.same({ 3, 4, 5, 6 }, pools.numbers(volume))
         assert.equal("state 2", pools.get(restored.path))
         assert.same({ "1", "2" }, ids(volume:trash()))
         volume:revert("3")
         assert.equal("state 2", pools.committed(volume))
      end)

      it("takes what is removed and what is pruned, in the events as a rename", function()
         sessions(4)
         events = {}
         volume:remove_revision("3")
         local renamed
         for _, event in ipairs(events) do
            renamed = event.step == "renamed" and event or renamed
         end
         assert.matches("^vm/disk%.img%.3@[^~]*Z$", renamed.from)
         assert.matches("^vm/disk%.img%.3@.*~trash%-.*Z$", renamed.path)
         volume:set({ revisions_to_keep = 1 })
         local result = pool:prune({ measure = "removed" }).volumes[1]
         assert.is_true(result.trash)
         assert.same({ "2" }, result.removed)
         assert.same({ "1", "2", "3" }, (function()
            local list = ids(volume:trash())
            table.sort(list)
            return list
         end)())
      end)

      it("takes what a policy lets go", function()
         pool:set_policy("p", "return policy { keep.last(1), min_age = 0 }")
         volume:set({ revisions_to_keep = false, retention = "p" })
         sessions(3)
         pool:prune({ confirm = pool:prune({ dry_run = true }).hash })
         assert.same({ 3 }, pools.numbers(volume))
         assert.same({ "1", "2" }, ids(volume:trash()))
      end)

      it("is past by for who says so, and where it is off", function()
         sessions(4)
         volume:remove_revision("2", { trash = false })
         volume:set({ trash = 0 })
         volume:remove_revision("3")
         assert.same({ "1" }, ids(volume:trash()))
         assert.is_nil(volume:trash()[1].expires)
         assert.equal("0", tostring(volume.config.trash))
         volume:set({ trash = false })
         volume:remove_revision("4")
         assert.same({ "1", "4" }, ids(volume:trash()))
      end)

      it("gives notes back, and forgets them when it is emptied", function()
         sessions(3)
         volume:annotate("2", { tag = "good", note = "before the upgrade" })
         volume:remove_revision("2")
         assert.equal("before the upgrade", volume:trash()[1].note)
         volume:restore("2")
         local revision = volume:revision("2")
         assert.same({ { good = true }, "before the upgrade" }, { revision.tags, revision.note })
         volume:remove_revision("2")
         assert.equal(1, #pool:empty_trash())
         assert.same({}, volume:trash())
         assert.not_matches("upgrade", pools.get(pool.dir .. "/.byre/volume/vm/disk.json", 4096))
         assert.equal(0, #pool:empty_trash())
      end)

      it("loses what has had its time at the next stop, and at a prune", function()
         sessions(5)
         assert.same({ "1", "2" }, ids(volume:trash()))
         age(pool, volume, "1", 3 * day)
         pools.session(volume, "state 6")
         assert.same({ "2", "3" }, ids(volume:trash()))
         age(pool, volume, "3", 3 * day)
         local result = pool:prune().volumes[1]
         assert.same({ "3" }, ids(result.emptied))
         assert.same({ "2" }, ids(volume:trash()))
      end)

      it("keeps what comes from the future, and everything while the clock file is damaged", function()
         sessions(5)
         age(pool, volume, "1", -9 * day)
         age(pool, volume, "2", 9 * day)
         pools.write(pool.dir .. "/.byre/trash.json", "{")
         pools.session(volume, "state 6")
         pool:prune()
         assert.same({ "1", "2", "3" }, (function()
            local list = ids(volume:trash())
            table.sort(list)
            return list
         end)())
         assert.same({ "damaged_clock" }, pools.codes(pool:check()))
         os.remove(pool.dir .. "/.byre/trash.json")
         assert.same({}, pools.codes(pool:check()))
      end)

      it("is no part of the revisions, and is seen in status, files and space", function()
         sessions(5)
         local status = volume:status()
         assert.same({ 3, 2, "2d" }, { status.revision_count, status.trash_count, status.trash })
         local found = 0
         for _, file in ipairs(volume:files()) do
            found = found + (file.role == "trash" and 1 or 0)
         end
         assert.equal(2, found)
         if fs.reflink then
            local list = volume:trash({ space = true })
            assert.equal(math.type(list[1].exclusive), "integer")
            assert.is_true(volume:space().trash >= list[2].exclusive)
         end
         assert.same({}, pool:check())
      end)

      it("is listed for the whole pool", function()
         sessions(5)
         local other = pools.origin(pool, "other", { revisions_to_keep = 1 })
         pools.session(other, "a")
         other:remove_revision("1")
         local list = {}
         for entry in pool:trash() do
            list[#list + 1] = entry.volume .. "@" .. entry.id
         end
         assert.same({ "other@1", "vm/disk@1", "vm/disk@2" }, list)
         local plans = pool:empty_trash({ pattern = "vm/*", dry_run = true })
         assert.equal(1, #plans)
         pool:empty_trash({ volumes = { "other" } })
         assert.same({}, other:trash())
         assert.equal(2, #volume:trash())
      end)

      it("goes along with another name, and not with a clone", function()
         sessions(4)
         local copy = volume:clone("vm/copy")
         volume:rename("x/new")
         assert.same({ "1" }, ids(volume:trash()))
         assert.same({}, copy:trash())
         assert.equal("", pools.get(volume:restore("1").path))
         assert.same({}, pool:check())
      end)

      it("goes with its volume", function()
         sessions(5)
         volume:remove()
         assert.is_false(pools.exists(pool.dir .. "/vm"))
      end)

      it("of a volume that is not in the pool is named by a check, and left", function()
         sessions(4)
         local path = volume:trash()[1].path
         os.remove(pool.dir .. "/.byre/volume/vm/disk.json")
         scratch.sh("rm -f %s/vm/disk.img %s/vm/disk-*.img %s/vm/*Z", pool.dir, pool.dir, pool.dir .. "/none")
         local found
         for _, finding in ipairs(pool:check({ repair = true })) do
            found = finding.path == path:sub(#pool.dir + 2) and finding or found
         end
         assert.same({ "unknown_image", "is in the trash of a volume that is not in the pool" },
            { found.code, found.message })
         assert.is_true(pools.exists(path))
      end)

      it("is emptied by a release", function()
         sessions(5)
         local dir = pool.dir
         byre.release_pool(dir)
         assert.equal("", scratch.sh("find %s -name '*~*' -o -name .byre", dir))
         assert.equal("", scratch.sh("find %s/vm -name 'disk.img.1@*'", dir))
      end)

      it("refuses what cannot be brought back, and changes nothing", function()
         sessions(4)
         pools.refuses(pool, "no_such_revision", 'byre: vm/disk: no revision "4" in the trash', volume.restore, volume,
            "4")
         pools.refuses(pool, "no_such_revision", 'byre: vm/disk: no revision "9" in the trash', volume.restore, volume,
            "9")
         local entry = volume:trash()[1]
         scratch.sh("cp '%s' '%s'", entry.path, layout.without_trash(entry.path))
         pools.refuses(pool, "exists", "byre: vm/disk: revision 1 is there already", volume.restore, volume, "1")
      end)

      it("gives back what is committed now once something else is", function()
         pools.put(volume:start(), "committed")
         volume:stop()
         -- a snapshot of a session gives the committed image the name of the revision before it
         pools.put(volume:start(), "session")
         assert.equal("3", volume:snapshot().id)
         volume:set({ revisions_to_keep = -1 })
         volume:start()
         assert.same({ "1", "2", "3" }, ids(volume:trash()))
         local e = pools.refuses(pool, "exists", "byre: vm/disk: revision 2 is what is committed now", volume.restore,
            volume, "2")
         assert.equal("it can be brought back once something else is committed", e.hint)
         volume:stop()
         assert.equal("2", volume:restore("2").id)
         assert.equal("committed", pools.get(volume:revision("2").path))
      end)

      it("is no place for a symbolic link or a directory", function()
         sessions(4)
         local entry = volume:trash()[1]
         scratch.sh("rm '%s' && ln -s /etc/passwd '%s'", entry.path, entry.path)
         assert.same({}, volume:trash())
         pools.refuses(pool, "no_such_revision", 'byre: vm/disk: no revision "1" in the trash', volume.restore, volume,
            "1")
         pool:empty_trash()
         assert.matches("passwd", scratch.sh("readlink '%s'", entry.path))
      end)
   end)
end)

filesystems.each({ "xfs" }, function(fs)
   describe("the window of the trash", function()
      local pool

      before_each(function()
         pool = pools.create(fs, { revisions_to_keep = 1 })
      end)

      after_each(function() pool:close() end)

      it("is off unless the pool or the volume says otherwise", function()
         local volume = pools.origin(pool, "a")
         pools.session(volume, "x")
         volume:remove_revision("1")
         assert.same({}, volume:trash())
         assert.is_nil(volume:status().trash)
         pool:set({ trash = "2d" })
         assert.equal("2d", volume:status().trash)
         volume:set({ trash = "7d" })
         assert.equal("7d", volume:status().trash)
         local other = byre.open_pool(pool.dir)
         assert.equal("7d", other:volume("a"):status().trash)
         other:close()
         pool:set({ trash = 0 })
         assert.equal("7d", volume:status().trash)
      end)

      it("is a duration", function()
         local volume = pools.origin(pool, "a")
         for value, reason in pairs({
            [1] = 'trash: must be a duration such as "2d", or 0 for no trash, not "1"',
            ["2x"] = 'trash: must be a duration such as "2d", or 0 for no trash: "2x": there is no unit "x"; the '
            .. 'units are s, min, h, d, w, mo and y, not "2x"',
         }) do
            pools.refuses(pool, "invalid", "byre: a: " .. reason, volume.set, volume, { trash = value })
            pools.refuses(pool, "invalid", ("byre: %s: %s"):format(pool.dir, reason), pool.set, pool, { trash = value })
         end
      end)

      it("is not changed by a dry run", function()
         local plan = pool:set({ trash = "2d" }, { dry_run = true })
         assert.equal("set", plan.operation)
         assert.is_nil(pool.config.trash)
      end)
   end)
end)
