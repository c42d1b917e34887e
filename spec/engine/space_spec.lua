-- What images take and what would be free without them, beside what the file systems really return.
local core = require("byre.core")
local files = require("byre.store.files")
local filesystems = require("spec.support.filesystems")
local scratch = require("spec.core.scratch")
local space = require("byre.space")
local spaces = require("spec.support.space")

local sh = scratch.sh
local MIB <const> = 1 << 20

local function list_of(names)
   local list = {}
   for i, name in ipairs(names) do
      list[i] = { id = name, path = name }
   end
   return list
end

-- r0, r1 ... r<count>
local function numbered(count)
   local names = {}
   for i = 0, count do
      names[i + 1] = "r" .. i
   end
   return names
end

local function shuffled(list, random)
   for i = #list, 2, -1 do
      local j = random(1, i)
      list[i], list[j] = list[j], list[i]
   end
   return list
end

-- not at the end of the file, where XFS would hold blocks ready for more
local function write(path, size, offset)
   sh("truncate -s '>4M' %s", path)
   sh("dd if=/dev/urandom of=%s bs=4k count=%s seek=%s conv=notrunc status=none", path, size // 4096,
      (offset or 0) // 4096)
end

-- a file with a Lua script
local function script_file(text)
   local path = os.tmpname()
   local file <close> = assert(io.open(path, "w"))
   file:write(text)
   return path
end

local store, dir

-- a map, made anew
local function map_of(names)
   return space.map(store, list_of(names))
end

-- a file system of our own, on which nothing else comes and goes
local function each_filesystem(names, body)
   for _, name in ipairs(names) do
      describe("on " .. name, function()
         local fs, reason = filesystems.get(name, { size = "1G" })
         if not fs then
            return pending(reason)
         end
         before_each(function()
            dir = fs:fresh()
            store = files.new(assert(core.open_dir(dir)), dir)
         end)
         after_each(function()
            store:close()
            sh("rm -rf %s", dir)
         end)
         body(fs)
      end)
   end
end

describe("byre.space", function()
   each_filesystem({ "btrfs", "xfs", "ext4" }, function(fs)
      it("foretells what removing images returns, one after the other and together", function()
         local seed = os.time()
         for round = seed, seed + 2 do
            math.randomseed(round)
            spaces.history(dir, math.random, 9)
            local order = shuffled(numbered(9), math.random)
            local whole, gone = map_of(order), {}
            assert.is_true(whole.exact)
            assert.equal(fs.name == "btrfs" and "extents" or "fiemap", whole.basis)
            local begun = spaces.held(fs)
            local before, wrong = begun, 0
            for i, name in ipairs(order) do
               local alone = map_of(table.move(order, i, #order, 1, {})):exclusive(name)
               gone[i] = name
               local together = whole:freed(gone)
               os.remove(dir .. "/" .. name)
               local held = spaces.held(fs)
               if alone ~= before - held or together ~= begun - held then
                  -- XFS takes back what it held ready for writes whenever it likes, as a rule every five minutes
                  wrong = wrong + 1
                  assert(fs.name == "xfs" and wrong == 1, ("seed %d, %s: %d and %d foretold, %d and %d freed"):format(
                     round, name, alone, together, before - held, begun - held))
                  begun = begun - together + (begun - held)
               end
               before = held
            end
            assert.equal(whole:union(), whole:freed(order))
         end
      end)

      it("knows a file with two names as one image", function()
         write(dir .. "/a", MIB)
         sh("ln %s %s", dir .. "/a", dir .. "/b")
         local map = map_of({ "a", "b" })
         assert.equal(MIB, map:allocated("a"))
         assert.equal(MIB, map:allocated("b"))
         assert.equal(MIB, map:union())
         assert.equal(MIB, map:union({ "a", "b" }))
         assert.equal(0, map:exclusive("a"))
         assert.equal(MIB, map:shared("a"))
         assert.equal(0, map:freed({ "b" }))
         assert.equal(MIB, map:freed({ "a", "b" }))
         assert.equal(MIB, map:freed({ "a", "b", "a" }))
         assert.equal(0, map:freed({ "a" }))
         assert.equal(0, map:freed({}))
      end)

      it("frees nothing of a file that has a name elsewhere", function()
         write(dir .. "/a", MIB)
         sh("ln %s %s", dir .. "/a", dir .. "/elsewhere")
         local map = map_of({ "a" })
         assert.equal(MIB, map:allocated("a"))
         assert.equal(0, map:exclusive("a"))
         assert.equal(0, map:freed({ "a" }))
      end)

      it("counts what was written just now, what is reserved, and nothing for holes", function()
         sh("truncate -s 1G %s && fallocate -o 8M -l 1M %s", dir .. "/a", dir .. "/a")
         sh("touch %s", dir .. "/empty")
         local map = map_of({ "a", "empty" })
         assert.equal(MIB, map:exclusive("a"))
         assert.equal(0, map:allocated("empty"))
         local file <close> = assert(io.open(dir .. "/a", "r+b"))
         file:write(("x"):rep(64 << 10)):flush()
         assert.is_true(map_of({ "a" }):exclusive("a") >= MIB + (64 << 10))
      end)

      it("counts nothing for an image that is gone, or that it was not told of", function()
         write(dir .. "/a", MIB)
         local map = map_of({ "gone", "a" })
         for _, id in ipairs({ "gone", "unheard of" }) do
            assert.equal(0, map:allocated(id))
            assert.equal(0, map:exclusive(id))
            assert.equal(0, map:shared(id))
         end
         assert.equal(MIB, map:freed({ "gone", "a", "unheard of" }))
         assert.equal(MIB, map:union({ "gone", "a" }))
      end)

      it("keeps no image open", function()
         write(dir .. "/a", MIB)
         local open = scratch.descriptors()
         local map = map_of({ "a" })
         assert.equal(open, scratch.descriptors())
         assert.equal(MIB, map:freed({ "a" }))
      end)

      it("knows that no images take nothing", function()
         local map = map_of({})
         assert.equal(0, map:union())
         assert.equal(0, map:freed({}))
         assert.is_true(map.exact)
         assert.is_nil(map.basis)
      end)
   end)

   each_filesystem({ "btrfs", "xfs" }, function(fs)
      local function clone(from, to)
         sh("cp --reflink=always %s %s", dir .. "/" .. from, dir .. "/" .. to)
      end

      it("frees more with two than with one and the other", function()
         write(dir .. "/a", MIB)
         clone("a", "b")
         clone("a", "c")
         write(dir .. "/c", MIB, MIB)
         local map = map_of({ "a", "b", "c" })
         assert.equal(0, map:exclusive("a"))
         assert.equal(0, map:freed({ "a", "b" }))
         assert.equal(MIB, map:exclusive("c"))
         assert.equal(MIB, map:freed({ "c", "a" }))
         assert.equal(2 * MIB, map:freed({ "c", "a", "b" }))
         assert.equal(MIB, map:shared("c"))
         assert.equal(2 * MIB, map:allocated("c"))
         assert.equal(2 * MIB, map:union())
      end)

      it("frees nothing that a file outside of the list has, too", function()
         write(dir .. "/a", MIB)
         clone("a", "outside")
         write(dir .. "/a", MIB, MIB)
         local map = map_of({ "a" })
         assert.equal(2 * MIB, map:allocated("a"))
         assert.equal(MIB, map:exclusive("a"))
         assert.equal(MIB, map:freed({ "a" }))
         assert.equal(2 * MIB, map:union())
      end)

      it("knows blocks that one image has twice", function()
         write(dir .. "/a", MIB)
         sh("xfs_io -c 'reflink %s 0 1m 1m' %s >/dev/null", dir .. "/a", dir .. "/a")
         local map = map_of({ "a" })
         assert.equal(MIB, map:union())
         -- XFS holds blocks ready for writes to what is shared
         assert.equal(map:allocated("a"), map:exclusive("a"))
         assert.is_true(map:exclusive("a") >= MIB)
      end)

      it("tells of two file systems that nothing is known", function()
         local other, reason = filesystems.get(fs.name == "xfs" and "btrfs" or "xfs", { size = "1G" })
         if not other then return pending(reason) end
         write(dir .. "/a", MIB)
         sh("mkdir %s && mount --bind %s %s", dir .. "/mount", other:fresh(), dir .. "/mount")
         finally(function() sh("umount %s", dir .. "/mount") end)
         write(dir .. "/mount/b", MIB)
         local map = map_of({ "a", "mount/b" })
         assert.is_nil(map.basis)
         assert.is_false(map.exact)
         assert.equal("the images are on more than one file system", map.reason)
         assert.is_nil(map:freed({ "a" }))
      end)
   end)

   each_filesystem({ "btrfs" }, function(fs)
      it("knows that an extent is kept whole", function()
         write(dir .. "/a", MIB)
         sh("sync -f %s && cp --reflink=always %s %s", dir, dir .. "/a", dir .. "/b")
         write(dir .. "/a", MIB - 4096)
         local map = map_of({ "a", "b" })
         assert.equal(2 * MIB - 4096, map:allocated("a"))
         assert.equal(0, map:exclusive("b"))
      end)

      it("counts compressed extents as they are on the disk", function()
         sh("chattr +c %s", dir)
         sh("yes | head -c 4M >%s", dir .. "/a")
         local before = spaces.held(fs)
         local map = map_of({ "a" })
         assert.is_true(map:exclusive("a") > 0 and map:exclusive("a") < MIB, map:exclusive("a"))
         os.remove(dir .. "/a")
         assert.equal(before - map:exclusive("a"), spaces.held(fs))
      end)

      it("counts nothing for what is kept with the metadata", function()
         local file <close> = assert(io.open(dir .. "/a", "wb"))
         file:write("small"):flush()
         assert.equal(0, map_of({ "a" }):allocated("a"))
      end)

      it("does not free what a snapshot of the subvolume holds", function()
         sh("btrfs subvolume create %s", dir .. "/pool")
         write(dir .. "/pool/a", MIB)
         write(dir .. "/pool/b", MIB)
         assert.is_true(map_of({ "pool/a", "pool/b" }).exact)
         sh("btrfs subvolume snapshot %s %s", dir .. "/pool", dir .. "/snapshot")
         local map = map_of({ "pool/a", "pool/b" })
         assert.is_false(map.exact)
         assert.equal("a snapshot of the subvolume may hold some of it, too", map.reason)
         assert.equal(0, map:freed({ "pool/a", "pool/b" }))
         write(dir .. "/pool/b", MIB, MIB)
         map = map_of({ "pool/a", "pool/b" })
         assert.equal(0, map:exclusive("pool/a"))
         assert.equal(2 * MIB, map:allocated("pool/b"))
         local freed, before = map:freed({ "pool/a", "pool/b" }), spaces.held(fs)
         os.remove(dir .. "/pool/a")
         os.remove(dir .. "/pool/b")
         assert.is_true(freed <= before - spaces.held(fs))
         sh("btrfs subvolume delete %s %s", dir .. "/pool", dir .. "/snapshot")
      end)

      it("knows images in several subvolumes as those of one file system", function()
         sh("btrfs subvolume create %s && btrfs subvolume create %s", dir .. "/x", dir .. "/y")
         write(dir .. "/x/a", MIB)
         sh("cp --reflink=always %s %s", dir .. "/x/a", dir .. "/y/a")
         local map = map_of({ "x/a", "y/a" })
         assert.is_true(map.exact)
         assert.equal(0, map:exclusive("x/a"))
         assert.equal(MIB, map:freed({ "x/a", "y/a" }))
         sh("btrfs subvolume delete %s %s", dir .. "/x", dir .. "/y")
      end)

      it("estimates without privilege", function()
         write(dir .. "/a", MIB)
         sh("cp --reflink=always %s %s", dir .. "/a", dir .. "/b")
         write(dir .. "/b", MIB, MIB)
         local script = script_file([[
            local core, files, space = require("byre.core"), require("byre.store.files"), require("byre.space")
            local store = files.new(core.open_dir(arg[1]), arg[1])
            local map = space.map(store, { { id = 1, path = "a" }, { id = 2, path = "b" } })
            print(map.basis, map.exact, map:exclusive(1), map:exclusive(2), map:freed({ 1, 2 }))
            print(map.reason)
         ]])
         assert.equal("fiemap\tfalse\t0\t1048576\t2097152\n"
            .. "the file system may keep more than what is referred to; root on btrfs is told exactly",
            sh("setpriv --bounding-set=-sys_admin %%lua %s %s", script, dir))
         os.remove(script)
      end)
   end)

   it("says nothing where the file system does not", function()
      local fs, reason = filesystems.tmpfs("8m")
      if not fs then return pending(reason) end
      store = files.new(assert(core.open_dir(fs.dir)), fs.dir)
      write(fs.dir .. "/a", MIB)
      local map = map_of({ "a" })
      assert.is_nil(map.basis)
      assert.is_false(map.exact)
      assert.equal("the file system does not tell which blocks a file has", map.reason)
      for _, figure in ipairs({ "allocated", "exclusive", "shared" }) do
         assert.is_nil(map[figure](map, "a"))
      end
      assert.is_nil(map:freed({ "a" }))
      assert.is_nil(map:union())
      store:close()
      fs:unmount()
   end)
end)
