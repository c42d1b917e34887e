local shell = require("spec.support.shell")

describe("the host", function()
   local dir, byre

   local function script(text)
      shell.write(dir .. "/script.lua", text)
      return ("%s run %s/script.lua"):format(byre, dir)
   end

   setup(function()
      dir = shell.temporary_directory()
      byre = shell.must("pwd"):gsub("\n", "") .. "/build/byre"
   end)
   teardown(function() shell.remove(dir) end)

   it("needs libc and libm only", function()
      for line in shell.must("ldd " .. byre):gmatch("[^\n]+") do
         local name = line:match("^%s*(%S+)")
         assert.is_truthy(name:match("^libc%.so") or name:match("^libm%.so") or name:match("ld%-linux")
            or name:match("vdso"), name)
      end
   end)

   it("runs from a copy, with nothing else there", function()
      shell.must(("cp %s %s/copy"):format(byre, dir))
      local result = shell.run(("cd / && env -i PATH=/none %s/copy --version"):format(dir))
      assert.equal("", result.err)
      assert.equal(0, result.code)
      assert.matches("^byre %d", result.out)
   end)

   it("takes no code from the environment or the current directory", function()
      shell.write(dir .. "/argparse.lua", "print('taken')")
      shell.write(dir .. "/byre.lua", "print('taken')")
      for _, name in ipairs({ "LUA_PATH", "LUA_PATH_5_4", "LUA_INIT", "LUA_INIT_5_4" }) do
         local value = name:match("INIT") and "print('taken')" or "./?.lua"
         local result = shell.run(("cd %s && %s=%q %s --version"):format(dir, name, value, byre))
         assert.equal(0, result.code)
         assert.not_matches("taken", result.out)
      end
   end)

   it("has empty paths, but lets a script find what lies beside it", function()
      shell.write(dir .. "/beside.lua", "return 'beside'")
      local result = shell.run("cd / && " .. script([[print(require("beside"), package.cpath == "")]]))
      assert.equal("", result.err)
      assert.equal("beside\ttrue\n", result.out)
   end)

   it("has the modules of luaposix that programs of this kind need", function()
      local result = shell.run(script([[
         for _, name in ipairs{ "errno", "fcntl", "grp", "poll", "pwd", "signal", "stdio", "stdlib", "sys.resource",
            "sys.socket", "sys.stat", "sys.time", "sys.utsname", "sys.wait", "syslog", "termio", "time", "unistd" } do
            assert(type(require("posix." .. name)) == "table", name)
         end
         print(require("posix.unistd").getpid() == require("byre.core").pid())]]))
      assert.equal("", result.err)
      assert.equal("true\n", result.out)
   end)

   it("passes words on as they are", function()
      local command = script([[print(#arg, ("%q"):format(table.concat(arg, "|")))]])
      local result = shell.run(command .. " 'a b' '' '*' -x --help")
      assert.equal("5\t\"a b||*|-x|--help\"\n", result.out)
   end)

   it("names the place of an error in a script", function()
      local result = shell.run(script("local function inner() error('wrong') end\ninner()\n"))
      assert.equal(1, result.code)
      assert.matches("script.lua:1: wrong", result.err, 1, true)
   end)

   describe("fails when its output gets lost:", function()
      it("a full disk", function()
         local result = shell.run(byre .. " --version >/dev/full")
         assert.equal(1, result.code)
         assert.matches("^byre: standard output: .+\n$", result.err)
      end)
      it("a full disk, noticed only at the end", function()
         local result = shell.run(script([[io.write("x")]]) .. " >/dev/full")
         assert.equal("byre: standard output: No space left on device\n", result.err)
         assert.equal(1, result.code)
      end)
      it("a closed descriptor", function()
         assert.equal(1, shell.run(byre .. " --version >&-").code)
      end)
      it("after os.exit too", function()
         assert.equal(1, shell.run(script([[io.write("x") os.exit(0)]]) .. " >/dev/full").code)
      end)
   end)

   it("gives no file the number of a closed standard descriptor", function()
      local result = shell.run(script([[
         local file = io.open(arg[0])
         os.exit(require("posix.stdio").fileno(file) > 2 and 7 or 1)]]) .. " <&- >&- 2>&-")
      assert.equal(7, result.code)
   end)

   it("ends quietly when nobody reads on", function()
      local result = shell.run(script([[while true do print("y") end]]) .. " | head -n 1")
      assert.equal("y\n", result.out)
      assert.equal("", result.err)
   end)

   describe("ends cleanly when interrupted by", function()
      local code = { INT = 130, TERM = 143, HUP = 129 }

      local function interrupt(signal, text)
         -- a shell starts what is to go on in the background with SIGINT ignored
         return shell.run(([[
            rm -f %s/out
            env --default-signal=INT %s >%s/out & pid=$!
            for _ in $(seq 100); do grep -qs ready %s/out && break; sleep 0.05; done
            kill -%s $pid; wait $pid; status=$?; cat %s/out; exit $status]]):format(
            dir, script(text), dir, dir, signal, dir))
      end

      for signal, expected in pairs(code) do
         it(signal, function()
            local result = interrupt(signal, [[
               local mark <close> = setmetatable({}, { __close = function() print("closed") end })
               print("ready")
               io.stdout:flush()
               while true do end]])
            assert.equal("ready\nclosed\n", result.out)
            assert.equal("byre: interrupted\n", result.err)
            assert.equal(expected, result.code)
         end)
      end

      it("INT even where a script swallows the error", function()
         local result = interrupt("INT", [[
            pcall(function() print("ready") io.stdout:flush() while true do end end)
            print("swallowed")]])
         assert.equal("ready\nswallowed\n", result.out)
         assert.equal(130, result.code)
      end)
   end)

   describe("asked by SIGUSR1", function()
      local function asked(text)
         return shell.run(script([[
            local unistd, signal = require("posix.unistd"), require("posix.signal")
            local function ask(which) signal.kill(unistd.getpid(), which or signal.SIGUSR1) for _ = 1, 1000 do end end
         ]] .. text))
      end

      it("calls who can answer, each time, and goes on", function()
         local result = asked([[
            require("byre.host").on_ask(function() print("told") end)
            ask() ask()
            print("done")]])
         assert.same({ code = 0, out = "told\ntold\ndone\n", err = "" }, result)
      end)

      it("goes on where nobody can answer, or the answer fails", function()
         local result = asked([[
            ask()
            require("byre.host").on_ask(function() error("no") end)
            ask()
            print("done")]])
         assert.same({ code = 0, out = "done\n", err = "" }, result)
      end)

      it("is interrupted all the same", function()
         local result = asked([[
            require("byre.host").on_ask(function() signal.kill(unistd.getpid(), signal.SIGTERM) end)
            ask()
            print("not reached")]])
         assert.same({ code = 143, out = "", err = "byre: interrupted\n" }, result)
      end)
   end)

   it("ignores a hangup that its parent ignores", function()
      local result = shell.run(([[trap '' HUP; %s]]):format(script([[
         local unistd, signal = require("posix.unistd"), require("posix.signal")
         signal.kill(unistd.getpid(), signal.SIGHUP)
         for _ = 1, 1000 do end
         print("still here")]])))
      assert.equal("still here\n", result.out)
   end)
end)
