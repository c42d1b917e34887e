-- Other programs, as hooks and scripts run them.
local byre = require("byre")
local core = require("byre.core")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")
local this_process = require("spec.support.this_process")

describe("byre.spawn", function()
   scratch.each_example(before_each, after_each)

   -- It was killed before byre.spawn returned, but who collects orphans may take a moment.
   local function is_alive(pid)
      return scratch.sh("for i in $(seq 100); do grep -qs '^State:[[:space:]]*[^ZX]' /proc/%s/status || exit 0; "
         .. "sleep 0.05; done; echo yes", pid) ~= ""
   end

   it("returns what became of the program and what it printed", function()
      assert.same({ status = 0, stdout = "a b;$(c)\n", stderr = "" }, byre.spawn { "echo", "a b;$(c)" })
      assert.same({ status = 3, stdout = "", stderr = "no\n" }, byre.spawn { "sh", "-c", "echo no >&2; exit 3" })
      assert.same({ signal = 9, stdout = "", stderr = "" }, byre.spawn { "sh", "-c", "kill -9 $$" })
   end)

   it("ends a program that takes too long, with all that it has started", function()
      local result = byre.spawn { "sh", "-c", "sleep 100 & echo $!; echo $$; wait", timeout = 0.3 }
      assert.is_true(result.timed_out)
      assert.equal(15, result.signal)
      for pid in result.stdout:gmatch("%d+") do
         assert.is_false(is_alive(pid))
      end
      assert.is_nil(byre.spawn { "true", timeout = 100 }.timed_out)
   end)

   it("ends one that does not listen, too", function()
      local result = byre.spawn { "sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.1; done", timeout = 0.2 }
      assert.equal(9, result.signal)
      assert.is_true(result.timed_out)
      assert.is_false(is_alive(result.stdout:match("%d+")))
   end)

   it("keeps what was printed before the end, and the status of one that ends in time when asked", function()
      local result = byre.spawn { "lua5.4", "-e", [[
         local signal = require("posix.signal")
         signal.signal(signal.SIGTERM, function() print("bye") os.exit(7) end)
         print("hello")
         io.stdout:flush()
         while true do require("posix.unistd").sleep(1) end
      ]], timeout = 1 }
      assert.same({ status = 7, timed_out = true, stdout = "hello\nbye\n", stderr = "" }, result)
   end)

   it("raises if it is to and the program fails", function()
      assert.equal("out", byre.spawn { "printf", "out", check = true }.stdout)
      local e = pools.fails("io", "byre: sh: ended with status 4: the last line", byre.spawn,
         { "sh", "-c", "printf 'first\\nthe last line\\n\\n' >&2; exit 4", check = true })
      assert.equal(4, e.status)
      assert.equal("first\nthe last line\n\n", e.stderr)
      pools.fails("io", "byre: sh: was ended by signal 9", byre.spawn, { "sh", "-c", "kill -9 $$", check = true })
      pools.fails("io", "byre: sleep: was ended after 0.1 seconds", byre.spawn, { "sleep", "100", timeout = 0.1,
         check = true })
   end)

   it("says what cannot be run", function()
      if this_process.is_under_valgrind() then
         return pending("not under valgrind")
      end
      scratch.file("script", "not executable")
      pools.fails("not_supported", "byre: /byre-none: there is no such program", byre.spawn, { "/byre-none" })
      pools.fails("denied", ("byre: %s/script: Permission denied"):format(scratch.path), byre.spawn,
         { scratch.path .. "/script" })
   end)

   it("raises for wrong arguments", function()
      assert.error_matches(function() byre.spawn("true") end, "a command is a table")
      assert.error_matches(function() byre.spawn({}) end, "no program")
      assert.error_matches(function() byre.spawn({ "true", tiemout = 1 }) end, "there is no option tiemout")
      assert.error_matches(function() byre.spawn({ "true", timeout = "1" }) end, "timeout: a number")
      assert.error_matches(function() byre.spawn({ "true", timeout = -1 }) end, "timeout: out of range")
      assert.error_matches(function() byre.spawn({ "true", timeout = 0 / 0 }) end, "timeout: out of range")
   end)

   it("leaves no descriptor and no process behind", function()
      local before = scratch.descriptors()
      for _ = 1, 5 do
         byre.spawn { "sleep", "100", timeout = 0 }
         pcall(byre.spawn, { "/byre-none" })
      end
      assert.equal(before, scratch.descriptors())
      assert.equal("", scratch.sh("ps --ppid %s -o stat= | grep Z || true", core.pid()))
   end)

   it("is ended with its program by a signal to byre", function()
      scratch.file("script.lua", [[
         byre.spawn { "sh", "-c", "echo $$ >]] .. scratch.path .. [[/pid; exec sleep 100" }
      ]])
      local code = scratch.sh([[
         build/byre run %s 2>/dev/null & byre=$!
         while ! [ -s %s ]; do sleep 0.02; done
         kill -TERM $byre
         wait $byre; echo $?
      ]], scratch.path .. "/script.lua", scratch.path .. "/pid")
      assert.equal("143", code)
      assert.is_false(is_alive(scratch.content("pid")))
   end)
end)
