-- Many volumes at once: snapshots of one template, beside the calls that cannot be left out; batches, beside one
-- operation after the other.
local byre = require("byre")
local core = require("byre.core")

local function seconds(fn, ...)
   local begun = core.clock()
   fn(...)
   return core.clock() - begun
end

local function vids(prefix, first, last)
   local list = {}
   for i = first, last do
      list[#list + 1] = ("%s/v%05d"):format(prefix, i)
   end
   return list
end

local function write_something(path)
   local file <close> = assert(io.open(path, "r+b"))
   assert(file:write(("x"):rep(65536)))
end

local function with_template(fs)
   local pool = byre.create_pool(fs:fresh() .. "/pool", { precache = false })
   local template = pool:create_volume("template", { size = "1M", save_on_stop = true })
   write_something(template:start())
   template:stop()
   return pool
end

local settings = { snap_on_start = true, source = "template" }

local function beside_the_limit(bench, fs, count)
   local name = ("%d snapshots of a template:"):format(count)
   if not bench:wants(name) then
      return
   end
   local pool, program, list = with_template(fs), bench:program("fork_bare"), vids("fork", 1, count)
   local dir = fs:fresh()
   bench.run("cp --reflink=always %s %s", pool.dir .. "/template.img", dir .. "/template.img")
   bench:compare({
      name = name, fs = fs, rival_name = "clone and link", pairs = 5,
      parts = { { name = "create, start", target = 0.6 }, { name = "start", target = 0.6 },
         { name = "remove", target = 1 } },
      byre = function()
         local create = seconds(pool.create_volumes, pool, list, settings)
         local start = seconds(pool.start, pool, list)
         return create + start, start, seconds(pool.remove, pool, list)
      end,
      rival = function()
         local make, remove = bench.numbers(bench.run("%s %s %s", program, dir, count))
         return make, make, remove
      end,
   })
end

-- one child more, where there are very many, beside the first ones
local function one_more(bench, fs, count)
   local name = ("one more snapshot beside %d:"):format(count)
   if not bench:wants(name) then
      return
   end
   local few, many = with_template(fs), with_template(fs)
   many:create_volumes(vids("fork", 1, count), settings)
   many:start(vids("fork", 1, count))
   local function add(pool)
      return function()
         local create = seconds(pool.create_volume, pool, "fork/more", settings)
         local volume = pool:volume("fork/more")
         local start, stop = seconds(volume.start, volume), seconds(volume.stop, volume)
         return create, start, stop, seconds(volume.remove, volume)
      end
   end
   bench:compare({
      name = name, fs = fs, rival_name = "beside none", pairs = 15, byre = add(many), rival = add(few),
      parts = { { name = "create", target = 0.9 }, { name = "start", target = 0.9 }, { name = "stop", target = 0.9 },
         { name = "remove", target = 0.9 } },
   })
end

-- the rival does a tenth of them: it is that slow
local function batch(bench, fs, count)
   local name = ("%d volumes in one call:"):format(count)
   if not bench:wants(name) then
      return
   end
   local pool = byre.create_pool(fs:fresh() .. "/pool", { precache = false })
   local list, some, scale = vids("batch", 1, count), vids("single", 1, count // 10), count / (count // 10)
   pool:create_volumes(list, { size = "1M", save_on_stop = true })
   pool:create_volumes(some, { size = "1M", save_on_stop = true })
   local function each(method)
      return seconds(function()
         for _, id in ipairs(some) do
            local volume = pool:volume(id)
            volume[method](volume)
         end
      end) * scale
   end
   bench:compare({
      name = name, fs = fs, rival_name = "one after the other", pairs = 3,
      parts = { { name = "start", target = 15 }, { name = "stop", target = 15 } },
      byre = function()
         local start = seconds(pool.start, pool, list)
         for _, id in ipairs(list) do
            write_something(pool.dir .. "/" .. id .. "-dirty.img")
         end
         return start, seconds(pool.stop, pool, list)
      end,
      rival = function()
         local start = each("start")
         for _, id in ipairs(some) do
            write_something(pool.dir .. "/" .. id .. "-dirty.img")
         end
         return start, each("stop")
      end,
   })
end

return function(bench)
   for _, fs in ipairs(bench:filesystems({ "btrfs", "xfs", size = "8G" })) do
      beside_the_limit(bench, fs, bench.quick and 50 or 1000)
      one_more(bench, fs, bench.quick and 50 or 10000)
      batch(bench, fs, bench.quick and 20 or 1000)
   end
end
