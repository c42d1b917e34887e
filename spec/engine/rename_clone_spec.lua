-- Another name for a volume, and copies that are volumes of their own.
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   local pool

   before_each(function()
      pool = pools.create(fs)
   end)

   after_each(function() pool:close() end)

   describe("another name for a volume", function()
      it("takes its images, its history and its settings along", function()
         local volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 2 })
         pools.session(volume, "one")
         pools.session(volume, "two")
         local revisions = pools.numbers(volume)
         volume:rename("other/group/disk9")
         assert.equal("other/group/disk9", volume.vid)
         assert.equal("two", pools.committed(volume))
         assert.same({ "", "one" }, pools.history(volume))
         assert.same(revisions, pools.numbers(volume))
         assert.equal(2, volume.revisions_to_keep)
         assert.equal(".byre other", pools.names(pool))
         assert.same({}, pool:check())
         pools.fails("no_such_volume", "byre: vm/disk: no such volume in this pool", pool.volume, pool, "vm/disk")
      end)

      it("makes a precache only for those that have one", function()
         local warnings = {}
         local logged = pools.reopen(pool, { log = function(event)
            warnings[#warnings + 1] = event.step == "warning" and event.message or nil
         end })
         pools.origin(pool, "vm/source")
         pools.origin(pool, "vm/bare", { revisions_to_keep = -1 })
         pool:create_volume("vm/root", { snap_on_start = true, source = "vm/source" })
         for _, name in ipairs({ "bare", "root" }) do
            logged:volume("vm/" .. name):rename("new/" .. name)
         end
         assert.is_nil(pools.names(pool, "."):find("new.*precache"))
         assert.same({}, warnings)
         assert.same({}, pool:check())
         logged:close()
      end)

      it("is refused for a volume with a session until it is said what becomes of that", function()
         for state, content in pairs({ current = "session", committed = "one" }) do
            local volume = pools.origin(pool, "vm/" .. state)
            pools.session(volume, "one")
            pools.put(volume:start(), "session")
            pools.fails("dirty", ("byre: vm/%s: it is running or was not cleanly stopped: say what becomes of the "
               .. "session"):format(state), volume.rename, volume, "vm/new")
            volume:rename("vm/new", { state = state })
            assert.equal(content, pools.get(volume:start()))
            volume:remove()
         end
      end)

      it("does not drop a session that is the only copy", function()
         local volume = pools.origin(pool, "vm/disk", { revisions_to_keep = -1 })
         pools.put(volume:start(), "session")
         pools.refuses(pool, "not_supported", "byre: vm/disk: cannot drop the session: with revisions_to_keep = -1 "
            .. "there is no committed image to go back to", volume.rename, volume, "vm/new", { state = "committed" })
         volume:rename("vm/new", { state = "current" })
         assert.equal("session", pools.get(volume:start()))
      end)

      it("is refused for a source of others, and where the name is taken", function()
         local volume = pools.origin(pool, "vm/disk")
         pools.origin(pool, "vm/taken")
         pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
         pools.refuses(pool, "not_supported", "byre: vm/disk: cannot rename: it is the source of vm/root",
            volume.rename, volume, "vm/new")
         pools.refuses(pool, "exists", "byre: vm/taken: there is a volume of this name",
            volume.rename, pool:volume("vm/root"), "vm/taken")
      end)
   end)

   describe("another name for a group", function()
      local group

      before_each(function()
         for _, name in ipairs({ "root", "private" }) do
            pools.session(pools.origin(pool, "vm/work/" .. name, { revisions_to_keep = 3 }), name)
         end
         pool:create_volume("vm/work/swap", { size = pools.size })
         pools.origin(pool, "vm/work/sub/deep")
         group = pool:group("vm/work")
      end)

      it("takes all volumes along that are directly in it", function()
         group:rename("other/place")
         assert.equal("other/place", group.name)
         assert.equal("other/place/private other/place/root other/place/swap vm/work/sub/deep", pools.vids(pool))
         for _, name in ipairs({ "root", "private" }) do
            local volume = pool:volume("other/place/" .. name)
            assert.equal(name, pools.committed(volume))
            assert.same({ "" }, pools.history(volume))
         end
         assert.same({}, pool:check())
         -- where other volumes are, and below itself
         group:rename("vm/work/sub")
         assert.equal("vm/work/sub/deep vm/work/sub/private vm/work/sub/root vm/work/sub/swap", pools.vids(pool))
         group:rename("")
         assert.equal("deep private root swap", pools.vids(pool))
         group:rename("vm")
         assert.equal("vm/deep vm/private vm/root vm/swap", pools.vids(pool))
         assert.same({}, pool:check())
      end)

      it("is refused for all of them where one is refused, and nothing is changed", function()
         pools.origin(pool, "new/root")
         pools.refuses(pool, "exists", "byre: new/root: there is a volume of this name", group.rename, group, "new")
         pools.refuses(pool, "exists", "byre: vm/work/private: there is a volume of this name", group.rename, group,
            "vm/work")
         assert.equal("vm/work", group.name)
         pool:volume("new/root"):remove()
         pools.put(pool:volume("vm/work/root"):start(), "session")
         local running = "byre: vm/work/root: it is running or was not cleanly stopped: say what becomes of the session"
         local e = pools.refuses(pool, "dirty", running, group.rename, group, "new")
         assert.equal("vm/work/root", e.volume)
         assert.is_nil(e.failures)
         pools.refuses(pool, "dirty", running, group.plan_rename, group, "new")
         group:rename("new", { state = "current" })
         assert.equal("session", pools.get(pools.path(pool, "new/root-dirty.img")))
         group:rename("newer", { state = "committed" })
         assert.equal("root", pools.committed(pool:volume("newer/root")))
         assert.is_false(pool:volume("newer/root"):is_dirty())
      end)

      it("is refused where one of them is the source of another volume, of the group as well", function()
         pool:create_volume("vm/work/shadow", { snap_on_start = true, source = "vm/work/root" })
         pools.refuses(pool, "not_supported", "byre: vm/work/root: cannot rename: it is the source of vm/work/shadow",
            group.rename, group, "new")
      end)

      it("is refused where there is no volume, and for what is no name", function()
         local none = pool:group("nothing")
         pools.refuses(pool, "no_such_volume", "byre: nothing: there are no volumes in this group", none.rename, none,
            "new")
         local top = pool:group("")
         pools.refuses(pool, "no_such_volume", "byre: /: there are no volumes in this group", top.rename, top, "new")
         pools.refuses(pool, "invalid", 'byre: group "../new": has a component that starts with .; components start '
            .. "with a letter, a digit, _, + or :", group.rename, group, "../new")
         pools.refuses(pool, "invalid", 'byre: volume id "1/2/3/4/5/6/7/8/private": has 9 components; 8 are allowed',
            group.rename, group, "1/2/3/4/5/6/7/8")
         assert.has_error(function() group:rename(nil) end, "a group is a string")
      end)

      it("that fails before its commit leaves all as they were", function()
         -- what is in the way of the last volume cannot be taken away
         pools.origin(pool, "new/other")
         local blocked = pools.path(pool, ".byre/volume/new/swap.removed")
         assert(os.execute("mkdir " .. blocked))
         local before = pools.vids(pool)
         local ok, e = pcall(group.rename, group, "new")
         assert.is_false(ok)
         assert.equal("vm/work/swap", e.volume)
         assert.equal(before, pools.vids(pool))
         for _, name in ipairs({ "root", "private" }) do
            assert.is_false(pools.exists(pools.path(pool, "new/" .. name .. ".img")))
            assert.is_false(pools.exists(pools.path(pool, ".byre/volume/vm/work/" .. name .. ".removed")))
            assert.equal(name, pools.committed(pool:volume("vm/work/" .. name)))
         end
         assert(os.execute("rmdir " .. blocked))
         assert.same({}, pool:check())
         group:rename("new")
         assert.equal("new/other new/private new/root new/swap vm/work/sub/deep", pools.vids(pool))
      end)

      it("is finished by the same call where it was cut short", function()
         pool:volume("vm/work/private"):rename("new/private")
         pool:group("vm/work"):rename("new")
         assert.equal("new/private new/root new/swap vm/work/sub/deep", pools.vids(pool))
      end)

      it("waits for nobody who holds another group, and is kept out by who holds one of the two", function()
         local impatient = pools.reopen(pool, { lock_timeout = 0 })
         local function try(held)
            local lock = pool.store:lock(held, "exclusive", 0)
            local ok, e = pcall(function() impatient:group("vm/work"):rename("new") end)
            lock:release()
            return ok or e.code
         end
         assert.equal("busy", try("vm/work"))
         assert.equal("busy", try("new"))
         assert.is_true(try("vm/work/sub"))
         impatient:close()
      end)
   end)

   describe("a clone", function()
      it("has the content and the settings, and no tie to the volume it is of", function()
         local volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 4 })
         pools.session(volume, "one")
         pools.session(volume, "two")
         local clone = volume:clone("other/copy")
         assert.equal("two", pools.committed(clone))
         assert.equal(4, clone.revisions_to_keep)
         assert.same({}, clone:revisions())
         pools.session(clone, "three")
         assert.equal("two", pools.committed(volume))
         assert.equal("one", pools.committed(volume:clone("other/old", { revision = "2" })))
         pools.refuses(pool, "exists", "byre: other/copy: there is a volume of this name", volume.clone, volume,
            "other/copy")
      end)

      it("of a volume with a session needs to know which state is meant", function()
         local volume = pools.origin(pool, "vm/disk")
         pools.session(volume, "one")
         pools.put(volume:start(), "session")
         local e = pools.refuses(pool, "dirty", "byre: vm/disk: it is running or was not cleanly stopped: say which "
            .. "state "
            .. "to take", volume.clone, volume, "vm/copy")
         assert.is_truthy(e.hint:find("--state committed", 1, true))
         assert.equal("session", pools.committed(volume:clone("vm/a", { state = "current" })))
         assert.equal("one", pools.committed(volume:clone("vm/b", { state = "committed" })))
         pools.refuses(pool, "invalid", "byre: vm/disk: state: must be \"committed\" or \"current\", not \"both\"",
            volume.clone, volume, "vm/c", { state = "both" })
      end)
   end)
end)
