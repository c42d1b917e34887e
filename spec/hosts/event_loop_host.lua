-- examples/event-loop: a long copy beside a loop that goes on turning.
local byre = require("byre")
local needs = require("spec.hosts.needs")
local shell = require("spec.support.shell")

needs.describe("examples/event-loop", { ["/usr/lib/*/lua/5.4/luv.so"] = "lua-luv" }, function()
   local dir, pool
   local example = ('eval "$(%s/tools/env)"; PATH=%s/build:$PATH timeout 60 lua5.4 %s/examples/event-loop/'):format(
      shell.root, shell.root, shell.root)
   local command = example .. "copy.lua "

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

   describe("with a child process", function()
      local import = example .. "child.lua pool vm/disk "

      it("turns while a copy waits for its data", function()
         local result = shell.run(("mkfifo fifo; { sleep 1; head -c 20M /dev/zero; } >fifo & %s fifo"):format(
            import), { dir = dir })
         assert.same({ code = 0, err = "" }, { code = result.code, err = result.err })
         assert.is_true(tonumber(result.out:match("turned (%d+) times")) > 0)
         assert.equal(20971520, pool:volume("vm/disk"):size())
      end)

      it("hears of what went wrong", function()
         local result = shell.run(import .. "nothing", { dir = dir })
         assert.equal(2, result.code)
         assert.matches("byre: nothing: No such file or directory", result.err, 1, true)
      end)

      it("ends it, and nothing is changed", function()
         -- more data never come, but who would write them stays
         local result = shell.run(("mkfifo fifo; { printf data; exec sleep 50; } >fifo & %s fifo 0.5; code=$?; "
            .. "kill $!; exit $code"):format(import), { dir = dir })
         assert.equal(128 + 15, result.code, result.err)
         assert.matches("turned %d+ times", result.out)
         assert.equal(1048576, pool:volume("vm/disk"):size())
         assert.same({}, pool:check())
      end)
   end)
end)
