--- After a power cut: what was cut short is done again by byre's usual calls,
-- the pool is mended, and everything can be used.
-- @module spec.powercut.recover
local content = require("spec.powercut.content")
local outside = require("spec.powercut.outside")
local predict = require("spec.powercut.predict")

local recover = {}

-- Each says whether an operation, cut short, is done again: what became of the
-- volume is known (`state`), and the volume as it is now, nil if there is none.
local again = {}

function again.start(_, _, volume) return volume end
function again.stop(op, _, volume)
   return volume and not (op.discard and volume.dirty and not volume.clean and predict.saves(volume))
end
function again.revert(_, state) return state == "before" end
function again.snapshot(_, _, volume) return volume and (volume.clean or volume.dirty) end
function again.set(_, _, volume) return volume end
function again.resize(_, _, volume) return volume end
function again.remove(_, _, volume) return volume end
function again.rename(_, _, volume) return volume end
function again.rename_group(_, _, volume) return volume end
function again.import_data(_, _, volume) return volume end
function again.import_data_end(_, _, volume) return volume and volume.import end
function again.import_volume(_, _, volume) return volume end
function again.import_file(_, _, volume) return volume end
function again.import_foreign(_, _, volume) return volume end

local function has_revision(op, _, volume)
   for _, revision in ipairs(volume and predict.visible(volume) or {}) do
      if revision.seq == op.seq then
         return true
      end
   end
end
again.annotate, again.remove_revision = has_revision, has_revision

function again.restore(op, _, volume)
   for _, entry in ipairs(volume and volume.trash or {}) do
      if entry.seq == op.seq then
         return not has_revision(op, nil, volume)
      end
   end
end

function again.empty_trash(_, _, volume) return volume end

function again.prune(_, _, volume) return volume end
function again.defrag(_, _, volume) return volume end
function again.adopt(_, _, volume) return not volume end
function again.create_from(_, _, volume) return not volume end

function again.export_file(op, _, volume)
   return volume and (not op.seq or has_revision(op, nil, volume))
end

function again.create(op, _, volume)
   return not volume or op.kind == "origin" and not volume.clean
end

function again.clone(op, _, volume, volumes)
   local new = volumes[op.new]
   return volume and (not new or new.kind == "origin" and not new.clean)
end

