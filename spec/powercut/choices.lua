--- Which operation is possible as things are: one that has to succeed.
-- @module spec.powercut.choices
local among = require("spec.powercut.among")
local content = require("spec.powercut.content")
local outside = require("spec.powercut.outside")
local predict = require("spec.powercut.predict")

local random = math.random

local is_source, pick, sorted_vids = among.is_source, among.pick, among.sorted_vids

-- a content to import, of whatever length
local function new_content(driver, vid, blocks)
   blocks = blocks or random(4, 20)
   return content.written(content.empty(blocks), content.some(blocks, 6), driver:word(vid))
end

-- Besides those that are there from the beginning. Their names are used again,
-- and some are alone in their directory.
local function is_extra(vid)
   return vid:find("/x%d*$") ~= nil or outside.is_adopted(vid)
end

local function new_vid(driver, group)
   local vid
   repeat
      vid = (random(2) == 1 and "%s/x%d" or "%s/d%d/x"):format(group, random(5))
   until not driver.model.volumes[vid]
   return vid
end

local function extra_volumes(driver, group)
   local n = 0
   for _, vid in ipairs(sorted_vids(driver.model.volumes, group)) do
      n = n + (is_extra(vid) and 1 or 0)
   end
   return n
end

-- Each gets the driver, a vid, its volume and the group; returns an operation
-- on it that has to succeed, or nil.
local choices = {}

local function can_start(driver, volume)
   local source = volume.source and driver.model.volumes[volume.source]
   if source then
      return source.clean ~= nil
   end
   return not predict.saves(volume) or volume.dirty or volume.clean
end

function choices.start(driver, _, volume)
   if not volume.dirty and can_start(driver, volume) then
      return { name = "start" }
   end
end

-- again, as after a crash
function choices.start_again(driver, _, volume)
   if volume.dirty and can_start(driver, volume) then
      return { name = "start" }
   end
end

function choices.stop(_, _, volume)
   if volume.dirty then
      return { name = "stop" }
   end
end

function choices.discard(_, _, volume)
   if volume.dirty and (volume.clean or not predict.saves(volume)) then
      return { name = "stop", discard = true }
   end
end

