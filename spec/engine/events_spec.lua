-- Events that a pool keeps.
local byre = require("byre")
local events = require("byre.events")
local pools = require("spec.support.pools")
local shell = require("spec.support.shell")

describe("events", function()
   local dir, pool, log

   before_each(function()
      dir, log = shell.temporary_directory(), {}
      pool = byre.create_pool(dir .. "/pool", { setup_check = false, lock_timeout = 5,
         log = function(event) log[#log + 1] = event end })
   end)
   after_each(function()
      events.largest = 1024 * 1024
      pool:close()
      shell.remove(dir)
   end)

   local function path(name)
      return pools.path(pool, ".byre/" .. (name or "events.jsonl"))
   end

   local function told(list)
      local words = {}
      for i, event in ipairs(list) do
         words[i] = event.step .. (event.step == "done" and " " .. event.operation or "")
      end
      return table.concat(words, ", ")
   end

   it("are not kept unless somebody wants them", function()
      pools.session(pools.origin(pool, "vm/a"), "one")
      assert.is_false(pools.exists(path()))
      assert.is_false(events.are_kept(pool))
      assert.same({}, events.list(pool))
      assert.is_nil(events.follower(pool)())
   end)

   it("are what the log gets, with the time and the process", function()
      events.keep(pool, true)
      log = {}
      pools.session(pools.origin(pool, "vm/a"), "one")
      local kept = events.list(pool)
      assert.equal(told(log), told(kept))
      assert.matches("done create, .*done start, .*done stop", told(kept))
      for _, event in ipairs(kept) do
         assert.matches("^%d+%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", event.time)
         assert.is_true(event.pid > 0)
         assert.equal("vm/a", event.volume)
      end
      assert.equal("600\n", shell.must("stat -c %a " .. shell.quote(path())))
   end)

   it("tell what was refused", function()
      local disk = pools.origin(pool, "vm/a")
      events.keep(pool, true)
      assert.is_false(pcall(disk.revert, disk, "9"))
      local kept = events.list(pool)
      assert.equal("failed", told(kept))
      assert.equal("no_such_revision", kept[1].code)
      assert.equal('byre: vm/a: no revision "9"', kept[1].message)
   end)

   it("tell of who has waited for a lock in vain", function()
      local disk = pools.origin(pool, "vm/a")
      events.keep(pool, true)
      pool.lock_timeout = 0
      local lock = pool.store:lock("vm", "exclusive", 0)
      assert.is_false(pcall(disk.start, disk))
      lock:release()
      local kept = events.list(pool)
      assert.equal(1, #kept)
      assert.equal("failed busy vm/a", ("%s %s %s"):format(kept[1].step, kept[1].code, kept[1].volume))
      assert.matches("^byre: vm: in use by process %d+; waited 0 seconds$", kept[1].message)
   end)

   it("come from all processes", function()
      events.keep(pool, true)
      local other = byre.open_pool(pool.dir)
      pools.origin(other, "vm/a")
      other:close()
      assert.matches("done create$", told(events.list(pool)))
   end)

   it("are whole lines behind what a power cut has torn", function()
      events.keep(pool, true)
      local disk = pools.origin(pool, "vm/a")
      local before = #events.list(pool)
      local file <close> = assert(io.open(path(), "ab"))
      file:write('{"step":"renam')
      file:flush()
      assert.equal(before, #events.list(pool))
      disk:annotate(disk:snapshot().id, { tag = "x" })
      local kept = events.list(pool)
      assert.is_true(#kept > before)
      assert.equal("done annotate", told({ kept[#kept] }))
      file:write(("\0"):rep(100))
      file:flush()
      disk:snapshot()
      kept = events.list(pool)
      assert.equal("done snapshot", told({ kept[#kept] }))
   end)

   it("have a bound", function()
      events.keep(pool, true)
      events.largest = 4096
      local disk = pools.origin(pool, "vm/a", { revisions_to_keep = 1 })
      for i = 1, 60 do
         disk:set({ revisions_to_keep = i })
      end
      assert.is_true(pools.exists(path("events.jsonl.1")))
      local size = tonumber(shell.must(("cat %s %s.1 | wc -c"):format(path(), path())))
      assert.is_true(size < 2 * (4096 + 500), size)
      local kept = events.list(pool)
      assert.equal("done set", told({ kept[#kept] }))
      assert.is_true(#kept > 20)
      events.keep(pool, false)
      assert.is_false(pools.exists(path()))
      assert.is_false(pools.exists(path("events.jsonl.1")))
      disk:set({ revisions_to_keep = 5 })
      assert.is_false(pools.exists(path()))
   end)

   it("can be followed, also when they are put aside", function()
      events.keep(pool, true)
      local disk = pools.origin(pool, "vm/a")
      local read = events.follower(pool)
      assert.equal("", read())
      events.largest = 2000
      local seen = 0
      for i = 1, 40 do
         disk:set({ revisions_to_keep = i })
         for event in events.parse(read()) do
            seen = seen + (event.step == "done" and 1 or 0)
         end
      end
      assert.equal(40, seen)
      events.keep(pool, false)
      read()
      assert.is_nil(read())
   end)

   it("cost no operation its success", function()
      shell.must("mkdir " .. shell.quote(path()))
      pools.origin(pool, "vm/a")
      local warnings = {}
      for _, event in ipairs(log) do
         warnings[#warnings + 1] = event.step == "warning" and event.message or nil
      end
      assert.equal(1, #warnings)
      assert.matches("^byre: events are not kept: ", warnings[1])
   end)

   it("never cost a sync", function()
      events.keep(pool, true)
      pools.origin(pool, "vm/a")
      local function syncs()
         local text = shell.must(('eval "$(tools/env ${BYRE_BUILD:-build})"; strace -f -e trace=fsync,fdatasync,syncfs '
            .. "-o %s/trace byre -q -p %s set vm/a keep=3; cat %s/trace"):format(dir, pool.dir, dir))
         local list = {}
         for name in text:gmatch("(%l*sync%l*)%(") do
            list[#list + 1] = name
         end
         return table.concat(list, ", ")
      end
      local with = syncs()
      events.keep(pool, false)
      assert.equal(syncs(), with)
      assert.matches("sync", with)
   end)
end)

describe("byre events", function()
   local place
   before_each(function() place = shell.workplace() end)
   after_each(function() place:remove() end)

   it("shows what was done, to people and to programs", function()
      local result = place:run("byre events")
      assert.same({ code = 1, out = "", err = "byre: " .. place.pool .. ": events are not kept in this pool\n"
         .. "hint: byre events --on keeps them from now on\n" }, result)
      place:must("byre events --on; byre events --on; byre create vm/a --size 1M; byre create vm/b --size 1M")
      assert.matches("T%d%d:%d%d:%d%dZ  vm/b: done create %([%d.]+ ms%)\n$", place:must("byre events"))
      assert.not_matches("vm/b", place:must("byre events vm/a"))
      for line in place:must("byre events --json"):gmatch("[^\n]+") do
         assert.matches('^{.*"step":"%l+".*}$', line)
      end
      place:must("byre events --off")
      assert.equal(1, place:run("byre events").code)
      assert.equal(2, place:run("byre -n events --on").code)
   end)

   it("follows what is done until it is interrupted", function()
      place:must("byre events --on; byre create vm/a --size 1M")
      local result = place:run([[
         env --default-signal=INT byre events --follow >followed & byre=$!
         for i in $(seq 100); do
            byre set vm/a keep=$i
            grep -q "done set" followed && break
            sleep 0.1
         done
         kill -INT $byre; wait $byre; code=$?
         head -n 1 followed
         exit $code]])
      assert.equal(130, result.code)
      assert.matches("Z  vm/a: written .byre/volume/vm/a.json %(", result.out)
   end)
end)
