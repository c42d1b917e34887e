local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local images = require("spec.support.images")
local scratch = require("spec.core.scratch")

local KIB <const>, MIB <const> = 1 << 10, 1 << 20

local fails, pattern = scratch.fails, images.pattern

describe("byre.core extents", function()
   filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
      local dir, a, b

      images.each_example(fs, before_each, after_each, function(_, ...)
         dir, a, b = ...
      end)

      it("are none in an empty file and in a hole", function()
         local none = { count = 0, allocated = 0, shared = 0, unwritten = 0 }
         assert.same(none, a:extents())
         assert(a:truncate(1 << 40))
         assert.same(none, a:extents())
      end)

      it("count what was written, without a sync of ours", function()
         assert(a:truncate(64 * MIB))
         assert(a:write(pattern(64 * KIB), 0))
         assert(a:write(pattern(64 * KIB), 32 * MIB))
         assert.same({ count = 2, allocated = 128 * KIB, shared = 0, unwritten = 0 }, a:extents())
      end)

      it("are found one after the other", function()
         assert.is_nil(a:next_data(0))
         assert(a:truncate(64 * MIB))
         assert.is_nil(a:next_data(0))
         assert(a:write(pattern(64 * KIB), MIB))
         assert(a:write(pattern(64 * KIB), 32 * MIB))
         assert.same({ MIB, MIB + 64 * KIB }, { a:next_data(0) })
         assert.same({ MIB + 4 * KIB, MIB + 64 * KIB }, { a:next_data(MIB + 4 * KIB) })
         assert.same({ 32 * MIB, 32 * MIB + 64 * KIB }, { a:next_data(MIB + 64 * KIB) })
         assert.is_nil(a:next_data(32 * MIB + 64 * KIB))
         assert.is_nil(a:next_data(1 << 40))
      end)

      it("count what is reserved", function()
         assert.is_true(a:allocate(0, MIB))
         assert.equal(MIB, a:stat().size)
         local extents = a:extents()
         assert.equal(MIB, extents.allocated)
         assert.equal(MIB, extents.unwritten)
         assert(a:write(pattern(64 * KIB), 0))
         extents = a:extents()
         assert.equal(MIB, extents.allocated)
         assert.equal(MIB - 64 * KIB, extents.unwritten)
      end)

      it("go away where a hole is punched", function()
         assert(a:write(pattern(MIB), 0))
         assert.is_true(a:punch(256 * KIB, 512 * KIB))
         assert.equal(MIB, a:stat().size)
         assert.equal(512 * KIB, a:extents().allocated)
         assert.is_true(pattern(256 * KIB) .. ("\0"):rep(512 * KIB) == a:read(768 * KIB, 0))
      end)

      it("are counted to the last of very many", function()
         assert(a:truncate(3000 * 8 * KIB))
         for i = 0, 2999 do assert(a:write(pattern(4 * KIB, i), i * 8 * KIB)) end
         assert.same({ count = 3000, allocated = 3000 * 4 * KIB, shared = 0, unwritten = 0 }, a:extents())
      end)

      it("of a file are its own", function()
         assert(a:write(pattern(MIB), 0))
         assert(a:publish("a"))
         local again = assert(dir:open("a", "r"))
         assert.is_true(a:same_extents(again))
         again:close()
      end)

      it("of a copy are others", function()
         assert(a:write(pattern(MIB), 0))
         assert(b:copy_from(a))
         assert.is_false(a:same_extents(b))
         assert.is_false(b:same_extents(a))
      end)

      it("of files of different sizes differ, even if both are holes", function()
         assert(a:truncate(MIB))
         assert(b:truncate(2 * MIB))
         assert.is_false(a:same_extents(b))
         assert(b:truncate(MIB))
         assert.is_true(a:same_extents(b))
      end)

      it("of a hole equal what was reserved but never written", function()
         assert(a:truncate(MIB))
         assert(b:allocate(0, MIB))
         assert.is_true(a:same_extents(b))
         assert(b:write("x", MIB - 1))
         assert.is_false(a:same_extents(b))
      end)

      it("cannot be compared with those of another file system", function()
         local other = assert(core.open("/proc/self/status", "r"))
         fails("same_extents: Invalid cross-device link", "EXDEV", a:same_extents(other))
         other:close()
      end)

      it("report what cannot be reserved or punched", function()
         fails("allocate: Invalid argument", "EINVAL", a:allocate(-1, 5))
         fails("allocate: Invalid argument", "EINVAL", a:allocate(0, 0))
         fails("punch: Invalid argument", "EINVAL", a:punch(0, -1))
         fails("allocate: No space left on device", "ENOSPC", a:allocate(0, 1 << 36))
         -- some of it may have been reserved
         assert(a:truncate(0))
         assert(a:publish("a"))
         local reader = assert(dir:open("a", "r"))
         fails("punch: Bad file descriptor", "EBADF", reader:punch(0, 4096))
         reader:close()
      end)
   end)

   filesystems.each({ "btrfs", "xfs" }, function(fs)
      local a, b

      images.each_example(fs, before_each, after_each, function(_, _, ...)
         a, b = ...
      end)

      it("of a clone are shared and the same until one is written to", function()
         assert(a:truncate(3000 * 8 * KIB + 5))
         for i = 0, 2999 do assert(a:write(pattern(4 * KIB, i), i * 8 * KIB)) end
         assert(b:clone_from(a))
         assert.is_true(a:same_extents(b))
         local extents = b:extents()
         assert.equal(3000 * 4 * KIB, extents.allocated)
         assert.equal(extents.allocated, extents.shared)
         -- the very last extent, behind several requests for the map
         assert(b:write(pattern(4 * KIB, 1), 2999 * 8 * KIB))
         assert.is_false(a:same_extents(b))
         assert.equal(2999 * 4 * KIB, b:extents().shared)
      end)

      it("are the same also where they are reported in other pieces", function()
         assert(a:write(pattern(MIB), 0))
         assert(b:clone_from(a))
         -- break one of them up, then share its blocks again
         assert(a:write(pattern(4 * KIB, 2), 512 * KIB))
         assert.is_false(a:same_extents(b))
         assert(a:clone_from(b))
         assert.is_true(a:same_extents(b))
      end)

      it("of a clone are the same whatever is reserved in one", function()
         assert(a:write(pattern(64 * KIB), 0))
         assert(a:truncate(MIB))
         assert(b:clone_from(a))
         assert(b:allocate(256 * KIB, 256 * KIB))
         assert.is_true(a:same_extents(b))
         assert(b:write("x", 256 * KIB))
         assert.is_false(a:same_extents(b))
      end)
   end)

   filesystems.each({ "btrfs" }, function(fs)
      local path, dir, a, b

      images.each_example(fs, before_each, after_each, function(...)
         path, dir, a, b = ...
      end)

      it("do not tell whether two small files are the same", function()
         assert(a:write("small", 0))
         assert(b:write("small", 0))
         fails("where the blocks of a file are is not known: No data available", "ENODATA", a:same_extents(b))
      end)

      it("do not tell it of compressed files", function()
         assert.equal(0, core.spawn({ "chattr", "+c", path }).status)
         local c, d = assert(dir:tmpfile("c")), assert(dir:tmpfile("d"))
         assert(c:write(pattern(MIB), 0))
         assert(d:clone_from(c))
         fails("where the blocks of a file are is not known: No data available", "ENODATA", c:same_extents(d))
         c:close()
         d:close()
      end)
   end)

   it("are not known on a file system without maps", function()
      local fs, reason = filesystems.tmpfs("1m")
      if not fs then return pending(reason) end
      local dir = assert(core.open_dir(fs.dir))
      local a, b = assert(dir:tmpfile("a")), assert(dir:tmpfile("b"))
      fails("extents: Operation not supported", "EOPNOTSUPP", a:extents())
      assert.is_true(a:same_extents(b))         -- both are empty
      assert(a:write("x", 0))
      assert(b:write("x", 0))
      fails("same_extents: Operation not supported", "EOPNOTSUPP", a:same_extents(b))
      assert.is_true(a:same_extents(a))
      a:close()
      b:close()
      dir:close()
      fs:unmount()
   end)

   describe("of wrong arguments", function()
      scratch.each_example(before_each, after_each)

      it("raise", function()
         local file, closed = assert(scratch.dir:tmpfile("file")), assert(scratch.dir:tmpfile("closed"))
         closed:close()
         for _, method in ipairs({ "extents", "same_extents", "allocate", "punch" }) do
            assert.error_matches(function() file[method](scratch.dir, file) end, "byre.file expected")
            assert.error_matches(function() file[method](closed, file) end, "closed file")
         end
         assert.error_matches(function() file:same_extents("x") end, "byre.file expected, got string")
         assert.error_matches(function() file:same_extents(closed) end, "closed file")
         assert.error_matches(function() closed:next_data(0) end, "closed file")
         assert.error_matches(function() file:next_data("x") end, "number expected, got string")
         for _, method in ipairs({ "allocate", "punch" }) do
            assert.error_matches(function() file[method](file, "x", 1) end, "number expected, got string")
            assert.error_matches(function() file[method](file, 1) end, "number expected, got no value")
            assert.error_matches(function() file[method](file, 1, 0.5) end, "no integer representation")
         end
         file:close()
      end)
   end)
end)
