local shell = require("spec.support.shell")

describe("the rockspec", function()
   local path = "rockspec/byre-scm-1.rockspec"

   local function read()
      local rockspec = {}
      assert(load(shell.read(path), "@" .. path, "t", rockspec))()
      return rockspec
   end

   it("names every file of the library and of the command (make rockspec)", function()
      local dir = shell.temporary_directory()
      shell.must(("cp %s %s/copy && make -s rockspec ROCKSPEC=%s/copy"):format(path, dir, dir))
      local expected = shell.read(dir .. "/copy")
      shell.remove(dir)
      assert.equal(expected, shell.read(path))
   end)

   it("is data of format 3 for LuaRocks' own build", function()
      local rockspec = read()
      assert.equal("3.0", rockspec.rockspec_format)
      assert.equal("builtin", rockspec.build.type)
      assert.same({ "lua >= 5.3, < 5.6", "dkjson", "luaposix", "argparse" }, rockspec.dependencies)
      assert.equal("lua/byre/init.lua", rockspec.build.modules["byre"])
   end)
end)
