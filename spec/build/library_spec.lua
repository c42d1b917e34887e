local shell = require("spec.support.shell")

-- what a program wants to know: nothing on disk, no global, no path changed
local SCRIPT = [[
   local function globals()
      local names = {}
      for name in pairs(_G) do names[#names + 1] = name end
      table.sort(names)
      return table.concat(names, " ")
   end
   local before, path, cpath = globals(), package.path, package.cpath
   assert(not package.loaded["byre"])
   local byre = require("byre")
   assert(before == globals(), "a global was added")
   assert(package.path == path and package.cpath == cpath, "a path was changed")
   print(byre.version, type(byre.open_pool), require("byre.core").version)
]]
local EXPECTED = "^(%S+)\tfunction\t(%S+)\n$"

describe("libbyre", function()
   local dir, version
   local flags = shell.must("pkg-config --cflags lua5.4"):gsub("\n", "")

   -- nothing of the build tree may help
   local function run(command, script)
      return shell.run(("cd / && env -i LUA_PATH=/none LUA_CPATH=/none PATH=/usr/bin:/bin %s %s"):format(
         command, shell.quote(script)))
   end

   local function compile(source, libraries)
      shell.must(("gcc -Wall -Werror -Icsrc %s -o %s/program %s %s"):format(flags, dir, source, libraries))
   end

   lazy_setup(function()
      dir = shell.temporary_directory()
      version = shell.read("csrc/byre.h"):match('BYRE_VERSION "([^"]+)"')
   end)
   lazy_teardown(function() shell.remove(dir) end)

   local function check(result)
      assert.equal("", result.err)
      assert.equal(0, result.code)
      local library, core = result.out:match(EXPECTED)
      assert.equal(version, library)
      assert.equal(version, core)
   end

   it("works from the archive, with Lua from an archive too", function()
      compile("spec/build/embed.c", "build/libbyre.a -l:liblua5.4.a -lm")
      check(run(dir .. "/program", SCRIPT))
   end)

   it("works as a shared library", function()
      compile("spec/build/embed.c", "-Lbuild -lbyre -llua5.4 -Wl,-rpath,$PWD/build")
      check(run(dir .. "/program", SCRIPT))
   end)

   it("works where it is loaded when the program runs, with Lua linked into that", function()
      compile("spec/build/plugin.c", "-rdynamic -Wl,--whole-archive -l:liblua5.4.a -Wl,--no-whole-archive -lm -ldl")
      check(run(dir .. "/program $OLDPWD/build/libbyre.so", SCRIPT))
   end)

   it("carries dkjson, and lets one that the program has go first", function()
      compile("spec/build/embed.c", "build/libbyre.a -l:liblua5.4.a -lm")
      local result = run(dir .. "/program", [[print(require("dkjson").version)]])
      assert.matches("^dkjson", result.out)
      shell.write(dir .. "/dkjson.lua", "return { version = 'the other one', name = ... }")
      result = run(dir .. "/program", ([[
         package.path = %q .. "/?.lua"
         print(require("dkjson").version, require("dkjson").name)]]):format(dir))
      assert.equal("the other one\tdkjson\n", result.out)
      result = run(dir .. "/program", [[
         package.preload.dkjson = function() return { version = "preloaded" } end
         print(require("dkjson").version)]])
      assert.equal("preloaded\n", result.out)
   end)

   it("has no part of the command", function()
      compile("spec/build/embed.c", "build/libbyre.a -l:liblua5.4.a -lm")
      for _, name in ipairs({ "byre.main", "byre.command", "argparse", "posix.unistd" }) do
         local result = run(dir .. "/program", ("require(%q)"):format(name))
         assert.equal(1, result.code)
         assert.matches("module '" .. name .. "' not found", result.err, 1, true)
      end
   end)

   it("shows its own functions only", function()
      local symbols = shell.must([[nm -D --defined-only build/libbyre.so | awk '{ print $3 }' | sort]])
      assert.equal("byre_preload\nbyre_version\nluaopen_byre_core\n", symbols)
      symbols = shell.must([[nm -D --defined-only build/lua/5.4/byre/core.so | awk '{ print $3 }' | sort]])
      assert.equal("luaopen_byre_core\n", symbols)
   end)

   it("has a header that stands alone, in C and in C++", function()
      shell.write(dir .. "/alone.c", '#include "byre.h"\nint main(void) { return !byre_version(); }\n')
      shell.must(("gcc -std=c99 -pedantic -Wall -Wextra -Werror -Icsrc %s -c -o %s/alone.o %s/alone.c"):format(
         flags, dir, dir))
      if shell.run("command -v g++").code == 0 then
         shell.must(("g++ -Wall -Wextra -Werror -Icsrc %s -x c++ -c -o %s/alone.o %s/alone.c"):format(flags, dir, dir))
      end
   end)

   it("consists of scripts that Lua 5.3 reads", function()
      local scripts = shell.must([[find lua -name '*.lua' ! -path '*/command*' ! -name main.lua]])
      for path in scripts:gmatch("[^\n]+") do
         shell.must(("lua5.3 -e 'assert(loadfile(%q))'"):format(path))
      end
   end)

   it("is found by Lua 5.3 in the build tree", function()
      local out = shell.must([[eval "$(tools/env)"; cd /; lua5.3 -e 'print(_VERSION, require("byre").version)']])
      assert.equal("Lua 5.3\t" .. version .. "\n", out)
   end)
end)
