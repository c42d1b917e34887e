-- Volumes with many revisions: how long it takes to list them, what they add to a session, how fast they go.
local byre = require("byre")
local core = require("byre.core")
local layout = require("byre.layout")

-- A volume with so many revisions: clones of its image, as sessions leave them.
local function with_history(bench, fs, count)
   local pool = byre.create_pool(fs:fresh() .. "/pool", { revisions_to_keep = count })
   local volume = pool:create_volume("volume", { size = "1M", save_on_stop = true })
   local file <close> = assert(io.open(volume:start(), "r+b"))
   assert(file:write(("x"):rep(65536)))
   file:close()
   volume:stop()
   local dir <close> = assert(core.open_dir(pool.dir))
   local image <close> = assert(dir:open("volume.img", "r"))
   for seq = #volume:revisions() + 1, count do
      local revision <close> = assert(dir:tmpfile("volume.img"))
      assert(revision:clone_from(image))
      assert(revision:publish(layout.revision("volume", seq, 1700000000 + seq * 60)))
   end
   bench.run("sync -f %s", pool.dir)
   return volume
end

local function reader(bench, volume)
   local program = bench:program("read_directory")
   return function()
      return (bench.numbers(bench.run("%s %s", program, volume.pool.dir)))
   end
end

local function seconds(fn, ...)
   local begun = core.clock()
   fn(...)
   return core.clock() - begun
end

-- seconds of a start and of a stop of a volume in which nothing is written
local function session(volume)
   return seconds(volume.start, volume), seconds(volume.stop, volume)
end

local function listing(bench, fs, volume, count)
   bench:compare({
      name = ("revisions(), %d"):format(count), fs = fs, rival_name = "reading the names",
      byre = function() return seconds(volume.revisions, volume) end, rival = reader(bench, volume),
   })
end

-- what many revisions may add to a session is that their names are read
local function sessions(bench, fs, volume, few, count)
   local read = reader(bench, volume)
   bench:compare({
      name = ("session, %d revisions:"):format(count), fs = fs, pairs = 15,
      rival_name = "one with 10 revisions, and reading the names",
      parts = { { name = "start", target = 0.9 }, { name = "stop", target = 0.9 } },
      byre = function() return session(volume) end,
      rival = function()
         local start, stop = session(few)
         local reading = read()
         return start + reading, stop + reading
      end,
   })
end

local function pruning(bench, fs, count)
   local name, program = ("prune %d revisions"):format(count), bench:program("prune_each")
   if not bench:wants(name) then
      return
   end
   bench:compare({
      name = name, fs = fs, target = 20, pairs = 3, rival_name = "a sync for each",
      byre = function()
         local volume = with_history(bench, fs, count)
         volume:start()
         volume:set({ revisions_to_keep = 1 })
         local stop = seconds(volume.stop, volume)
         assert(#volume:revisions() == 1)
         return stop
      end,
      rival = function()
         local volume = with_history(bench, fs, count)
         return (bench.numbers(bench.run("%s %s", program, volume.pool.dir)))
      end,
   })
end

return function(bench)
   for _, fs in ipairs(bench:filesystems({ "btrfs", "xfs", size = "8G" })) do
      local few = with_history(bench, fs, 10)
      for _, count in ipairs(bench.quick and { 10, 100 } or { 10, 1000, 10000 }) do
         local volume = count == 10 and few or with_history(bench, fs, count)
         listing(bench, fs, volume, count)
         if volume ~= few then
            sessions(bench, fs, volume, few, count)
         end
      end
      pruning(bench, fs, bench.quick and 20 or 1000)
   end
end
