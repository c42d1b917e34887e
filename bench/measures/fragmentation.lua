-- What sessions of random writes do to an image and to the clone of it, with and without `defrag` and
-- `cow_extent_size`.
local byre = require("byre")
local core = require("byre.core")

local size = 64 << 20

local function session(volume, writes)
   local file <close> = assert(io.open(volume:start(), "r+b"))
   for i = 1, writes do
      file:seek("set", math.random(0, size // 4096 - 1) * 4096)
      assert(file:write(("%d "):format(i):rep(2048):sub(1, 4096)))
   end
   file:close()
   volume:stop()
end

-- a volume of one extent that went through so many sessions
local function worn_volume(fs, cycles, options)
   local pool = byre.create_pool(fs:fresh() .. "/pool", options or { precache = false })
   local volume = pool:create_volume("disk", { size = size, save_on_stop = true })
   local path = volume:start()
   local file = assert(io.open(path, "r+b"))
   for _ = 1, size >> 20 do
      assert(file:write(("d"):rep(1 << 20)))
   end
   file:close()
   volume:stop()
   for _ = 1, cycles do
      session(volume, 64)
   end
   return volume
end

local function seconds_of_start(volume)
   return function()
      local begun = core.clock()
      volume:start()
      local seconds = core.clock() - begun
      volume:stop({ discard = true })
      return seconds
   end
end

-- what another size of the pieces that are written anew does
local function with_other_sizes(bench, fs, cycles)
   for _, size_of_pieces in ipairs({ "4K", "1M" }) do
      local worn = worn_volume(fs, cycles, { precache = false, cow_extent_size = size_of_pieces })
      local name = ("fragmentation, after %d cycles with cow_extent_size %s: "):format(cycles, size_of_pieces)
      bench:record({ name = name .. "extents", fs = fs, unit = "count", value = worn:fragmentation().extents })
      bench:record({ name = name .. "used", fs = fs, unit = "B", value = worn:usage() })
   end
end

return function(bench)
   local cycles = bench.quick and 5 or 100
   for _, fs in ipairs(bench:filesystems({ "btrfs", "xfs", size = "8G" })) do
      if bench:wants("fragmentation") then
         local worn, mended = worn_volume(fs, cycles), worn_volume(fs, cycles)
         mended:defrag()
         local after = ("fragmentation, after %d cycles"):format(cycles)
         bench:record({ name = after .. ": extents", fs = fs, unit = "count",
            value = worn:fragmentation().extents })
         bench:record({ name = after .. ": used", fs = fs, unit = "B", value = worn:usage() })
         bench:record({ name = after .. " and defrag: extents", fs = fs, unit = "count",
            value = mended:fragmentation().extents, limit = 64 })
         bench:compare({ name = "fragmentation, start after defrag", fs = fs, rival_name = "without defrag",
            byre = seconds_of_start(mended), rival = seconds_of_start(worn) })
         if fs.name == "xfs" then
            with_other_sizes(bench, fs, cycles)
         end
      end
   end
end
