-- What an editor knows of the library, made from the manual.
local byre = require("byre")
local shell = require("spec.support.shell")

describe("library/byre.lua", function()
   local text, dir, pool, objects

   lazy_setup(function()
      text = shell.must("lua5.4 tools/meta.lua <doc/api.md")
      dir = shell.temporary_directory()
      pool = byre.create_pool(dir .. "/pool", { setup_check = false })
      objects = { byre = byre, pool = pool, group = pool:group("vm"),
         volume = pool:create_volume("vm/disk", { size = 1024, save_on_stop = true }) }
   end)
   lazy_teardown(function()
      pool:close()
      shell.remove(dir)
   end)

   it("is what make builds, and Lua", function()
      assert.equal(text, shell.read("build/library/byre.lua"))
      assert.matches("^%-%-%-@meta byre\n", text)
      assert(load(text, "@library/byre.lua"))
   end)

   it("has functions that are there, with as many parameters as they take", function()
      local count = 0
      for object, separator, name, parameters in text:gmatch("\nfunction (%w+)([.:])([%w_]+)(%b()) end\n") do
         local where = object .. separator .. name
         local fn = assert(objects[object][name], where)
         local info = debug.getinfo(fn, "u")
         local documented = select(2, parameters:gsub("[%w_.]+", "")) + (separator == ":" and 1 or 0)
         if not info.isvararg then
            assert.equal(info.nparams, documented, where)
         end
         count = count + 1
      end
      -- the manual has every public function: spec/doc/manual_spec.lua
      local described = 0
      for heading in shell.read("doc/api.md"):gmatch("\n### ([^\n]*)") do
         described = described + select(2, heading:gsub("[%w_]+[.:][%w_]+%(", ""))
      end
      assert.equal(described, count)
   end)

   it("knows the type of everything", function()
      assert.is_nil(text:match("[^\n]*unknown[^\n]*"))
   end)

   it("has no field of an object that the manual does not name", function()
      local manual, missing = shell.read("doc/api.md"), {}
      for name in text:gmatch("\n%-%-%-@field ([%w_]+)") do
         if not manual:find("[`.:{ ]" .. name .. "[`,}(: ]") then
            missing[#missing + 1] = name
         end
      end
      assert.same({}, missing)
   end)
end)
