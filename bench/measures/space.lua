-- Differences of two images beside comparing their data, warm; and what a history of a hundred images takes.
local core = require("byre.core")
local difference = require("byre.difference")
local files = require("byre.store.files")
local space = require("byre.space")

local image_size = 2 << 30

-- An image of so many random writes, and its clone with half as many more.
local function make_pair(bench, dir, writes)
   bench.run("truncate -s %s %s", image_size, dir .. "/old")
   local function write(path, count)
      local file <close> = assert(io.open(path, "r+b"))
      for i = 1, count do
         file:seek("set", math.random(0, image_size // 4096 - 1) * 4096)
         assert(file:write(("%08d"):format(i):rep(512)))
      end
   end
   bench.run("dd if=/dev/urandom of=%s bs=1M count=512 conv=notrunc status=none", dir .. "/old")
   write(dir .. "/old", writes)
   bench.run("cp --reflink=always %s %s", dir .. "/old", dir .. "/new")
   write(dir .. "/new", writes // 2)
   bench.run("sync -f %s && cat %s %s >/dev/null", dir, dir .. "/old", dir .. "/new")
end

local function compare_maps(store)
   return function()
      for _ in difference.new(store, "old", "new"):ranges() do end
   end
end

local function compare_data(store)
   return function()
      local old, new = store:open("old", "r"), store:open("new", "r")
      local found = core.difference(old, new, "data")
      while found:next() do end
      found:close()
      old:close()
      new:close()
   end
end

-- Images r1, r2, ...: each a clone of the one before with 20 writes more.
local function make_history(bench, dir, count, extents)
   bench.run("%s %s %s", bench:program("fragment"), dir .. "/r1", extents)
   local list = { { id = 1, path = "r1" } }
   for i = 2, count do
      local path = dir .. "/r" .. i
      bench.run("cp --reflink=always %s %s", dir .. "/r" .. i - 1, path)
      local file <close> = assert(io.open(path, "r+b"))
      local blocks = file:seek("end") // 4096
      for _ = 1, 20 do
         file:seek("set", math.random(0, blocks - 1) * 4096)
         assert(file:write(("%08d"):format(i):rep(512)))
      end
      list[i] = { id = i, path = "r" .. i }
   end
   bench.run("sync -f %s", dir)
   return list
end

local function peak_memory()
   for line in io.lines("/proc/self/status") do
      local kibibytes = line:match("^VmHWM:%s*(%d+)")
      if kibibytes then
         return math.tointeger(kibibytes) << 10
      end
   end
end

-- seconds of making the map and of asking it for sets that grow
local function measure_map(store, list)
   local begun = core.clock()
   local map, ids = space.map(store, list), {}
   local made = core.clock()
   for i, item in ipairs(list) do
      ids[i] = item.id
      map:freed(ids)
   end
   return made - begun, core.clock() - made
end

return function(bench)
   local targets, limits = { btrfs = 100, xfs = 20 }, { btrfs = 2, xfs = 8 }
   local images, extents = bench.quick and 5 or 100, bench.quick and 1000 or 13000
   for _, fs in ipairs(bench:filesystems({ "btrfs", "xfs", place = "memory", size = "4G" })) do
      local dir = fs:fresh()
      local store = files.new(assert(core.open_dir(dir)), dir)
      if bench:wants("diff") then
         make_pair(bench, dir, bench.quick and 500 or 10000)
         bench:compare({ name = "diff of 2 GiB", fs = fs, target = targets[fs.name], byre = compare_maps(store),
            rival = compare_data(store), rival_name = "comparing the data" })
      end
      local what = ("map of %d images, %d extents"):format(images, images * extents)
      if bench:wants(what) then
         local list, before = make_history(bench, dir, images, extents), peak_memory()
         local map, asking = measure_map(store, list)
         bench:record({ name = what, fs = fs, value = map, limit = limits[fs.name] })
         bench:record({ name = what .. ": freed, one more each time", fs = fs, value = asking, limit = 0.1 })
         bench:record({ name = what .. ": memory", fs = fs, value = peak_memory() - before, unit = "B",
            limit = 64 << 20 })
      end
      store:close()
   end
end
