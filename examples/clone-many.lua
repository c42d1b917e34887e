#!/usr/bin/env lua5.4
--- Many machines from one template, and what that costs.
--
--    byre run clone-many.lua POOL TEMPLATE [COUNT]     COUNT is 100 by default
--
-- Makes snapshot volumes of the template, starts all of them in one batch, stops
-- them in one batch and removes them; prints how long each took and the space used.
-- For comparison the start is repeated one volume at a time.
local byre = require "byre"
local core = require "byre.core"

local dir, template, count = arg[1], arg[2], math.tointeger(tonumber(arg[3] or 100))
if not dir or not template or not count or count < 1 then
   io.stderr:write("usage: clone-many.lua POOL TEMPLATE [COUNT]\n")
   os.exit(2)
end

local pool <close> = byre.open_pool(dir)
local group = "many-" .. core.random_name()

local function timed(what, fn)
   local used, began = pool:usage().used, core.clock()
   fn()
   local seconds = core.clock() - began
   print(("%-28s %8.1f ms %8.2f ms each %8d KiB"):format(what, seconds * 1000, seconds * 1000 / count,
      (pool:usage().used - used) // 1024))
end

local volumes = {}
timed(("make %d snapshot volumes"):format(count), function()
   for i = 1, count do
      volumes[i] = pool:create_volume(("%s/vm%04d"):format(group, i), { snap_on_start = true, source = template })
   end
end)
timed("start them, one batch", function() pool:start(volumes) end)
timed("stop them, one batch", function() pool:stop(volumes) end)
timed("start them one by one", function()
   for _, volume in ipairs(volumes) do
      volume:start()
   end
end)
timed("stop and remove, one batch", function()
   pool:stop(volumes)
   pool:remove(volumes)
end)
