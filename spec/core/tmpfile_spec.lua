local core = require("byre.core")
local scratch = require("spec.core.scratch")

local fails = scratch.fails

--- The ways a temporary file exists and gets its name.
local ways = {
   ["unnamed"] = {},
   ["unnamed, linked through /proc"] = { linkat_empty_path = core.errno.ENOENT },
   ["named"] = { tmpfile = core.errno.EOPNOTSUPP },
   ["named, on old kernels"] = { tmpfile = core.errno.EISDIR, renameat2 = core.errno.ENOSYS },
   ["named, where renames replace"] = { tmpfile = core.errno.ENOSYS, renameat2 = core.errno.EINVAL },
}

for way, errors in pairs(ways) do
   describe("a temporary file, " .. way, function()
      scratch.each_example(before_each, after_each)
      local dir
      local visible = errors.tmpfile and 1 or 0

      before_each(function()
         dir = scratch.dir
         assert(dir:make_dir("a", 448))
         core.inject_errors(errors)
      end)

      it("is open for reading and writing, for nobody else", function()
         local file = assert(dir:tmpfile("a/image"))
         assert.equal(384, file:stat().mode)
         assert.equal(visible, file:stat().nlink)
         assert.is_true(file:write("content"))
         assert.equal("content", file:read(100, 0))
         file:close()
      end)

      it("has mode 0600 whatever the umask", function()
         local script = [[
            local core = require("byre.core")
            core.inject_errors({ tmpfile = %d })
            local dir = assert(core.open_dir(arg[1]))
            print(assert(dir:tmpfile("image")):stat().mode)
         ]]
         scratch.file("script", script:format(errors.tmpfile or 0))
         for _, umask in ipairs({ "0", "022", "0777" }) do
            assert.equal("384", scratch.sh("umask %s && %%lua %s/script %s", umask, scratch.path, scratch.path))
         end
      end)

      it("shows under its name only when published", function()
         local file = assert(dir:tmpfile("a/image"))
         local names = dir:list("a")
         assert.equal(visible, #names)
         for _, name in ipairs(names) do
            assert.truthy(name:match("^image~[a-z0-9]+$"))
            assert.equal(14, #name)
         end
         assert(file:write("content"))
         assert.is_true(file:publish("a/image"))
         assert.same({ "image" }, dir:list("a"))
         assert.equal("content", scratch.content("a/image"))
         assert.equal(1, file:stat().nlink)
         file:close()
         assert.same({ "image" }, dir:list("a"))
      end)

      it("leaves nothing when it is closed or forgotten", function()
         assert.is_true(assert(dir:tmpfile("a/image")):close())
         assert.same({}, dir:list("a"))
         assert(dir:tmpfile("a/image"))
         collectgarbage()
         collectgarbage()
         assert.same({}, dir:list("a"))
      end)

      it("leaves nothing when its directory was closed before", function()
         local other = assert(core.open_dir(scratch.path))
         local file = assert(other:tmpfile("a/image"))
         other:close()
         assert.has_error(function()
            file:publish("a/image")
         end, "calling 'publish' on bad self (its directory is closed)")
         file:close()
         assert.same({}, dir:list("a"))
      end)

      it("outlives the variable of its directory", function()
         local file = assert(core.open_dir(scratch.path):tmpfile("a/image"))
         collectgarbage()
         collectgarbage()
         assert.is_true(file:publish("a/image"))
         file:close()
         assert.same({ "image" }, dir:list("a"))
      end)

      it("replaces a file only when told to", function()
         scratch.file("a/image", "old")
         local file = assert(dir:tmpfile("a/image"))
         assert(file:write("new"))
         fails("a/image: File exists", "EEXIST", file:publish("a/image"))
         assert.equal("old", scratch.content("a/image"))
         assert.is_true(file:publish("a/image", true))
         assert.equal("new", scratch.content("a/image"))
         assert.same({ "image" }, dir:list("a"))
         file:close()
         assert.same({ "image" }, dir:list("a"))
      end)

      it("takes a name that is free even if it may replace", function()
         local file = assert(dir:tmpfile("a/image"))
         assert.is_true(file:publish("a/image", true))
         file:close()
         assert.same({ "image" }, dir:list("a"))
      end)

      it("replaces a link itself, not what it points to", function()
         scratch.file("target", "old")
         scratch.sh("ln -s ../target %s/a/image", scratch.path)
         local file = assert(dir:tmpfile("a/image"))
         fails("a/image: File exists", "EEXIST", file:publish("a/image"))
         assert.is_true(file:publish("a/image", true))
         assert.equal("old", scratch.content("target"))
         assert.equal("file", dir:stat("a/image").type)
         file:close()
      end)

      it("can be published in another directory", function()
         local file = assert(dir:tmpfile("a/image"))
         assert.is_true(file:publish("image"))
         file:close()
         assert.same({}, dir:list("a"))
         assert.equal("file", dir:stat("image").type)
      end)

      it("can try another name after a failure", function()
         assert(dir:make_dir("a/dir", 448))
         scratch.sh("ln -s a %s/link", scratch.path)
         local file = assert(dir:tmpfile("a/image"))
         fails("a/dir: Is a directory", "EISDIR", file:publish("a/dir", true))
         fails("x/image: No such file or directory", "ENOENT", file:publish("x/image"))
         fails("link/image: Too many levels of symbolic links", "ELOOP", file:publish("link/image"))
         fails("../image: Invalid cross-device link", "EXDEV", file:publish("../image"))
         assert.is_true(file:publish("a/image"))
         file:close()
         local names = dir:list("a")
         table.sort(names)
         assert.same({ "dir", "image" }, names)
      end)

      it("is published once", function()
         local file = assert(dir:tmpfile("a/image"))
         assert(file:publish("a/image"))
         assert.has_error(function()
            file:publish("a/other")
         end, "calling 'publish' on bad self (not a temporary file)")
         file:close()
      end)

      it("is published by one of many at the same time", function()
         local files, published = {}, 0
         for i = 1, 20 do
            files[i] = assert(dir:tmpfile("a/image"))
         end
         for _, file in ipairs(files) do
            published = published + (file:publish("a/image") and 1 or 0)
            file:close()
         end
         assert.equal(1, published)
         assert.same({ "image" }, dir:list("a"))
      end)

      it("leaves nothing when the last rename fails", function()
         scratch.file("a/image", "old")
         local file = assert(dir:tmpfile("a/image"))
         local more = { renameat = core.errno.EIO }
         for name, errno in pairs(errors) do
            more[name] = errno
         end
         core.inject_errors(more)
         fails("a/image: Input/output error", "EIO", file:publish("a/image", true))
         file:close()
         assert.same({ "image" }, dir:list("a"))
         assert.equal("old", scratch.content("a/image"))
      end)
   end)
end

describe("dir:tmpfile", function()
   scratch.each_example(before_each, after_each)

   it("says why it cannot", function()
      local dir = scratch.dir
      fails("x/image: No such file or directory", "ENOENT", dir:tmpfile("x/image"))
      core.inject_errors({ tmpfile = core.errno.ENOSPC })
      fails("image: No space left on device", "ENOSPC", dir:tmpfile("image"))
      local long = ("n"):rep(250)
      core.inject_errors({ tmpfile = core.errno.EOPNOTSUPP })
      fails(long .. ": File name too long", "ENAMETOOLONG", dir:tmpfile(long))
      assert.same({}, dir:list("."))
   end)

   it("works in memory file systems", function()
      local path = scratch.sh("mktemp -d -p /dev/shm")
      local dir = assert(core.open_dir(path))
      local file = assert(dir:tmpfile("image"))
      assert(file:write("content"))
      assert.is_true(file:publish("image"))
      file:close()
      assert.same({ "image" }, dir:list("."))
      dir:close()
      scratch.sh("rm -r %s", path)
   end)

   it("works for other users than root", function()
      if scratch.sh("id -u") ~= "0" then
         return pending("this user is not root: the other examples say it")
      end
      scratch.file("script", [[
         local dir = assert(require("byre.core").open_dir(arg[1]))
         local file = assert(dir:tmpfile("image"))
         assert(file:write("content"))
         assert(file:publish("image"))
      ]])
      scratch.sh("chmod 777 %s && setpriv --reuid 65534 --regid 65534 --clear-groups -- %%lua %s/script %s",
         scratch.path, scratch.path, scratch.path)
      assert.equal("content", scratch.content("image"))
   end)

   it("is refused for files that are not temporary", function()
      scratch.file("file")
      local file = assert(scratch.dir:open("file", "rw"))
      assert.has_error(function()
         file:publish("other")
      end, "calling 'publish' on bad self (not a temporary file)")
      assert.has_error(function()
         file:publish()
      end, "bad argument #1 to 'publish' (string expected, got no value)")
      file:close()
   end)
end)
