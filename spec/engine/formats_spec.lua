-- Images that are not raw, by way of qemu-img.
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local has_qemu = os.execute("command -v qemu-img >/dev/null 2>&1")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("an image of another format", function()
      if not has_qemu then
         pending("needs qemu-img (package qemu-utils)")
         return
      end

      local pool, volume, outside

      before_each(function()
         pool = pools.create(fs)
         volume = pools.origin(pool, "vm/disk")
         pools.session(volume, "one")
         outside = fs:fresh()
      end)

      after_each(function() pool:close() end)

      local function qemu(...)
         return scratch.sh("cd " .. outside .. " && qemu-img " .. ("%s "):rep(select("#", ...)) .. ">/dev/null 2>&1",
            ...)
      end

      it("is read and written", function()
         for _, name in ipairs({ "image.qcow2", "image.vmdk", "image.vhdx", "image.vdi" }) do
            pools.session(volume, name)
            volume:export_file(outside .. "/" .. name)
            assert.is_not_equal(name, pools.get(outside .. "/" .. name, #name))
            pools.session(volume, "another")
            volume:import_file(outside .. "/" .. name)
            assert.equal(name, pools.committed(volume))
            assert.equal(pools.size, volume:size())
            assert.equal("another", pools.history(volume)[1])
         end
         assert.is_nil(scratch.sh("ls %s", outside):find("~"))
      end)

      it("tells how far it is, and leaves nothing behind where somebody says that it is enough", function()
         local events, answer = {}, true
         local watched = pools.reopen(pool, { progress = function(event)
            events[#events + 1] = event
            return answer
         end })
         local function check(operation)
            for i, event in ipairs(events) do
               assert.equal(operation .. " vm/disk " .. pools.size,
                  ("%s %s %d"):format(event.operation, event.volume, event.total))
               assert.is_true(event.done >= (events[i - 1] or { done = 0 }).done)
            end
            assert.equal(pools.size, events[#events].done)
            events = {}
         end
         watched:volume("vm/disk"):export_file(outside .. "/image.qcow2")
         check("export")
         watched:volume("vm/disk"):import_file(outside .. "/image.qcow2")
         check("import")
         answer = false
         local function cancelled(fn, ...)
            local before = pools.listing(pool.dir, { directory_times = false })
            local ok, e = pcall(fn, ...)
            assert.is_false(ok)
            assert.equal("cancelled", e.code)
            assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
         end
         cancelled(watched.volume(watched, "vm/disk").import_file, watched:volume("vm/disk"), outside .. "/image.qcow2")
         cancelled(watched.volume(watched, "vm/disk").export_file, watched:volume("vm/disk"), outside .. "/other.qcow2")
         assert.equal("image.qcow2", scratch.sh("ls -A %s", outside))
         watched:close()
      end)

      it("is told by the name or by the user, never by the content", function()
         volume:export_file(outside .. "/image", { format = "qcow2" })
         volume:import_file(outside .. "/image")
         assert.equal("QFI\xfb", pools.committed(volume):sub(1, 4))
         volume:revert()
         volume:import_file(outside .. "/image", { format = "qcow2" })
         assert.equal("one", pools.committed(volume))
      end)

      it("that lies in another file is refused, whatever file that is", function()
         pools.write(outside .. "/secret", ("secret"):rep(20000))
         qemu("create", "-f", "qcow2", "-b", outside .. "/secret", "-F", "raw", "backing.qcow2")
         pools.refuses(pool, "invalid", ("byre: %s/backing.qcow2: refers to another file, "
            .. "\"%s/secret\""):format(outside,
            outside), volume.import_file, volume, outside .. "/backing.qcow2")
         qemu("create", "-f", "qcow2", "-o", "data_file=" .. outside .. "/data,data_file_raw=on", "data.qcow2", "1M")
         pools.refuses(pool, "invalid", ("byre: %s/data.qcow2: refers to another file, \"%s/data\""):format(outside,
            outside), volume.import_file, volume, outside .. "/data.qcow2")
         pools.write(outside .. "/flat.vmdk", ("# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
            .. "createType=\"monolithicFlat\"\nRW 200 FLAT \"%s/secret\" 0\n"):format(outside))
         local ok, e = pcall(volume.import_file, volume, outside .. "/flat.vmdk")
         assert.is_false(ok)
         assert.is_truthy(e.code == "invalid" or e.code == "io")
         assert.equal("one", pools.committed(volume))
      end)

      it("that is damaged is refused, and changes nothing", function()
         pools.write(outside .. "/bad.qcow2", ("nonsense"):rep(1000))
         local before = pools.listing(pool.dir, { directory_times = false })
         local ok, e = pcall(volume.import_file, volume, outside .. "/bad.qcow2")
         assert.is_false(ok)
         assert.equal("io", e.code)
         assert.is_nil(tostring(e):find("\n"))
         -- whole at its head, torn behind it
         volume:export_file(outside .. "/torn.qcow2")
         scratch.sh("dd if=/dev/urandom of=%s bs=64k seek=4 count=1 conv=notrunc status=none", outside .. "/torn.qcow2")
         ok = pcall(volume.import_file, volume, outside .. "/torn.qcow2")
         assert.is_false(ok)
         assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
      end)

      it("that is not known is refused", function()
         pools.refuses(pool, "invalid", "byre: format \"iso\": is not known; raw, qcow2, vmdk, vhdx, vdi and vpc are",
            volume.import_file, volume, outside .. "/x", { format = "iso" })
      end)

      it("goes through no pipe", function()
         pools.refuses(pool, "invalid", "byre: -: qcow2 images cannot be read from a pipe; save it to a file first",
            volume.import_file, volume, "-", { format = "qcow2" })
         pools.refuses(pool, "invalid", "byre: -: qcow2 images cannot be written to a pipe; export to a file first",
            volume.export_file, volume, "-", { format = "qcow2" })
         assert.is_false(pools.exists("-"))
      end)

      it("that cannot be written leaves what was there", function()
         local path = outside .. "/none/image.qcow2"
         local ok, e = pcall(volume.export_file, volume, path)
         assert.is_false(ok)
         assert.is_nil(tostring(e):find("\n"))
         pools.write(outside .. "/kept.qcow2", "kept")
         scratch.sh("mv %s %s", pools.path(pool, "vm/disk.img"), outside .. "/away")
         assert.is_false((pcall(volume.export_file, volume, outside .. "/kept.qcow2")))
         assert.equal("kept", pools.get(outside .. "/kept.qcow2"))
      end)
   end)
end)
