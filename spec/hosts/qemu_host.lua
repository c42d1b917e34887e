-- examples/qemu: a guest that boots from a volume, writes to it and gives space back.
local byre = require("byre")
local needs = require("spec.hosts.needs")
local shell = require("spec.support.shell")

local HERE <const> = shell.root .. "/examples/qemu"
local KERNEL <const> = shell.root .. "/build/deps/kernel"

needs.describe_on_reflinks("examples/qemu", { ["qemu-system-x86_64"] = "qemu-system-x86", cpio = "cpio",
   ["/bin/busybox"] = "busybox-static", [KERNEL .. "/vmlinuz"] = "linux-image-cloud-amd64" }, function(fs)
   local dir, pool, template, content

   local function run(command)
      return shell.run(('eval "$(%s/tools/env)"; timeout 200 %s'):format(shell.root, command), { dir = dir })
   end

   local function sum(path) return shell.must("sha256sum <" .. path) end

   -- before and after, as the examples print them
   local function check(result)
      assert(result.code == 0, result.out .. result.err)
      assert.matches("guest: template\r?\nguest: trimmed\r?\nguest: done", result.out)
      local before, unit, after = result.out:match("image: (%d+) (%a+) before, (%d+)")
      unit = unit == "KiB" and 1024 or 1
      return before * unit, after * unit
   end

   lazy_setup(function()
      dir = fs:fresh()
      pool = byre.create_pool(dir .. "/pool")
      template = pool:create_volume("templates/root", { size = "64M", save_on_stop = true })
      shell.must(([[mkdir tree && head -c 16M /dev/urandom >tree/large && echo template >tree/name &&
         PATH=$PATH:/sbin mkfs.ext4 -q -F -d tree %s]]):format(template:start()), { dir = dir })
      template:stop()
      content = sum(template:export())
      shell.must(("sh %s/initramfs.sh %s/modules initramfs"):format(HERE, KERNEL), { dir = dir })
   end)
   lazy_teardown(function() pool:close() end)

   it("boots from a snapshot volume; what the guest trims becomes holes, and the template stays", function()
      local root = pool:create_volume("vm/root", { snap_on_start = true, source = "templates/root" })
      local before, after = check(run(("sh %s/boot.sh pool vm/root %s/vmlinuz initramfs"):format(HERE, KERNEL)))
      assert.is_true(before - after >= 15 << 20, ("%d to %d"):format(before, after))
      assert.equal(content, sum(template:export()))
      assert.is_false(root:status().session)
   end)

   it("keeps what a guest wrote to a volume of its own", function()
      local data = template:clone("vm/data")
      local before, after = check(run(("byre run %s/boot.lua pool vm/data %s/vmlinuz initramfs"):format(HERE, KERNEL)))
      assert.is_true(before - after >= 15 << 20)
      assert.equal("written by the guest\n",
         shell.must(("PATH=$PATH:/sbin debugfs -R 'cat written' %s 2>/dev/null"):format(data:export())))
      assert.equal(content, sum(data:revision().path))
      assert.equal(content, sum(template:export()))
   end)
end)
