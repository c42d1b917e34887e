local config = require("byre.config")
local pools = require("spec.support.pools")

local function refuses(reason, values, options)
   pools.fails("invalid", "byre: vm/disk: " .. reason, config.volume, "vm/disk", values, options)
end

describe("the settings of a pool", function()
   it("have defaults", function()
      assert.same({ revisions_to_keep = 1, precache = true, ephemeral_volatile = false, reflink = "auto",
         on_full = "fail" },
         config.pool("pool", {}))
   end)

   it("may all be given", function()
      local values = { revisions_to_keep = 0, precache = false, ephemeral_volatile = true, reflink = "never",
         on_full = "prune", cow_extent_size = 1 << 20 }
      assert.same(values, config.pool("pool", values))
      assert.equal(1 << 20, config.pool("pool", { cow_extent_size = "1M" }).cow_extent_size)
      assert.equal(-1, config.pool("pool", { revisions_to_keep = -1 }).revisions_to_keep)
   end)

   it("are refused if they are of a wrong kind or unknown", function()
      local cases = {
         [{ revisions_to_keep = -2 }] = "revisions_to_keep: must be an integer of -1 or more; -1 disables snapshots, "
            .. "not \"-2\"",
         [{ revisions_to_keep = 1.5 }] = "revisions_to_keep: must be an integer of -1 or more; -1 disables snapshots, "
            .. "not \"1.5\"",
         [{ revisions_to_keep = "3" }] = "revisions_to_keep: must be an integer of -1 or more; -1 disables snapshots, "
            .. "not \"3\"",
         [{ precache = 1 }] = "precache: must be true or false, not \"1\"",
         [{ ephemeral_volatile = "yes" }] = "ephemeral_volatile: must be true or false, not \"yes\"",
         [{ on_full = "explode" }] = 'on_full: must be "fail" or "prune", not "explode"',
         [{ cow_extent_size = 1000 }] = "cow_extent_size: must be a multiple of 4 KiB, 1 GiB at most; 0 leaves it to "
            .. "the file system, not \"1000\"",
         [{ reflink = true }] = "reflink: must be \"always\", \"auto\" or \"never\", not \"true\"",
         [{ colour = "blue" }] = "there is no setting \"colour\"",
         [{ "x" }] = "there is no setting \"1\"",
      }
      for values, reason in pairs(cases) do
         pools.fails("invalid", "byre: pool: " .. reason, config.pool, "pool", values)
      end
   end)
end)

describe("the settings of a volume", function()
   it("make its kind by two flags", function()
      local kinds = { [0] = "volatile", "snapshot", "origin", "origin_snapshot" }
      for i = 0, 3 do
         assert.equal(kinds[i], config.kind({ snap_on_start = i % 2 == 1, save_on_stop = i > 1 }))
      end
   end)

   it("have defaults", function()
      assert.same({ rw = true, snap_on_start = false, save_on_stop = false, size = 1 << 20 },
         config.volume("vm/disk", { size = "1M" }))
   end)

   it("are not changed where they come from", function()
      local values = { size = "1M", save_on_stop = true }
      config.volume("vm/disk", values)
      assert.same({ size = "1M", save_on_stop = true }, values)
   end)

   it("are refused if they are of a wrong kind or unknown", function()
      refuses("rw: must be true or false, not \"1\"", { size = 1, rw = 1 })
      refuses("size: must be an integer of 1 byte or more, not \"-1\"", { size = -1 })
      refuses("size: must be an integer of 1 byte or more, not \"1.5\"", { size = 1.5 })
      refuses("source: must be a volume id, not \"7\"", { snap_on_start = true, source = 7 })
      refuses("there is no setting \"sise\"", { sise = 1 })
      refuses("revisions_to_keep: must be an integer of -1 or more; -1 disables snapshots, not \"-2\"",
         { size = 1, save_on_stop = true, revisions_to_keep = -2 })
   end)

   it("are refused if the size is none", function()
      pools.fails("invalid", "byre: 0: is no size for an image; it must be at least 1 byte", config.volume, "vm/disk",
         { size = 0 })
      pools.fails("invalid", "byre: 10X: is not a size; write bytes, or a number with K, M, G or T, such as 10G",
         config.volume, "vm/disk", { size = "10X" })
   end)

   it("are refused if they do not go together", function()
      refuses("snap_on_start needs a source: the volume that it is to be a snapshot of", { snap_on_start = true })
      refuses("a source needs snap_on_start; for a copy that keeps no tie to it, clone the volume",
         { size = 1, source = "vm/other" })
      refuses("a volume cannot be its own source", { snap_on_start = true, source = "vm/disk" })
      refuses("size: needed for a volume that has no source", { save_on_stop = true })
      for _, values in ipairs({ { size = 1, ephemeral = true, save_on_stop = true },
         { size = 1, ephemeral = true, rw = false } }) do
         refuses("ephemeral is for volatile volumes that are rw", values)
      end
   end)

   it("need a source that is a volume id", function()
      pools.fails("invalid", "byre: volume id \"../x\": has a component that starts with .; components start with a "
         .. "letter, a digit, _, + or :", config.volume, "vm/disk", { snap_on_start = true, source = "../x" })
   end)

   it("need no size where there is an image already", function()
      assert.is_nil(config.volume("vm/disk", { save_on_stop = true }, { sizeless = true }).size)
   end)
end)

describe("what counts for a volume", function()
   local pool = config.pool("pool", { revisions_to_keep = 3 })

   it("is its own setting, else the pool's", function()
      assert.equal(3, config.effective({ save_on_stop = true }, pool).keep)
      assert.equal(0, config.effective({ save_on_stop = true, revisions_to_keep = 0 }, pool).keep)
   end)

   it("is no snapshot at all for an origin with -1", function()
      local origin = config.effective({ save_on_stop = true, revisions_to_keep = -1 }, pool)
      assert.is_true(origin.snapshots_disabled)
      assert.is_false(origin.precache)
      assert.equal(0, origin.keep)
   end)

   it("is just no revision for other kinds with -1", function()
      local other = config.effective({ save_on_stop = true, snap_on_start = true, revisions_to_keep = -1 }, pool)
      assert.is_false(other.snapshots_disabled)
      assert.equal(0, other.keep)
      assert.equal(-1, other.revisions_to_keep)
   end)

   it("is a precache for origins only", function()
      assert.is_true(config.effective({ save_on_stop = true }, pool).precache)
      assert.is_false(config.effective({ save_on_stop = true, snap_on_start = true }, pool).precache)
      assert.is_false(config.effective({}, pool).precache)
      local without = config.pool("pool", { precache = false })
      assert.is_false(config.effective({ save_on_stop = true }, without).precache)
   end)

   it("is ephemeral where the pool says so of volatile volumes that are rw", function()
      local ephemeral = config.pool("pool", { ephemeral_volatile = true })
      assert.is_true(config.effective({ rw = true }, ephemeral).ephemeral)
      assert.is_false(config.effective({ rw = false }, ephemeral).ephemeral)
      assert.is_false(config.effective({ rw = true, save_on_stop = true }, ephemeral).ephemeral)
      assert.is_false(config.effective({ rw = true, ephemeral = false }, ephemeral).ephemeral)
   end)
end)
