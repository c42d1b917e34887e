local core = require("byre.core")
local scratch = require("spec.core.scratch")

local fails = scratch.fails

describe("byre.core.open_dir", function()
   scratch.each_example(before_each, after_each)

   it("opens a directory that can be closed more than once", function()
      local dir = assert(core.open_dir(scratch.path))
      assert.equal(("byre.dir (fd %d)"):format(dir:fileno()), tostring(dir))
      assert.is_true(dir:close())
      assert.is_true(dir:close())
      assert.equal("byre.dir (closed)", tostring(dir))
   end)

   it("says why it cannot", function()
      scratch.file("file")
      local missing, file = scratch.path .. "/missing", scratch.path .. "/file"
      fails(missing .. ": No such file or directory", "ENOENT", core.open_dir(missing))
      fails(file .. ": Not a directory", "ENOTDIR", core.open_dir(file))
      fails(": No such file or directory", "ENOENT", core.open_dir(""))
      local long = ("x"):rep(5000)
      fails(long .. ": File name too long", "ENAMETOOLONG", core.open_dir(long))
   end)

   it("follows a link at the end only when told to", function()
      scratch.sh("ln -s . %s/link", scratch.path)
      for _, path in ipairs({ scratch.path .. "/link", scratch.path .. "/link/" }) do
         fails(path .. ": Too many levels of symbolic links", "ELOOP", core.open_dir(path))
         fails(path .. ": Too many levels of symbolic links", "ELOOP", core.open_dir(path, {}))
         assert(core.open_dir(path, { follow = true })):close()
      end
   end)

   it("raises on wrong types", function()
      assert.has_error(function()
         core.open_dir()
      end, "bad argument #1 to 'open_dir' (string expected, got no value)")
      assert.has_error(function()
         core.open_dir("/", true)
      end, "bad argument #2 to 'open_dir' (table expected, got boolean)")
      assert.has_error(function()
         core.open_dir("/\0")
      end, "bad argument #1 to 'open_dir' (path contains zeros)")
   end)

   it("hands no descriptor to other programs", function()
      scratch.file("file", "x")
      local file = assert(scratch.dir:open("file"))
      local below = assert(scratch.dir:open_dir("."))
      local temporary = assert(scratch.dir:tmpfile("file"))
      local foreign = assert(core.open(scratch.path .. "/file", "r"))
      local input = assert(core.open("-", "r"))
      local lock = assert(scratch.dir:lock("lock", "shared", 0))
      local open = {}
      for _, handle in ipairs({ scratch.dir, file, below, temporary, foreign, input, lock }) do
         local flags = scratch.sh("sed -n 's/^flags:.*\\([0-7]\\)\\([0-7]\\)....\\([0-7]\\)$/\\1/p' /proc/%s/fdinfo/%s",
            core.pid(), handle:fileno())
         open[#open + 1] = tonumber(flags) & 2
      end
      assert.same({ 2, 2, 2, 2, 2, 2, 2 }, open)
      for _, handle in ipairs({ file, below, temporary, foreign, input, lock }) do
         handle:close()
      end
   end)
end)

--- What is said below must be true whatever the kernel can do, and whether directories are held or not.
local kernels = {
   ["with openat2"] = {},
   ["without openat2"] = { openat2 = core.errno.ENOSYS },
   ["with openat2 filtered"] = { openat2 = core.errno.EPERM },
   ["with openat2, held"] = { held = true },
   ["without openat2, held"] = { openat2 = core.errno.ENOSYS, held = true },
}

for kernel, conditions in pairs(kernels) do
   describe("byre.dir " .. kernel, function()
      scratch.each_example(before_each, after_each)
      local dir

      before_each(function()
         dir = scratch.dir
         core.inject_errors({ openat2 = conditions.openat2 })
         if conditions.held then
            dir:hold()
         end
         assert(dir:make_dir("a", 448))
         assert(dir:make_dir("a/b", 448))
         scratch.file("a/b/file", "content")
         scratch.sh("cd %s && ln -s b a/link && ln -s b/file a/filelink && ln -s /etc out", scratch.path)
      end)

      --- Every method that takes a path, as a function of it.
      local methods = {
         open_dir = function(path) return dir:open_dir(path) end,
         open = function(path) return dir:open(path) end,
         read = function(path) return dir:read(path) end,
         stat = function(path) return dir:stat(path) end,
         list = function(path) return dir:list(path) end,
         each = function(path) return dir:each(path) end,
         find_revisions = function(path) return dir:find_revisions(path, "d", "") end,
         sizes = function(path) return dir:sizes(path, {}) end,
         make_dir = function(path) return dir:make_dir(path, 448) end,
         remove_dir = function(path) return dir:remove_dir(path) end,
         unlink = function(path) return dir:unlink(path) end,
         chmod = function(path) return dir:chmod(path, 384) end,
         sync = function(path) return dir:sync(path) end,
         tmpfile = function(path) return dir:tmpfile(path) end,
         lock = function(path) return dir:lock(path, "shared", 0) end,
      }
      local pairs_of_paths = { "link", "rename" }

      it("refuses paths that are not beneath", function()
         local outside = { "/etc", "..", "a/..", "../x", "a/../../x", "a/../b", "/" }
         for name, method in pairs(methods) do
            for _, path in ipairs(outside) do
               local ok, message, errno = method(path)
               assert.same({ nil, path .. ": Invalid cross-device link", core.errno.EXDEV, name },
                  { ok, message, errno, name })
            end
            fails(": Invalid argument", "EINVAL", method(""))
         end
         for _, name in ipairs(pairs_of_paths) do
            fails("../x -> y: Invalid cross-device link", "EXDEV", dir[name](dir, "../x", "y"))
            fails("a/b/file -> /y: Invalid cross-device link", "EXDEV", dir[name](dir, "a/b/file", "/y"))
            fails("a -> : Invalid argument", "EINVAL", dir[name](dir, "a", ""))
         end
      end)

      it("follows no link on the way", function()
         for _, path in ipairs({ "a/link/file", "out/passwd", "a/link/x/y" }) do
            for _, method in pairs(methods) do
               fails(path .. ": Too many levels of symbolic links", "ELOOP", method(path))
            end
         end
         for _, name in ipairs(pairs_of_paths) do
            fails("a/link/file -> x: Too many levels of symbolic links", "ELOOP",
               dir[name](dir, "a/link/file", "x"))
            fails("a/b/file -> a/link/x: Too many levels of symbolic links", "ELOOP",
               dir[name](dir, "a/b/file", "a/link/x"))
         end
         assert.equal("content", scratch.content("a/b/file"))
      end)

      it("follows no link at the end", function()
         for _, name in ipairs({ "open_dir", "list", "each", "sync" }) do
            for _, path in ipairs({ "a/link", "a/link/", "out" }) do
               fails(path .. ": Too many levels of symbolic links", "ELOOP", methods[name](path))
            end
         end
         for _, name in ipairs({ "open", "read", "chmod", "lock" }) do
            fails("a/filelink: Too many levels of symbolic links", "ELOOP", methods[name]("a/filelink"))
         end
         fails("a/filelink -> x: Too many levels of symbolic links", "ELOOP", dir:link("a/filelink", "x"))
         assert.equal("symlink", assert(dir:stat("a/link")).type)
         assert.equal("symlink", assert(dir:stat("a/filelink/")).type)
      end)

      it("removes and renames a link itself", function()
         assert(dir:unlink("a/filelink"))
         assert(dir:rename("a/link", "other"))
         assert.equal("symlink", assert(dir:stat("other")).type)
         assert.equal("content", scratch.content("a/b/file"))
      end)

      it("says what is missing or no directory on the way", function()
         for _, method in pairs(methods) do
            fails("a/x/y: No such file or directory", "ENOENT", method("a/x/y"))
            fails("a/b/file/x: Not a directory", "ENOTDIR", method("a/b/file/x"))
         end
      end)

      it("takes long paths, and refuses what is too long", function()
         local name = ("n"):rep(255)
         assert(dir:make_dir("a/" .. name, 448))
         assert.equal("directory", assert(dir:stat(("./"):rep(1900) .. "a//" .. name .. "//")).type)
         local long_name, long_path = name .. "n", ("a/"):rep(2048) .. "a"
         fails(long_name .. ": File name too long", "ENAMETOOLONG", dir:stat(long_name))
         fails(long_path .. ": File name too long", "ENAMETOOLONG", dir:stat(long_path))
      end)

      it("opens directories below", function()
         local below = assert(dir:open_dir("a/b"))
         assert.same({ "file" }, below:list("."))
         local below_that = assert(below:open_dir("."))
         below:close()
         assert.same({ "file" }, below_that:list("."))
         fails("file: Not a directory", "ENOTDIR", below_that:open_dir("file"))
         fails("x: No such file or directory", "ENOENT", below_that:open_dir("x"))
         below_that:close()
      end)

      it("opens regular files", function()
         local file = assert(dir:open("a/b/file"))
         assert.equal("content", file:read_all())
         fails("write: Bad file descriptor", "EBADF", file:write("x"))
         file:close()
         file = assert(dir:open("a/b/file", "rw"))
         assert(file:write("C", 0))
         file:close()
         assert.equal("Content", scratch.content("a/b/file"))
      end)
   end)
end

local descriptors = scratch.descriptors

describe("byre.dir that is held", function()
   scratch.each_example(before_each, after_each)
   local dir

   before_each(function()
      dir = scratch.dir
      for i = 1, 9 do
         assert(dir:make_dir("d" .. i, 448))
         scratch.file(("d%d/file"):format(i), "content")
      end
   end)

   it("goes on in the directory that it has found, and follows no link that is put in its place", function()
      local hold = dir:hold()
      assert(dir:stat("d1/file"))
      scratch.sh("cd %s && mv d1 moved && ln -s d2 d1", scratch.path)
      assert(dir:unlink("d1/file"))
      local file = assert(dir:tmpfile("d1/new"))
      assert(file:publish("d1/new"))
      file:close()
      assert(dir:sync("d1"))
      assert.equal("new", scratch.sh("ls %s/moved", scratch.path))
      assert.equal("file", scratch.sh("ls %s/d2", scratch.path))
      hold:release()
      fails("d1/new: Too many levels of symbolic links", "ELOOP", dir:stat("d1/new"))
   end)

   it("walks anew once a directory was made or removed through it", function()
      local hold = dir:hold()
      assert(dir:unlink("d1/file"))
      assert(dir:remove_dir("d1"))
      fails("d1/file: No such file or directory", "ENOENT", dir:stat("d1/file"))
      assert(dir:make_dir("d1", 448))
      local file = assert(dir:tmpfile("d1/file"))
      assert(file:publish("d1/file"))
      file:close()
      assert(dir:stat("d1/file"))
      assert.matches("^byre.hold %(fd %d+%)$", tostring(hold))
   end)

   it("keeps a few descriptors, in its own process alone, until each hold is released", function()
      local before = descriptors()
      local first, second = dir:hold(), dir:hold()
      for i = 1, 9 do
         assert(dir:stat(("d%d/file"):format(i)))
         assert(dir:link(("d%d/file"):format(i), ("d%d/other"):format(i % 9 + 1)))
      end
      assert.equal(before + 4, descriptors())
      assert.is_true(first:release())
      assert.is_true(first:release())
      assert.equal(before + 4, descriptors())
      assert.is_true(dir:is_held())
      second:release()
      assert.is_false(dir:is_held())
      assert.equal(before, descriptors())
      assert(dir:stat("d1/file"))
      assert.equal(before, descriptors())
      assert.equal("byre.hold (closed)", tostring(second))
   end)

   it("gives them back when it is closed or collected", function()
      local before = descriptors()
      local other = assert(core.open_dir(scratch.path))
      local hold = other:hold()
      assert(other:stat("d1/file"))
      other:close()
      assert.equal(before, descriptors())
      assert.is_true(hold:release())
      other = assert(core.open_dir(scratch.path))
      hold = other:hold() -- luacheck: ignore 311
      assert(other:stat("d1/file"))
      hold = nil -- luacheck: ignore 311
      collectgarbage()
      assert.is_false(other:is_held())
      other = nil -- luacheck: ignore 311
      collectgarbage()
      assert.equal(before, descriptors())
   end)
end)

describe("byre.dir", function()
   scratch.each_example(before_each, after_each)
   local dir

   before_each(function()
      dir = scratch.dir
   end)

   it("opens nothing but regular files, and waits for no fifo", function()
      scratch.sh("cd %s && mkfifo fifo && mkdir dir && python3 -c %s 2>/dev/null || true", scratch.path,
         "import socket; socket.socket(socket.AF_UNIX).bind('socket')")
      for _, mode in ipairs({ "r", "rw" }) do
         fails("fifo: not a regular file", "EINVAL", dir:open("fifo", mode))
         fails("dir: Is a directory", "EISDIR", dir:open("dir", mode))
         fails("x: No such file or directory", "ENOENT", dir:open("x", mode))
         if dir:stat("socket") then
            fails("socket: not a regular file", "EINVAL", dir:open("socket", mode))
         end
      end
      fails("fifo: not a regular file", "EINVAL", dir:lock("fifo", "shared", 0))
      fails("fifo: not a regular file", "EINVAL", dir:chmod("fifo", 384))
      fails("dir: Is a directory", "EISDIR", dir:chmod("dir", 448))
   end)

   it("opens no device", function()
      local devices = assert(core.open_dir("/dev"))
      fails("null: not a regular file", "EINVAL", devices:open("null", "rw"))
      assert.equal("device", devices:stat("null").type)
      devices:close()
   end)

   it("knows everything about a name", function()
      scratch.file("file", "12345")
      scratch.sh("cd %s && chmod 4640 file && ln file other && mkfifo fifo && touch -d @1000000000.123456789 file",
         scratch.path)
      local st = assert(dir:stat("file"))
      assert.same({ "file", 5, 2464, 2, 1000000000, 123456789 },
         { st.type, st.size, st.mode, st.nlink, st.mtime, st.mtime_nsec })
      local numbers = scratch.sh("stat -c '%%i %%d %%u %%g %%b %%Z' %s/file", scratch.path)
      assert.equal(numbers, ("%d %d %d %d %d %d"):format(st.ino, st.dev, st.uid, st.gid, st.blocks, st.ctime))
      for field, value in pairs(st) do
         assert.equal(field == "type" and "string" or "number", type(value))
         assert.is_true(field == "type" or math.type(value) == "integer")
      end
      assert.equal("integer", math.type(st.ctime_nsec))
      assert.equal("directory", assert(dir:stat(".")).type)
      assert.equal("fifo", assert(dir:stat("fifo")).type)
      fails("x: No such file or directory", "ENOENT", dir:stat("x"))
   end)

   it("knows sizes beyond 32 bits", function()
      scratch.sh("truncate -s 5T %s/big", scratch.path)
      assert.equal(5 << 40, assert(dir:stat("big")).size)
   end)

   it("lists names, also by what they start with", function()
      for _, name in ipairs({ "b.img", "a.img", "a.img.1", ".hidden", "a%" }) do
         scratch.file(name)
      end
      local names = assert(dir:list("."))
      table.sort(names)
      assert.same({ ".hidden", "a%", "a.img", "a.img.1", "b.img" }, names)
      names = assert(dir:list(".", "a.img"))
      table.sort(names)
      assert.same({ "a.img", "a.img.1" }, names)
      assert.same({}, dir:list(".", "x"))
      fails("a.img: Not a directory", "ENOTDIR", dir:list("a.img"))
   end)

   it("finds the revisions of a volume among the names", function()
      scratch.sh("cd %s; touch d.img d.img.10@2026-01-01T00:00:10Z d.img.9@2026-01-01T00:00:09Z d.img.x dd.img "
         .. "dd.img.1@2026-01-01T00:00:01Z other; ln -s x d.img.11@2026-01-01T00:00:11Z", scratch.path)
      local revisions, others, kinds = dir:find_revisions(".", "d", "vm/")
      local paths = {}
      for i, revision in ipairs(revisions) do
         paths[i] = revision.path
      end
      table.sort(others)
      assert.same({ "vm/d.img.9@2026-01-01T00:00:09Z", "vm/d.img.10@2026-01-01T00:00:10Z",
         "vm/d.img.11@2026-01-01T00:00:11Z" }, paths)
      assert.same({ "d.img", "d.img.x", "dd.img", "dd.img.1@2026-01-01T00:00:01Z" }, others)
      assert.same({ ["d.img.11@2026-01-01T00:00:11Z"] = "symlink" }, kinds)
      fails("d.img: Not a directory", "ENOTDIR", dir:find_revisions("d.img", "d", ""))
   end)

   it("lists what is no plain file besides", function()
      scratch.sh("cd %s; mkdir a.dir; touch a.file; mkfifo a.fifo; ln -s x a.link; ln -s x link", scratch.path)
      assert.same({ ["a.dir"] = "directory", ["a.fifo"] = "fifo", ["a.link"] = "symlink" },
         (select(2, dir:list(".", "a"))))
      assert.same({}, (select(2, dir:list(".", "a.file"))))
   end)

   it("knows the sizes of many files at once", function()
      assert(dir:make_dir("d", 448))
      scratch.file("d/a", "12")
      scratch.file("d/b", "")
      assert.same({ 0, false, 2 }, dir:sizes("d", { "b", "missing", "a" }))
      assert.same({}, dir:sizes("d", {}))
      fails("e: No such file or directory", "ENOENT", dir:sizes("e", { "a" }))
      local count = scratch.descriptors()
      fails("../x: Invalid cross-device link", "EXDEV", dir:sizes("d", { "a", "../x" }))
      assert.has_error(function() dir:sizes("d", { "a", false }) end)
      assert.has_error(function() dir:sizes("d") end,
         "bad argument #2 to 'sizes' (table expected, got no value)")
      collectgarbage()
      assert.equal(count, scratch.descriptors())
   end)

   it("goes through names and types", function()
      scratch.sh("cd %s && mkdir dir && touch file && mkfifo fifo && ln -s x link", scratch.path)
      local types = {}
      for name, kind in assert(dir:each(".")) do
         types[name] = kind
      end
      assert.same({ dir = "directory", file = "file", fifo = "fifo", link = "symlink" }, types)
      fails("x: No such file or directory", "ENOENT", dir:each("x"))
   end)

   it("ends an iteration once and for all", function()
      scratch.file("file")
      local next_entry = assert(dir:each("."))
      assert.equal("file", (next_entry()))
      assert.is_nil(next_entry())
      assert.is_nil(next_entry())
   end)

   it("lets an iteration be left", function()
      for i = 1, 10 do
         scratch.file("file" .. i)
      end
      local count = scratch.descriptors()
      local function leave_early()
         for name in assert(dir:each(".")) do
            if name then
               return
            end
         end
      end
      leave_early()
      if _VERSION > "Lua 5.3" then
         collectgarbage("stop")
         leave_early()
         local fds = assert(core.open_dir("/proc/self/fd"))
         assert.equal(count, #fds:list("."))
         fds:close()
         collectgarbage("restart")
      end
      assert.equal(count, scratch.descriptors())
   end)

   it("lists a directory of thousands", function()
      scratch.sh("cd %s && seq 1 5000 | xargs touch", scratch.path)
      assert.equal(5000, #assert(dir:list(".")))
      local count = 0
      for _, kind in assert(dir:each(".")) do
         count = count + (kind == "file" and 1 or 0)
      end
      assert.equal(5000, count)
   end)

   it("knows how much space there is", function()
      local usage = assert(dir:usage())
      local size, free = scratch.sh("df -B1 --output=size,avail %s | tail -1", scratch.path):match("(%d+)%s+(%d+)")
      assert.equal(tonumber(size), usage.size)
      assert.is_true(math.abs(usage.free - tonumber(free)) < 1 << 30)
      assert.is_true(usage.used + usage.free <= usage.size)
      for _, value in pairs(usage) do
         assert.equal("integer", math.type(value))
      end
   end)

   it("syncs itself, a directory below and the file system", function()
      assert(dir:make_dir("a", 448))
      assert.is_true(dir:sync())
      assert.is_true(dir:sync("a"))
      assert.is_true(dir:sync_filesystem())
   end)

   it("reports every failed sync", function()
      assert(dir:make_dir("a", 448))
      core.inject_errors({ fsync = core.errno.EIO, syncfs = core.errno.ENOSPC })
      fails("fsync: Input/output error", "EIO", dir:sync())
      fails("a: Input/output error", "EIO", dir:sync("a"))
      fails("syncfs: No space left on device", "ENOSPC", dir:sync_filesystem())
   end)

   it("reads small files whole, and no other ones", function()
      for _, size in ipairs({ 0, 1, 4095 }) do
         scratch.file("file", ("x"):rep(size))
         assert.equal(("x"):rep(size), dir:read("file"))
      end
      scratch.file("file", ("x"):rep(4096))
      fails("file: File too large", "EFBIG", dir:read("file"))
   end)

   it("raises when it is closed or no directory", function()
      local closed = assert(core.open_dir("/"))
      closed:close()
      for name, method in pairs(getmetatable(dir).__index) do
         if name ~= "close" then
            assert.has_error(function()
               method(closed, "x", "x")
            end, "bad argument #1 to 'method' (closed directory)")
         end
         assert.has_error(function()
            method(io.stdout)
         end, "bad argument #1 to 'method' (byre.dir expected, got FILE*)")
         assert.has_error(function()
            method()
         end, "bad argument #1 to 'method' (byre.dir expected, got no value)")
      end
   end)

   it("raises on wrong types", function()
      for _, name in ipairs({ "open_dir", "open", "read", "stat", "list", "each", "make_dir", "remove_dir", "unlink",
         "chmod", "link", "rename", "tmpfile", "lock" }) do
         assert.error_matches(function()
            dir[name](dir)
         end, "string expected, got no value")
         assert.error_matches(function()
            dir[name](dir, {})
         end, "string expected, got table")
         assert.error_matches(function()
            dir[name](dir, "a\0b")
         end, "path contains zeros")
      end
      assert.error_matches(function()
         dir:open("x", "w")
      end, "invalid option 'w'")
      assert.error_matches(function()
         dir:rename("x", "y", "swap")
      end, "invalid option 'swap'")
      assert.error_matches(function()
         dir:make_dir("x", -1)
      end, "not a mode")
      assert.error_matches(function()
         dir:make_dir("x", 65536)
      end, "not a mode")
      assert.error_matches(function()
         dir:make_dir("x", 1.5)
      end, "number has no integer representation")
   end)
end)
