local filesystems = require("spec.support.filesystems")
local images = require("spec.support.images")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local size = 3 << 20

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   local pool, volume, outside, device

   before_each(function()
      pool = pools.create(fs)
      volume = pools.origin(pool, "vm/disk")
      pools.session(volume, "one")
      outside = fs:fresh()
   end)

   after_each(function()
      if device then
         filesystems.detach(device)
         device = nil
      end
      pool:close()
   end)

   local function same_content(a, b)
      assert.equal("", scratch.sh("cmp %s %s 2>&1; true", a, b))
   end

   -- an image with data at both ends and nothing between
   local function sparse_image(name)
      local path = outside .. "/" .. name
      pools.write(path, images.pattern(65536, 1))
      pools.put(path, images.pattern(65536, 2), size - 65536)
      return path
   end

   local function is_sparse(path)
      return tonumber(scratch.sh("stat -c %%b %s", path)) * 512 < size // 2
   end

   -- a process in which the pool is open, with other standard files
   local function in_process(script, redirection)
      local file = outside .. "/script.lua"
      pools.write(file, script)
      return scratch.sh("%%lua %s %s " .. redirection, file, pool.dir)
   end

   describe("content from outside", function()
      it("comes from a file, with its size, and the state before is a revision", function()
         local path = sparse_image("image.raw")
         volume:import_file(path)
         same_content(path, volume:export())
         assert.is_true(is_sparse(volume:export()))
         assert.same({ "", "one" }, { "", pools.history(volume)[1] })
         assert.equal(size, volume:size())
         assert.equal("byre 0000001 ", pools.get(volume:start(), 13))
      end)

      it("leaves holes where there are zeros only", function()
         local path = outside .. "/zeros"
         scratch.sh("head -c %s /dev/zero > %s", size, path)
         volume:import_file(path)
         assert.equal(0, volume:usage())
         assert.equal(size, volume:size())
      end)

      it("comes from a pipe", function()
         local path = sparse_image("image.raw")
         in_process('require("byre").open_pool(arg[1]):volume("vm/disk"):import_file("-")',
            "< " .. path)
         same_content(path, volume:export())
         in_process('require("byre").open_pool(arg[1]):volume("vm/disk"):import_file("-")',
            "< /dev/null 2>&1 || true")
         in_process('require("byre").open_pool(arg[1]):volume("vm/disk"):import_file("-")',
            "2>&1 <<END\nfrom a pipe\nEND\n")
         assert.equal("from a pipe\n", pools.committed(volume))
         assert.equal(12, volume:size())
      end)

      it("comes from a block device", function()
         local path = sparse_image("disk")
         device = filesystems.attach(path)
         volume:import_file(device)
         same_content(path, volume:export())
         assert.is_true(is_sparse(volume:export()))
      end)

      it("may be shorter than the volume is to be", function()
         local path = outside .. "/short"
         pools.write(path, "short")
         volume:import_file(path, { size = "1M" })
         assert.equal(1 << 20, volume:size())
         assert.equal("short", pools.committed(volume))
         volume:import_file(path)
         assert.equal(5, volume:size())
      end)

      it("that is larger than it was said to be is not cut off", function()
         local path = outside .. "/long"
         pools.write(path, ("x"):rep(8192))
         local ok = pcall(volume.import_file, volume, path, { size = 4096 })
         assert.is_true(not ok and pools.committed(volume) == "one" or volume:size() == 8192)
      end)

      it("that is nothing at all is refused", function()
         local path = outside .. "/empty"
         pools.write(path, "")
         local ok, e = pcall(volume.import_file, volume, path)
         assert.is_false(ok)
         assert.equal("invalid", e.code)
         assert.equal("one", pools.committed(volume))
         assert.same({ "" }, pools.history(volume))
      end)

      it("that cannot be read is refused", function()
         pools.refuses(pool, "invalid", ("byre: %s/none: No such file or directory"):format(outside),
            volume.import_file, volume, outside .. "/none")
         local ok, e = pcall(volume.import_file, volume, outside)
         assert.is_false(ok)
         assert.equal("invalid", e.code)
         assert.equal(("byre: %s: Is a directory"):format(outside), tostring(e))
      end)

      it("tells its progress and can be cancelled, which changes nothing", function()
         local path = outside .. "/large"
         scratch.sh("head -c 40000000 /dev/urandom > %s", path)
         local events, answer = {}, true
         local watched = pools.reopen(pool, { progress = function(event)
            events[#events + 1] = event
            return answer
         end })
         local same = watched:volume("vm/disk")
         same:import_file(path)
         assert.is_true(#events >= 2, #events)
         assert.equal(40000000, events[#events].done)
         assert.equal(40000000, events[#events].total)
         assert.equal("import_file", events[1].operation)
         assert.equal("vm/disk", events[1].volume)
         answer = false
         local before = pools.listing(pool.dir, { directory_times = false })
         local ok, e = pcall(same.import_file, same, path)
         assert.is_false(ok)
         assert.equal("cancelled", e.code)
         assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
         local raised = pools.reopen(pool, { progress = function() error("enough", 0) end })
         same = raised:volume("vm/disk")
         ok, e = pcall(same.import_file, same, path)
         assert.is_false(ok)
         assert.equal("enough", e)
         assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
         ok, e = pcall(same.export_file, same, outside .. "/out")
         assert.is_false(ok)
         assert.equal("enough", e)
         assert.is_false(pools.exists(outside .. "/out"))
         watched:close()
         raised:close()
      end)

      it("can be written into a file that is committed at the end, or dropped", function()
         local path = volume:import_data(pools.size)
         assert.equal(pools.path(pool, "vm/disk-import.img"), path)
         pools.put(path, "dropped")
         volume:import_data_end(false)
         assert.is_false(pools.exists(path))
         assert.equal("one", pools.committed(volume))
         pools.put(volume:import_data(pools.size), "taken")
         -- begun anew it is empty
         assert.equal("", pools.get(volume:import_data(pools.size)))
         pools.put(path, "taken")
         volume:import_data_end(true)
         assert.equal("taken", pools.committed(volume))
         assert.same({ "one" }, pools.history(volume))
         assert.is_false(pools.exists(path))
         pools.refuses(pool, "invalid", "byre: vm/disk: there is no import to end; begin one with import_data",
            volume.import_data_end, volume, true)
         volume:import_data_end(false)
         scratch.sh("truncate -s 0 %s", volume:import_data(pools.size))
         pools.refuses(pool, "invalid", "byre: vm/disk: the imported image is empty",
            volume.import_data_end, volume, true)
      end)

      it("is not taken while there is a session", function()
         local message = "byre: vm/disk: cannot import: it is running or was not cleanly stopped"
         local import = volume:import_data(pools.size)
         pools.put(import, "new")
         volume:start()
         pools.refuses(pool, "dirty", message, volume.import_data_end, volume, true)
         pools.refuses(pool, "dirty", message, volume.import_data, volume, pools.size)
         pools.refuses(pool, "dirty", message, volume.import_volume, volume, pools.origin(pool, "vm/other"))
         pools.refuses(pool, "dirty", message, volume.import_file, volume, import)
         volume:stop()
         volume:import_data_end(true)
         assert.equal("new", pools.committed(volume))
      end)

      it("is not for volumes that keep nothing", function()
         local swap = pool:create_volume("vm/swap", { size = 4096 })
         pools.refuses(pool, "not_supported", "byre: vm/swap: cannot import into a volatile volume: it keeps "
            .. "nothing when "
            .. "it stops", swap.import_data, swap, 4096)
      end)
   end)

   describe("content from another volume", function()
      local function other_pool(other_fs)
         local other = pools.create(other_fs)
         local source = pools.origin(other, "vm/disk", { size = size })
         pools.session(source, "from elsewhere")
         return source
      end

      it("of the pool is shared where the file system can", function()
         local source = pools.origin(pool, "vm/source", { size = size })
         pools.session(source, "source")
         local steps = {}
         local logged = pools.reopen(pool, { log = function(event) steps[#steps + 1] = event.step end })
         local same = logged:volume("vm/disk")
         assert.is_true(same:import_volume(logged:volume("vm/source")) == same)
         assert.is_truthy((" " .. table.concat(steps, " ") .. " "):find(fs.reflink and " reflinked " or " copied "))
         assert.equal("source", pools.committed(volume))
         assert.equal(size, volume:size())
         assert.same({ "one" }, pools.history(volume))
         logged:close()
      end)

      it("of a pool that was opened twice is no matter of another pool", function()
         local twice = pools.reopen(pool, { lock_timeout = 1 })
         pools.session(pools.origin(pool, "vm/source"), "source")
         volume:import_volume(twice:volume("vm/source"))
         assert.equal("source", pools.committed(volume))
         twice:close()
      end)

      it("of another pool on the same file system comes over", function()
         local source = other_pool(fs)
         volume:import_volume(source)
         assert.equal("from elsewhere", pools.committed(volume))
         assert.equal("from elsewhere", pools.committed(source))
         assert.equal(size, volume:size())
         source.pool:close()
      end)

      it("of another file system comes over", function()
         local source = other_pool(filesystems.get(fs.name == "xfs" and "btrfs" or "xfs"))
         volume:import_volume(source)
         assert.equal("from elsewhere", pools.committed(volume))
         assert.is_true(is_sparse(volume:export()))
         source.pool:close()
      end)

      it("with a session needs to know which state is meant", function()
         for _, source in ipairs({ pools.origin(pool, "vm/source"), other_pool(fs) }) do
            pools.session(source, "committed")
            pools.put(source:start(), "current\0\0\0\0\0\0\0\0")
            pools.refuses(pool, "dirty", ("byre: %s: it is running or was not cleanly stopped: say which state to take")
               :format(source.vid), volume.import_volume, volume, source)
            for _, state in ipairs({ "committed", "current" }) do
               volume:import_volume(source, { state = state })
               assert.equal(state, pools.committed(volume))
            end
         end
      end)

      it("that keeps nothing is refused", function()
         local swap = pool:create_volume("vm/swap", { size = 4096 })
         pools.refuses(pool, "not_supported", "byre: vm/swap: cannot copy a volatile volume: it has no content of "
            .. "its own",
            volume.import_volume, volume, swap)
         assert.error_matches(function() volume:import_volume("vm/swap") end, "a volume is needed")
      end)
   end)

   describe("content that goes out", function()
      before_each(function()
         volume:import_file(sparse_image("image.raw"))
      end)

      it("is the committed image itself, for reading", function()
         local path = volume:export()
         local reader <close> = assert(io.open(path, "rb"))
         pools.session(volume, "changed")
         assert.equal("byre 0000001 ", reader:read(13))
         volume:export_end(path)
         assert.error_matches(function() volume:export_end("/etc/passwd") end, "not a path that export returned")
      end)

      it("goes to a file, sparse, whole or not at all", function()
         local path = outside .. "/out"
         pools.write(path, "something else")
         volume:export_file(path)
         same_content(volume:export(), path)
         assert.is_true(is_sparse(path))
         assert.equal("image.raw\nout", scratch.sh("cd %s && ls", outside))
      end)

      it("goes to a pipe, with all its zeros", function()
         local path = outside .. "/out"
         in_process('require("byre").open_pool(arg[1]):volume("vm/disk"):export_file("-")', "| cat > " .. path)
         same_content(volume:export(), path)
      end)

      it("goes to a block device", function()
         local path = outside .. "/disk"
         scratch.sh("head -c %s /dev/urandom > %s", size, path)
         device = filesystems.attach(path)
         volume:export_file(device)
         same_content(volume:export(), device)
      end)

      it("is of a revision if asked for", function()
         pools.session(volume, "newest")
         volume:export_file(outside .. "/out", { revision = "3" })
         assert.equal("byre 0000001 ", pools.get(outside .. "/out", 13))
         pools.refuses(pool, "no_such_revision", "byre: vm/disk: no revision \"9\"", volume.export_file, volume,
            outside .. "/out", { revision = "9" })
      end)

      it("of a running volume is the committed state, or the current one if asked for", function()
         pools.put(volume:start(), "current")
         volume:export_file(outside .. "/out")
         assert.equal("byre 0000001 ", pools.get(outside .. "/out", 13))
         volume:export_file(outside .. "/out", { state = "current" })
         assert.equal("current", pools.get(outside .. "/out", 7))
      end)

      it("is refused where it cannot go", function()
         for _, path in ipairs({ outside .. "/none/out", outside .. "/image.raw/out" }) do
            local before = pools.listing(pool.dir)
            local ok, e = pcall(volume.export_file, volume, path)
            assert.is_false(ok)
            assert.equal("invalid", e.code, tostring(e))
            assert.equal(before, pools.listing(pool.dir))
         end
         local ok, e = pcall(volume.export_file, volume, outside)
         assert.is_false(ok)
         assert.equal("invalid", e.code, tostring(e))
      end)
   end)
end)
