local core = require("byre.core")
local scratch = require("spec.core.scratch")

local fails = scratch.fails

describe("byre.file", function()
   local file
   scratch.each_example(before_each, after_each, function()
      file:close()
   end)

   before_each(function()
      file = assert(scratch.dir:tmpfile("file"))
   end)

   it("can be closed more than once", function()
      assert.equal(("byre.file (fd %d)"):format(file:fileno()), tostring(file))
      assert.is_true(file:close())
      assert.is_true(file:close())
      assert.equal("byre.file (closed)", tostring(file))
   end)

   it("writes and reads at any place", function()
      assert.is_true(file:write("hello", 3))
      assert.equal("\0\0\0hello", file:read(100, 0))
      assert.equal("hel", file:read(3, 3))
      assert.equal("", file:read(10, 8))
      assert.equal("", file:read(10, 1 << 40))
      assert.equal("", file:read(0, 0))
   end)

   it("writes and reads where it stands", function()
      assert(file:write("one"))
      assert(file:write("two"))
      assert.equal("onetwo", file:read_all())
      assert.equal("", file:read(10))
   end)

   it("reads all, up to a limit", function()
      local seed = os.time()
      math.randomseed(seed)
      for _, size in ipairs({ 0, 1, 65535, 65536, 65537, math.random(1 << 20) }) do
         local data = string.rep("x", size)
         assert(file:truncate(0))
         assert(file:write(data, 0))
         assert.is_true(data == file:read_all(), "seed " .. seed)
         assert.is_true(data == file:read_all(size), "seed " .. seed)
         if size > 0 then
            fails("read: File too large", "EFBIG", file:read_all(size - 1))
         end
      end
   end)

   it("reads streams to their end", function()
      scratch.sh("mkfifo %s/fifo", scratch.path)
      local writer = io.popen(("head -c 200000 /dev/zero >'%s/fifo'"):format(scratch.path))
      local fifo = assert(core.open(scratch.path .. "/fifo", "r"))
      assert.equal("fifo", fifo:stat().type)
      assert.equal(100000, #fifo:read(100000))
      fails("read: Illegal seek", "ESPIPE", fifo:read(1, 0))
      assert.equal(100000, #fifo:read_all())
      assert.equal("", fifo:read(1))
      fifo:close()
      writer:close()
   end)

   it("reports failed reads and writes", function()
      core.inject_errors({ write = core.errno.ENOSPC })
      fails("write: No space left on device", "ENOSPC", file:write("x"))
      local dir = assert(core.open(scratch.path .. "/x", "w"))
      fails("read: Bad file descriptor", "EBADF", dir:read(1, 0))
      fails("read: Bad file descriptor", "EBADF", dir:read_all())
      dir:close()
   end)

   it("changes its size, beyond 32 bits too", function()
      assert.is_true(file:truncate(5 << 40))
      assert.equal(5 << 40, file:stat().size)
      assert.is_true(file:write("x", (5 << 40) - 1))
      assert.equal("x", file:read(10, (5 << 40) - 1))
      assert.is_true(file:truncate(3))
      assert.equal(3, file:stat().size)
   end)

   it("sets its times and mode", function()
      assert.is_true(file:set_mtime(1234567890, 987654321))
      local st = file:stat()
      assert.same({ 1234567890, 987654321 }, { st.mtime, st.mtime_nsec })
      assert.is_true(file:set_mtime(-1))
      assert.equal(-1, file:stat().mtime)
      assert.is_true(file:chmod(256))
      assert.equal(256, file:stat().mode)
   end)

   it("is described like its name", function()
      assert(file:write("content"))
      assert(file:publish("file"))
      assert.same(scratch.dir:stat("file"), file:stat())
   end)

   it("is made durable, or says so", function()
      assert.is_true(file:sync())
      assert.is_true(file:sync_filesystem())
      core.inject_errors({ fsync = core.errno.EIO, syncfs = core.errno.EIO })
      fails("fsync: Input/output error", "EIO", file:sync())
      fails("syncfs: Input/output error", "EIO", file:sync_filesystem())
   end)

   it("is closed at the end of a block", function()
      if _VERSION == "Lua 5.3" then
         return pending("5.3 has no <close>")
      end
      local script = assert(load("local dir = ...; local f <close> = dir:tmpfile('x'); return f"))
      assert.equal("byre.file (closed)", tostring(script(scratch.dir)))
   end)

   it("raises when it is closed or no file", function()
      local closed = assert(scratch.dir:tmpfile("x"))
      closed:close()
      for name, method in pairs(getmetatable(file).__index) do
         if name ~= "close" then
            assert.error_matches(function()
               method(closed, "x", "x")
            end, "bad argument #1 to '.*' %(closed file%)")
         end
         assert.error_matches(function()
            method(scratch.dir)
         end, "bad argument #1 to '.*' %(byre%.file expected, got byre%.dir%)")
      end
   end)

   it("raises on wrong types", function()
      local wrong = {
         { "number expected, got no value", file.read, file },
         { "negative", file.read, file, -1 },
         { "negative", file.read, file, 1, -1 },
         { "negative", file.read_all, file, -1 },
         { "string expected, got no value", file.write, file },
         { "negative", file.write, file, "x", -1 },
         { "number expected, got no value", file.truncate, file },
         { "negative", file.truncate, file, -1 },
         { "number has no integer representation", file.truncate, file, 0.5 },
         { "not below a second", file.set_mtime, file, 0, 1000000000 },
         { "not below a second", file.set_mtime, file, 0, -1 },
         { "not a mode", file.chmod, file, 4096 },
      }
      for _, case in ipairs(wrong) do
         assert.error_matches(function()
            case[2](table.unpack(case, 3))
         end, case[1])
      end
   end)
end)

describe("byre.core.open", function()
   scratch.each_example(before_each, after_each)

   it("reads and writes files anywhere", function()
      local path = scratch.path .. "/new"
      local file = assert(core.open(path, "w"))
      assert(file:write("long content"))
      file:close()
      assert.equal(384, scratch.dir:stat("new").mode)
      file = assert(core.open(path, "w"))
      assert(file:write("short"))
      file:close()
      file = assert(core.open(path))
      assert.equal("short", file:read_all())
      file:close()
   end)

   it("says why it cannot", function()
      local path = scratch.path
      fails(path .. "/x: No such file or directory", "ENOENT", core.open(path .. "/x", "r"))
      fails(path .. ": Is a directory", "EISDIR", core.open(path, "r"))
      fails(path .. ": Is a directory", "EISDIR", core.open(path, "w"))
      fails(path .. "/x/y: No such file or directory", "ENOENT", core.open(path .. "/x/y", "w"))
   end)

   it("knows devices from files", function()
      local null = assert(core.open("/dev/null", "w"))
      assert.equal("char", null:stat().type)
      null:close()
   end)

   it("copies the standard streams", function()
      scratch.file("script", [[
         local core = require("byre.core")
         local input, output = assert(core.open("-", "r")), assert(core.open("-", "w"))
         assert(output:write(input:read(100):upper()))
         input:close()
         output:close()
         print("still open")
      ]])
      local out = scratch.sh("echo text | %%lua %s/script", scratch.path)
      assert.equal("TEXT\nstill open", out)
   end)

   it("raises on wrong types", function()
      assert.has_error(function()
         core.open()
      end, "bad argument #1 to 'open' (string expected, got no value)")
      assert.has_error(function()
         core.open("x", "a")
      end, "bad argument #2 to 'open' (invalid option 'a')")
      assert.has_error(function()
         core.open("x\0y")
      end, "bad argument #1 to 'open' (path contains zeros)")
   end)
end)

describe("file:has_writers", function()
   scratch.each_example(before_each, after_each)
   local dir

   before_each(function()
      dir = scratch.dir
      scratch.file("image", "content")
   end)

   it("sees who can write, here", function()
      local file = assert(dir:open("image"))
      assert.is_false(file:has_writers())
      local reader = assert(dir:open("image"))
      assert.is_false(file:has_writers())
      local writer = assert(dir:open("image", "rw"))
      assert.is_true(file:has_writers())
      writer:close()
      assert.is_false(file:has_writers())
      reader:close()
      file:close()
   end)

   it("sees who can write, in another process", function()
      local file = assert(dir:open("image"))
      local process = scratch.process("f = io.open(arg[1], 'r+') print('open')", scratch.path .. "/image")
      assert.equal("open", process.line)
      assert.is_true(file:has_writers())
      process.finish()
      assert.is_false(file:has_writers())
      file:close()
   end)

   it("lets writers in afterwards", function()
      local file = assert(dir:open("image"))
      for _ = 1, 100 do
         assert.is_false(file:has_writers())
         assert(dir:open("image", "rw")):close()
      end
      file:close()
   end)

   it("sees a loop device", function()
      local device = scratch.sh("truncate -s 1M %s/image; losetup -f --show %s/image 2>/dev/null || true",
         scratch.path, scratch.path)
      if device == "" then
         return pending("no loop devices here")
      end
      local file = assert(dir:open("image"))
      local writers = file:has_writers()
      scratch.sh("losetup -d %s", device)
      file:close()
      assert.is_true(writers)
   end)

   it("says where it cannot know", function()
      local writer = assert(dir:open("image", "rw"))
      fails("has_writers: Bad file descriptor", "EBADF", writer:has_writers())
      writer:close()
      local null = assert(core.open("/dev/null", "r"))
      fails("has_writers: not a regular file", "EINVAL", null:has_writers())
      null:close()
      local file = assert(dir:open("image"))
      core.inject_errors({ setlease = core.errno.EACCES })
      fails("has_writers: Permission denied", "EACCES", file:has_writers())
      file:close()
   end)
end)
