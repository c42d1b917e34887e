--- What a page on a pool shows, as plain data.
-- @module byre.command.pool_page.data
local byre = require("byre")
local core = require("byre.core")
local failure = require("byre.failure")
local record = require("byre.command.record")
local units = require("byre.units")
local verdict = require("byre.command.verdict")

local data = {}

-- vid -> what `pool:prune` would do; errors of volumes go to `failures`
local function verdicts(pool, failures)
   local by_vid = {}
   local result = pool:prune({ dry_run = true })
   for _, judged in ipairs(result.volumes) do
      local of_volume = { unconfirmed = judged.unconfirmed, policy = judged.policy }
      for _, item in ipairs(judged.revisions) do
         of_volume[item.id] = verdict.record(judged, item, false)
      end
      by_vid[judged.volume] = of_volume
   end
   for _, item in ipairs(result.failures) do
      failures[#failures + 1] = tostring(item.error)
   end
   return by_vid
end

local function by_revision(images)
   local list = {}
   for _, image in ipairs(images) do
      list[image.revision or false] = image
   end
   return list
end

local function revisions_of(volume, images, judged)
   local list = {}
   for i, revision in ipairs(record.of_revisions(volume)) do
      local image, word = images[revision.id] or {}, judged[revision.id] or {}
      revision.allocated, revision.shared, revision.exclusive = image.allocated, image.shared, image.exclusive
      revision.next, revision.why = word.verdict, word.why
      list[i] = revision
   end
   return list
end

local function volume_data(volume, space, judged)
   local item = record.of_volume(volume)
   local ok, figures = failure.catch(space.volume, space, volume.vid)
   figures = ok and figures or { images = {} }
   item.allocated, item.shared, item.exclusive = figures.allocated, figures.shared, figures.exclusive
   item.history, item.trash_bytes = figures.history, figures.trash
   item.unconfirmed, item.policy = judged.unconfirmed, judged.policy
   item.revisions = revisions_of(volume, by_revision(figures.images), judged)
   local fragmentation = volume:fragmentation() or {}
   item.extents, item.clone_seconds = fragmentation.extents, fragmentation.clone_seconds
   return item
end

local function findings_of(pool)
   local list = {}
   for i, finding in ipairs(pool:check()) do
      list[i] = { code = finding.code, volume = finding.volume, path = finding.path, message = finding.message }
   end
   return list
end

--- Look at a pool. Nothing is changed.
-- @tparam pool pool
-- @treturn table `pool` (its directory), `version`, `time`, `size`, `used`, `free`, `allocated` (bytes; the images
-- together), `exact`, `reason` (of figures that are not exact), `volumes` (as of `byre list`, with their space,
-- `trash_bytes`, `revisions`, `extents`, `clone_seconds`, `unconfirmed`), `findings` of check, `failures` (sentences)
-- @raise `io`, `denied`
function data.of(pool)
   local space, failures = pool:space(), {}
   local result = { pool = pool.dir, version = byre.version, time = units.format_time(core.now()), size = space.size,
      used = space.used, free = space.free, allocated = space.allocated, exact = space.exact, reason = space.reason,
      volumes = {}, findings = findings_of(pool), failures = failures }
   local judged = verdicts(pool, failures)
   for volume in pool:volumes() do
      local ok, item = failure.catch(volume_data, volume, space, judged[volume.vid] or {})
      if ok then
         table.insert(result.volumes, item)
      elseif item.code ~= "no_such_volume" then
         failures[#failures + 1] = tostring(item)
      end
   end
   return result
end

return data
