local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local images = require("spec.support.images")
local scratch = require("spec.core.scratch")

local MIB <const> = 1 << 20

local fails = scratch.fails

describe("byre.core loop devices", function()
   filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
      local path, dir, image, other

      images.each_example(fs, before_each, after_each, function(...)
         path, dir, image, other = ...
         if not path then return end
         assert(image:truncate(MIB))
         assert(image:publish("image"))
      end)

      it("are none for a file that none shows", function()
         assert.same({}, core.loop_devices(image))
         assert.same({}, core.loop_devices(other))
      end)

      it("are found, all of them, under any name of the file", function()
         local devices = { filesystems.attach(path .. "/image") }
         assert.same(devices, core.loop_devices(image))
         devices[2] = filesystems.attach(path .. "/image", "--read-only")
         table.sort(devices, function(a, b) return tonumber(a:match("%d+")) < tonumber(b:match("%d+")) end)
         assert.same(devices, core.loop_devices(image))
         assert.same({}, core.loop_devices(other))

         assert(dir:rename("image", "renamed"))
         assert(dir:link("renamed", "linked"))
         local file = assert(dir:open("linked", "r"))
         assert.same(devices, core.loop_devices(file))
         file:close()
         assert(dir:unlink("renamed"))
         assert(dir:unlink("linked"))
         assert.same(devices, core.loop_devices(image))

         for _, device in ipairs(devices) do filesystems.detach(device) end
         assert.same({}, core.loop_devices(image))
      end)

      it("take the size of a file that has grown, or shrunk", function()
         local device = filesystems.attach(path .. "/image")
         for _, size in ipairs({ 3 * MIB, 2 * MIB }) do
            assert(image:truncate(size))
            assert.is_true(core.loop_set_capacity(device))
            local file = assert(core.open(device, "r"))
            assert.equal(size, file:stat().size)
            file:close()
         end
         filesystems.detach(device)
      end)

      it("take the size also if they are read-only", function()
         local device = filesystems.attach(path .. "/image", "--read-only")
         assert(image:truncate(2 * MIB))
         assert.is_true(core.loop_set_capacity(device))
         assert.equal(tostring(2 * MIB), scratch.sh("blockdev --getsize64 %s", device))
         filesystems.detach(device)
      end)

      it("fail to take a size if they have no file", function()
         local device = filesystems.attach(path .. "/image")
         filesystems.detach(device)
         fails(device .. ": No such device or address", "ENXIO", core.loop_set_capacity(device))
      end)
   end)

   it("that are something else are not touched", function()
      fails("/dev/null: No such device", "ENODEV", core.loop_set_capacity("/dev/null"))
      fails("/dev/byre-none: No such file or directory", "ENOENT", core.loop_set_capacity("/dev/byre-none"))
   end)

   it("raise for wrong arguments", function()
      assert.error_matches(function() core.loop_devices("/tmp/image") end, "byre.file expected, got string")
      assert.error_matches(function() core.loop_set_capacity() end, "string expected, got no value")
      assert.error_matches(function() core.loop_set_capacity("a\0b") end, "path contains zeros")
   end)
end)
