-- The library as LuaRocks builds it from a clean tree, without a network.
local needs = require("spec.hosts.needs")
local shell = require("spec.support.shell")

local ROCKSPEC <const> = "rockspec/byre-scm-1.rockspec"

-- a sample of each layer, without the file systems: sources and specs are those of `make test`
local SPECS <const> = "spec/decide spec/core/core_spec.lua spec/core/dir_spec.lua spec/core/names_spec.lua "
   .. "spec/engine/vid_spec.lua spec/engine/units_spec.lua spec/engine/catalog_spec.lua spec/engine/plan_spec.lua"

local PROGRAMS <const> = { luarocks = "luarocks", busted = "lua-busted", ["lua5.3"] = "lua5.3" }

needs.describe("luarocks make", PROGRAMS, function()
   local dir

   lazy_setup(function()
      dir = shell.temporary_directory()
      -- no build tree, nothing but the sources
      shell.must(("cp -a csrc lua rockspec spec doc examples %s && cp -a build/deps/luaposix %s/posix"):format(
         dir, dir))
      -- the specs are for 5.4, but for that word 5.3 reads these
      shell.must("find spec -name '*.lua' -exec sed -i 's/ <const>//' {} +", { dir = dir })
   end)
   lazy_teardown(function() shell.remove(dir) end)

   -- with the rock, and luaposix as the system may have it; nothing of the build tree
   local function run(version, command)
      local tree, posix = dir .. "/" .. version, dir .. "/posix"
      return shell.run(command, { dir = dir, env = {
         LUA_PATH = ("%s/share/lua/%s/?.lua;%s/share/lua/%s/?/init.lua;%s/usr/share/lua/%s/?.lua;"
            .. "%s/usr/share/lua/%s/?/init.lua;./?.lua;;"):format(tree, version, tree, version, posix, version,
            posix, version),
         LUA_CPATH = ("%s/lib/lua/%s/?.so;%s/lib/lua/%s/?.so;;"):format(tree, version, posix, version),
         LUA_PATH_5_3 = false, LUA_CPATH_5_3 = false, LUA_PATH_5_4 = false, LUA_CPATH_5_4 = false,
         BYRE_POOL = dir .. "/pool",
      } })
   end

   for _, version in ipairs({ "5.4", "5.3" }) do
      it("builds a library that passes its specs with Lua " .. version, function()
         -- in a network of its own that leads nowhere
         shell.must(("unshare -n luarocks --lua-version=%s make --tree=%s --deps-mode=none %s"):format(
            version, version, ROCKSPEC), { dir = dir })
         local found = run(version, ("lua%s -e 'print(package.searchpath(%q, package.cpath))'"):format(
            version, "byre.core"))
         assert.equal(("%s/%s/lib/lua/%s/byre/core.so\n"):format(dir, version, version), found.out)
         local result = run(version, ("lua%s \"$(command -v busted)\" -o plainTerminal %s"):format(version, SPECS))
         assert(result.code == 0, result.out .. result.err)
         assert.is_true(tonumber(result.out:match("(%d+) successes")) > 100, result.out)
      end)
   end

   it("puts the command where it finds its library", function()
      local function must(words)
         local result = run("5.4", "5.4/bin/byre " .. words)
         assert(result.code == 0, result.err)
         return result.out
      end
      must("init -q --no-setup-check pool")
      must("create vm/disk --size 1M")
      assert.matches("^vm/disk\t", must("list -H"))
      assert.equal(10, run("5.4", "5.4/bin/byre -p nowhere list").code)
      assert.equal(1, run("5.4", "5.4/bin/byre list >/dev/full").code)
      assert.same({ code = 1, out = "",
         err = "byre: the command needs Lua 5.4; the library is there for Lua 5.3 too\n" },
         run("5.3", "5.3/bin/byre list"))
   end)
end)
