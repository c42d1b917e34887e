local hostile = require("spec.retention.hostile")
local sandbox = require("byre.sandbox")

-- small enough that a case takes no time, large enough that each reaches what it is about
local limits = { memory = 12 << 20, instructions = 3000000, seconds = 20 }

local function run(text, options)
   for key, value in pairs(limits) do
      options[key] = options[key] or value
   end
   return sandbox.run("spec.support.sandbox_entry", { text = text, name = "policy.lua" }, options)
end

-- what ended the script, as the case says it
local function check(case, result, message, limit)
   if case.limit == "either" then
      assert.is_nil(result)
      assert.is_truthy(limit == "instructions" or limit == "time", tostring(message))
   elseif case.limit then
      assert.same({ nil, case.limit }, { result, limit }, message)
   elseif case.message then
      assert.is_nil(result)
      assert.is_nil(limit, message)
      assert.is_truthy(message:find(case.message, 1, true), message)
   else
      assert.is_nil(message)
   end
end

describe("A sandbox", function()
   for _, mode in ipairs({ { "in this process" }, { "in a child process", child = true } }) do
      describe(mode[1], function()
         for _, case in ipairs(hostile) do
            if case.limit or not mode.child then
               it("ends " .. case[1], function()
                  -- a loop of long instructions may be ended by the time instead
                  local seconds = case.limit == "either" and 0.1 or nil
                  check(case, run(case[2], { child = mode.child, seconds = seconds }))
               end)
            end
         end

         it("gives back what a script returns", function()
            local value = { a = { 1, 2.5, "x", true, { [-3] = false } }, n = math.mininteger }
            assert.same(value, run("return { a = { 1, 2.5, 'x', true, { [-3] = false } }, n = math.mininteger }",
               { child = mode.child }))
            assert.is_nil(run("", { child = mode.child }))
         end)

         it("says where a script is wrong", function()
            local result, message = run("local x = {}\nreturn x.y.z", { child = mode.child })
            assert.is_nil(result)
            assert.equal("policy.lua:2: attempt to index a nil value (field 'y')", message)
         end)
      end)
   end

   it("stops by CPU time where instructions do not count", function()
      local _, message, limit = run([[
         local a, b = string.rep("x", 1048576) .. "y", string.rep("x", 1048576) .. "z"
         while true do local same = a == b end]], { seconds = 0.1, instructions = 1 << 40 })
      assert.equal("time", limit)
      assert.is_truthy(message:find("policy.lua:2: stopped: the limit of time is reached", 1, true), message)
   end)

   it("walks tables in one order", function()
      assert.same({ "1", "2.5", "10", "a", "b", "false", "true" }, run([[
         local list = {}
         for key in pairs({ b = 1, a = 1, [true] = 1, [false] = 1, [10] = 1, [2.5] = 1, [1] = 1 }) do
            list[#list + 1] = tostring(key)
         end
         return list]], {}))
      local _, message = run("for _ in pairs({ [{}] = 1 }) do end", {})
      assert.is_truthy(message:find("policy.lua:1: pairs: keys must be numbers, texts or booleans", 1, true), message)
   end)

   it("shows no addresses", function()
      assert.same({ "table", "function", "thread", "table 1" }, run([[
         return { tostring({}), tostring(print or pairs), tostring(coroutine.create(pairs)),
            string.format("%s %d", {}, 1) }]], {}))
   end)

   it("leaves errors that are no limits to the script", function()
      assert.same({ false, "policy.lua:1: mine" }, run("return { pcall(error, 'policy.lua:1: mine', 0) }", {}))
      assert.equal(3, run([[
         local wrapped = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b + 1 end)
         local first = wrapped(1)
         return first + wrapped(0)]], {}))
      local _, message = run("coroutine.wrap(function() error('inside') end)()", {})
      assert.equal("policy.lua:1: inside", message)
   end)

   it("offers what scripts need of texts and lists", function()
      assert.same({ "a-b", "X", 3, "007|x|1.50|%", 2, "ab", 97 }, run([[
         local list = { "b" }
         table.insert(list, 1, "a")
         local joined = table.concat(list, "-")
         table.remove(list)
         return { joined, ("x"):upper(), ("a.b.c"):find(".c") - 1, string.format("%03d|%s|%.2f|%%", 7, "x", 1.5),
            #table.pack(table.unpack({ 1, 2 })), string.rep("ab", 1), ("a"):byte() }]], {}))
   end)

   describe("with services", function()
      local function ask(service, options)
         options.services = { double = service }
         return sandbox.run("spec.support.sandbox_asks", 21, options)
      end

      it("asks the host", function()
         assert.equal(42, ask(function(n) return 2 * n end, {}))
         assert.equal(42, ask(function(n) return 2 * n end, { child = true }))
      end)

      it("passes on why a service failed", function()
         assert.same({ nil, "no such zone" }, { ask(function() error("no such zone", 0) end, {}) })
         assert.same({ nil, "byre: x: y" }, { ask(function() require("byre.failure").raise("io", "x", "y") end, {}) })
      end)

      it("takes plain values only", function()
         local _, message = ask(function() return print end, {})
         assert.is_truthy(message:find("only nil, booleans, numbers", 1, true), message)
      end)
   end)

   it("says that a module of ours is missing", function()
      local _, message = sandbox.run("byre.none", 1)
      assert.is_truthy(message:find("no file", 1, true), message)
   end)

   it("says why a module of ours cannot be read", function()
      local resource = require("posix.sys.resource")
      local limit = resource.getrlimit(resource.RLIMIT_NOFILE)
      -- no descriptor is to be had
      resource.setrlimit(resource.RLIMIT_NOFILE, { rlim_cur = 3, rlim_max = limit.rlim_max })
      local ok, e = pcall(sandbox.run, "spec.support.sandbox_entry", 1)
      resource.setrlimit(resource.RLIMIT_NOFILE, limit)
      assert.is_false(ok)
      assert.is_true(require("byre").is_error(e), tostring(e))
      assert.equal("io", e.code)
      assert.is_truthy(e.message:find("byre/sandbox/guard.lua: Too many open files", 1, true), e.message)
   end)

   it("leaves no process, no descriptor and no memory behind", function()
      local scratch = require("spec.core.scratch")
      local before = scratch.descriptors()
      for _ = 1, 20 do
         run("while true do end", { child = true, instructions = 10000 })
         run("local t = {} while true do t[#t + 1] = {} end", { memory = 1 << 20 })
      end
      assert.equal(before, scratch.descriptors())
      assert.is_nil(require("posix.sys.wait").wait(-1, require("posix.sys.wait").WNOHANG))
   end)
end)
