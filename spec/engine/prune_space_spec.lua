-- Rules on space, and what pruning says it frees, on real file systems.
local difference = require("byre.difference")
local explain = require("byre.retention.explain")
local filesystems = require("spec.support.filesystems")
local held = require("spec.support.space").held
local pools = require("spec.support.pools")
local prune = require("byre.prune")

local MiB <const> = 1 << 20

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("pruning for space", function()
      local pool, volume

      before_each(function()
         pool = pools.create(fs, { precache = false })
         volume = pools.origin(pool, "vm/disk", { size = 8 * MiB, revisions_to_keep = 20 })
         for i = 1, 6 do
            pools.put(volume:start(), string.char(64 + i):rep(MiB))
            volume:stop()
         end
      end)

      after_each(function() pool:close() end)

      -- the volume's policy from now on
      local function use(text)
         pool:set_policy("p", text)
         volume:set({ revisions_to_keep = false, retention = "p" })
      end

      local function agree()
         local shown = pool:prune({ dry_run = true, volumes = { volume } })
         return pool:prune({ volumes = { volume }, confirm = shown.hash }).volumes[1]
      end

      it("says what each revision frees, and that is what comes back", function()
         use("return policy { keep.last(3), min_age = 0 }")
         local shown = pool:prune({ dry_run = true, measure = "all" })
         local result = shown.volumes[1]
         assert.same({ "1", "2", "3" }, result.removed)
         local sum = 0
         for i, item in ipairs(result.revisions) do
            sum = sum + (item.freed or 0)
            assert.equal(i <= 3, item.freed ~= nil)
            assert.is_true(item.exclusive >= 0)
         end
         assert.equal(result.freed, sum)
         assert.is_true(result.exact)
         local before = held(fs)
         assert.same(result.removed, pool:prune({ confirm = shown.hash }).volumes[1].removed)
         -- the catalog is files as well
         assert.is_true(math.abs(before - result.freed - held(fs)) <= 32768)
      end)

      it("measures nothing where nobody asks", function()
         use("return policy { keep.last(3), min_age = 0 }")
         local result = volume:plan("prune").prune
         assert.is_nil(result.freed)
         assert.is_nil(result.exact)
         assert.is_nil(result.revisions[1].exclusive)
      end)

      it("tells a policy what a revision and a set of them would free", function()
         use([[return policy { min_age = 0, function(list, ctx)
            local sum, ids = 0, {}
            for i, r in ipairs(list) do
               sum, ids[i] = sum + r.exclusive, r
            end
            ctx.log(tostring(list[3].exclusive) .. " " .. tostring(ctx.freed(ids) >= sum))
         end }]])
         local result = pool:prune({ dry_run = true, measure = "all" }).volumes[1]
         assert.same({ result.revisions[4].exclusive .. " true" }, result.log)
         assert.is_true(result.revisions[4].exclusive >= MiB)
      end)

      -- what the maps tell of four revisions: a MiB, nothing, a block, two MiB that are apart
      local function write_changes()
         volume = pools.origin(pool, "vm/quiet", { size = 8 * MiB, revisions_to_keep = 20 })
         local changes = { { 0, 4 * MiB }, { 0, MiB }, false, { 2 * MiB, 4096 }, { 3 * MiB, MiB, 6 * MiB, MiB }, false }
         for i, change in ipairs(changes) do
            local path = volume:start()
            for at = 1, change and #change or 0, 2 do
               pools.put(path, string.char(64 + i):rep(change[at + 1]), change[at])
            end
            volume:stop()
         end
      end

      it("tells a policy what a revision has changed against the one before", function()
         write_changes()
         use([[return policy { min_age = 0, function(list, ctx)
            for i = #list, 1, -1 do ctx.log(tostring(list[i].delta)) end
         end }]])
         local result = pool:prune({ dry_run = true, volumes = { volume } }).volumes[1]
         -- of the first one there is none before it
         local expected = fs.reflink and { "nil", tostring(4 * MiB), tostring(MiB), "0", "4096", tostring(2 * MiB) }
            or { "nil", "nil", "nil", "nil", "nil", "nil" }
         assert.same(expected, result.log)
         for i, item in ipairs(result.revisions) do
            assert.equal(expected[i], tostring(item.delta))
         end
         assert.is_nil(result.exact)
      end)

      it("looks at no map where no rule asks what has changed", function()
         write_changes()
         use("return policy { keep.last(3), min_age = 0 }")
         local bytes = difference.bytes
         difference.bytes = function() error("a map was asked for") end
         local ok, result = pcall(pool.prune, pool, { dry_run = true, volumes = { volume } })
         difference.bytes = bytes
         assert(ok, result)
         assert.same({}, result.failures)
         assert.is_nil(result.volumes[1].revisions[2].delta)
      end)

      it("keeps what has changed; where nobody knows, all of it", function()
         write_changes()
         use('return policy { keep.last(1), keep.changed { over = "64KiB" }, min_age = 0 }')
         local result = agree()
         assert.same(fs.reflink and { "4", "5" } or {}, result.removed)
         assert.same(fs.reflink and { 1, 2, 3, 6 } or { 1, 2, 3, 4, 5, 6 }, pools.numbers(volume))
         local why = {}
         for i, item in ipairs(result.revisions) do
            why[i] = explain.verdict(item)
         end
         if fs.reflink then
            assert.same({ "changed #4 (how much is not known)", "changed #3 (4194304 bytes)",
               "changed #2 (1048576 bytes)",
               "last does not reach it; 0 bytes changed", "last does not reach it; 4096 bytes changed",
               "last 1/1; changed #1 (2097152 bytes)" }, why)
         end
         -- the one before is another one now: what went counts for the next
         assert.same({}, agree().removed)
         local calendar = volume:calendar()
         assert.equal(#pools.numbers(volume), #calendar.revisions)
      end)

      it("keeps to a quota, with the oldest first, and does nothing more the second time", function()
         local taken = volume:space().allocated
         use(("return policy { keep.last(2), min_age = 0, space { quota = %d } }"):format(taken))
         assert.same({}, agree().removed)
         use(("return policy { keep.last(2), min_age = 0, space { quota = %d } }"):format(taken - MiB // 2))
         -- the first one is empty, and frees nothing
         assert.same({ "1", "2" }, agree().removed)
         assert.is_true(volume:space().allocated <= taken - MiB // 2)
         assert.same({}, agree().removed)
      end)

      it("makes as much free as is wanted, counting what has just gone of another volume", function()
         local other = volume:clone("vm/other")
         other:set({ revisions_to_keep = 20 })
         for i = 1, 4 do
            pools.put(other:start(), string.char(96 + i):rep(MiB))
            other:stop()
         end
         held(fs)
         local wanted = pool:usage().free + 5 * MiB // 2
         use(("return policy { keep.last(2), min_age = 0, space { free = %d } }"):format(wanted))
         other:set({ revisions_to_keep = false, retention = "p" })
         local shown = pool:prune({ dry_run = true })
         local result = pool:prune({ confirm = shown.hash })
         assert.equal(0, #result.failures)
         assert.equal("1", result.volumes[1].removed[1])
         assert.same({}, result.volumes[2].removed)
         assert.equal(0, result.volumes[2].space.missing)
         held(fs)
         assert.is_true(pool:usage().free >= wanted)
      end)

      it("stops at the floor, and says what is missing", function()
         use("return policy { keep.last(1), min_age = 0, floor = 5, space { free = '99%' } }")
         local result = agree()
         assert.same({ "1" }, result.removed)
         assert.is_true(result.space.missing > 0)
         assert.same({ 2, 3, 4, 5, 6 }, pools.numbers(volume))
      end)
   end)
end)

describe("pruning for space where the file system does not tell", function()
   it("frees nothing for a quota, and says so", function()
      local fs, reason = filesystems.tmpfs("16m")
      if not fs then
         return pending(reason)
      end
      local pool = pools.create(fs)
      finally(function()
         pool:close()
         fs:unmount()
      end)
      local volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 9 })
      for i = 1, 3 do
         pools.session(volume, "state " .. i)
      end
      pool:set_policy("p", "return policy { keep.last(1), min_age = 0, space { quota = 1 } }")
      volume:set({ revisions_to_keep = false, retention = "p" })
      local result = pool:prune({ dry_run = true, measure = "all" }).volumes[1]
      assert.same({}, result.removed)
      assert.is_nil(result.space.missing)
      assert.is_nil(result.revisions[1].exclusive)
      assert.equal("nobody can tell what space it would free", result.revisions[1].spared)
      assert.equal("nothing goes to make space: the file system does not tell which blocks a file has",
         prune.shortage(result))
   end)
end)