local function repeat_operation(driver, op, states)
   local copy = predict.copy(op)
   copy.vids = {}
   for _, vid in ipairs(op.vids) do
      if again[op.name](op, states[vid], driver.model.volumes[vid], driver.model.volumes) then
         copy.vids[#copy.vids + 1] = vid
      end
   end
   -- a session of a volume that keeps nothing, ended before, may be there again
   local volume = driver.model.volumes[copy.vids[1]]
   if op.name == "rename" and not op.state and volume and volume.dirty then
      copy.state = "current"
   end
   if #copy.vids > 0 then
      driver:run(copy)
   end
end

-- The model after a mending: what users see must not have changed by it.
local function settle_again(driver)
   for vid, volume in pairs(driver.model.volumes) do
      local why, seen = driver:differs(vid)
      if why then
         error(("check --repair has changed %s: %s"):format(vid, why), 0)
      end
      driver.model.volumes[vid] = recover.settle(seen, volume)
   end
end

-- what a repair has to leave none of, whatever the state
local leftovers = { half_commit = true, temporary = true, interrupted_removal = true }

local function repair(driver)
   driver.pool:check({ repair = true })
   for _, finding in ipairs(driver.pool:check()) do
      if leftovers[finding.code] then
         error(("check --repair leaves %s: %s"):format(finding.code, finding.path), 0)
      end
   end
   settle_again(driver)
end

-- Findings that are no fault: a session that is the only copy; a precache from before snapshots were disabled, of a
-- volume that runs; images that were to be adopted, and are not yet.
local function is_usual(driver, finding)
   local volume = driver.model.volumes[finding.volume]
   if not volume then
      return finding.code == "unknown_image" and outside.is_adopted(finding.volume)
   end
   return finding.code == "missing_image" and volume.kind == "origin" and volume.dirty and not volume.clean
      or finding.code == "stale_precache" and predict.without_snapshots(volume) and volume.dirty
end

local function require_sound(driver)
   for _, finding in ipairs(driver.pool:check()) do
      if not is_usual(driver, finding) then
         error(("after recovery the pool check finds %s: %s: %s"):format(finding.code,
            finding.path or finding.volume, finding.message), 0)
      end
   end
end

local function end_imports(driver)
   for vid, volume in pairs(driver.model.volumes) do
      if volume.import then
         driver:run({ name = "import_data_end", vids = { vid } })
      end
   end
end

-- What was registered and got no image yet can be made again or removed; who
-- made it may be gone.
local function remove_unfinished(driver)
   for vid, volume in pairs(predict.copy(driver.model.volumes)) do
      if volume.kind == "origin" and not volume.clean and not volume.dirty then
         driver:run({ name = "remove", vids = { vid } })
      end
   end
end

-- a session on a volume, from start to stop
local function use(driver, vid)
   local volume = driver.model.volumes[vid]
   local source = volume.source and driver.model.volumes[volume.source]
   if source and not source.clean then
      return
   end
   driver:run({ name = "start", vids = { vid } })
   volume = driver.model.volumes[vid]
   if not predict.saves(volume) then
      local image = content.read(driver.pool:volume(vid):path())
      if source and image:sub(1, #source.clean) ~= source.clean then
         error(("%s starts with [%s], its source is [%s]"):format(vid, image, source.clean), 0)
      elseif not source and image:find("[^0 ]") then
         error(("%s starts with [%s]"):format(vid, image), 0)
      end
   else
      driver:write(vid, { [0] = true }, false)
   end
   driver:run({ name = "stop", vids = { vid } })
end

--- A volume of the oracle from what is there.
-- @tparam table seen of `observe.volume`
-- @tparam table volume what it was taken for
function recover.settle(seen, volume)
   local settled = {
      kind = seen.kind, keep = seen.keep, rw = seen.rw, source = seen.source, blocks = seen.blocks,
      clean = seen.clean, inode = seen.inode, revisions = {}, ghosts = volume.ghosts, trash = {},
      window = seen.window,
      import = seen.import and (volume.import or 1),
   }
   for i, revision in ipairs(seen.revisions) do
      settled.revisions[i] = { seq = revision.seq, v = revision.v, inode = revision.inode, note = revision.note,
         tags = revision.tags, held = revision.held }
   end
   for i, entry in ipairs(seen.trash) do
      settled.trash[i] = { seq = entry.seq, v = entry.v, inode = entry.inode, note = entry.note, tags = entry.tags,
         held = entry.held }
   end
   if seen.dirty and predict.saves(volume) then
      predict.begin_session(settled, seen.dirty)
   else
      settled.dirty = seen.dirty and "any" or nil
   end
   return settled
end

--- Recover.
-- @tparam driver driver whose model is what was found
-- @tparam {table,...} pending operations that were cut short, each `op`, `states` (vid -> which state was found)
-- @tparam function random
-- @raise a text: what went wrong
function recover.run(driver, pending, random)
   local mend_first = random(2) == 1
   if mend_first then
      repair(driver)
   end
   for _, item in ipairs(pending) do
      repeat_operation(driver, item.op, item.states)
   end
   end_imports(driver)
   remove_unfinished(driver)
   if not mend_first then
      repair(driver)
   end
   require_sound(driver)
   local vids = {}
   for vid in pairs(driver.model.volumes) do
      vids[#vids + 1] = vid
   end
   table.sort(vids)
   if #vids > 0 then
      use(driver, vids[random(#vids)])
   end
   local releases = false
   for _, item in ipairs(pending) do
      releases = releases or item.op.name == "release"
      if driver.model.volumes[item.op.vids[1]] then
         use(driver, item.op.vids[1])
      end
   end
   require_sound(driver)
   if releases then
      driver:run({ name = "release", vids = {} })
   end
end

return recover