-- those that are held can be annotated, nothing else
local function some_revision(volume)
   local list = {}
   for _, revision in ipairs(predict.visible(volume)) do
      list[#list + 1] = not revision.held and revision or nil
   end
   return #list > 0 and pick(list).seq or nil
end

function choices.revert(_, _, volume)
   local seq = some_revision(volume)
   if volume.kind == "origin" and not volume.dirty and volume.clean and seq then
      local newest = predict.visible(volume)[#predict.visible(volume)]
      return { name = "revert", seq = (random(3) > 1 or newest.held) and seq or nil }
   end
end

function choices.revert_discard(_, _, volume)
   local seq = some_revision(volume)
   if volume.kind == "origin" and volume.dirty and seq then
      return { name = "revert", seq = seq, discard = true }
   end
end

-- in the year 2100
local some_day = 4102444800

function choices.snapshot(driver, vid, volume)
   if predict.saves(volume) and not predict.without_snapshots(volume) and (volume.clean or volume.dirty)
      and #volume.revisions < 6 then
      return { name = "snapshot", note = random(2) == 1 and "note " .. driver:word(vid) or nil,
         tag = random(3) == 1 and "made" or nil, hold = random(6) == 1 and some_day or nil }
   end
end

function choices.annotate(driver, vid, volume)
   if predict.saves(volume) and #predict.visible(volume) > 0 then
      local revision = pick(predict.visible(volume))
      local op = { name = "annotate", seq = revision.seq, note = random(3) > 1 and "note " .. driver:word(vid) or nil }
      if revision.held then
         op.hold = false
      elseif not op.note then
         op.hold = pick({ true, some_day })
      end
      if random(2) == 1 then
         op.tag, op.untag = pick({ "a", "b" }), pick({ "c", "made" })
      elseif revision.note and not op.note then
         op.note = false
      end
      return op
   end
end

function choices.remove_revision(_, _, volume)
   local seq = predict.saves(volume) and some_revision(volume)
   return seq and { name = "remove_revision", seq = seq } or nil
end

-- what is committed now is no revision of an origin
function choices.restore(_, _, volume)
   local revision = #volume.trash > 0 and pick(volume.trash)
   if revision and not (volume.kind == "origin" and volume.clean and revision.inode == volume.inode) then
      return { name = "restore", seq = revision.seq }
   end
end

function choices.empty_trash(_, _, volume)
   return #volume.trash > 2 and { name = "empty_trash" } or nil
end

function choices.set(_, _, volume)
   if random(4) == 1 then
      return { name = "set", rw = not volume.rw }
   elseif predict.saves(volume) then
      return { name = "set", keep = pick(volume.kind == "origin" and { 0, 1, 3, -1 } or { 0, 1, 3 }) }
   end
end

function choices.resize(_, _, volume)
   if not volume.rw then
      return nil
   elseif volume.kind == "origin" or volume.dirty == nil then
      local image = volume.dirty or volume.clean
      if volume.kind ~= "origin" or image then
         return { name = "resize", blocks = random(4, 20) }
      end
   elseif predict.saves(volume) then
      return { name = "resize", blocks = random(4, 20) }
   end
end

function choices.import_data(_, _, volume)
   if volume.kind == "origin" and not volume.dirty and volume.clean and not volume.import then
      return { name = "import_data", blocks = random(4, 20) }
   end
end

function choices.import_data_end(driver, vid, volume)
   if volume.import and not volume.dirty then
      return { name = "import_data_end", v = random(4) > 1 and new_content(driver, vid, volume.import) or nil,
         discard = random(5) == 1 or nil }
   end
end

function choices.import_volume(driver, vid, volume, group)
   local from = pick(sorted_vids(driver.model.volumes, group))
   local other = driver.model.volumes[from]
   if volume.kind == "origin" and not volume.dirty and volume.clean and from ~= vid and predict.saves(other) then
      local state = other.dirty and (other.clean and random(2) == 1 and "committed" or "current") or nil
      if state or other.clean then
         return { name = "import_volume", from = from, state = state, discard = random(5) == 1 or nil }
      end
   end
end

function choices.import_file(driver, vid, volume)
   if volume.kind == "origin" and not volume.dirty and volume.clean then
      return { name = "import_file", v = new_content(driver, vid), discard = random(5) == 1 or nil }
   end
end

function choices.import_foreign(driver, vid, volume)
   local op = choices.import_file(driver, vid, volume)
   if op then
      op.name = "import_foreign"
   end
   return op
end

function choices.clone(driver, _, volume, group)
   if extra_volumes(driver, group) >= 3 or volume.kind == "origin_snapshot" and not volume.clean then
      return nil
   end
   local op = { name = "clone", new = new_vid(driver, group) }
   if predict.saves(volume) and #predict.visible(volume) > 0 and random(3) == 1 then
      op.seq = pick(predict.visible(volume)).seq
   elseif volume.dirty and predict.saves(volume) then
      op.state = volume.clean and random(2) == 1 and "committed" or "current"
   end
   return op
end

function choices.rename(driver, vid, volume, group)
   if not is_source(driver.model.volumes, vid) and (is_extra(vid) or extra_volumes(driver, group) < 3) then
      local may_drop = volume.clean or not predict.saves(volume)
      return { name = "rename", new = new_vid(driver, group), subvolume = driver.subvolumes and random(3) == 1 or nil,
         state = volume.dirty and (may_drop and random(3) == 1 and "committed" or "current") or nil }
   end
end

-- the volumes that are in the same group; nil: one of them is a source
local function siblings(driver, vid)
   local directory, list = vid:match("^(.*)/"), {}
   for _, other in ipairs(sorted_vids(driver.model.volumes, directory)) do
      if other:match("^(.*)/") == directory then
         list[#list + 1] = other
         if is_source(driver.model.volumes, other) then
            return nil
         end
      end
   end
   return list
end

-- groups below the one that is worked on; where another group is in the way, or its volumes, there is another choice
function choices.rename_group(driver, vid, _, group)
   local vids = siblings(driver, vid)
   local new = ("%s/d%d"):format(group, random(5))
   local op = { name = "rename_group", group = new, vids = vids, state = "current" }
   if not vids or vid:match("^(.*)/") == group then
      return nil
   end
   local may_drop = random(3) == 1
   for _, old in ipairs(vids) do
      local volume = driver.model.volumes[old]
      if driver.model.volumes[predict.new_vid(op, old)] then
         return nil
      end
      may_drop = may_drop and (volume.clean or not predict.saves(volume))
   end
   op.state = may_drop and "committed" or "current"
   op.subvolume = driver.subvolumes and random(3) == 1 or nil
   return op
end

local function is_held(volume)
   for _, revision in ipairs(volume.revisions) do
      if revision.held then
         return true
      end
   end
end

function choices.remove(driver, vid, volume)
   if is_extra(vid) and not is_source(driver.model.volumes, vid) and not is_held(volume) then
      return { name = "remove" }
   end
end

function choices.prune(_, _, volume)
   if predict.saves(volume) and #predict.visible(volume) > 0 then
      return { name = "prune" }
   end
end

function choices.defrag(_, _, volume)
   if predict.saves(volume) and volume.clean and not volume.dirty then
      return { name = "defrag" }
   end
end

function choices.export_file(driver, _, volume)
   if not predict.saves(volume) or not (volume.clean or volume.dirty and predict.without_snapshots(volume)) then
      return nil
   end
   local seq = random(3) == 1 and #predict.visible(volume) > 0 and pick(predict.visible(volume)).seq or nil
   local state = volume.dirty and not seq and (volume.clean and random(2) == 1 and "committed" or "current") or nil
   return { name = "export_file", file = ("%d.%d"):format(driver.worker, random(3)), seq = seq, state = state }
end

function choices.create_from(driver, _, _, group)
   if extra_volumes(driver, group) < 3 then
      local vid = new_vid(driver, group)
      return { name = "create_from", vids = { vid }, kind = "origin", keep = pick({ 0, 1, 3 }),
         v = new_content(driver, vid) }
   end
end

function choices.adopt(driver, _, _, group)
   local vid = ("%s/adopted%d"):format(group, random(2))
   if driver.model.volumes[vid] or extra_volumes(driver, group) >= 3 then
      return nil
   end
   local op = { name = "adopt", vids = { vid }, kind = "origin", keep = 3, v = new_content(driver, vid), older = {} }
   for i = 1, random(0, 2) do
      op.older[i] = new_content(driver, vid)
   end
   return op
end

local function some_origin(driver, group)
   local list = {}
   for _, vid in ipairs(sorted_vids(driver.model.volumes, group)) do
      list[#list + 1] = driver.model.volumes[vid].kind == "origin" and vid or nil
   end
   return #list > 0 and pick(list) or nil
end

function choices.create(driver, _, _, group)
   if extra_volumes(driver, group) >= 3 then
      return nil
   end
   local kind = pick({ "origin", "origin", "origin", "volatile", "snapshot", "origin_snapshot" })
   local source = kind:find("snapshot") and some_origin(driver, group) or nil
   if kind:find("snapshot") and not source then
      return nil
   end
   return { name = "create", vids = { new_vid(driver, group) }, kind = kind, source = source,
      keep = pick(kind == "origin" and { 0, 1, 3, -1 } or { 0, 1, 3 }), blocks = not source and random(4, 20) or nil }
end

return choices
