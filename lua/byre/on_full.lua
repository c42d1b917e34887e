--- A pool that is nearly full: make space before a start fails for the lack of it.
--
-- Only in pools with the setting `on_full = "prune"`. What goes is what `prune` removes anyway, by the policies and
-- under the same guards; what waits for somebody to agree stays.
-- @module byre.on_full
local failure = require("byre.failure")
local prune = require("byre.prune")

local on_full = {}

--- A file system is nearly full when less than this part of it is free.
on_full.nearly = 0.05

local function is_nearly_full(pool)
   local usage = pool.store:usage()
   return usage.free < on_full.nearly * usage.size
end

local function warn(pool, vid, message)
   pool.log({ step = "warning", volume = vid, operation = "prune", seconds = 0, message = message })
end

--- Prune the pool if it is time for that.
-- @tparam pool pool
-- @tparam boolean failed something has failed for the lack of space; else only a pool that is nearly full is pruned
-- @treturn boolean something went
function on_full.make_space(pool, failed)
   if pool.config.on_full ~= "prune" or not failed and not is_nearly_full(pool) then
      return false
   end
   local ok, result = failure.catch(prune.run, pool)
   if not ok then
      warn(pool, nil, tostring(result))
      return false
   end
   local went = 0
   for _, item in ipairs(result.failures) do
      warn(pool, item.volume, tostring(item.error))
   end
   for _, volume in ipairs(result.volumes) do
      local message = prune.complaint(volume)
      if message then
         warn(pool, volume.volume, message)
      end
      went = went + (volume.unconfirmed and 0 or #volume.removed)
   end
   if went > 0 then
      -- btrfs gives back what was removed once it is written down
      pool.store:sync_all()
   end
   return went > 0
end

return on_full
