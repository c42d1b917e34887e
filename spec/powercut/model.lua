--- What is promised at a moment: the volumes as the last operations left them,
-- the operations that are under way, and what guests have written. It is kept
-- by whoever runs operations, and built again by the checker from the marks.
-- @module spec.powercut.model
local content = require("spec.powercut.content")
local predict = require("spec.powercut.predict")

local model = {}
model.__index = model

--- @tparam[opt] table volumes vid -> volume of `spec.powercut.predict`
-- @tparam[opt] string pool `none`, `making`, `made` (default), `releasing` or `released`
-- @tparam[opt] table exports name -> description of each file that was exported
function model.new(volumes, pool, exports)
   return setmetatable({ volumes = predict.copy(volumes or {}), pending = {}, pool = pool or "made",
      exports = predict.copy(exports or {}) }, model)
end

--- The model as it is now, apart from what comes later.
function model.copy(self)
   return setmetatable(predict.copy({ volumes = self.volumes, pending = self.pending, pool = self.pool,
      exports = self.exports }), model)
end

-- what a mark says, by its `what`
local marks = {}

function marks.begin(self, mark)
   local op = mark.op
   local before = {}
   local after = predict.after(self.volumes, op)
   for vid in pairs(after) do
      before[vid] = self.volumes[vid] or false
   end
   self.pending[op.n] = { op = op, before = before, after = after }
   if op.name == "release" then
      self.pool = "releasing"
   elseif op.name == "export_file" then
      self.pending[op.n].content = predict.exported(self.volumes[op.vids[1]], op)
   end
   return after
end

marks["end"] = function(self, mark)
   local pending = self.pending[mark.n]
   self.pending[mark.n] = nil
   for vid, volume in pairs(pending.after) do
      if volume and pending.op.name == "resize" and volume.dirty and volume.synced then
         predict.begin_session(volume, volume.dirty)
      end
      for _, entry in ipairs(volume and volume.trash or {}) do
         entry.loose = entry.loose == true or nil
      end
      self.volumes[vid] = volume or nil
   end
   if pending.op.name == "release" then
      self.pool = "released"
   elseif pending.op.name == "export_file" then
      self.exports[pending.op.file] = pending.content
   end
end

-- the images that an operation is going to adopt are there
function marks.dropped(self, mark)
   self.pending[mark.n].op.dropped = true
end

function marks.write(self, mark)
   local volume = self.volumes[mark.vid]
   local indexes = {}
   for _, index in ipairs(mark.blocks) do
      indexes[index] = true
      local words = volume.unsynced[index] or {}
      words[mark.word] = true
      volume.unsynced[index] = words
   end
   volume.dirty = content.written(volume.dirty, indexes, mark.word)
end

function marks.synced(self, mark)
   local volume = self.volumes[mark.vid]
   predict.begin_session(volume, volume.dirty)
end

function marks.make_pool(self)
   self.pool = "making"
end

function marks.pool_made(self)
   self.pool = "made"
end

-- tells only where to cut
function marks.mutated() end

--- Take a mark in.
function model:apply(mark)
   return marks[mark.what](self, mark)
end

--- The operation under way that is about a volume.
function model:pending_on(vid)
   for _, pending in pairs(self.pending) do
      if pending.after[vid] ~= nil then
         return pending
      end
   end
end

return model
