-- Nothing here depends on the file system, so one of them will do.
local byre = require("byre")
local file_pool = require("spec.adopt.file_pool")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

filesystems.each({ "xfs" }, function(fs)
   it("an adoption that is killed after any step is finished by the next as if nothing had been", function()
      local dir = fs:fresh() .. "/images"
      local function path(name)
         return dir .. "/" .. name
      end
      local script = fs:fresh() .. "/child.lua"
      pools.write(script, ([[
         local byre = require("byre")
         local unistd, signal = require("posix.unistd"), require("posix.signal")
         local left = tonumber(arg[2])
         local adoption = byre.propose_adoption(arg[1], { setup_check = %s, log = function()
            left = left - 1
            if left == 0 then signal.kill(unistd.getpid(), signal.SIGKILL) end
         end })
         adoption:run():close()
      ]]):format("true"))
      local count, code = 0
      repeat
         count = count + 1
         scratch.sh("rm -rf %s; mkdir -p %s", dir, path("appvms/work"))
         file_pool.stopped_volume(path("appvms/work/private"), 4 * file_pool.chunk)
         pools.write(path("old.img"), "now")
         pools.write(path("old.img.1@2020-01-01T00:00:00Z"), "third")
         pools.write(path("old.img@2018-01-02T03:04:05Z"), "second")
         pools.write(path("old.img@2018-01-02T03:04:04Z"), "first")
         pools.write(path("disk.raw"), "raw")
         code = scratch.sh("{ %%lua %s %s " .. count .. "; echo $?; } 2>&1", script, dir):match("%d+$")
         assert.is_true(code == "137" or code == "0", code)
         local pool = byre.propose_adoption(dir):run()
         local label = "after step " .. count
         assert.same({ "first", "second", "third" }, pools.history(pool:volume("old")), label)
         assert.equal("now", pools.committed(pool:volume("old")), label)
         assert.same({ "after the first session" }, pools.history(pool:volume("appvms/work/private")), label)
         assert.equal("raw", pools.committed(pool:volume("disk")), label)
         assert.is_nil(pools.names(pool, "appvms/work"):find("cow", 1, true), label)
         pool:close()
      until code == "0"
      assert.is_true(count > 10)
   end)
end)
