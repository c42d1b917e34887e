-- What cannot be done is refused in one sentence, with the right code, and changes nothing.
local byre = require("byre")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   local pool, volume

   before_each(function()
      pool = pools.create(fs)
      volume = pools.origin(pool, "vm/disk")
      pools.session(volume, "one")
   end)

   after_each(function() pool:close() end)

   local function path(name)
      return pools.path(pool, name)
   end

   local function creates(code, message, vid, settings)
      return pools.refuses(pool, code, message, pool.create_volume, pool, vid, settings)
   end

   describe("a volume that is not there", function()
      it("is refused by every operation", function()
         local message = "byre: vm/none: no such volume in this pool"
         pools.refuses(pool, "no_such_volume", message, pool.volume, pool, "vm/none")
         for _, name in ipairs({ "start", "stop", "remove", "snapshot", "revert" }) do
            pools.refuses(pool, "no_such_volume", message, pool[name], pool, { "vm/none" })
         end
         volume:remove()
         message = "byre: vm/disk: no such volume in this pool"
         for _, name in ipairs({ "start", "stop", "remove", "snapshot", "revert", "size", "usage", "revisions",
            "verify",
            "is_dirty", "export" }) do
            pools.refuses(pool, "no_such_volume", message, volume[name], volume)
         end
         pools.refuses(pool, "no_such_volume", message, volume.resize, volume, "2M")
         pools.refuses(pool, "no_such_volume", message, volume.set, volume, {})
         pools.refuses(pool, "no_such_volume", message, volume.rename, volume, "vm/x")
         pools.refuses(pool, "no_such_volume", message, volume.clone, volume, "vm/x")
         pools.refuses(pool, "no_such_volume", message, volume.import_data, volume, 4096)
         pools.refuses(pool, "no_such_volume", message, function() return volume.kind end)
      end)
   end)

   describe("a volume id that can be none", function()
      it("is refused before the disk is touched", function()
         for _, vid in ipairs({ "", "..", "../x", "/etc/passwd", "a//b", "a/", ".byre/x", "-x", "a b", "a\0b", "a~b",
            "a@b", "a.img", "x-dirty", "x-import", "x-precache", ("n"):rep(101), "1/2/3/4/5/6/7/8/9", "a\nb" }) do
            local before = pools.listing(pool.dir)
            local lock_files = scratch.sh("find %s", path(".byre/lock"))
            for _, attempt in ipairs({
               function() pools.origin(pool, vid) end,
               function() pool:volume(vid) end,
               function() pool:start({ vid }) end,
               function() volume:rename(vid) end,
               function() volume:clone(vid) end,
               function() pool:adopt_volume(vid, { save_on_stop = true }) end,
               function() pool:create_volume("vm/new", { snap_on_start = true, source = vid }) end,
            }) do
               local ok, e = pcall(attempt)
               assert.is_false(ok, vid)
               assert.equal("invalid", e.code, tostring(e))
               assert.is_nil(tostring(e):find("[%z\n]"))
            end
            assert.equal(before, pools.listing(pool.dir))
            assert.equal(lock_files, scratch.sh("find %s", path(".byre/lock")))
         end
      end)
   end)

   describe("a new volume", function()
      it("needs a size that is one", function()
         local cases = {
            [0] = "byre: 0: is no size for an image; it must be at least 1 byte",
            ["0"] = "byre: 0: is no size for an image; it must be at least 1 byte",
            ["-1"] = "byre: -1: is negative; a size is a number of bytes",
            ["10X"] = "byre: 10X: is not a size; write bytes, or a number with K, M, G or T, such as 10G",
            ["8E"] = "byre: 8E: is too large; sizes end at 2^63 - 1 bytes",
            ["9223372036854775808"] = "byre: 9223372036854775808: is too large; sizes end at 2^63 - 1 bytes",
            [-1] = "byre: vm/new: size: must be an integer of 1 byte or more, not \"-1\"",
         }
         for size, message in pairs(cases) do
            creates("invalid", message, "vm/new", { save_on_stop = true, size = size })
         end
         creates("invalid", "byre: vm/new: size: needed for a volume that has no source", "vm/new",
            { save_on_stop = true })
      end)

      it("needs a size that the file system can have", function()
         local before = pools.listing(pool.dir, { directory_times = false })
         local ok, e = pcall(pools.origin, pool, "new/disk", { size = math.maxinteger })
         if ok then
            -- btrfs and XFS can
            assert.equal(math.maxinteger, e:size())
         else
            assert.equal("File too large", tostring(e):match("[^:]*$"):sub(2))
            assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
         end
      end)

      it("needs a name that is free", function()
         creates("exists", "byre: vm/disk: there is a volume of this name", "vm/disk",
            { save_on_stop = true, size = 4096 })
         pools.write(path("vm/old.img"), "old")
         local e = creates("exists", "byre: vm/old: images of this name are in the pool", "vm/old",
            { save_on_stop = true, size = 4096 })
         assert.equal("byre adopt --only vm/old takes images in that are there already", e.hint)
         creates("exists", "byre: vm/old: images of this name are in the pool", "vm/old", { size = 4096 })
      end)

      it("needs a directory, not a file in its place", function()
         pools.write(path("blocked"), "a file")
         local before = pools.listing(pool.dir, { directory_times = false })
         local ok, e = pcall(pools.origin, pool, "blocked/disk")
         assert.is_false(ok)
         assert.equal("corrupt", e.code)
         assert.is_truthy(tostring(e):find("Not a directory", 1, true), tostring(e))
         assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
      end)

      it("needs a source that is in this pool and keeps what is written", function()
         local other = pools.create(fs)
         pools.origin(other, "vm/elsewhere")
         creates("no_such_volume", "byre: vm/root: its source vm/elsewhere is not in this pool", "vm/root",
            { snap_on_start = true, source = "vm/elsewhere" })
         other:close()
         pool:create_volume("vm/swap", { size = 4096 })
         creates("invalid", "byre: vm/root: its source vm/swap is a volatile volume; a source must keep what is "
            .. "written to "
            .. "it", "vm/root", { snap_on_start = true, source = "vm/swap" })
         creates("invalid", "byre: vm/root: snap_on_start needs a source: the volume that it is to be a snapshot of",
            "vm/root", { snap_on_start = true })
         creates("invalid", "byre: vm/root: a volume cannot be its own source", "vm/root",
            { snap_on_start = true, source = "vm/root" })
      end)

      it("is in no circle of sources", function()
         pool:create_volume("a/x", { snap_on_start = true, save_on_stop = true, source = "vm/disk" })
         pool:create_volume("b/x", { snap_on_start = true, save_on_stop = true, source = "a/x" })
         scratch.sh("rm %s", path(".byre/volume/a/x.json"))
         creates("invalid", "byre: a/x: its source b/x depends on it", "a/x",
            { snap_on_start = true, save_on_stop = true, source = "b/x" })
         -- one that somebody made by hand is no endless loop
         pools.write(path(".byre/volume/a/x.json"), '{"snap_on_start":true,"save_on_stop":true,"source":"b/x"}')
         creates("invalid", "byre: c/x: its source b/x depends on itself", "c/x", { snap_on_start = true,
            source = "b/x" })
      end)
   end)

   describe("an image that is something else", function()
      it("is refused by whatever needs it, and is left as it is", function()
         local kinds = { symlink = "ln -s /etc/passwd", directory = "mkdir", fifo = "mkfifo" }
         for kind, command in pairs(kinds) do
            scratch.sh("mv %s %s && " .. command .. " %s", path("vm/disk.img"), path("kept"), path("vm/disk.img"))
            local message = ("byre: vm/disk: disk.img is a %s, not a plain file; put the image itself in its place")
               :format(kind)
            for _, name in ipairs({ "start", "stop", "revert", "snapshot", "export", "size" }) do
               pools.refuses(pool, "corrupt", message, volume[name], volume)
            end
            pools.refuses(pool, "corrupt", message, volume.resize, volume, "2M")
            pools.refuses(pool, "corrupt", message, volume.clone, volume, "vm/new")
            pools.refuses(pool, "corrupt", message, volume.import_data, volume, 4096)
            scratch.sh("rm -d %s && mv %s %s", path("vm/disk.img"), path("kept"), path("vm/disk.img"))
         end
      end)

      it("is refused as the image of a source", function()
         pool:create_volume("a/root", { snap_on_start = true, source = "vm/disk" })
         scratch.sh("rm %s && ln -s /etc/passwd %s", path("vm/disk.img"), path("vm/disk.img"))
         pools.refuses(pool, "corrupt", "byre: a/root: the image vm/disk.img of its source is a symlink, not a "
            .. "plain file",
            pool.start, pool, { "a/root" })
      end)

      it("is refused where a directory of the pool leads elsewhere", function()
         local outside = fs:fresh()
         scratch.sh("mv %s %s && ln -s %s %s", path("vm"), outside .. "/vm", outside .. "/vm", path("vm"))
         local before = pools.listing(outside)
         for _, name in ipairs({ "start", "stop", "remove", "revert", "size" }) do
            local ok, e = pcall(volume[name], volume)
            assert.is_false(ok)
            assert.equal("corrupt", e.code, tostring(e))
         end
         assert.equal(before, pools.listing(outside))
      end)
   end)

   describe("an image that is missing", function()
      it("is named", function()
         scratch.sh("rm -f %s %s", path("vm/disk.img"), path("vm/disk-precache.img"))
         local message = "byre: vm/disk: the image vm/disk.img is missing"
         for _, name in ipairs({ "start", "verify", "export", "snapshot", "revert" }) do
            pools.refuses(pool, "corrupt", message, volume[name], volume)
         end
         pools.refuses(pool, "corrupt", message, volume.resize, volume, "2M")
         pools.refuses(pool, "corrupt", message, volume.clone, volume, "vm/new")
         volume:stop()
      end)
   end)

   describe("the catalog", function()
      it("that is damaged is named and never overwritten", function()
         local entry = path(".byre/volume/vm/disk.json")
         for _, text in ipairs({ "", "{", "[]", '{"size":-1}', "\0\0\0", '{"size":1}}' }) do
            pools.write(entry, text)
            local before = pools.listing(pool.dir)
            for _, attempt in ipairs({
               function() volume:start() end, function() volume:stop() end, function() volume:set({ rw = true }) end,
               function() volume:remove() end, function() volume:rename("vm/new") end,
                  function() volume:resize("2M") end,
               function() pools.origin(pool, "vm/disk") end, function() pool:volume("vm/disk") end,
               function() return volume.kind end,
            }) do
               local ok, e = pcall(attempt)
               assert.is_false(ok)
               assert.equal("corrupt", e.code)
               assert.equal(".byre/volume/vm/disk.json", e.path)
               assert.is_truthy(tostring(e):find("; restore it from a backup or mend it by hand", 1, true))
            end
            assert.equal(before, pools.listing(pool.dir))
         end
      end)

      it("of the pool that is damaged makes no pool of it", function()
         for text, code in pairs({ ["{"] = "corrupt", ["[]"] = "corrupt", ['{"format":99}'] = "not_supported" }) do
            pools.write(path(".byre/pool.json"), text)
            local before = pools.listing(pool.dir)
            local ok, e = pcall(byre.open_pool, pool.dir)
            assert.is_false(ok)
            assert.equal(code, e.code)
            ok, e = pcall(byre.create_pool, pool.dir)
            assert.is_false(ok)
            assert.equal("exists", e.code)
            assert.equal(before, pools.listing(pool.dir))
         end
      end)
   end)

   describe("the directory of a pool", function()
      it("that is not there, is none, or is no pool is refused", function()
         local base = fs:fresh()
         pools.write(base .. "/file", "text")
         scratch.sh("mkdir %s && ln -s %s %s", base .. "/empty", pool.dir, base .. "/link")
         pools.fails("no_such_pool", ("byre: %s/none: there is no such directory"):format(base), byre.open_pool,
            base .. "/none")
         pools.fails("no_such_pool", ("byre: %s/empty: is not a pool (it has no .byre/pool.json)"):format(base),
            byre.open_pool, base .. "/empty")
         pools.fails("no_such_pool", ("byre: %s/file: is not a directory"):format(base), byre.open_pool,
            base .. "/file")
         pools.fails("no_such_pool", ("byre: %s/link: is a symbolic link; name the directory itself"):format(base),
            byre.open_pool, base .. "/link")
         pools.fails("exists", ("byre: %s/file: is not a directory"):format(base), byre.create_pool, base .. "/file")
         pools.fails("exists", ("byre: %s/link: is a symbolic link; name the directory itself"):format(base),
            byre.create_pool, base .. "/link")
         pools.fails("no_such_pool", ("byre: %s/none/pool: the directory above it does not exist"):format(base),
            byre.create_pool, base .. "/none/pool")
         assert.equal("empty\nfile\nlink", scratch.sh("cd %s && ls", base))
      end)

      it("that is a pool already stays that pool", function()
         pools.refuses(pool, "exists", ("byre: %s: there is a pool already"):format(pool.dir), byre.create_pool,
            pool.dir,
            { setup_check = false })
      end)

      it("needs a name", function()
         for _, fn in ipairs({ byre.open_pool, byre.create_pool }) do
            pools.fails("invalid", "byre: \"\": is no name of a directory", fn, "")
         end
      end)

      it("is made with settings that are some", function()
         local dir = fs:fresh() .. "/pool"
         pools.fails("invalid", ("byre: %s: revisions_to_keep: must be an integer of -1 or more; -1 disables "
            .. "snapshots, "
            .. "not \"-2\""):format(dir), byre.create_pool, dir, { revisions_to_keep = -2 })
         pools.fails("invalid", ("byre: %s: there is no setting \"colour\""):format(dir), byre.create_pool, dir,
            { colour = "blue" })
         assert.is_false(pools.exists(dir))
      end)
   end)

   describe("what is of a wrong type", function()
      it("is misuse, told by a plain error", function()
         local before = pools.listing(pool.dir)
         for _, attempt in ipairs({
            function() byre.open_pool() end, function() byre.open_pool({}) end, function() byre.create_pool(1) end,
            function() byre.open_pool(pool.dir, { log = 1 }) end,
            function() byre.open_pool(pool.dir, { lock_timeout = "1" }) end,
            function() byre.reflink_supported() end,
            function() pool:volume() end, function() pool:volumes(1) end, function() pool:create_volume("vm/x") end,
            function() pool:start("vm/disk") end, function() pool:group(1) end,
            function() volume:resize() end, function() volume:resize({}) end, function() volume:stop(1) end,
            function() volume:remove_revision() end, function() volume:remove_revision("1", 1) end,
            function() volume:restore() end, function() pool:set() end, function() pool:trash(1) end,
            function() volume:set() end, function() volume:import_file(1) end,
            function() volume:export_file() end, function() volume:import_data_end() end,
            function() volume:import_volume({}) end, function() volume:plan() end, function() volume:clone() end,
         }) do
            local ok, e = pcall(attempt)
            assert.is_false(ok)
            assert.is_false(byre.is_error(e), tostring(e))
            assert.equal("string", type(e))
         end
         assert.equal(before, pools.listing(pool.dir))
      end)
   end)

   describe("a setting that cannot be changed", function()
      it("is refused", function()
         local e = pools.refuses(pool, "invalid", "byre: vm/disk: there is no setting \"size\" that can be changed",
            volume.set, volume, { size = 1 })
         assert.equal("revisions_to_keep, retention, cow_extent_size, trash, rw and ephemeral can", e.hint)
         pools.refuses(pool, "invalid", "byre: vm/disk: ephemeral is for volatile volumes that are rw", volume.set,
            volume,
            { ephemeral = true })
      end)
   end)

   describe("a file system that is read-only", function()
      it("can be looked at, and everything else is refused", function()
         scratch.sh("mount --bind %s %s && mount -o remount,bind,ro %s", pool.dir, pool.dir, pool.dir)
         local ok, message = pcall(function()
            local frozen = pools.reopen(pool, { lock_timeout = 0 })
            local same = frozen:volume("vm/disk")
            assert.equal(1, #same:revisions())
            assert.equal("vm/disk", frozen:volumes()().vid)
            assert.same({}, frozen:check())
            for _, attempt in ipairs({
               function() same:start() end, function() same:remove() end, function() same:revert() end,
               function() same:resize("2M") end, function() pools.origin(frozen, "vm/new") end,
               function() pools.origin(frozen, "new/disk") end,
            }) do
               local e = select(2, pcall(attempt))
               assert.equal("read_only", byre.is_error(e) and e.code, tostring(e))
               assert.is_truthy(tostring(e):find("Read-only file system", 1, true), tostring(e))
            end
            frozen:close()
         end)
         scratch.sh("umount %s", pool.dir)
         assert.is_true(ok, tostring(message))
      end)
   end)
end)
