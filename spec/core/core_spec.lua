local core = require("byre.core")
local scratch = require("spec.core.scratch")

describe("byre.core", function()
   it("adds nothing to the globals", function()
      local script = [[
         local before = {}
         for name in pairs(_G) do before[name] = true end
         require("byre.core")
         for name in pairs(_G) do if not before[name] then print(name) end end
      ]]
      assert.equal("", scratch.sh("%%lua -e %s", script))
   end)

   it("has a version", function()
      assert.truthy(core.version:match("^%d+%.%d+%.%d+"))
   end)

   it("names the errors of the system", function()
      assert.equal(2, core.errno.ENOENT)
      assert.equal(11, core.errno.EAGAIN)
      assert.equal(core.errno.EOPNOTSUPP, core.errno.ENOTSUP)
      for name, value in pairs(core.errno) do
         assert.truthy(name:match("^E[A-Z0-9]+$"))
         assert.equal("integer", math.type(value))
      end
   end)

   it("has a clock that runs forward", function()
      local first = core.clock()
      assert.equal("float", math.type(first))
      assert.is_true(core.clock() >= first)
   end)

   it("knows the time as an integer", function()
      assert.equal("integer", math.type(core.now()))
      assert.is_true(math.abs(core.now() - os.time()) <= 1)
   end)

   it("knows whether the kernel believes in its clock", function()
      assert.equal("boolean", type(core.clock_is_synchronised()))
   end)

   it("knows its process id", function()
      assert.equal("integer", math.type(core.pid()))
      assert.truthy(io.open("/proc/" .. core.pid() .. "/stat")):close()
   end)

   it("knows whose rights it has", function()
      assert.equal(tonumber(scratch.sh("id -u")), core.euid())
      assert.equal("integer", math.type(core.euid()))
   end)

   it("makes random names of eight characters that do not repeat", function()
      local seen = {}
      for _ = 1, 1000 do
         local name = core.random_name()
         assert.truthy(name:match("^[a-z0-9]+$"))
         assert.equal(8, #name)
         assert.is_nil(seen[name])
         seen[name] = true
      end
   end)

   describe("inject_errors", function()
      after_each(function()
         core.inject_errors({})
      end)

      it("makes calls fail until the next time", function()
         local dir = assert(core.open_dir("/"))
         core.inject_errors({ fsync = core.errno.EIO })
         scratch.fails("fsync: Input/output error", "EIO", dir:sync())
         core.inject_errors({})
         assert.is_true(dir:sync())
         dir:close()
      end)

      it("raises on calls it does not know and changes nothing then", function()
         local dir = assert(core.open_dir("/"))
         assert.has_error(function()
            core.inject_errors({ fork = 1 })
         end, "bad argument #2 to 'inject_errors' (invalid option 'fork')")
         assert.has_error(function()
            core.inject_errors()
         end, "bad argument #1 to 'inject_errors' (table expected, got no value)")
         assert.is_true(dir:sync())
         dir:close()
      end)
   end)
end)
