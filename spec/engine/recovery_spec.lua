-- A process is killed after each single step of an operation, as real as can
-- be: it kills itself from the log. The next process must find every image
-- whole, lose nothing, and get the same operation done.
local byre = require("byre")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

-- how many steps there are at the most; a process that lives on has done them all
local endless = 40

local child = [[
   local byre = require("byre")
   local unistd = require("posix.unistd")
   local signal = require("posix.signal")
   local left = tonumber(arg[2])
   local pool = byre.open_pool(arg[1], { log = function()
      left = left - 1
      if left == 0 then
         signal.kill(unistd.getpid(), signal.SIGKILL)
      end
   end })
   local volume = pool:volume("vm/disk")
   %s
]]

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("a process that is killed in", function()
      -- prepare(pool, volume) makes the state; script is what the child does to it; check looks at what is left and
      -- does it again. Returns how often it was killed.
      local function kill_everywhere(prepare, script, check)
         local path = fs:fresh() .. "/child.lua"
         pools.write(path, child:format(script))
         for count = 1, endless do
            local pool = pools.create(fs)
            local volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 2 })
            prepare(pool, volume)
            -- the shell says of a killed process that it was killed
            local out = scratch.sh("{ %%lua %s %s %s; echo $?; } 2>&1", path, pool.dir, count)
            local code = out:match("%d+$")
            assert.is_true(code == "137" or code == "0", out)
            pool:close()
            pool = byre.open_pool(pool.dir, { lock_timeout = 5 })
            check(pool, pool:volumes("vm/disk")(), "after step " .. count)
            pool:check({ repair = true })
            for _, finding in ipairs(pool:check()) do
               assert.is_true(finding.code == "pending_import", finding.code)
            end
            pool:close()
            if code == "0" then
               return count - 1
            end
         end
         error("it never ended")
      end

      local function sessions(_, volume)
         pools.sessions(volume, 3)
      end

      it("a stop loses no session and no revision", function()
         local kills = kill_everywhere(function(pool, volume)
            sessions(pool, volume)
            pools.put(volume:start(), "session")
         end, "volume:stop()", function(_, volume, label)
            local content = volume:is_dirty() and pools.get(volume:path()) or pools.committed(volume)
            assert.equal("session", content:sub(1, 7), label)
            assert.is_true(#volume:revisions() >= 2, label)
            assert.equal(volume:is_dirty() and "state 2" or "state 3", pools.history(volume)[#volume:revisions()],
               label)
            volume:stop()
            assert.equal("session", pools.committed(volume):sub(1, 7), label)
            local history = pools.history(volume)
            assert.same({ "state 2", "state 3" }, { history[#history - 1], history[#history] }, label)
            -- what a kill saved from being pruned goes with the next commit
            pools.session(volume, "next")
            assert.same({ "state 3", "session" }, pools.history(volume), label)
         end)
         assert.is_true(kills >= 4, kills)
      end)

      it("a start finds the committed image or the session", function()
         kill_everywhere(sessions, "volume:start()", function(_, volume, label)
            assert.equal("state 3", pools.committed(volume), label)
            assert.equal("state 3", pools.get(volume:start()), label)
            assert.same({ "state 1", "state 2" }, pools.history(volume), label)
            volume:stop()
         end)
      end)

      it("a revert has gone back or not, and the way there is open", function()
         kill_everywhere(sessions, "volume:revert('2')", function(_, volume, label)
            local now = pools.committed(volume)
            if now == "state 3" then
               assert.same({ "state 1", "state 2" }, pools.history(volume), label)
               volume:revert("2")
            end
            assert.equal("state 1", pools.committed(volume), label)
            assert.same({ "state 2", "state 3" }, pools.history(volume), label)
         end)
      end)

      it("a revert that drops the session never leaves it on another state", function()
         kill_everywhere(function(pool, volume)
            sessions(pool, volume)
            pools.put(volume:start(), "session")
         end, "volume:revert('2', { discard = true })", function(_, volume, label)
            local now = pools.committed(volume)
            assert.is_true(now == "state 3" or now == "state 1" and not volume:is_dirty(), label)
            if now == "state 3" then
               volume:revert("2", { discard = true })
            end
            assert.equal("state 1", pools.get(volume:start()), label)
            volume:stop()
         end)
      end)

      it("a resize leaves a whole image", function()
         kill_everywhere(sessions, "volume:resize('2M')", function(_, volume, label)
            assert.equal("state 3", pools.committed(volume), label)
            volume:resize("2M")
            assert.equal("state 3", pools.get(volume:start()), label)
            assert.equal(2 << 20, volume:size(), label)
            volume:stop()
         end)
      end)

      it("the end of an import prunes nothing before the import is there", function()
         kill_everywhere(function(pool, volume)
            sessions(pool, volume)
            pools.put(volume:import_data(4096), "imported")
         end, "volume:import_data_end(true)", function(_, volume, label)
            if pools.committed(volume) == "state 3" then
               assert.same({ "state 1", "state 2" }, pools.history(volume), label)
               volume:import_data_end(true)
            end
            assert.equal("imported", pools.committed(volume), label)
            local history = pools.history(volume)
            assert.same({ "state 2", "state 3" }, { history[#history - 1], history[#history] }, label)
         end)
      end)

      it("a snapshot of a running volume harms neither session nor history", function()
         kill_everywhere(function(pool, volume)
            sessions(pool, volume)
            pools.put(volume:start(), "session")
         end, "volume:snapshot()", function(_, volume, label)
            assert.equal("session", pools.get(volume:path()):sub(1, 7), label)
            assert.equal("state 3", pools.committed(volume), label)
            volume:snapshot()
            volume:stop()
            assert.equal("session", pools.committed(volume):sub(1, 7), label)
         end)
      end)

      it("making a volume can be done again", function()
         kill_everywhere(function() end, "pool:create_volume('new/disk', { size = 4096, save_on_stop = true })",
            function(pool, _, label)
               pcall(pools.origin, pool, "new/disk", { size = 4096 })
               local volume = pool:volume("new/disk")
               assert.is_true(volume:verify(), label)
               pools.session(volume, "text")
               assert.equal("text", pools.committed(volume), label)
            end)
      end)

      it("a removal leaves the whole volume or what a check clears", function()
         kill_everywhere(sessions, "volume:remove()", function(pool, volume, label)
            if volume then
               assert.equal("state 3", pools.committed(volume), label)
               assert.same({ "state 1", "state 2" }, pools.history(volume), label)
               volume:remove()
            end
            pool:check({ repair = true })
            assert.equal(".byre", pools.names(pool), label)
            pools.origin(pool, "vm/disk"):verify()
         end)
      end)

      it("a renaming leaves one whole volume", function()
         kill_everywhere(function(pool, volume)
            sessions(pool, volume)
            pools.put(volume:start(), "session")
         end, "volume:rename('other/disk', { state = 'current' })", function(pool, volume, label)
            if volume then
               volume:rename("other/disk", { state = "current" })
            end
            volume = pool:volume("other/disk")
            assert.equal("session", pools.get(volume:start()):sub(1, 7), label)
            assert.equal("state 3", pools.committed(volume), label)
            assert.same({ "state 1", "state 2" }, pools.history(volume), label)
            assert.is_nil(pool:volumes("vm/*")(), label)
         end)
      end)

      it("making a pool can make it again", function()
         local path = fs:fresh() .. "/child.lua"
         pools.write(path, [[
            local left = tonumber(arg[2])
            local signal = require("posix.signal")
            require("byre").create_pool(arg[1], { setup_check = false, log = function()
               left = left - 1
               if left == 0 then signal.kill(require("posix.unistd").getpid(), signal.SIGKILL) end
            end })
         ]])
         for count = 1, 6 do
            local dir = fs:fresh() .. "/pool"
            scratch.sh("%%lua %s %s %s 2>/dev/null || true", path, dir, count)
            local ok, pool = pcall(byre.open_pool, dir)
            if not ok then
               assert.equal("no_such_pool", pool.code)
               pool = byre.create_pool(dir, { setup_check = false })
            end
            pools.session(pools.origin(pool, "vm/disk"), "text")
            pool:close()
         end
      end)
   end)
end)
