local core = require("byre.core")
local scratch = require("spec.core.scratch")

local fails = scratch.fails

describe("dir:lock", function()
   scratch.each_example(before_each, after_each)
   local dir

   before_each(function()
      dir = scratch.dir
   end)

   local function busy(pid, ...)
      assert.same({ n = 4, nil, "lock: Resource temporarily unavailable", core.errno.EAGAIN, pid }, table.pack(...))
   end

   --- Another process that holds `lock`.
   local function holder(mode)
      local script = [[
         local core = require("byre.core")
         lock = assert(assert(core.open_dir(arg[1])):lock("lock", "%s", 0))
         print(core.pid())
      ]]
      return scratch.process(script:format(mode), scratch.path)
   end

   -- a process started later keeps this one's input open, so that `finish` alone would not end it
   local function kill(process)
      scratch.sh("kill -9 %s", process.line)
      process.finish()
   end

   it("makes the file for nobody else, and leaves it empty", function()
      local lock = assert(dir:lock("lock", "exclusive", 0))
      assert.equal(384, dir:stat("lock").mode)
      assert.equal(0, dir:stat("lock").size)
      assert.equal(("byre.lock (fd %d)"):format(lock:fileno()), tostring(lock))
      assert.is_true(lock:release())
      assert.is_true(lock:release())
      assert.is_true(lock:close())
      assert.equal("byre.lock (released)", (tostring(lock):gsub("closed", "released")))
   end)

   it("excludes other handles of the same process", function()
      local lock = assert(dir:lock("lock", "exclusive", 0))
      busy(core.pid(), dir:lock("lock", "exclusive", 0))
      busy(core.pid(), dir:lock("lock", "shared", 0))
      lock:release()
      assert(dir:lock("lock", "exclusive", 0)):release()
   end)

   it("is shared by those who share", function()
      local first = assert(dir:lock("lock", "shared", 0))
      local second = assert(dir:lock("lock", "shared", 0))
      busy(core.pid(), dir:lock("lock", "exclusive", 0))
      first:release()
      busy(core.pid(), dir:lock("lock", "exclusive", 0))
      second:release()
      assert(dir:lock("lock", "exclusive", 0)):release()
   end)

   it("excludes other processes and names the holder", function()
      for _, mode in ipairs({ "exclusive", "shared" }) do
         local process = holder(mode)
         busy(tonumber(process.line), dir:lock("lock", "exclusive", 0.01))
         process.finish()
         assert(dir:lock("lock", "exclusive", 0)):release()
      end
   end)

   it("is free when its process was killed", function()
      kill(holder("exclusive"))
      assert(dir:lock("lock", "exclusive", 1)):release()
   end)

   it("is given back by the garbage collector", function()
      assert(dir:lock("lock", "exclusive", 0))
      collectgarbage()
      collectgarbage()
      assert(dir:lock("lock", "exclusive", 0)):release()
   end)

   it("waits as long as it is told", function()
      local lock = assert(dir:lock("lock", "exclusive", 0))
      local start = core.clock()
      busy(core.pid(), dir:lock("lock", "exclusive", 0.2))
      local waited = core.clock() - start
      assert.is_true(waited >= 0.2 and waited < 2, waited)
      lock:release()
   end)

   it("gets what is released while it waits", function()
      local script = [[
         local core = require("byre.core")
         local lock = assert(assert(core.open_dir(arg[1])):lock("lock", "exclusive", 0))
         print("locked") io.stdout:flush()
         local t = core.clock() while core.clock() < t + 0.2 do end
         lock:release()
      ]]
      local process = scratch.process(script, scratch.path)
      assert(dir:lock("lock", "exclusive", 30)):release()
      process.finish()
   end)

   it("goes on waiting after a signal", function()
      local lock = assert(dir:lock("lock", "exclusive", 0))
      local script = [[
         local core = require("byre.core")
         print(core.pid()) io.stdout:flush()
         local dir = assert(core.open_dir(arg[1]))
         lock = assert(dir:lock("lock", "exclusive", 30))
         dir:make_dir("done", 448)
      ]]
      local process = scratch.process(script, scratch.path)
      scratch.sh("kill -STOP %s; kill -CONT %s; sleep 0.1", process.line, process.line)
      assert.is_nil(dir:stat("done"))
      lock:release()
      process.finish()
      assert.equal("directory", assert(dir:stat("done")).type)
   end)

   it("locks what has the name now", function()
      local old = assert(dir:lock("lock", "exclusive", 0))
      assert(dir:unlink("lock"))
      local new = assert(dir:lock("lock", "exclusive", 0))
      busy(core.pid(), dir:lock("lock", "exclusive", 0))
      old:release()
      busy(core.pid(), dir:lock("lock", "exclusive", 0))
      new:release()
   end)

   it("excludes everybody though the file is removed all the time", function()
      local script = [[
         local core = require("byre.core")
         local dir = assert(core.open_dir(arg[1]))
         for i = 1, 200 do
            local lock = assert(dir:lock("lock", "exclusive", 60))
            assert(dir:make_dir("inside", 448))
            assert(dir:remove_dir("inside"))
            if i % 3 == 0 then dir:unlink("lock") end
            lock:release()
         end
         print("done")
      ]]
      local processes = {}
      scratch.file("script", script)
      for i = 1, 3 do
         processes[i] = io.popen(("%s '%s/script' '%s' 2>&1"):format(scratch.lua(), scratch.path, scratch.path))
      end
      for _, process in ipairs(processes) do
         assert.equal("done\n", process:read("a"))
         process:close()
      end
   end)

   it("names one who still shares it, not the one who came last", function()
      local first, second, third = holder("shared"), holder("shared"), holder("shared")
      kill(third)
      local _, _, _, pid = dir:lock("lock", "exclusive", 0)
      assert.is_true(pid == tonumber(first.line) or pid == tonumber(second.line), tostring(pid))
      kill(first)
      busy(tonumber(second.line), dir:lock("lock", "exclusive", 0))
      kill(second)
      assert(dir:lock("lock", "exclusive", 0)):release()
   end)

   it("does not name those who wait", function()
      local process = holder("exclusive")
      local waiting = io.popen(("%s '%s' '%s'"):format(scratch.lua(), scratch.path .. "/" .. scratch.file("script", [[
         local core = require("byre.core")
         assert(core.open_dir(arg[1])):lock("lock", "exclusive", 30)
      ]]), scratch.path))
      scratch.sh("sleep 0.2")
      for _ = 1, 5 do
         busy(tonumber(process.line), dir:lock("lock", "shared", 0.01))
      end
      kill(process)
      waiting:close()
   end)

   it("does not believe what is written in the file, and writes nothing", function()
      scratch.file("lock", "12345678")
      local lock = assert(dir:lock("lock", "exclusive", 0))
      busy(core.pid(), dir:lock("lock", "shared", 0))
      assert.equal("12345678", scratch.content("lock"))
      lock:release()
   end)

   it("makes a file that can be locked again, whatever the umask", function()
      local script = [[
         local core = require("byre.core")
         require("posix.sys.stat").umask(tonumber("777", 8))
         lock = assert(assert(core.open_dir(arg[1])):lock("lock", "exclusive", 0))
         print(core.pid())
      ]]
      scratch.process(script, scratch.path).finish()
      assert.equal(384, dir:stat("lock").mode)
   end)

   it("leaves a file that has another name as it is", function()
      scratch.file("other", "text")
      scratch.sh("cd %s && chmod 644 other && ln other lock", scratch.path)
      local before = scratch.sh("stat -c '%%a %%Z %%s' %s", scratch.path .. "/other")
      assert(dir:lock("lock", "exclusive", 0)):release()
      assert.equal(before, scratch.sh("stat -c '%%a %%Z %%s' %s", scratch.path .. "/other"))
   end)

   it("says why it cannot", function()
      assert(dir:make_dir("a", 448))
      fails("a: Is a directory", "EISDIR", dir:lock("a", "shared", 0))
      core.inject_errors({ setlk = core.errno.ENOLCK })
      fails("lock: No locks available", "ENOLCK", dir:lock("lock", "shared", 0))
   end)

   it("raises on wrong types", function()
      assert.has_error(function()
         dir:lock("lock")
      end, "bad argument #2 to 'lock' (string expected, got no value)")
      assert.has_error(function()
         dir:lock("lock", "both", 0)
      end, "bad argument #2 to 'lock' (invalid option 'both')")
      assert.has_error(function()
         dir:lock("lock", "shared")
      end, "bad argument #3 to 'lock' (number expected, got no value)")
      for _, timeout in ipairs({ -1, 0 / 0 }) do
         assert.has_error(function()
            dir:lock("lock", "shared", timeout)
         end, "bad argument #3 to 'lock' (not a time to wait)")
      end
      local lock = assert(dir:lock("lock", "shared", math.huge))
      lock:release()
      assert.has_error(function()
         lock:fileno()
      end, "calling 'fileno' on bad self (released lock)")
      assert.error_matches(function()
         getmetatable(lock).__index.release(dir)
      end, "byre%.lock expected, got byre%.dir")
   end)
end)
