local core = require("byre.core")
local scratch = require("spec.core.scratch")

local fails = scratch.fails

describe("byre.dir", function()
   scratch.each_example(before_each, after_each)
   local dir

   before_each(function()
      dir = scratch.dir
   end)

   it("makes directories as the umask allows", function()
      assert.is_true(dir:make_dir("a", 448))
      assert.is_true(dir:make_dir("a/b", 511))
      assert.equal(448, dir:stat("a").mode)
      local umask = tonumber(scratch.sh("umask"), 8)
      assert.equal(511 & ~umask, dir:stat("a/b").mode)
      fails("a: File exists", "EEXIST", dir:make_dir("a", 448))
   end)

   it("makes directories whatever the umask, if asked", function()
      scratch.file("script", [[
         local core = require("byre.core")
         require("posix.sys.stat").umask(tonumber("777", 8))
         local dir = assert(core.open_dir(arg[1]))
         assert(dir:make_dir("exact", tonumber("700", 8), "exact"))
         assert(dir:make_dir("masked", tonumber("700", 8)))
         assert(not dir:make_dir("masked", tonumber("700", 8), "exact"))
      ]])
      scratch.sh("%%lua %s %s", scratch.path .. "/script", scratch.path)
      assert.equal(448, dir:stat("exact").mode)
      assert.equal(0, dir:stat("masked").mode)
   end)

   it("removes directories when they are empty", function()
      assert(dir:make_dir("a", 448))
      scratch.file("a/file")
      fails("a: Directory not empty", "ENOTEMPTY", dir:remove_dir("a"))
      fails("a/file: Not a directory", "ENOTDIR", dir:remove_dir("a/file"))
      assert.is_true(dir:unlink("a/file"))
      assert.is_true(dir:remove_dir("a"))
      fails("a: No such file or directory", "ENOENT", dir:remove_dir("a"))
   end)

   it("unlinks files, not directories", function()
      scratch.file("file")
      assert(dir:make_dir("a", 448))
      assert.is_true(dir:unlink("file"))
      fails("file: No such file or directory", "ENOENT", dir:unlink("file"))
      fails("a: Is a directory", "EISDIR", dir:unlink("a"))
   end)

   it("never removes itself", function()
      fails(".: Is a directory", "EISDIR", dir:unlink("."))
      fails(".: Invalid argument", "EINVAL", dir:remove_dir("."))
   end)

   it("changes the mode of files", function()
      scratch.file("file")
      assert.is_true(dir:chmod("file", 256))
      assert.equal(256, dir:stat("file").mode)
      assert.is_true(dir:chmod("file", 0))
      assert.is_true(dir:chmod("file", 384))
      assert.equal(384, dir:stat("file").mode)
      fails("x: No such file or directory", "ENOENT", dir:chmod("x", 384))
   end)

   it("links a file to a new name", function()
      scratch.file("file", "content")
      assert.is_true(dir:link("file", "other"))
      assert.equal(dir:stat("file").ino, dir:stat("other").ino)
      assert.equal(2, dir:stat("file").nlink)
      fails("file -> other: File exists", "EEXIST", dir:link("file", "other"))
      fails("x -> y: No such file or directory", "ENOENT", dir:link("x", "y"))
      assert(dir:make_dir("a", 448))
      fails("a -> b: Operation not permitted", "EPERM", dir:link("a", "b"))
      assert.is_true(dir:link("file", "a/file"))
   end)

   it("renames over what is there", function()
      scratch.file("from", "new")
      scratch.file("to", "old")
      assert.is_true(dir:rename("from", "to"))
      assert.equal("new", scratch.content("to"))
      fails("from -> to: No such file or directory", "ENOENT", dir:rename("from", "to"))
      assert(dir:make_dir("a", 448))
      assert.is_true(dir:rename("to", "a/to"))
      assert.equal("new", scratch.content("a/to"))
   end)

   it("exchanges two names", function()
      scratch.file("from", "new")
      scratch.file("to", "old")
      assert.is_true(dir:rename("from", "to", "exchange"))
      assert.equal("new", scratch.content("to"))
      assert.equal("old", scratch.content("from"))
      fails("from -> x: No such file or directory", "ENOENT", dir:rename("from", "x", "exchange"))
   end)

   for how, errors in pairs({
      ["at once"] = {},
      ["by linking"] = { renameat2 = core.errno.EINVAL },
      ["by linking on old kernels"] = { renameat2 = core.errno.ENOSYS },
   }) do
      it("renames without replacing " .. how, function()
         core.inject_errors(errors)
         scratch.file("from", "new")
         scratch.file("to", "old")
         fails("from -> to: File exists", "EEXIST", dir:rename("from", "to", "noreplace"))
         assert.equal("old", scratch.content("to"))
         assert.equal("new", scratch.content("from"))
         assert.is_true(dir:rename("from", "other", "noreplace"))
         assert.equal("new", scratch.content("other"))
         local names = dir:list(".")
         table.sort(names)
         assert.same({ "other", "to" }, names)
         fails("from -> x: No such file or directory", "ENOENT", dir:rename("from", "x", "noreplace"))
      end)
   end

   it("changes nothing when a call fails", function()
      scratch.file("from", "new")
      core.inject_errors({
         linkat = core.errno.EMLINK,
         renameat = core.errno.ENOSPC,
         renameat2 = core.errno.EIO,
         unlinkat = core.errno.EROFS,
      })
      fails("from -> to: Too many links", "EMLINK", dir:link("from", "to"))
      fails("from -> to: No space left on device", "ENOSPC", dir:rename("from", "to"))
      fails("from -> to: Input/output error", "EIO", dir:rename("from", "to", "noreplace"))
      fails("from -> to: Input/output error", "EIO", dir:rename("from", "to", "exchange"))
      fails("from: Read-only file system", "EROFS", dir:unlink("from"))
      fails("from: Read-only file system", "EROFS", dir:remove_dir("from"))
      assert.same({ "from" }, dir:list("."))
   end)
end)
