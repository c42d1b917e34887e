local core = require("byre.core")
local filesystems = require("spec.support.filesystems")

local images = require("spec.support.images")
local scratch = require("spec.core.scratch")

local KIB <const>, MIB <const> = 1024, 1024 * 1024

local fails, pattern = scratch.fails, images.pattern

-- where a copy would do
local function cannot(message, errno, ...)
   assert.same({ n = 4, nil, message, core.errno[errno], true }, table.pack(...))
end

local function entries(dir)
   return #assert(dir:list("."))
end

describe("byre.core clone", function()
   filesystems.each({ "btrfs", "xfs" }, function(fs)
      local path, dir, src, dst

      images.each_example(fs, before_each, after_each, function(...)
         path, dir, src, dst = ...
      end)

      it("says that reflinks are supported, and leaves nothing behind", function()
         assert.is_true(core.reflink_supported(dir))
         assert.equal(0, entries(dir))
      end)

      it("shares every block, also of data not yet on disk", function()
         assert(src:write(pattern(3 * MIB + 5), 0))
         assert.equal(dst, dst:clone_from(src))
         assert.equal(3 * MIB + 5, dst:stat().size)
         assert.equal(pattern(3 * MIB + 5), dst:read_all())
         assert.is_true(dst:same_extents(src))
         local extents = dst:extents()
         assert.equal(extents.allocated, extents.shared)
         assert.is_true(extents.shared >= 3 * MIB)
      end)

      it("is independent of its source afterwards", function()
         assert(src:write(pattern(64 * KIB), 0))
         assert(dst:clone_from(src))
         assert(src:write("changed", 4096))
         assert.equal(pattern(64 * KIB), dst:read_all())
      end)

      it("replaces what was there, also what was longer", function()
         assert(src:write(pattern(8 * KIB), 0))
         assert(dst:write(pattern(MIB, 2), 0))
         assert(dst:clone_from(src))
         assert.equal(8 * KIB, dst:stat().size)
         assert.equal(pattern(8 * KIB), dst:read_all())
      end)

      it("clones an empty file over a full one", function()
         assert(dst:write(pattern(MIB), 0))
         assert(dst:clone_from(src))
         assert.equal(0, dst:stat().size)
      end)

      it("fills by reflink unless told otherwise", function()
         assert(src:write(pattern(MIB), 0))
         assert.equal("reflinked", dst:fill_from(src))
         assert.equal("reflinked", dst:fill_from(src, { reflink = "auto" }))
         assert.equal("reflinked", dst:fill_from(src, { reflink = "always" }))
         assert.is_true(dst:same_extents(src))
         assert.same({ "copied", "reflinks were not wanted" }, { dst:fill_from(src, { reflink = "never" }) })
         assert.is_false(dst:same_extents(src))
         assert.equal(pattern(MIB), dst:read_all())
      end)

      it("says when blocks cannot be shared yet, and does not copy unasked", function()
         assert(src:write(pattern(MIB), 0))
         core.inject_errors({ ficlone = core.errno.EAGAIN })
         for _, reflink in ipairs({ "auto", "always" }) do
            cannot("the file system has not committed the data of the source yet: Resource temporarily unavailable",
               "EAGAIN", dst:fill_from(src, { reflink = reflink }))
         end
         assert.equal(0, dst:stat().size)
         assert.equal("copied", dst:fill_from(src, { reflink = "never" }))
      end)

      it("does not report a copy where none is made", function()
         assert(src:write(pattern(MIB), 0))
         assert.equal("reflinked", dst:fill_from(src, { progress = function() error("called") end }))
      end)

      it("does not destroy a file that is to be filled from itself", function()
         assert(src:write(pattern(MIB), 0))
         fails("clone: Invalid argument", "EINVAL", src:clone_from(src))
         for _, reflink in ipairs({ "auto", "never" }) do
            local how, message, errno = src:fill_from(src, { reflink = reflink })
            fails("source and destination are the same: Invalid argument", "EINVAL", how, message, errno)
         end
         assert.equal(pattern(MIB), src:read_all())
      end)

      it("copies what is no regular file, and says why", function()
         local zero = assert(core.open("/dev/null", "r"))
         fails("clone: Invalid argument", "EINVAL", dst:clone_from(zero))
         assert.same({ "copied", "only regular files can share blocks" }, { dst:fill_from(zero) })
         zero:close()
      end)

      it("does not take a descriptor it cannot write for a reason to copy less", function()
         assert(src:write(pattern(MIB), 0))
         assert(dst:publish("dst"))
         local reader = assert(dir:open("dst", "r"))
         local how, _, errno = reader:fill_from(src)
         assert.is_nil(how)
         assert.is_true(errno == core.errno.EBADF or errno == core.errno.EINVAL)
         reader:close()
      end)

      it("reports an error that does not mean \"cannot\" instead of copying", function()
         assert(src:write(pattern(MIB), 0))
         assert(dst:publish("dst"))
         assert.equal(0, core.spawn({ "chattr", "+i", path .. "/dst" }).status)
         local result = table.pack(dst:fill_from(src))
         assert.equal(0, core.spawn({ "chattr", "-i", path .. "/dst" }).status)
         fails("clone: Operation not permitted", "EPERM", table.unpack(result, 1, result.n))
      end)
   end)

   filesystems.each({ "btrfs" }, function(fs)
      local path, dir, src

      images.each_example(fs, before_each, after_each, function(...)
         path, dir, src = ...
      end)

      it("copies between files that differ in no-copy-on-write, and says so", function()
         assert(src:write(pattern(MIB), 0))
         assert.equal(0, core.spawn({ "chattr", "+C", path }).status)
         local nocow = assert(dir:tmpfile("nocow"))
         cannot("the new file has the no-copy-on-write attribute (chattr +C), the source has not: Invalid argument",
            "EINVAL", nocow:fill_from(src, { reflink = "always" }))
         assert.same({ "copied",
            "the new file has the no-copy-on-write attribute (chattr +C), the source has not" },
            { nocow:fill_from(src) })
         assert.equal(pattern(MIB), nocow:read_all())
         assert.same({ "copied",
            "the source has the no-copy-on-write attribute (chattr +C), the new file has not" },
            { src:fill_from(nocow) })
         nocow:close()
      end)

      it("clones across subvolumes", function()
         assert.equal(0, core.spawn({ "btrfs", "-q", "subvolume", "create", path .. "/sub" }).status)
         local other = assert(dir:tmpfile("sub/other"))
         assert(src:write(pattern(MIB), 0))
         assert.equal("reflinked", other:fill_from(src))
         assert.equal(pattern(MIB), other:read_all())
         other:close()
      end)
   end)

   filesystems.each({ "ext4" }, function(fs)
      local dir, src, dst

      images.each_example(fs, before_each, after_each, function(_, ...)
         dir, src, dst = ...
      end)

      it("says that reflinks are not supported, and leaves nothing behind", function()
         assert.is_false(core.reflink_supported(dir))
         assert.equal(0, entries(dir))
      end)

      it("looks for support also where files need a name", function()
         core.inject_errors({ tmpfile = core.errno.EOPNOTSUPP })
         assert.is_false(core.reflink_supported(dir))
         assert.equal(0, entries(dir))
      end)

      it("copies instead, unless a clone is wanted", function()
         assert(src:write(pattern(MIB), 0))
         assert.same({ "copied", "the file system has no reflinks" }, { dst:fill_from(src) })
         assert.equal(pattern(MIB), dst:read_all())
         cannot("the file system has no reflinks: Operation not supported", "EOPNOTSUPP",
            dst:fill_from(src, { reflink = "always" }))
         fails("clone: Operation not supported", "EOPNOTSUPP", dst:clone_from(src))
      end)
   end)

   it("copies from one file system to another, and says why", function()
      local names, files, dirs = { "btrfs", "xfs" }, {}, {}
      for i, name in ipairs(names) do
         local fs, reason = filesystems.get(name)
         if not fs then return pending(reason) end
         dirs[i] = assert(core.open_dir(fs:fresh()))
         files[i] = assert(dirs[i]:tmpfile("image"))
      end
      assert(files[1]:write(pattern(MIB), 0))
      assert.same({ "copied", "the files are on different file systems" }, { files[2]:fill_from(files[1]) })
      assert.equal(pattern(MIB), files[2]:read_all())
      for i = 1, 2 do
         files[i]:close()
         dirs[i]:close()
      end
   end)

   it("reports a full disk while it looks for support", function()
      local fs, reason = filesystems.tmpfs("64k")
      if not fs then return pending(reason) end
      local dir = assert(core.open_dir(fs.dir))
      fails("reflink_supported: No space left on device", "ENOSPC", core.reflink_supported(dir))
      assert.equal(0, entries(dir))
      dir:close()
      fs:unmount()
   end)

   describe("of wrong arguments", function()
      local dir, file

      before_each(function()
         dir = assert(core.open_dir("/tmp"))
         file = assert(dir:tmpfile("file"))
      end)

      after_each(function()
         file:close()
         dir:close()
      end)

      it("raises for what is not a handle", function()
         assert.error_matches(function() file:clone_from("x") end, "byre.file expected, got string")
         assert.error_matches(function() file:fill_from() end, "byre.file expected, got no value")
         assert.error_matches(function() core.reflink_supported("/tmp") end, "byre.dir expected, got string")
         assert.error_matches(function() core.reflink_supported(file) end, "byre.dir expected")
      end)

      it("raises for closed handles", function()
         local closed = assert(dir:tmpfile("closed"))
         closed:close()
         assert.error_matches(function() file:clone_from(closed) end, "closed file")
         assert.error_matches(function() closed:clone_from(file) end, "closed file")
         assert.error_matches(function() file:fill_from(closed) end, "closed file")
         local other = assert(core.open_dir("/tmp"))
         other:close()
         assert.error_matches(function() core.reflink_supported(other) end, "closed directory")
      end)

      it("raises for wrong options", function()
         assert.error_matches(function() file:fill_from(file, "always") end, "table expected, got string")
         assert.error_matches(function() file:fill_from(file, { reflink = "never!" }) end,
            "reflink: invalid option 'never!'")
         assert.error_matches(function() file:fill_from(file, { reflink = true }) end,
            "reflink: string expected, got boolean")
         assert.error_matches(function() file:fill_from(file, { reflink = "never", progress = 1 }) end,
            "progress: function expected, got number")
      end)
   end)
end)
