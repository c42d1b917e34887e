-- tools/demo tells its story to its end, and leaves nothing behind.
local shell = require("spec.support.shell")

local is_root = shell.must("id -u") == "0\n"

-- what a demo could leave: directories, mounts, loop devices
local function traces(dir)
   return shell.must(("ls -d %s/* build/demo.* 2>/dev/null; grep -F %s /proc/self/mounts; "
      .. "grep -F %s /sys/block/loop*/loop/backing_file; true"):format(dir, dir, dir))
end

describe("tools/demo", function()
   local dir

   before_each(function()
      dir = shell.temporary_directory()
      shell.must("chmod 777 " .. dir)
   end)
   after_each(function()
      shell.must("umount -q " .. dir .. "/*/disk 2>/dev/null; true")
      shell.remove(dir)
   end)

   local function run(words)
      return shell.run(("PATH=$PATH:/usr/sbin:/sbin; TMPDIR=%s %s sh tools/demo"):format(dir, words or ""))
   end

   local function check(result)
      assert.equal("", result.err)
      assert.equal(0, result.code)
      assert.matches("and about crashes%.", result.out)
      assert.matches("byre: nothing is wrong\n", result.out)
      assert.matches("\nTry next\n", result.out)
      assert.equal("", traces(dir))
      assert.is_nil(result.out:find("\27", 1, true))
      for line in result.out:gmatch("[^\n]+") do
         assert(utf8.len(line) <= 120, line)
      end
   end

   it("works in a plain directory", function()
      local result = run("BYRE_DEMO_PLAIN=1")
      check(result)
      assert.matches("as asked for, in a directory", result.out)
   end)

   it("works without root", function()
      if not is_root then
         return pending("these specs run without root anyway")
      end
      local who = "setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=" .. dir
      if shell.run(who .. " test -x $PWD/build/byre").code ~= 0 then
         return pending("the source tree is not open to others")
      end
      local result = run(who)
      check(result)
      assert.matches("no root, so in a directory", result.out)
   end)

   it("works as root, on btrfs on a loop device", function()
      if not is_root or shell.run("test -e /dev/loop-control").code ~= 0 then
         return pending("needs root and loop devices")
      end
      local result = run()
      check(result)
      assert.matches("on btrfs, on a loop device", result.out)
   end)

   it("leaves nothing behind when it is interrupted", function()
      -- a shell gives its background processes SIGINT ignored, so SIGTERM is sent
      local result = shell.run(([[
         TMPDIR=%s bash tools/demo >%s.out 2>&1 & pid=$!
         for i in $(seq 100); do grep -q '^2[.]' %s.out && break; sleep 0.05; done
         kill $pid; wait $pid; status=$?; rm -f %s.out; exit $status]]):format(dir, dir, dir, dir))
      assert.equal(143, result.code)
      assert.equal("", traces(dir))
   end)

   it("shows no colours when NO_COLOR says so", function()
      local script = "script -qec 'env %s TERM=xterm BYRE_DEMO_PLAIN=1 bash tools/demo' /dev/null"
      if shell.run("command -v script").code ~= 0 then
         return pending("needs script (package bsdutils)")
      end
      assert.is_nil(shell.must(script:format("NO_COLOR=1")):find("\27", 1, true))
      assert.is_truthy(shell.must(script:format("-u NO_COLOR")):find("\27[1m", 1, true))
   end)
end)
