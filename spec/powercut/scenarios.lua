--- What is done to a pool while the power may go: random operations that are
-- allowed as things are, from a seed.
-- @module spec.powercut.scenarios
local among = require("spec.powercut.among")
local choices = require("spec.powercut.choices")
local content = require("spec.powercut.content")
local layout = require("byre.layout")
local outside = require("spec.powercut.outside")
local predict = require("spec.powercut.predict")

local scenarios = {}

local random = math.random

local is_source, pick, sorted_vids = among.is_source, among.pick, among.sorted_vids

local weights = {
   start = 8, start_again = 1, stop = 8, discard = 2, revert = 4, revert_discard = 2, snapshot = 4, annotate = 2,
   remove_revision = 3, set = 3, resize = 4, import_data = 2, import_data_end = 4, import_volume = 2, import_file = 2,
   import_foreign = 1, clone = 2, rename = 2, rename_group = 2, remove = 3, create = 2, prune = 1, defrag = 1,
   export_file = 1, create_from = 1, adopt = 1, restore = 3, empty_trash = 1,
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
   revert = { "revert", "revert", "revert_discard" }, create = { "create", "create", "create_from" },
   import_volume = { "import_volume", "import_volume", "import_foreign" },
}

-- what has to come before, so that there can be more of it
local prepares = {
   import_data_end = { "import_data" }, create = { "remove" }, clone = { "remove" }, remove = { "create" },
   create_from = { "remove" }, adopt = { "remove" }, prune = { "snapshot" }, rename_group = { "rename" },
   restore = { "remove_revision" }, empty_trash = { "remove_revision" }, revert = { "snapshot", "set", "annotate" },
}

local function draw(favourite)
   if favourite and random(3) == 1 then
      return pick(forms[favourite] or { favourite })
   elseif prepares[favourite] and random(4) == 1 then
      return pick(prepares[favourite])
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
   op.note, op.tag, op.hold = nil, nil, nil
end

-- With a favourite more often one that has a trash, whose plans are longer.
local function draw_vid(driver, group, favourite)
   local all, with_trash = sorted_vids(driver.model.volumes, group), {}
   if favourite and random(3) == 1 then
      for _, vid in ipairs(all) do
         with_trash[#with_trash + 1] = driver.model.volumes[vid].window and vid or nil
      end
   end
   return pick(#with_trash > 0 and with_trash or all)
end

--- An operation that has to succeed as things are.
function scenarios.choose(driver, group, favourite)
   while true do
      local name = draw(favourite)
      local vid = draw_vid(driver, group, favourite)
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
         driver:write(vid, content.some(content.count(volume.dirty), 4), random(3) > 1)
      end
   end
end

local function populate(driver, group)
   local tpl, raw = group .. "/tpl", group .. "/raw"
   local list = {
      { "tpl", "origin", 2 }, { "k0", "origin", 0 }, { "k1", "origin", 1 }, { "k3", "origin", 3 },
      { "none", "origin", -1 }, { "vol", "volatile", 1 }, { "snap", "snapshot", 1, tpl },
      { "both", "origin_snapshot", 3, tpl }, { "raw", "origin", -1 }, { "copy", "origin_snapshot", 1, raw },
      -- sources in another group
      { "away/both", "origin_snapshot", 3, tpl }, { "away/snap", "snapshot", 1, raw },
      { "away/linked", "snapshot", 1, tpl },
      -- with a trash
      { "bin", "origin", 1, nil, true }, { "away/bin", "origin_snapshot", 1, tpl, true },
   }
   for _, item in ipairs(list) do
      driver:run({ name = "create", vids = { group .. "/" .. item[1] }, kind = item[2], keep = item[3],
         source = item[4], blocks = not item[4] and 8 or nil, window = item[5] })
   end
end

-- What an operation leaves for the next start is seen by a start that comes at once; what it has to make for that
-- depends on what is there, and a precache can be removed by anybody.
local function run_favourite(driver, op)
   for _, vid in ipairs(op.vids) do
      if random(4) == 1 then
         os.remove(driver.pool.dir .. "/" .. layout.image(vid, "precache"))
      end
   end
   driver:run(op)
   for _, vid in ipairs(op.vids) do
      local volume = driver.model.volumes[vid]
      if volume and random(2) == 1 and choices.start(driver, vid, volume) then
         driver:run({ name = "start", vids = { vid } })
      end
   end
end

--- Every operation on every kind of volume, at random.
-- @tparam[opt] string favourite this operation more often than the others
function scenarios.general(driver, group, count, favourite)
   if favourite == "release" then
      return scenarios.release(driver, group, count)
   end
   populate(driver, group)
   for _ = 1, count do
      local op = scenarios.choose(driver, group, favourite)
      if op.name == favourite then
         run_favourite(driver, op)
      else
         driver:run(op)
      end
      guests(driver, group)
   end
end

--- Some operations, and then the pool is released, with sessions and all.
function scenarios.release(driver, group, count)
   scenarios.general(driver, group, count // 4)
   driver:run({ name = "release", vids = {} })
   local why = outside.released_differs(driver.pool.dir, driver.model)[1]
   if why then
      error("oracle: after release: " .. why, 0)
   end
end

-- an image that somebody puts there becomes a volume
local function adopt(driver, vid)
   driver:run({ name = "adopt", vids = { vid }, kind = "origin", keep = 3, older = {},
      v = content.written(content.empty(4), content.some(4, 4), driver:word(vid)) })
end

-- its name is free again, maybe since it has another one
local function take_away(driver, group, vid)
   if random(2) == 1 then
      local moved = ("%s/d%d/moved"):format(group, random(2))
      driver:run({ name = "rename", vids = { vid }, new = moved })
      vid = moved
   end
   driver:run({ name = "remove", vids = { vid } })
end

--- Names that are taken away and used again: of a snapshot, whose stop syncs nothing, and of images that
-- somebody puts there, also at once.
function scenarios.removal(driver, group, count)
   local tpl, adopted = group .. "/tpl", group .. "/adopted1"
   driver:run({ name = "create", vids = { tpl }, kind = "origin", keep = 1, blocks = 4 })
   for _ = 1, math.max(1, count // 11) do
      local snap = ("%s/d%d/x"):format(group, random(2))
      driver:run({ name = "create", vids = { snap }, kind = "snapshot", keep = 1, source = tpl })
      driver:run({ name = "start", vids = { snap } })
      adopt(driver, adopted)
      driver:run({ name = "stop", vids = { snap } })
      take_away(driver, group, snap)
      take_away(driver, group, adopted)
      adopt(driver, adopted)
      take_away(driver, group, adopted)
   end
end

--- A source that is committed while a snapshot in another directory has its image under a second name.
function scenarios.apart(driver, group, count)
   local tpl, snap = group .. "/tpl", group .. "/away/snap"
   driver:run({ name = "create", vids = { tpl }, kind = "origin", keep = 1, blocks = 4 })
   driver:run({ name = "create", vids = { snap }, kind = "snapshot", keep = 1, source = tpl })
   for _ = 1, math.max(1, count // 5) do
      driver:run({ name = "start", vids = { snap } })
      driver:run({ name = "start", vids = { tpl } })
      driver:write(tpl, content.some(4, 3), true)
      local both = random(2) == 1
      driver:run({ name = "stop", vids = both and { snap, tpl } or { tpl } })
      driver:run(not both and { name = "stop", vids = { snap } } or { name = "snapshot", vids = { tpl } })
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
            driver:write(vid, content.some(2, 2), random(4) == 1)
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
