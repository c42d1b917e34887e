-- Lack of memory, threads and collections do no harm. This is a sample; all of it: make memory-allocations,
-- make memory-threads, make memory-collect.
local cases = require("spec.memory.cases")
local core = require("byre.core")
local programs = require("spec.memory.programs")
local shell = require("spec.support.shell")

local seed = os.time()

-- the functions of byre.core and its handles, each with a name
local function all_functions()
   local names = {}
   local function add(where, functions)
      for name, fn in pairs(functions) do
         if type(fn) == "function" then
            names[fn] = where .. name
         end
      end
   end
   add("core.", core)
   for _, kind in ipairs({ "dir", "file", "lock", "shares", "difference" }) do
      local meta = debug.getregistry()["byre." .. kind]
      add(kind .. ":", meta.__index)
      add(kind .. ":", { __tostring = meta.__tostring })
   end
   return names
end

describe(("without memory (seed %d)"):format(seed), function()
   local versions = programs.versions()

   local function holds(version, mode, step, names, script)
      local result = programs.allocations(version, mode, 1 + seed % step, step, names, script)
      assert.equal("", (result.out:gsub("[%w_]+: %d+ allocations\n", "")))
      assert.equal("", result.err)
      assert.equal(0, result.code)
   end

   for mode, step in pairs({ twice = 127, rest = 149, once = 251, collect = 1 }) do
      it("every operation fails as it should, and leaves nothing: " .. mode, function()
         holds("5.4", mode, step, "loading " .. cases.list())
      end)
   end

   it("so it is with Lua 5.3", function()
      if not versions[2] then
         return pending("no headers of Lua 5.3")
      end
      holds(versions[2], "twice", 197, "loading " .. cases.list())
      holds(versions[2], "collect", 1, cases.list())
   end)

   it("every call of byre.core fails as it should, at each allocation", function()
      for _, mode in ipairs({ "twice", "rest", "once" }) do
         holds("5.4", mode, 1, "names content")
         holds("5.4", mode, 11, "sandbox")
      end
   end)

   it("the cases use all that byre.core has", function()
      local names = all_functions()
      local dir = shell.temporary_directory()
      local use = { cases.prepare("names", dir), cases.prepare("content", dir), cases.prepare("sandbox", dir) }
      debug.sethook(function() names[debug.getinfo(2, "f").func] = nil end, "c")
      for _, fn in ipairs(use) do
         fn()
      end
      debug.sethook()
      shell.remove(dir)
      local unused = {}
      for _, name in pairs(names) do
         unused[#unused + 1] = name
      end
      assert.same({}, unused)
   end)

   it("the program tells of what is not in order", function()
      local dir = shell.temporary_directory()
      shell.write(dir .. "/cases.lua", [[
         local cases = { clear = function() end, is_expected = function() return false end }
         function cases.prepare() return function() local t = {} for i = 1, 10 do t[i] = {} end end end
         function cases.check(_, _, done) if done then error("a file is left", 0) end end
         return cases
      ]])
      local result = programs.allocations("5.4", "twice", 3, 100, "tables", dir .. "/cases.lua")
      shell.remove(dir)
      assert.equal("tables twice 0: a file is left\ntables twice 3: not enough memory\n"
         .. "tables twice 103: a file is left\n", (result.out:gsub("[%w_]+: %d+ allocations\n", "")))
      assert.equal(1, result.code)
   end)
end)

describe("threads", function()
   it("share nothing that they race for, and hear of nothing but busy volumes", function()
      local result = programs.threads(8, 4)
      assert.equal("", result.out)
      assert.equal("", result.err)
      assert.equal(0, result.code)
   end)
end)

describe("a collection after every call", function()
   it("takes nothing that is still in use", function()
      local files = "spec/core/lock_spec.lua spec/core/names_spec.lua"
      local result = shell.run("busted --helper=spec/memory/collect.lua " .. files, { dir = shell.root })
      assert.equal(0, result.code, result.out)
      assert.is_true(tonumber(result.out:match("(%d+) collections")) > 100)
   end)
end)
