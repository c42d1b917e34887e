-- A session of one volume: start, 64 random writes of 4 KiB, stop. Beside the calls of the driver file-reflink, and
-- beside the fewest calls that give the guarantees.
local byre = require("byre")
local core = require("byre.core")

local writes = 64
local fresh_size = 64 << 20

-- An image of so many extents; 0: one that was never written to.
local function make_image(bench, path, extents)
   if extents == 0 then
      bench.run("truncate -s %s %s", fresh_size, path)
   else
      bench.run("%s %s %s", bench:program("fragment"), path, extents)
   end
   bench.run("chmod 600 %s", path)
end

local function write_blocks(path)
   local file <close> = assert(io.open(path, "r+b"))
   local block, blocks = ("w"):rep(4096), file:seek("end") // 4096
   for _ = 1, writes do
      file:seek("set", math.random(0, blocks - 1) * 4096)
      assert(file:write(block))
   end
end

-- A function that runs one session and returns the seconds of its start and of its stop.
local function byre_cycle(bench, fs, extents, options)
   local pool = byre.create_pool(fs:fresh() .. "/pool", options)
   make_image(bench, pool.dir .. "/volume.img", extents)
   local volume = pool:adopt_volume("volume", { save_on_stop = true })
   return function()
      local begun = core.clock()
      local path = volume:start()
      local started = core.clock()
      write_blocks(path)
      local stopping = core.clock()
      volume:stop()
      return started - begun, core.clock() - stopping
   end
end

-- The same for a program of bench/; `word`: its third argument.
local function program_cycle(bench, fs, extents, name, word)
   local dir, program = fs:fresh(), bench:program(name)
   local clean = dir .. "/volume.img"
   make_image(bench, clean, extents)
   for _, copy in ipairs({ "/volume-precache.img", "/volume.img.1" }) do
      bench.run("cp --reflink=always -p %s %s", clean, dir .. copy)
   end
   return function()
      return bench.numbers(bench.run("%s %s %s " .. (word or ""), program, dir, writes))
   end
end

-- the first sessions make what later ones find: the precache, the revision that goes
local function settled(cycle)
   cycle()
   cycle()
   return cycle
end

local function sum(cycle)
   return function()
      local start, stop = cycle()
      return start + stop
   end
end

local function extents_in_words(extents)
   return extents == 0 and "fresh" or ("%dk extents"):format(extents // 1000)
end

local function beside_the_peer(bench, fs, extents, precache, parts)
   local name = ("cycle, %s%s:"):format(extents_in_words(extents), precache and "" or ", no precache")
   if bench:wants(name) then
      bench:compare({
         name = name, fs = fs, parts = parts, rival_name = "the calls of file-reflink",
         byre = settled(byre_cycle(bench, fs, extents, { precache = precache })),
         rival = settled(program_cycle(bench, fs, extents, "cycle_peer")),
      })
   end
end

local function beside_the_limit(bench, fs, precache, target)
   local name = ("cycle, %s, to the limit"):format(precache and "fresh" or "fresh, no precache")
   if bench:wants(name) then
      bench:compare({
         name = name, fs = fs, target = target, pairs = 15, rival_name = "the fewest calls",
         byre = sum(settled(byre_cycle(bench, fs, 0, { precache = precache }))),
         rival = sum(settled(program_cycle(bench, fs, 0, "cycle_bare", precache and "precache" or nil))),
      })
   end
end

return function(bench)
   for _, fs in ipairs(bench:filesystems({ "btrfs", "xfs", size = "8G" })) do
      beside_the_peer(bench, fs, 0, true, { { name = "start", target = 1 }, { name = "stop", target = 3 } })
      for _, extents in ipairs(bench.quick and { 1000 } or { 10000, 100000 }) do
         beside_the_peer(bench, fs, extents, true, { { name = "start", target = 1 }, { name = "stop", target = 2 } })
         beside_the_peer(bench, fs, extents, false, { { name = "start" }, { name = "stop", target = 20 } })
      end
      for _, precache in ipairs({ true, false }) do
         beside_the_limit(bench, fs, precache, 1 / 1.3)
      end
   end
   for _, fs in ipairs(bench:filesystems({ "btrfs", "xfs", place = "memory" })) do
      for _, precache in ipairs({ true, false }) do
         beside_the_limit(bench, fs, precache, 1 / 2)
      end
   end
end
