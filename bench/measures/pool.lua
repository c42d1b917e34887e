-- Pools of very many volumes: listing them, and starting one of them.
local byre = require("byre")
local core = require("byre.core")
local shell = require("spec.support.shell")

local per_group = 1000

-- A pool with so many volatile volumes, whose entries are written as `create` writes them.
local function with_volumes(fs, count)
   local pool = byre.create_pool(fs:fresh() .. "/pool")
   local disk = pool:create_volume("disk", { size = "1M", save_on_stop = true })
   disk:start()
   disk:stop()
   pool:create_volume("g0/v0", { size = "1M" })
   local text = shell.read(pool.dir .. "/.byre/volume/g0/v0.json")
   for group = 1, count // per_group do
      local dir = ("%s/.byre/volume/g%d"):format(pool.dir, group)
      shell.must("mkdir " .. shell.quote(dir))
      for i = 1, per_group do
         shell.write(("%s/v%d.json"):format(dir, i), text)
      end
   end
   return pool
end

local function listing(bench, fs, pool, count)
   local program, byre_path = bench:program("resources"), shell.root .. "/build/byre"
   local _, first, memory = bench.numbers(bench.run("%s %s -p %s list", program, byre_path, pool.dir))
   bench:record({ name = ("byre list, %d volumes: memory"):format(count), fs = fs, value = memory, unit = "B",
      limit = 40 << 20 })
   bench:record({ name = ("byre list, %d volumes: first line"):format(count), fs = fs, value = first })
end

local function opening(bench, fs, few, many, count)
   local function session(dir)
      return function()
         local begun = core.clock()
         local pool = byre.open_pool(dir)
         pool:volume("disk"):start()
         local started = core.clock() - begun
         pool:volume("disk"):stop()
         pool:close()
         return started
      end
   end
   bench:compare({
      name = ("open the pool and start, %d volumes"):format(count), fs = fs, pairs = 25, target = 0.9,
      rival_name = "a pool of one", byre = session(many.dir), rival = session(few.dir),
   })
end

return function(bench)
   local count = bench.quick and 2000 or 100000
   for _, fs in ipairs(bench:filesystems({ "xfs", place = "memory" })) do
      local few, many = with_volumes(fs, 0), with_volumes(fs, count)
      listing(bench, fs, many, count)
      opening(bench, fs, few, many, count)
   end
end
