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
