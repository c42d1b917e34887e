--- A pool that is nearly full: make space before a start fails for the lack of it.
--
-- Only in pools with the setting `on_full = "prune"`. What goes is what `prune` removes anyway, by the policies and
-- under the same guards; what waits for somebody to agree stays.
--
-- Before a start in a pool that is nearly full only the groups of the volumes that start are pruned: it may be so for
-- months, and no start is to pay for 100,000 volumes. Once one has failed, it is the whole pool's turn.
-- @module byre.on_full
local failure = require("byre.failure")
local prune = require("byre.prune")
local vid = require("byre.vid")

local on_full = {}

--- A file system is nearly full when less than this part of it is free.
on_full.nearly = 0.05

local function is_nearly_full(pool)
   local usage = pool.store:usage()
   return usage.free < on_full.nearly * usage.size
end

-- all volumes of the groups that requests are about
local function in_groups(pool, requests)
   local list, known = {}, {}
   for _, request in ipairs(requests) do
      local group = vid.group(request.vid)
      for _, volume in ipairs(known[group] and {} or pool:group(group):volumes()) do
         list[#list + 1] = volume
      end
      known[group] = true
   end
   return list
end

local function warn(pool, id, message)
   pool.log({ step = "warning", volume = id, operation = "prune", seconds = 0, message = message })
end

--- Prune if it is time for that.
-- @tparam pool pool
-- @tparam boolean failed something has failed for the lack of space: all of the pool is pruned; else, if the pool is
-- nearly full, the groups of what is going to be done
-- @tparam {request,...} requests what is going to be done, or has failed
-- @treturn boolean something went
function on_full.make_space(pool, failed, requests)
   if pool.config.on_full ~= "prune" or not failed and not is_nearly_full(pool) then
      return false
   end
   local ok, result = failure.catch(function()
      return prune.run(pool, { volumes = not failed and in_groups(pool, requests) or nil })
   end)
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
