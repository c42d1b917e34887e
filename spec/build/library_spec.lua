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


-- with whole operations and a callback that leaves in the middle
local OPERATIONS = [[
   local byre = require("byre")
   local dir = ...
   local pool = byre.create_pool(dir .. "/pool", { setup_check = false, progress = coroutine.yield })
   local disk = pool:create_volume("vm/disk", { size = "1M", save_on_stop = true, revisions_to_keep = 9 })
   local reports, thread = 0, coroutine.create(function()
      disk:import_file(dir .. "/content")
      disk:start()
      disk:stop()
      disk:revert()
   end)
   while coroutine.status(thread) ~= "dead" do
      local ok, event = coroutine.resume(thread)
      if not ok then error(event, 0) end
      reports = reports + (event and 1 or 0)
   end
   assert(reports > 0 and #disk:revisions() == 2)
   assert(not pcall(pool.volume, pool, "../outside"))
   pool:close()
]]

-- what a host may give to Lua and byre together
local ENOUGH = 1 << 20

local libraries = { ["5.4"] = "byre", ["5.3"] = "byre-lua5.3" }

for _, lua in ipairs({ "5.4", "5.3" }) do
   describe(("lib%s, for Lua %s,"):format(libraries[lua], lua), function()
      local name, liblua = libraries[lua], "-l:liblua" .. lua .. ".a"
      local archive = "build/lib" .. name .. ".a"
      local dir, version, flags

      -- nothing of the build tree may help
      local function run(command, script, word)
         return shell.run(("cd / && env -i LUA_PATH=/none LUA_CPATH=/none PATH=/usr/bin:/bin %s %s %s"):format(
            command, shell.quote(script), word or ""))
      end

      local function compile(source, what_else)
         shell.must(("gcc -Wall -Werror -Icsrc %s -o %s/program %s %s"):format(flags, dir, source, what_else))
      end

      lazy_setup(function()
         dir = shell.temporary_directory()
         version = shell.read("csrc/byre.h"):match('BYRE_VERSION "([^"]+)"')
         flags = shell.must("pkg-config --cflags lua" .. lua):gsub("\n", "")
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
         compile("spec/build/embed.c", archive .. " " .. liblua .. " -lm")
         check(run(dir .. "/program", SCRIPT))
      end)

      it("works in a program with nothing shared at all", function()
         -- the linker warns of dlopen, which Lua itself has
         compile("spec/build/embed.c", ("-static %s %s -lm 2>/dev/null"):format(archive, liblua))
         assert.equal(1, shell.run(("ldd %s/program"):format(dir)).code)
         check(run(dir .. "/program", SCRIPT))
      end)

      it("works when everything is optimized as one program", function()
         shell.must(("make -s B=%s/lto CFLAGS='-O2 -flto=auto' %s/lto/lib%s.a"):format(dir, dir, name))
         compile("spec/build/embed.c", ("-O2 -flto=auto -fvisibility=hidden %s/lto/lib%s.a %s -lm"):format(
            dir, name, liblua))
         check(run(dir .. "/program", SCRIPT))
      end)

      it("works as a shared library", function()
         compile("spec/build/embed.c", ("-Lbuild -l%s -llua%s -Wl,-rpath,$PWD/build"):format(name, lua))
         check(run(dir .. "/program", SCRIPT))
      end)

      it("works where it is loaded when the program runs, with Lua linked into that", function()
         compile("spec/build/plugin.c", ("-rdynamic -Wl,--whole-archive %s -Wl,--no-whole-archive -lm -ldl"):format(
            liblua))
         check(run(("%s/program $OLDPWD/build/lib%s.so"):format(dir, name), SCRIPT))
      end)

      it("works in C++, with a Lua that throws exceptions and with one that does not", function()
         for _, library in ipairs({ "lua" .. lua, "lua" .. lua .. "-c++" }) do
            shell.must(("g++ -Wall -Wextra -Werror -Icsrc %s -o %s/program spec/build/embed.cpp %s -l%s"):format(
               flags, dir, archive, library))
            check(run(dir .. "/program", SCRIPT))
            local result = run(dir .. "/program", [[
               local core = require("byre.core")
               assert(not pcall(core.open_dir, {}))
               local byre = require("byre")
               assert(byre.is_error(select(2, pcall(byre.open_pool, "/nowhere"))))]])
            assert.same({ code = 0, out = "", err = "" }, result)
         end
      end)

      it("refuses a state of another Lua", function()
         local other = lua == "5.4" and "5.3" or "5.4"
         compile("spec/build/plugin.c", ("-rdynamic -Wl,--whole-archive -l:liblua%s.a -Wl,--no-whole-archive -lm -ldl "
            .. "$(pkg-config --cflags lua%s)"):format(lua, lua))
         local result = run(("%s/program $OLDPWD/build/lib%s.so"):format(dir, libraries[other]), SCRIPT)
         assert.not_equal(0, result.code)
         -- the one or the other, whichever comes first
         assert.is_truthy(result.err:find("version mismatch") or result.err:find("undefined symbol: lua"), result.err)
      end)

      it("carries dkjson, and lets one that the program has go first", function()
         compile("spec/build/embed.c", archive .. " " .. liblua .. " -lm")
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
         compile("spec/build/embed.c", archive .. " " .. liblua .. " -lm")
         for _, module in ipairs({ "byre.main", "byre.command", "argparse", "posix.unistd" }) do
            local result = run(dir .. "/program", ("require(%q)"):format(module))
            assert.equal(1, result.code)
            assert.matches("module '" .. module .. "' not found", result.err, 1, true)
         end
      end)

      it("does with the memory a host gives, and raises Lua's own error for want of it", function()
         compile("spec/build/limited.c", archive .. " " .. liblua .. " -lm")
         shell.write(dir .. "/content", ("content"):rep(10000))
         local limit, outcomes = 64 << 10, {}
         repeat
            shell.must(("rm -rf %s/pool"):format(dir))
            local result = run(("%s/program %d"):format(dir, limit), OPERATIONS, dir)
            assert.equal("", result.err)
            -- and takes it for nothing else
            assert.is_truthy(result.out == "done\n" or result.out:find("not enough memory", 1, true)
               and not result.out:find("^byre: "), result.out)
            assert.equal(result.out == "done\n" and 0 or 1, result.code)
            outcomes[#outcomes + 1] = result.out
            limit = limit + (64 << 10)
         until result.out == "done\n" or limit > ENOUGH
         assert.equal("done\n", outcomes[#outcomes])
         assert.is_true(#outcomes > 2)
      end)

      it("shows its own functions only", function()
         local function shown(path)
            return shell.must(("nm -D --defined-only %s | awk '{ print $3 }' | sort"):format(path))
         end
         assert.equal("byre_check_version\nbyre_preload\nbyre_sandbox\nbyre_version\nluaopen_byre_core\n",
            shown(("build/lib%s.so"):format(name)))
         assert.equal("luaopen_byre_core\n", shown(("build/lua/%s/byre/core.so"):format(lua)))
      end)

      it("takes Lua from the program, and nothing but libc from the system", function()
         for _, path in ipairs({ ("build/lib%s.so"):format(name), ("build/lua/%s/byre/core.so"):format(lua) }) do
            assert.equal("libc.so.6\n",
               shell.must(("objdump -p %s | sed -n 's/^ *NEEDED *//p' | grep -v '^ld-'"):format(path)))
         end
      end)
   end)
end

describe("byre.h", function()
   local dir
   local header = shell.read("csrc/byre.h")

   lazy_setup(function() dir = shell.temporary_directory() end)
   lazy_teardown(function() shell.remove(dir) end)

   it("stands alone, in C and in C++, for each Lua", function()
      shell.write(dir .. "/alone.c", '#include "byre.h"\nint main(void) { return !byre_version(); }\n')
      for _, lua in ipairs({ "5.4", "5.3" }) do
         for _, compiler in ipairs({ "gcc -std=c99", "g++ -std=c++11 -x c++", "g++ -std=c++20 -x c++" }) do
            shell.must(("%s -pedantic -Wall -Wextra -Werror -Icsrc $(pkg-config --cflags lua%s) -c -o %s/alone.o %s")
               :format(compiler, lua, dir, dir .. "/alone.c"))
         end
      end
   end)

   it("gives its version as text and as numbers", function()
      local numbers = {}
      for _, part in ipairs({ "MAJOR", "MINOR", "PATCH" }) do
         numbers[#numbers + 1] = header:match("\n#define BYRE_VERSION_" .. part .. " (%d+)\n")
      end
      assert.equal(header:match('\n#define BYRE_VERSION "([^"]+)"'), table.concat(numbers, "."))
   end)

   it("tells at run time whether the library serves the program", function()
      shell.write(dir .. "/check.c", [[
#include <stdio.h>
#include <byre.h>
static void check(int major, int minor, int patch)
{
	printf("%s\n", byre_check_version(major, minor, patch) ? "no" : "yes");
}
int main(void)
{
	const int major = BYRE_VERSION_MAJOR, minor = BYRE_VERSION_MINOR, patch = BYRE_VERSION_PATCH;

	printf("%s %s\n", byre_version(), BYRE_CHECK_VERSION() ? "no" : "yes");
	check(major, minor, patch + 1);
	check(major, minor + 1, 0);
	check(major + 1, 0, 0);
	check(major + 1, minor, patch);
	puts(byre_check_version(major + 1, 0, 0));
	return 0;
}
]])
      shell.must(("gcc -Wall -Werror -Icsrc $(pkg-config --cflags lua5.4) -o %s/check %s/check.c build/libbyre.a "
         .. "-l:liblua5.4.a -lm"):format(dir, dir))
      local version = require("byre").version
      assert.equal(("%s yes\nno\nno\nno\nno\nlibbyre %s cannot serve a program made for another version\n"):format(
         version, version), shell.must(dir .. "/check"))
   end)
end)

describe("the modules", function()
   it("consist of scripts that Lua 5.3 reads", function()
      local scripts = shell.must([[find lua -name '*.lua' ! -path '*/command*' ! -name main.lua]])
      for path in scripts:gmatch("[^\n]+") do
         shell.must(("lua5.3 -e 'assert(loadfile(%q))'"):format(path))
      end
   end)

   it("are found by Lua 5.3 in the build tree", function()
      local out = shell.must([[eval "$(tools/env)"; cd /; lua5.3 -e 'print(_VERSION, require("byre").version)']])
      assert.equal("Lua 5.3\t" .. require("byre").version .. "\n", out)
   end)
end)
