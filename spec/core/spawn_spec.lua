local core = require("byre.core")
local scratch = require("spec.core.scratch")

local this_process = require("spec.support.this_process")

local fails = scratch.fails

describe("byre.core spawn", function()
   scratch.each_example(before_each, after_each)

   it("returns the exit status and what was printed", function()
      assert.same({ status = 0, stdout = "", stderr = "" }, core.spawn({ "true" }))
      assert.same({ status = 3, stdout = "out\n", stderr = "err\n" },
         core.spawn({ "sh", "-c", "echo out; echo err >&2; exit 3" }))
   end)

   it("returns the signal that ended the program", function()
      assert.same({ signal = 9, stdout = "", stderr = "" }, core.spawn({ "sh", "-c", "kill -9 $$" }))
   end)

   it("looks programs up in PATH and passes arguments as they are", function()
      assert.equal("<a b>\n<>\n<$HOME;*>\n<'>\n",
         core.spawn({ "printf", "<%s>\\n", "a b", "", "$HOME;*", "'" }).stdout)
      assert.equal("x", core.spawn({ "/bin/sh", "-c", "printf x" }).stdout)
   end)

   it("reports a program that is not there, or none", function()
      if this_process.is_under_valgrind() then
         return pending("not under valgrind")
      end
      fails("/byre-none: No such file or directory", "ENOENT", core.spawn({ "/byre-none" }))
      scratch.file("script", "not executable")
      fails(scratch.path .. "/script: Permission denied", "EACCES", core.spawn({ scratch.path .. "/script" }))
   end)

   it("has an empty standard input unless given one", function()
      assert.equal("", core.spawn({ "cat" }).stdout)
      scratch.file("input", "from a file")
      local file = assert(scratch.dir:open("input", "r"))
      assert.equal("from a file", core.spawn({ "cat" }, { stdin = file }).stdout)
      file:close()
   end)

   it("writes standard output to a file if given one", function()
      local file = assert(scratch.dir:tmpfile("output"))
      local result = core.spawn({ "sh", "-c", "echo out; echo err >&2" }, { stdout = file })
      assert.same({ status = 0, stderr = "err\n" }, result)
      assert.equal("out\n", file:read_all())
      file:close()
   end)

   it("reads both outputs at once, however much there is", function()
      local result = core.spawn({ "sh", "-c", [[
         head -c 1000000 /dev/zero >&2
         head -c 3000000 /dev/zero
         head -c 1000000 /dev/zero >&2
         printf the-end >&2
      ]] })
      assert.equal(3000000, #result.stdout)
      assert.equal(64 * 1024, #result.stderr)
      assert.equal("the-end", result.stderr:sub(-7))
   end)

   it("keeps exactly the last 64 KiB of standard error", function()
      for _, size in ipairs({ 65535, 65536, 65537, 131071, 131072, 131073, 150000 }) do
         local result = core.spawn({ "sh", "-c", ("(printf first; head -c %d /dev/zero) >&2"):format(size - 5) })
         assert.equal(math.min(size, 65536), #result.stderr)
         assert.equal(size <= 65536, result.stderr:sub(1, 5) == "first")
      end
   end)

   it("does not wait for what the program left running", function()
      if this_process.is_under_valgrind() then
         return pending("not under valgrind")
      end
      local started = core.clock()
      local result = core.spawn({ "sh", "-c", "sleep 20 & echo $!" })
      assert.equal(0, result.status)
      assert.is_true(core.clock() - started < 10)
      scratch.sh("kill %s", result.stdout:match("%d+"))
   end)

   it("gives the program three descriptors and no more", function()
      local file = assert(io.open(scratch.path .. "/other", "w"))
      -- ls has the directory it lists
      local result = core.spawn({ "sh", "-c", "ls /proc/self/fd" })
      assert.equal("0\n1\n2\n3\n", result.stdout)
      file:close()
   end)

   it("works in a process without descriptors 0, 1 and 2", function()
      scratch.file("script", [[
         local core = require("byre.core")
         local out = assert(core.open(arg[1], "w"))
         assert(out:fileno() < 3)
         local input = assert(core.open(arg[0], "r"))
         local captured = core.spawn({ "sh", "-c", "echo out; echo err >&2" })
         assert(captured.stdout == "out\n" and captured.stderr == "err\n")
         local result = core.spawn({ "sh", "-c", "head -c 30; echo err >&2" }, { stdin = input, stdout = out })
         assert(result.status == 0 and result.stderr == "err\n")
      ]])
      scratch.sh(scratch.lua() .. " %s %s <&- >&- 2>&-", scratch.path .. "/script", scratch.path .. "/out")
      assert.equal("         local core = require(", scratch.content("out"))
   end)

   it("starts the program with no signal blocked and SIGPIPE at its default", function()
      scratch.file("script", [[
         local result = require("byre.core").spawn({ "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status" })
         io.write(result.stdout)
      ]])
      local out = scratch.sh("env --ignore-signal=PIPE --block-signal=TERM --block-signal=INT " ..
         scratch.lua():gsub("^env ", "") .. " %s", scratch.path .. "/script")
      assert.equal("SigBlk:\t0000000000000000", out:match("SigBlk[^\n]*"))
      assert.equal(0, tonumber(out:match("SigIgn:%s*(%x+)"), 16) & 1 << 12)
   end)

   it("reads its arguments when all options have been asked for", function()
      -- what an option's metamethod takes away may be collected at once
      local argv = { "echo", "-n", ("long argument "):rep(100) }
      local options = setmetatable({}, { __index = function()
         argv[3] = "short"
         collectgarbage()
      end })
      assert.equal("short", core.spawn(argv, options).stdout)
      local file = assert(scratch.dir:tmpfile("closed"))
      options = setmetatable({ stdin = file }, { __index = function() file:close() end })
      assert.error_matches(function() core.spawn({ "cat" }, options) end, "stdin: open file expected")
   end)

   it("tells who watches what was printed last, also at the end", function()
      local seen = {}
      local result = core.spawn({ "sh", "-c", "echo one; sleep 0.2; head -c 300 /dev/zero | tr '\\0' x; echo two" },
         { watch = function(text) seen[#seen + 1] = text end })
      assert.equal(308, #result.stdout)
      local first = 1
      while seen[first] == "" do
         first = first + 1
      end
      assert.equal("one\n", seen[first])
      assert.equal(("x"):rep(252) .. "two\n", seen[#seen])
   end)

   it("ends the program where who watches says false, or raises", function()
      local said = {}
      local ok, message, errno = core.spawn({ "sh", "-c", "echo ready; exec sleep 60" },
         { watch = function(text) return text == "" end })
      assert.is_nil(ok)
      assert.equal("sh: Operation canceled", message)
      assert.equal(core.errno.ECANCELED, errno)
      ok, message = pcall(core.spawn, { "sh", "-c", "echo ready; exec sleep 60" },
         { watch = function(text) if text ~= "" then error(said) end end })
      assert.is_false(ok)
      assert.equal(said, message)
   end)

   it("raises for wrong arguments", function()
      assert.error_matches(function() core.spawn({ "true" }, { watch = 1 }) end, "watch: function expected, got number")
      assert.error_matches(function() core.spawn("true") end, "table expected, got string")
      assert.error_matches(function() core.spawn({}) end, "no program")
      assert.error_matches(function() core.spawn({ "true", 1 }) end, "not all strings")
      assert.error_matches(function() core.spawn({ "true", "a\0b" }) end, "a string contains zeros")
      assert.error_matches(function() core.spawn({ "true" }, 1) end, "table expected, got number")
      assert.error_matches(function() core.spawn({ "true" }, { stdin = "x" }) end,
         "stdin: userdata expected, got string")
      assert.error_matches(function() core.spawn({ "true" }, { stdout = scratch.dir }) end,
         "stdout: open file expected")
      local file = assert(scratch.dir:tmpfile("closed"))
      file:close()
      assert.error_matches(function() core.spawn({ "true" }, { stdin = file }) end, "stdin: open file expected")
   end)
end)
