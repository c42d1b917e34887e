local shell = require("spec.support.shell")

-- A copy of the sources, in a directory whose name wants quoting.
describe("the Makefile", function()
   local dir, tree

   local function make(words) return shell.run(("cd %s && make CFLAGS=-O0 %s"):format(shell.quote(tree), words)) end

   local function built(words)
      local result = make(words)
      assert.equal("", result.err)
      assert.equal(0, result.code)
      return result.out
   end

   lazy_setup(function()
      dir = shell.temporary_directory()
      tree = dir .. "/a b's"
      local quoted = shell.quote(tree)
      shell.must(("mkdir -p %s/build && cp -a build/deps %s/build"):format(quoted, quoted))
      shell.must("cp -a Makefile mk tools csrc lua bench doc examples README.md CHANGELOG.md LICENSE byre.pc.in "
         .. quoted)
      built("all")
   end)
   lazy_teardown(function() shell.remove(dir) end)

   it("builds everything, and has nothing to do the second time", function()
      for _, name in ipairs({ "byre", "libbyre.a", "libbyre.so", "lua/5.4/byre/core.so" }) do
         shell.must("test -s " .. shell.quote(tree .. "/build/" .. name))
      end
      assert.equal("", built("all"))
   end)

   it("changes nothing with -n", function()
      shell.must(("touch %s/csrc/byre.h"):format(shell.quote(tree)))
      local before = shell.must(("cd %s && find . -printf '%%p %%T@\n' | sort"):format(shell.quote(tree)))
      assert.matches("csrc/preload.c", built("-n all"), 1, true)
      assert.equal(before, shell.must(("cd %s && find . -printf '%%p %%T@\n' | sort"):format(shell.quote(tree))))
   end)

   it("builds again what includes a changed header", function()
      built("all")
      shell.must(("touch %s/csrc/preload.h"):format(shell.quote(tree)))
      local out = built("all")
      assert.matches("CC +csrc/preload.c\n", out)
      assert.not_matches("core.so", out, 1, true)
   end)

   it("builds again what other options change, and shows commands with V=1", function()
      assert.matches("gcc.* %-DSOMETHING .*csrc/preload.c", built("all V=1 CC=gcc CPPFLAGS=-DSOMETHING"))
      built("all")
   end)

   it("notices scripts that come and go", function()
      local path = tree .. "/lua/byre/newcomer.lua"
      shell.write(path, "return {}\n")
      assert.matches("EMBED", built("all"))
      os.remove(path)
      assert.matches("EMBED", built("all"))
      assert.equal("", built("all"))
   end)

   it("stops at a script with a syntax error", function()
      local path = tree .. "/lua/byre/newcomer.lua"
      shell.write(path, "return {")
      local result = make("build/libbyre.so")
      os.remove(path)
      assert.equal(2, result.code)
      assert.matches("embed: byre/newcomer.lua:1:", result.err, 1, true)
   end)

   it("prints what makes a plain lua5.4 find byre, and keeps what was set", function()
      local out = shell.must(([[cd %s && env="$(make -s env)" && cd / && eval "$env" && command -v byre &&
         lua5.4 -e 'print(require("byre").version, package.path:find("/usr/share/lua/5.4", 1, true) ~= nil)']]):format(
         shell.quote(tree)))
      assert.matches(tree .. "/build/byre\n", out, 1, true)
      assert.matches("%d\ttrue\n$", out)
      out = shell.must(([[cd %s && env="$(make -s env)" && cd / && export LUA_PATH='/mine/?.lua;;' && eval "$env" &&
         echo "$LUA_PATH"]]):format(shell.quote(tree)))
      assert.matches(";/mine/?.lua;;\n", out, 1, true)
   end)

   describe("install", function()
      local function files(root)
         local names = {}
         local list = shell.must(("cd %s && find . ! -type d -printf '%%P %%m\n' | sort"):format(root))
         for name in list:gmatch("[^\n]+") do
            names[#names + 1] = name
         end
         return names
      end

      it("puts everything where DESTDIR and PREFIX say, and uninstall takes it away", function()
         local root = dir .. "/root"
         local words = ("DESTDIR=%s PREFIX=/opt/byre"):format(root)
         built("install " .. words)
         local there = {}
         for _, name in ipairs(files(root)) do there[name] = true end
         for _, name in ipairs({ "bin/byre 755", "include/byre.h 644", "lib/libbyre.a 644", "lib/libbyre.so.0 755",
            "lib/libbyre.so 777", "lib/pkgconfig/byre.pc 644", "lib/lua/5.4/byre/core.so 755",
            "share/lua/5.4/byre/init.lua 644", "share/lua/5.4/byre/decide/start.lua 644" }) do
            assert.is_true(there["opt/byre/" .. name], name)
         end
         assert.is_nil(there["opt/byre/share/lua/5.4/byre/main.lua 644"])
         assert.equal("", built("uninstall " .. words))
         assert.same({}, files(root))
         assert.equal("", shell.must(("find %s -name byre ! -path %s/opt/byre"):format(root, root)))
      end)

      it("leaves what is not ours", function()
         local root = dir .. "/shared"
         built("install PREFIX=/usr DESTDIR=" .. root)
         shell.write(root .. "/usr/share/lua/5.4/byre/mine.lua", "")
         built("uninstall PREFIX=/usr DESTDIR=" .. root)
         assert.same({ "usr/share/lua/5.4/byre/mine.lua 644" }, files(root))
      end)

      it("makes programs build and run", function()
         local prefix = dir .. "/prefix"
         built("install PREFIX=" .. prefix)
         local pc = ("PKG_CONFIG_PATH=%s/lib/pkgconfig pkg-config"):format(prefix)
         shell.must(("gcc -o %s/program spec/build/embed.c $(%s --cflags --libs byre) -llua5.4"):format(dir, pc))
         local run = ("LD_LIBRARY_PATH=%s/lib %s/program 'print(require(\"byre\").version)'"):format(prefix, dir)
         assert.equal(shell.must(pc .. " --modversion byre"), shell.must("cd / && " .. run))
         local paths = ("cd / && LUA_PATH='%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua;;' " ..
            "LUA_CPATH='%s/lib/lua/5.4/?.so;;' "):format(prefix, prefix, prefix)
         assert.equal(shell.must(pc .. " --modversion byre"),
            shell.must(paths .. "lua5.4 -e 'print(require(\"byre\").version)'"))
      end)
   end)

   it("cleans, but keeps what was fetched until distclean", function()
      built("clean")
      assert.equal("deps\n", shell.must(("ls %s/build"):format(shell.quote(tree))))
      built("distclean")
      assert.equal(2, shell.run(("ls %s/build"):format(shell.quote(tree))).code)
   end)
end)
