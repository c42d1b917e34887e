-- Known defects B8, B11 to B13, B16, B18 to B20, B22, B24: content that is lost, replaced or trusted without a word.
local child = require("spec.defects.child")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")
local this_process = require("spec.support.this_process")

filesystems.each({ "btrfs", "xfs" }, function(fs)
   local pool, volume, events

   before_each(function()
      events = {}
      pool = pools.create(fs, { log = function(event) events[#events + 1] = event end })
      volume = pools.origin(pool, "vm/disk")
      pools.session(volume, "one")
   end)

   after_each(function() pool:close() end)

   local function path(name)
      return pools.path(pool, "vm/" .. name)
   end

   local function make_snapshot(settings)
      local all = { snap_on_start = true, source = "vm/disk" }
      for key, value in pairs(settings or {}) do
         all[key] = value
      end
      return pool:create_volume("vm/root", all)
   end

   -- what the log was told of a file
   local function events_of(name)
      local steps = {}
      for _, event in ipairs(events) do
         if event.path == name then
            steps[#steps + 1] = event
         end
      end
      return steps
   end

   it("B8 a count below -1 is refused, and -1 removes nothing at an import", function()
      for _, count in ipairs({ -2, -100 }) do
         pools.refuses(pool, "invalid", ("byre: vm/disk: revisions_to_keep: must be an integer of -1 or more; -1 "
            .. "disables snapshots, not \"%d\""):format(count), volume.set, volume, { revisions_to_keep = count })
         assert.is_false(pcall(pools.origin, pool, "vm/new", { revisions_to_keep = count }))
      end
      volume:set({ revisions_to_keep = 3 })
      pools.session(volume, "two")
      pools.session(volume, "three")
      volume:set({ revisions_to_keep = -1 })
      local outside = fs:fresh() .. "/image"
      pools.write(outside, "imported")
      volume:import_file(outside)
      assert.same({ "", "one", "two", "three" }, pools.history(volume))
   end)

   it("B11 a revert keeps what it leaves also where no revisions are kept", function()
      volume:set({ revisions_to_keep = 0 })
      volume:revert()
      assert.equal("", pools.committed(volume))
      assert.same({ "one" }, pools.history(volume))
      volume:revert()
      assert.equal("one", pools.committed(volume))
      assert.same({ "" }, pools.history(volume))
   end)

   it("B12 a stopped snapshot takes a size for its next start, and refuses what that start would drop", function()
      for _, saves in ipairs({ false, true }) do
         local snapshot = make_snapshot({ save_on_stop = saves })
         for _, size in ipairs({ 2, 4 }) do
            snapshot:resize(size << 20)
            assert.equal("one", pools.get(snapshot:start()))
            assert.equal(size << 20, snapshot:size())
            snapshot:stop()
            assert.equal(size << 20, snapshot:size())
         end
         snapshot:remove()
      end
      local saved = make_snapshot({ save_on_stop = true })
      pools.put(saved:start(), "mine")
      saved:stop()
      local outside = fs:fresh() .. "/image"
      pools.write(outside, "imported")
      local sentence = "byre: vm/root: cannot %s an origin_snapshot volume: its next start begins with its source's "
         .. "content again"
      pools.refuses(pool, "not_supported", sentence:format("revert"), saved.revert, saved)
      pools.refuses(pool, "not_supported", sentence:format("import into"), saved.import_file, saved, outside)
      pools.refuses(pool, "not_supported", sentence:format("import into"), saved.import_volume, saved, volume)
      pools.refuses(pool, "not_supported", sentence:format("import into"), saved.import_data, saved, 4096)
      assert.equal("one", pools.get(saved:start()))
   end)

   it("B13 no precache is made of a volume whose next start takes its source's content", function()
      local saved = make_snapshot({ save_on_stop = true })
      pools.put(saved:start(), "mine")
      saved:stop()
      assert.equal("mine", pools.committed(saved))
      assert.is_false(pools.exists(path("root-precache.img")))
      assert.same({}, events_of("vm/root-precache.img"))
   end)

   it("B16 a stop whose commit is done succeeds although there is no precache", function()
      pools.put(volume:start(), "two")
      assert.is_true(child.with_errors({ tmpfile = "ENOSPC" }, volume.stop, volume))
      assert.equal("two", pools.committed(volume))
      assert.same({ "one" }, pools.history(volume))
      assert.is_false(pools.exists(path("disk-precache.img")))
      local told = events_of("vm/disk-precache.img")
      assert.equal("warning", told[#told].step)
      assert.is_truthy(told[#told].message:find("No space left on device", 1, true))
      assert.equal("two", pools.get(volume:start()))
   end)

   it("B19 a symbolic link in the place of an image or a directory is refused and left as it is", function()
      local outside = fs:fresh() .. "/real"
      pools.put(volume:start(), "two")
      scratch.sh("mv %s %s && ln -s %s %s", path("disk-dirty.img"), outside, outside, path("disk-dirty.img"))
      local sentence = "byre: vm/disk: disk-dirty.img is a symlink, not a plain file; put the image itself in its place"
      pools.refuses(pool, "corrupt", sentence, volume.stop, volume)
      pools.refuses(pool, "corrupt", sentence, volume.start, volume)
      scratch.sh("mv %s %s", outside, path("disk-dirty.img"))
      volume:stop()
      assert.equal("two", pools.committed(volume))

      local snapshot = make_snapshot()
      scratch.sh("mv %s %s && ln -s %s %s", path("disk.img"), outside, outside, path("disk.img"))
      pools.refuses(pool, "corrupt", "byre: vm/root: the image vm/disk.img of its source is a symlink, not a plain "
         .. "file", snapshot.start, snapshot)
      scratch.sh("mv -T %s %s", outside, path("disk.img"))

      scratch.sh("mv %s %s && ln -s %s %s", pools.path(pool, "vm"), outside, outside, pools.path(pool, "vm"))
      local before = pools.listing(outside)
      for _, name in ipairs({ "start", "stop", "revert", "remove" }) do
         local ok, e = pcall(volume[name], volume)
         assert.equal("corrupt", not ok and e.code)
      end
      assert.equal(before, pools.listing(outside))
      scratch.sh("rm %s && mv %s %s", pools.path(pool, "vm"), outside, pools.path(pool, "vm"))
      pool:remove({ "vm/root", "vm/disk" })
      assert.equal(".byre", pools.names(pool))
   end)

   it("B20 a precache is not believed because of its time and size", function()
      local stamp = fs:fresh() .. "/stamp"
      scratch.sh("touch -r %s %s", path("disk.img"), stamp)
      pools.put(path("disk.img"), "repaired by hand")
      scratch.sh("touch -r %s %s", stamp, path("disk.img"))
      assert.equal("repaired by hand", pools.get(volume:start()))
   end)

   it("B22 a second start takes no image away from the guest that is at work on it", function()
      local volatile = pool:create_volume("vm/swap", { size = pools.size })
      for _, other in ipairs({ volatile, make_snapshot() }) do
         local guest <close> = assert(io.open(other:start(), "r+b"))
         assert(guest:write("at work"))
         guest:flush()
         pools.refuses(pool, "running", ("byre: %s: cannot start anew: %s has its image open for writing"):format(
            other.vid, this_process.words()), other.start, other)
         assert.equal("at work", pools.get(other:path()))
      end
   end)

   it("B24 nothing shrinks unless that is asked for", function()
      local half = pools.size // 2
      local sentence = ("byre: vm/disk: resizing from %d to %d bytes would cut off what is behind; ask for it with "
         .. "shrink"):format(pools.size, half)
      pools.refuses(pool, "invalid", sentence, volume.resize, volume, half)
      volume:start()
      pools.refuses(pool, "invalid", sentence, volume.resize, volume, half)
      volume:resize(half, { shrink = true })
      assert.equal(half, volume:size())
      volume:stop()
      volume:resize(half // 2, { shrink = true })
      assert.equal(half // 2, volume:size())
      assert.equal("one", pools.committed(volume))
   end)
end)

filesystems.each({ "btrfs" }, function(fs)
   it("B18 a directory without copy-on-write costs one copy, which is told, and blocks are shared again", function()
      local events = {}
      local pool = pools.create(fs, { log = function(event) events[event.path or ""] = event end })
      local volume = pools.origin(pool, "vm/disk")
      pools.session(volume, "one")
      scratch.sh("chattr +C %s && rm %s", pools.path(pool, "vm"), pools.path(pool, "vm/disk-precache.img"))
      assert.equal("one", pools.get(volume:start()))
      local event = events["vm/disk-dirty.img"]
      assert.same({ "copied", "the new file has the no-copy-on-write attribute (chattr +C), the source has not" },
         { event.step, event.why })
      pools.put(volume:path(), "two")
      volume:stop()
      assert.equal("reflinked", events["vm/disk-precache.img"].step)
      assert.equal("two", pools.get(volume:start()))
      pool:close()
   end)
end)
