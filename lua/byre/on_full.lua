--- A pool that is nearly full: make space before a start fails for the lack of it.
--
-- Only in pools with the setting `on_full = "prune"`. The trash is emptied first. Then what goes is what `prune`
-- removes anyway, by the policies and under the same guards, and past the trash; what waits for somebody to agree
-- stays.
--
-- Before a start in a pool that is nearly full only the groups of the volumes that start are looked at: it may be so
-- for months, and no start is to pay for 100,000 volumes. Once one has failed, it is the whole pool's turn.
-- @module byre.on_full
local failure = require("byre.failure")
local prune = require("byre.prune")
local trash = require("byre.trash")
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

-- Empty the trash: all of it when something has failed, for want of who knows how much space; else that of some
-- volumes, what was put there first first, until the pool is not nearly full any more. Returns whether something went.
local function empty_trash(pool, volumes)
   local ok, result = failure.catch(function()
      return volumes and trash.empty_until(pool, volumes, function() return not is_nearly_full(pool) end)
         or not volumes and #trash.empty(pool)
   end)
   if not ok then
      warn(pool, result.volume, tostring(result))
   elseif result > 0 then
      pool.store:sync_all()
   end
   return ok and result > 0
end

local function prune_volumes(pool, volumes)
   local ok, result = failure.catch(prune.run, pool, { volumes = volumes, trash = false })
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

--- Make space if it is time for that: from the trash, or where that is not enough by pruning.
-- @tparam pool pool
-- @tparam boolean failed something has failed for the lack of space: all of the pool is looked at; else, if the pool is
-- nearly full, the groups of what is going to be done
-- @tparam {request,...} requests what is going to be done, or has failed
-- @treturn boolean something went: it is worth another try, and to be asked again should that fail
function on_full.make_space(pool, failed, requests)
   if pool.config.on_full ~= "prune" or not failed and not is_nearly_full(pool) then
      return false
   end
   local volumes = not failed and in_groups(pool, requests) or nil
   local emptied = empty_trash(pool, volumes)
   if emptied and (failed or not is_nearly_full(pool)) then
      return true
   end
   return prune_volumes(pool, volumes) or emptied
end

return on_full
