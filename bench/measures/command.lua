-- The command `byre`: how long it takes to begin, and where the time of a start goes.
local byre = require("byre")
local figures = require("bench.figures")
local shell = require("spec.support.shell")

local byre_path = shell.root .. "/build/byre"

local function resources(bench, ...)
   local program = bench:program("resources")
   return bench.numbers(bench.run("%s " .. ("%s "):rep(select("#", ...)), program, ...))
end

local function beginning(bench)
   local ours, theirs = {}, {}
   for i = 1, bench.quick and 1 or 41 do
      ours[i] = resources(bench, byre_path, "--version")
      theirs[i] = resources(bench, "/bin/true")
   end
   bench:record({ name = "byre --version, more than /bin/true", limit = 0.003,
      value = figures.median(ours) - figures.median(theirs) })
end

local function new_pool(fs)
   local pool = byre.create_pool(fs:fresh() .. "/pool")
   local volume = pool:create_volume("vm/disk", { size = "64M", save_on_stop = true })
   volume:start()
   volume:stop()
   return pool, volume
end

local function in_the_kernel(bench, fs)
   local pool, volume = new_pool(fs)
   local own, kernel = 0, 0
   -- of one run the kernel counts ticks only
   for _ = 1, bench.quick and 3 or 100 do
      local _, _, _, in_program, in_kernel = resources(bench, byre_path, "-p", pool.dir, "start", "vm/disk")
      own, kernel = own + in_program, kernel + in_kernel
      volume:stop()
   end
   bench:record({ name = "byre start: part of it in the kernel", fs = fs, unit = "ratio", least = 0.8,
      value = kernel / math.max(own + kernel, 1e-6) })
end

local function beside_python(bench, fs)
   local pool, volume = new_pool(fs)
   local dir, program = fs:fresh(), bench:program("cycle_peer")
   bench.run("cd %s; truncate -s 64M volume.img; cp -p volume.img volume-precache.img", dir)
   bench:compare({
      name = "byre start", fs = fs, target = 10, pairs = 25,
      rival_name = "python3 -c pass, and the start of file-reflink",
      byre = function()
         local seconds = resources(bench, byre_path, "-p", pool.dir, "start", "vm/disk")
         volume:stop()
         return seconds
      end,
      rival = function()
         local start = bench.numbers(bench.run("%s %s 0", program, dir))
         return resources(bench, "/usr/bin/python3", "-c", "pass") + start
      end,
   })
end

return function(bench)
   beginning(bench)
   for _, fs in ipairs(bench:filesystems({ "btrfs", "xfs", place = "memory" })) do
      in_the_kernel(bench, fs)
      beside_python(bench, fs)
   end
end
