--- What is done to a pool while the power may go: random operations that are
-- allowed as things are, from a seed.
-- @module spec.powercut.scenarios
local content = require("spec.powercut.content")
local predict = require("spec.powercut.predict")

local scenarios = {}

local random = math.random

local function pick(list)
   return list[random(#list)]
end

local function sorted_vids(volumes, group)
   local list = {}
   for vid in pairs(volumes) do
      if not group or vid:sub(1, #group + 1) == group .. "/" then
         list[#list + 1] = vid
      end
   end
   table.sort(list)
   return list
end

local function some_blocks(count, most)
   local indexes = {}
   for _ = 1, random(most) do
      indexes[random(0, count - 1)] = true
   end
   return indexes
end

local function is_source(volumes, vid)
   for _, volume in pairs(volumes) do
      if volume.source == vid then
         return true
      end
   end
   return false
end

-- a content to import, of whatever length
local function new_content(driver, vid, blocks)
   blocks = blocks or random(4, 20)
   return content.written(content.empty(blocks), some_blocks(blocks, 6), driver:word(vid))
end

-- Besides those that are there from the beginning. Their names are used again,
-- and some are alone in their directory.
local function is_extra(vid)
   return vid:find("/x%d*$") ~= nil
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

function choices.snapshot(driver, vid, volume)
   if predict.saves(volume) and not predict.without_snapshots(volume) and (volume.clean or volume.dirty)
      and #volume.revisions < 6 then
      return { name = "snapshot", note = random(2) == 1 and "note " .. driver:word(vid) or nil }
   end
end

function choices.annotate(driver, vid, volume)
   if predict.saves(volume) and #predict.visible(volume) > 0 then
      local revision = pick(predict.visible(volume))
      local op = { name = "annotate", seq = revision.seq, note = random(3) > 1 and "note " .. driver:word(vid) or nil }
      if not op.note or revision.held then
         op.hold = not revision.held
      end
      return op
   end
end

function choices.remove_revision(_, _, volume)
   local seq = predict.saves(volume) and some_revision(volume)
   return seq and { name = "remove_revision", seq = seq } or nil
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
      return { name = "rename", new = new_vid(driver, group),
         state = volume.dirty and (may_drop and random(3) == 1 and "committed" or "current") or nil }
   end
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

local weights = {
   start = 8, start_again = 1, stop = 8, discard = 2, revert = 4, revert_discard = 2, snapshot = 4, annotate = 2,
   remove_revision = 3, set = 3, resize = 4, import_data = 2, import_data_end = 4, import_volume = 2, import_file = 2,
   import_foreign = 1, clone = 2, rename = 2, remove = 3, create = 2,
}

local urn = {}
for name, weight in pairs(weights) do
   assert(choices[name], name)
   urn[#urn + 1] = { name = name, weight = weight }
end
table.sort(urn, function(a, b) return a.name < b.name end)

--- The operations, in order.
scenarios.operations = {}
for name in pairs(predict.operations) do
   table.insert(scenarios.operations, name)
end
table.insert(scenarios.operations, "remove")
table.sort(scenarios.operations)

-- the choices that are one operation
local forms = {
   start = { "start", "start", "start_again" }, stop = { "stop", "stop", "discard" },
   revert = { "revert", "revert", "revert_discard" },
}

-- what has to come before, so that there can be more of it
local prepares = { import_data_end = "import_data", create = "remove", clone = "remove", remove = "create" }

local function draw(favourite)
   if favourite and random(3) == 1 then
      return pick(forms[favourite] or { favourite })
   elseif prepares[favourite] and random(4) == 1 then
      return prepares[favourite]
   end
   local total = 0
   for _, item in ipairs(urn) do
      total = total + item.weight
   end
   local at = random(total)
   for _, item in ipairs(urn) do
      at = at - item.weight
      if at <= 0 then
         return item.name
      end
   end
end

-- more volumes for which the same operation is possible, in one batch
local function widen(driver, op, name, group)
   if op.new or op.seq or not ({ start = true, stop = true, snapshot = true })[name] or random(3) > 1 then
      return
   end
   for _, vid in ipairs(sorted_vids(driver.model.volumes, group)) do
      local volume = driver.model.volumes[vid]
      if vid ~= op.vids[1] and not is_source(driver.model.volumes, vid) and volume.source ~= op.vids[1]
         and choices[name](driver, vid, volume, group) then
         op.vids[#op.vids + 1] = vid
      end
   end
   op.note = nil
end

--- An operation that has to succeed as things are.
function scenarios.choose(driver, group, favourite)
   while true do
      local name = draw(favourite)
      local vid = pick(sorted_vids(driver.model.volumes, group))
      local op = choices[name](driver, vid, driver.model.volumes[vid], group)
      if op then
         op.vids = op.vids or { vid }
         widen(driver, op, name, group)
         return op
      end
   end
end

-- guests of running volumes write, now and then
local function guests(driver, group)
   for _, vid in ipairs(sorted_vids(driver.model.volumes, group)) do
      local volume = driver.model.volumes[vid]
      if volume.dirty and predict.saves(volume) and random(3) == 1 then
         driver:write(vid, some_blocks(content.count(volume.dirty), 4), random(3) > 1)
      end
   end
end

local function populate(driver, group)
   local tpl, raw = group .. "/tpl", group .. "/raw"
   local list = {
      { "tpl", "origin", 2 }, { "k0", "origin", 0 }, { "k1", "origin", 1 }, { "k3", "origin", 3 },
      { "none", "origin", -1 }, { "vol", "volatile", 1 }, { "snap", "snapshot", 1, tpl },
      { "both", "origin_snapshot", 3, tpl }, { "raw", "origin", -1 }, { "copy", "origin_snapshot", 1, raw },
   }
   for _, item in ipairs(list) do
      driver:run({ name = "create", vids = { group .. "/" .. item[1] }, kind = item[2], keep = item[3],
         source = item[4], blocks = not item[4] and 8 or nil })
   end
end

--- Every operation on every kind of volume, at random.
-- @tparam[opt] string favourite this operation more often than the others
function scenarios.general(driver, group, count, favourite)
   populate(driver, group)
   for _ = 1, count do
      driver:run(scenarios.choose(driver, group, favourite))
      guests(driver, group)
   end
end

-- a batch of all volumes for which an operation is possible
local function everywhere(driver, group, name, options)
   local op = { name = name, vids = {} }
   for key, value in pairs(options or {}) do
      op[key] = value
   end
   for _, vid in ipairs(sorted_vids(driver.model.volumes, group)) do
      local volume = driver.model.volumes[vid]
      local ready = { start = not volume.dirty, stop = volume.dirty, snapshot = volume.keep >= 0,
         revert = not volume.dirty and #predict.visible(volume) > 0, remove = true }
      if ready[name] then
         op.vids[#op.vids + 1] = vid
      end
   end
   if #op.vids > 1 then
      driver:run(op)
   end
end

--- Batches of 50 volumes.
function scenarios.batch(driver, group, count)
   local keeps = { 0, 1, 3, 1, -1 }
   for i = 1, 50 do
      driver:run({ name = "create", vids = { ("%s/b%02d"):format(group, i) }, kind = "origin",
         keep = keeps[i % #keeps + 1], blocks = 2 })
   end
   for _ = 1, math.max(1, count // 10) do
      everywhere(driver, group, "start")
      for _, vid in ipairs(sorted_vids(driver.model.volumes, group)) do
         if random(3) == 1 then
            driver:write(vid, some_blocks(2, 2), random(4) == 1)
         end
      end
      if random(2) == 1 then
         everywhere(driver, group, "snapshot")
      end
      everywhere(driver, group, "stop")
      if random(2) == 1 then
         everywhere(driver, group, "revert")
      end
   end
   everywhere(driver, group, "remove")
end

return scenarios
