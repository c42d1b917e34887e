-- Copies where blocks cannot be shared, until they are durable: ext4, warm and cold.
local core = require("byre.core")

local mib = 1 << 20

-- what is read is compressible by nobody
local function random_bytes(length)
   local file <close> = assert(io.open("/dev/urandom", "rb"))
   return file:read(length)
end

-- Images as programs leave them: {name, function(file, unit)}; a unit is 1 GiB, or less in a quick run.
local images = {
   { name = "1 in 8 GiB", make = function(file, unit)
      local data = random_bytes(mib)
      for offset = 0, 8 * unit - 1, 32 * mib do
         for i = 0, 3 do
            assert(file:write(data, offset + i * mib))
         end
      end
      assert(file:truncate(8 * unit))
   end },
   { name = "64k islands of 4 KiB", make = function(file, unit)
      local data = random_bytes(4096)
      for offset = 0, 4 * unit - 1, 65536 do
         assert(file:write(data, offset + math.random(0, 15) * 4096))
      end
      assert(file:truncate(4 * unit))
   end },
   { name = "allocated zeros", zeros = true, make = function(file, unit)
      local zeros = ("\0"):rep(mib)
      for offset = 0, 2 * unit - 1, mib do
         assert(file:write(zeros, offset))
      end
   end },
   { name = "dense", make = function(file, unit)
      local data = random_bytes(mib)
      for offset = 0, 2 * unit - 1, mib do
         assert(file:write(data, offset))
      end
   end },
}

local rivals = {
   { name = "cp --sparse=always", command = "cp --sparse=always %s %s" },
   { name = "cp --sparse=auto", command = "cp --reflink=never --sparse=auto %s %s" },
   { name = "qemu-img convert", command = "qemu-img convert -f raw -O raw -W -m 16 %s %s" },
   { name = "dd conv=sparse", command = "dd conv=sparse bs=1M status=none if=%s of=%s" },
}

-- 5% slower than a rival is the most; zeros and cold dense data are where more is to be had
local function target(image, temperature, rival)
   if rival == rivals[1] and image.zeros and temperature == "warm" then
      return 1.7
   elseif rival == rivals[1] and image.name == "dense" and temperature == "cold" then
      return 1.5
   end
   return 0.95
end

local prepare = {
   warm = function(bench, path) bench.run("cat %s >/dev/null", path) end,
   cold = function(bench, path) bench.run("sync %s; dd if=%s iflag=nocache count=0 status=none", path, path) end,
}

local function copy(from, to)
   local src, dst = assert(core.open(from, "r")), assert(core.open(to, "w"))
   assert(dst:copy_from(src, { durable = true }))
   assert(dst:sync())
   src:close()
   dst:close()
end

-- a function that makes one copy and returns the seconds until it is durable
local function timed(bench, from, to, temperature, fn)
   return function()
      bench.run("rm -f %s; sync -f %s", to, from)
      prepare[temperature](bench, from)
      local begun = core.clock()
      fn()
      return core.clock() - begun
   end
end

local function make(bench, fs, image)
   local path = fs:fresh() .. "/image"
   local file = assert(core.open(path, "w"))
   image.make(file, bench.quick and 32 * mib or 1024 * mib)
   assert(file:sync())
   file:close()
   return path
end

local function compare(bench, fs, image, path)
   for _, temperature in ipairs({ "warm", "cold" }) do
      for _, rival in ipairs(rivals) do
         bench:compare({
            name = ("copy, %s, %s: %s"):format(image.name, temperature, rival.name), fs = fs, rival_name = rival.name,
            pairs = 5, target = target(image, temperature, rival),
            byre = timed(bench, path, path .. "-copy", temperature, function() copy(path, path .. "-copy") end),
            rival = timed(bench, path, path .. "-copy", temperature, function()
               bench.run(rival.command .. " && sync %s", path, path .. "-copy", path .. "-copy")
            end),
         })
      end
   end
end

return function(bench)
   for _, fs in ipairs(bench:filesystems({ "ext4", size = "16G" })) do
      for _, image in ipairs(images) do
         local path = make(bench, fs, image)
         compare(bench, fs, image, path)
         bench.run("rm -r %s", path:match("(.*)/"))
      end
   end
end
