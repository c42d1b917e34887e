--- Decide: take in a volume whose images are there already.
--
-- Nothing is changed but names of revisions, and nothing is deleted before the volume is in the catalog. Each prefix
-- of the plan leaves a tree that the next attempt reads as it is: what has its new name keeps it.
-- @module byre.decide.adopt
local create = require("byre.decide.create")
local failure = require("byre.failure")
local layout = require("byre.layout")
local plan = require("byre.plan")
local units = require("byre.units")

local adopt = {}

local function by_time(a, b)
   if a.time ~= b.time then
      return a.time < b.time
   end
   return a.path < b.path
end

-- revisions named as in 2018, oldest first
local function named_by_time(state)
   local list = {}
   for _, path in ipairs(state.old_revisions) do
      local time = units.parse_time(path:match("%.img@(.*)Z$") or "")
      if time then
         list[#list + 1] = { path = path, time = time }
      end
   end
   table.sort(list, by_time)
   return list
end

-- Steps that move the numbered revisions up, so that there are numbers for `count` older ones. No name is taken that
-- is there already: the new numbers are above all others. The newest goes first: whatever stops in between, numbers
-- follow age.
local function make_room(state, count)
   local revisions = state.revisions
   if count == 0 or #revisions == 0 or revisions[1].seq > count then
      return {}
   end
   local first = math.max(revisions[#revisions].seq, count) + 1
   local steps = {}
   for i = #revisions, 1, -1 do
      local revision = revisions[i]
      steps[#steps + 1] = plan.rename(revision.path, layout.revision(state.vid, first + i - 1, revision.time))
   end
   return steps
end

-- Phases that give revisions of the 2018 driver numbers, in the order of their times and below all numbers there are.
local function number_phases(state)
   local old = named_by_time(state)
   local names = {}
   for i = #old, 1, -1 do
      names[#names + 1] = plan.rename(old[i].path, layout.revision(state.vid, i, old[i].time))
   end
   return plan.phase({}, make_room(state, #old)), plan.phase({}, names)
end

-- Steps that make revisions from exception stores, oldest first. One that is there from an attempt that was cut short
-- is made again in its place.
local function restore(state, restorable)
   local steps = {}
   for i, revision in ipairs(restorable) do
      local path = layout.revision(state.vid, i, revision.time)
      steps[i] = plan.restore(state.paths.clean, path, { stores = revision.stores, size = revision.size,
         time = revision.time, replace = true })
   end
   return steps
end

-- Steps that remove what has become something else.
local function drop(found)
   local steps = {}
   for i, path in ipairs(found.obsolete or {}) do
      steps[i] = plan.unlink(path)
   end
   return steps
end

--- Plan to take a volume in.
-- @tparam table state of the vid
-- @tparam table settings of `config.volume`
-- @tparam[opt] table found what else there is of it: `number` (give its revisions of 2018 numbers), `restorable` (list
-- of `stores`, paths in the order in which they are put over the image, `time`, `size`), `obsolete` (paths that go
-- once the volume is taken in), `raw` (path of a raw image that is to become the committed one)
-- @treturn plan
-- @raise `exists`, `invalid` (there are no images)
function adopt.volume(state, settings, found)
   found = found or {}
   if state.registered then
      failure.raise("exists", state.vid, "there is a volume of this name", { volume = state.vid })
   end
   local has_images = create.has_images(state) or found.raw
   if settings.save_on_stop and not settings.snap_on_start and not has_images then
      failure.raise("invalid", state.vid, "there are no images of this name to take in", { volume = state.vid })
   end
   local room, names = {}, {}
   if found.number then
      room, names = number_phases(state)
   end
   return plan.new("adopt", state.vid, {
      room, names,
      plan.phase({}, restore(state, found.restorable or {})),
      plan.phase({}, found.raw and plan.rename(found.raw, state.paths.clean),
         create.make_catalog_directory(state), create.write_entry(state, settings)),
   }, { plan.phase({}, state.removed and plan.unlink(layout.removed(state.vid)), drop(found)) })
end

--- Plan what is left to do for a volume that is in the catalog already.
-- @tparam table state
-- @tparam table found as for `adopt.volume`
-- @treturn plan
function adopt.finish(state, found)
   local room, names = number_phases(state)
   return plan.new("adopt", state.vid, { room, names }, { plan.phase({}, drop(found)) })
end

return adopt
