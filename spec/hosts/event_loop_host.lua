-- examples/event-loop: a long copy beside a loop that goes on turning.
local byre = require("byre")
local needs = require("spec.hosts.needs")
local shell = require("spec.support.shell")

needs.describe("examples/event-loop", { ["/usr/lib/*/lua/5.4/luv.so"] = "lua-luv" }, function()
   local dir, pool
   local command = ('eval "$(%s/tools/env)"; timeout 60 lua5.4 %s/examples/event-loop/copy.lua '):format(
      shell.root, shell.root)

   before_each(function()
      dir = shell.temporary_directory()
      pool = byre.create_pool(dir .. "/pool", { setup_check = false })
      pool:create_volume("vm/disk", { size = "1M", save_on_stop = true })
   end)
   after_each(function()
      pool:close()
      shell.remove(dir)
   end)

   it("turns while a copy waits for its data", function()
      -- a pipe that nothing comes through for a while
      local result = shell.run(("mkfifo fifo; { sleep 1; head -c 20M /dev/zero; } >fifo & %s pool vm/disk fifo"):format(
         command), { dir = dir })
      assert.equal("", result.err)
      assert.equal(0, result.code)
      assert.matches("20971520 bytes are copied\n", result.out, 1, true)
      assert.is_true(tonumber(result.out:match("turned (%d+) times")) > 0)
      assert.equal(20971520, pool:volume("vm/disk"):size())
   end)

   it("hears of what went wrong", function()
      local result = shell.run(command .. "pool vm/disk nothing", { dir = dir })
      assert.equal(1, result.code)
      assert.matches("byre: nothing: No such file or directory", result.err, 1, true)
   end)
end)
