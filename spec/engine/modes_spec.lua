local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("images and files of the catalog", function()
      it("are for nobody else, whatever the umask", function()
         for _, umask in ipairs({ "000", "022", "077", "777" }) do
            local script = fs:fresh() .. "/script.lua"
            pools.write(script, ([[
               local byre = require("byre")
               local pools = require("spec.support.pools")
               local pool = byre.create_pool(arg[1], { setup_check = %s })
               -- from here on no directory is made
               local disk = pools.origin(pool, "disk", { revisions_to_keep = 3 })
               require("posix.sys.stat").umask(tonumber(arg[2], 8))
               pools.session(disk, "one")
               disk:snapshot()
               disk:revert()
               disk:resize("2M")
               disk:set({ revisions_to_keep = 2 })
               pools.origin(pool, "other"):import_volume(disk)
               disk:clone("clone")
               disk:rename("renamed")
               disk:import_data(4096)
               disk:start()
               pool:create_volume("root", { snap_on_start = true, source = "other" }):start()
               pool:create_volume("swap", { size = 4096 }):start()
               assert(#pool:check() == 1)
            ]]):format(fs.reflink))
            local dir = fs:fresh() .. "/pool"
            scratch.sh("umask 022; %%lua %s %s %s", script, dir, umask)
            local others = scratch.sh("find %s -type f ! -perm 0600 -printf '%%%%P %%%%m\\n'", dir)
            assert.equal("", others)
            assert.is_true(tonumber(scratch.sh("find %s -name '*.img*' | wc -l", dir)) >= 10)
         end
      end)

      it("are in directories for nobody else, and images in such as the umask says, never open to writing", function()
         for umask, mode in pairs({ ["000"] = "775", ["002"] = "775", ["022"] = "755", ["077"] = "700" }) do
            local script = fs:fresh() .. "/script.lua"
            pools.write(script, ([[
               local byre = require("byre")
               local pools = require("spec.support.pools")
               local umask = require("posix.sys.stat").umask
               local pool = byre.create_pool(arg[1], { setup_check = %s })
               pools.origin(pool, "vm/deep/disk"):start()
               pool:create_volume("other/root", { snap_on_start = true, source = "vm/deep/disk" })
               umask(tonumber("777", 8))
               pool:create_volume("third/swap", { size = 4096 })
               umask(tonumber("022", 8))
               pool:volume("vm/deep/disk"):stop()
               pool:create_volume("third/more", { size = 4096 })
            ]]):format(fs.reflink))
            local dir = fs:fresh() .. "/pool"
            scratch.sh("umask %s; %%lua %s %s", umask, script, dir)
            assert.equal("", scratch.sh("find %s/.byre -type d ! -perm 0700", dir))
            assert.equal("", scratch.sh("find %s/.byre -type f ! -perm 0600", dir))
            assert.equal(("%s %s"):format(mode, mode), scratch.sh("cd %s && stat -c %%a vm vm/deep | xargs", dir))
         end
      end)

      it("that somebody else made become so with the next commit", function()
         local pool = pools.create(fs)
         local volume = pools.origin(pool, "vm/disk")
         scratch.sh("chmod 666 %s", pools.path(pool, "vm/disk.img"))
         pools.session(volume, "one")
         pools.session(volume, "two")
         assert.equal("", scratch.sh("find %s -type f ! -perm 0600", pool.dir))
         pool:close()
      end)
   end)
end)
