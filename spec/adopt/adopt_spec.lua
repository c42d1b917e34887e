-- Directories that other programs have kept become pools, in place, and nothing of them is lost.
local byre = require("byre")
local file_pool = require("spec.adopt.file_pool")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local size = 4 * file_pool.chunk

local function image_of(text)
   return text .. ("\0"):rep(size - #text)
end

local function session(image, text, offset)
   return file_pool.session(image, { { offset = offset or 0, data = text } })
end

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   local dir

   local function path(name)
      return dir .. "/" .. name
   end

   before_each(function()
      dir = fs:fresh() .. "/images"
      scratch.sh("mkdir -p %s %s", path("appvms/work"), path("vm-templates/tpl"))
   end)

   local options = { setup_check = fs.reflink or false, lock_timeout = 5 }

   local function with(changes)
      local all = {}
      for _, from in ipairs({ options, changes or {} }) do
         for key, value in pairs(from) do
            all[key] = value
         end
      end
      return all
   end

   -- take everything in; the pool, what was left alone by name
   local function adopt(changes)
      local adoption = byre.propose_adoption(dir, with(changes))
      local left = {}
      for _, item in ipairs(adoption.left) do
         left[item.path] = item.reason
      end
      local pool, failures = adoption:run()
      assert.same({}, failures)
      finally(function() pool:close() end)
      return pool, left
   end

   describe("a pool of the driver file", function()
      -- what it was before its last session, and what it is
      local function stopped_volume(name)
         return file_pool.stopped_volume(path(name), size)
      end

      it("keeps the state before the last session as a revision, and its cow files go", function()
         local before, now = stopped_volume("appvms/work/private")
         local pool, left = adopt()
         assert.same({}, left)
         local volume = pool:volume("appvms/work/private")
         assert.equal("origin", volume.kind)
         local revisions = volume:revisions()
         assert.equal(1, #revisions)
         assert.equal(1, revisions[1].seq)
         assert.equal(before, pools.get(revisions[1].path, size) .. ("\0"):rep(size - #before:gsub("\0+$", "")))
         assert.equal(now:gsub("\0+$", ""), pools.get(path("appvms/work/private.img"), size))
         assert.equal("private.img private.img.1@", (pools.names(pool, "appvms/work"):gsub("@.*", "@")))
         assert.same({}, pool:check())
         volume:revert()
         assert.equal("after the first session", pools.committed(volume):sub(1, 23))
      end)

      it("that was not cleanly stopped keeps the state before that session as well", function()
         local zero = image_of("zero")
         local one, old = session(zero, "one ", 0)
         local two, cow = session(one, "two", 3 * file_pool.chunk)
         pools.write(path("appvms/work/private.img"), two)
         pools.write(path("appvms/work/private-cow.img.old"), file_pool.store(old))
         pools.write(path("appvms/work/private-cow.img"), file_pool.store(cow))
         local pool = adopt()
         local volume = pool:volume("appvms/work/private")
         assert.same({ "zero", "one " }, pools.history(volume))
         local last = volume:revisions()[2]
         assert.equal("", pools.get(last.path, 64, 3 * file_pool.chunk))
         assert.equal("two", pools.get(path("appvms/work/private.img"), 64, 3 * file_pool.chunk))
         -- a stop prunes none of them
         pools.session(volume, "next")
         assert.same({ "one ", "one " }, { pools.history(volume)[1], pools.history(volume)[2] })
      end)

      it("loses no store that cannot be used: it stays, with the reason", function()
         for name, bytes in pairs({ torn = file_pool.store({ { old = 1, data = "x" } }):sub(1, 2 * file_pool.chunk + 7),
            foreign = "this is no store", invalid = file_pool.store({}, { valid = 0 }) }) do
            pools.write(path(("appvms/work/%s.img"):format(name)), image_of(name))
            pools.write(path(("appvms/work/%s-cow.img.old"):format(name)), bytes)
         end
         local pool, left = adopt()
         assert.equal("the exception store torn-cow.img.old cannot be used: an entry names chunk 2, and the file ends"
            .. " before it", left["appvms/work/torn-cow.img.old"])
         for _, name in ipairs({ "torn", "foreign", "invalid" }) do
            assert.is_truthy(left[("appvms/work/%s-cow.img.old"):format(name)])
            assert.is_true(pools.exists(path(("appvms/work/%s-cow.img.old"):format(name))))
            assert.equal(0, #pool:volume("appvms/work/" .. name):revisions())
         end
      end)

      it("makes no revision from a store whose image went on without it", function()
         stopped_volume("appvms/work/used")
         pools.write(path("appvms/work/used.img.1@2026-01-01T00:00:00Z"), "newer")
         stopped_volume("appvms/work/written")
         scratch.sh("touch -d '+1 hour' %s", path("appvms/work/written.img"))
         local pool, left = adopt()
         assert.equal("the image has been used by file-reflink since", left["appvms/work/used-cow.img.old"])
         assert.equal("the image has been changed since, by something that kept nothing",
            left["appvms/work/written-cow.img.old"])
         assert.same({ "newer" }, pools.history(pool:volume("appvms/work/used")))
         assert.equal(0, #pool:volume("appvms/work/written"):revisions())
      end)
   end)

   describe("a pool of file-reflink", function()
      it("of 2018 has its revisions numbered in the order of their times, never two with one number", function()
         pools.write(path("v.img"), "now")
         for i, stamp in ipairs({ "2018-03-01T00:00:00", "2018-01-01T00:00:00", "2018-02-01T00:00:00" }) do
            pools.write(path("v.img@" .. stamp .. "Z"), "old " .. i)
         end
         pools.write(path("v.img.2@2020-01-01T00:00:00Z"), "two")
         pools.write(path("v.img.10@2019-01-01T00:00:00Z"), "ten")
         local pool = adopt()
         local volume = pool:volume("v")
         assert.same({ "old 2", "old 3", "old 1", "two", "ten" }, pools.history(volume))
         assert.same({ 1, 2, 3, 11, 12 }, pools.numbers(volume))
         -- all of them are to stay
         pools.session(volume, "next")
         assert.equal("old 3", pools.history(volume)[1])
         assert.equal(5, #volume:revisions())
      end)

      it("goes on with a session that was not ended", function()
         pools.write(path("a.img"), "committed")
         pools.write(path("a-dirty.img"), "session")
         scratch.sh("cd %s && mkdir -p vm-templates/t appvms/x && echo t >vm-templates/t/root.img"
            .. " && ln vm-templates/t/root.img appvms/x/root.img && echo s >appvms/x/root-dirty.img", dir)
         local pool = adopt()
         assert.is_true(pool:volume("a"):is_dirty())
         pool:volume("a"):stop()
         assert.equal("session", pools.committed(pool:volume("a")))
         assert.equal("snapshot", pool:volume("appvms/x/root").kind)
         assert.equal("vm-templates/t/root", pool:volume("appvms/x/root").source)
      end)
   end)

   it("a directory of plain images becomes a pool, and originals that were converted stay", function()
      pools.write(path("one.raw"), "raw image")
      pools.write(path("two.img"), "image")
      pools.write(path("source.bin"), image_of("converted"))
      scratch.sh("cd %s && qemu-img convert -f raw -O qcow2 source.bin three.qcow2 && rm source.bin", dir)
      pools.write(path("bad name.raw"), "x")
      local pool, left = adopt()
      assert.equal("raw image", pools.committed(pool:volume("one")))
      assert.equal("image", pools.committed(pool:volume("two")))
      assert.equal("converted", pools.committed(pool:volume("three")))
      assert.equal(size, pool:volume("three"):size())
      assert.is_true(pools.exists(path("three.qcow2")))
      assert.is_false(pools.exists(path("one.raw")))
      assert.is_truthy(left["bad name"]:find("allowed are letters", 1, true))
   end)

   it("what is in use is left alone", function()
      pools.write(path("used.img"), image_of("x"))
      local file = assert(io.open(path("used.img"), "r+b"))
      local _, left = adopt()
      file:close()
      assert.is_truthy(left.used:find("has its image open for writing", 1, true))
   end)

   it("looking changes nothing", function()
      pools.write(path("v.img"), "now")
      pools.write(path("v.img@2018-03-01T00:00:00Z"), "old")
      pools.write(path("w.raw"), "raw")
      local before = pools.listing(dir)
      local adoption = byre.propose_adoption(dir, options)
      assert.equal(3, #adoption:plans())
      adoption:close()
      assert.equal(before, pools.listing(dir))
   end)

   it("a pool that is released is a plain tree again, and can be taken in once more", function()
      pools.write(path("v.img"), "now")
      pools.write(path("v.img.1@2020-01-01T00:00:00Z"), "one")
      local pool = adopt()
      pools.session(pool:volume("v"), "next")
      pool:create_volume("gone", { size = 4096, save_on_stop = true })
      local images = scratch.sh("cd %s && find . -name '*.img*' | sort | xargs md5sum", dir)
      byre.release_pool(dir)
      assert.is_false(pools.exists(path(".byre/pool.json")))
      assert.equal("", scratch.sh("cd %s && find . -name .byre", dir))
      assert.equal(images, scratch.sh("cd %s && find . -name '*.img*' | sort | xargs md5sum", dir))
      pools.fails("no_such_pool", ("byre: %s: is not a pool"):format(dir), byre.release_pool, dir)
      assert.equal(1, #adopt():volume("v"):revisions())
   end)

   it("a release that was cut short is finished by the next, and is no pool in between", function()
      pools.write(path("v.img"), "now")
      adopt()
      scratch.sh("mv %s %s", path(".byre/pool.json"), path(".byre/pool.json.released"))
      assert.is_false(pcall(byre.open_pool, dir))
      byre.release_pool(dir)
      assert.equal("", scratch.sh("cd %s && find . -name .byre", dir))
   end)

   it("a pool in which something was cut short is not released", function()
      pools.write(path("v.img"), "now")
      local pool = adopt()
      pools.write(path(".byre/volume/w.removed"), "")
      pools.refuses(pool, "not_supported",
         ("byre: %s: cannot be released: w: its removal or renaming was cut short"):format(dir), byre.release_pool, dir)
   end)
end)
