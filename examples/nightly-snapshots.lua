#!/usr/bin/env lua5.4
--- A revision of every volume that is in use, every night; the oldest of them go.
--
--    byre run nightly-snapshots.lua POOL [COUNT]     COUNT (default 7) are kept
--
-- From cron or a systemd timer.  The revisions are tagged "nightly"; others, such as
-- those that a stop makes, are not touched.  All snapshots are one batch, so a thousand
-- volumes cost a few syncs.
--
-- Pruning at a stop goes by revisions_to_keep and knows no tags; that is why each of
-- them is held for COUNT + 1 days.
local byre = require "byre"

local DAY <const> = 86400

local dir, count = arg[1], math.tointeger(tonumber(arg[2] or 7))
if not dir or not count or count < 1 then
   io.stderr:write("usage: nightly-snapshots.lua POOL [COUNT]\n")
   os.exit(2)
end

local function in_use(pool)
   local list = {}
   for volume in pool:volumes() do
      if volume:is_dirty() and volume.revisions_to_keep >= 0 then
         list[#list + 1] = volume
      end
   end
   return list
end

local function prune(volume)
   local nightly = {}
   for _, revision in ipairs(volume:revisions()) do
      if revision.tags.nightly then
         nightly[#nightly + 1] = revision
      end
   end
   for i = 1, #nightly - count do
      volume:annotate(nightly[i].id, { hold_until = false })
      volume:remove_revision(nightly[i].id)
   end
   return math.max(#nightly - count, 0)
end

local pool <close> = byre.open_pool(dir)
local volumes = in_use(pool)
local ok, e = pcall(pool.snapshot, pool, volumes, { tag = "nightly", hold_until = os.time() + (count + 1) * DAY })
for _, failed in ipairs(not ok and byre.is_error(e) and e.failures or {}) do
   io.stderr:write(tostring(failed.error), "\n")
end
if not ok and not (byre.is_error(e) and e.failures) then
   error(e, 0)
end
local removed = 0
for _, volume in ipairs(volumes) do
   removed = removed + prune(volume)
end
print(("%d volumes in use, %d old revisions removed"):format(#volumes, removed))
os.exit(ok and 0 or 1, true)
