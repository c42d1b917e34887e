--- Is what a power cut left allowed? Guarantees 1 to 3, for one volume.
--
-- A volume that nothing was going on with is as the last operation left it.
-- One that an operation was at work on is as before or as after it, or as in
-- one of the states that the operation is known to pass through; either way
-- each image is whole and each revision of that state is there.
-- @module spec.powercut.compare
local content = require("spec.powercut.content")
local predict = require("spec.powercut.predict")

local compare = {}

-- a copy with some fields taken from another volume
local function with(volume, from, ...)
   local copy = predict.copy(volume)
   for _, key in ipairs({ ... }) do
      copy[key] = predict.copy(from[key])
   end
   return copy
end

local session = { "dirty", "synced", "unsynced" }

-- States between before and after, by operation.
local between = {}

function between.start(before, after)
   if predict.without_snapshots(after) then
      return { with(before, after, table.unpack(session)) }
   elseif after.kind == "origin_snapshot" then
      return { with(before, after, table.unpack(session)) }
   end
end

-- the size that is noted and the size of the session's image are two files
function between.resize(before, after)
   return before.dirty and { with(before, after, table.unpack(session)), with(after, before, table.unpack(session)) }
      or nil
end

--- The states that are allowed.
-- @tparam ?table|boolean before false: there was no such volume
-- @tparam[opt] table pending `op`, `before`, `after` of the operation under way
-- @treturn {table,...} each `name`, `volume` (false: none)
function compare.states(before, vid, pending)
   if not pending then
      return { { name = "as reported", volume = before or false } }
   end
   before = pending.before[vid]
   local after = pending.after[vid]
   local list = { { name = "before", volume = before }, { name = "after", volume = after } }
   local more = between[pending.op.name]
   if more and before and after then
      for _, volume in ipairs(more(before, after) or {}) do
         list[#list + 1] = { name = "between", volume = volume }
      end
   end
   return list
end

-- each block is what was made durable, or what was written there since
local function dirty_differs(seen, volume)
   if not volume.dirty or not seen then
      return (volume.dirty and not seen and "the session is gone")
         or (seen and not volume.dirty and "a session has come back: " .. seen) or nil
   end
   local found, synced = content.split(seen), content.split(volume.synced)
   if #found ~= #synced then
      return ("the session has %d blocks, not %d: %s"):format(#found, #synced, seen)
   end
   for i, word in ipairs(found) do
      local later = volume.unsynced[i - 1]
      if word ~= synced[i] and not (later and later[word]) then
         return ("block %d of the session is %s, not %s: %s"):format(i - 1, word, synced[i], seen)
      end
   end
end

local function has(list, seq, text)
   for _, revision in ipairs(list) do
      if revision.seq == seq and revision.v == text then
         return revision
      end
   end
end

-- What is noted of a revision goes with it: no other one inherits it.
local function notes_differ(found, expected)
   if found.note ~= expected.note then
      return ("the note on revision %d is %s"):format(found.seq, tostring(found.note))
   elseif found.tags ~= expected.tags then
      return ("the tags of revision %d are %s"):format(found.seq, tostring(found.tags))
   elseif found.held ~= (expected.held or false) then
      return ("revision %d is%s held%s"):format(found.seq, found.held and "" or " not",
         math.type(found.held) == "integer" and " until " .. found.held or "")
   end
end

-- the cleanup that put it into the trash is not durable
local function is_loose(volume, revision)
   local entry = has(volume.trash, revision.seq, revision.v)
   return entry and entry.loose
end

local function trash_note_differs(found, entry)
   return found.note ~= entry.note
      and ("the note on revision %d in the trash is %s"):format(entry.seq, tostring(found.note)) or nil
end

-- Why something is in none of the states, or not with what is noted of it there; nil: it is in one. `key` says in which
-- lists of the states it may be.
local function unknown(found, others, key, differ, why)
   for _, other in ipairs(others) do
      local same = has(other[key], found.seq, found.v)
      local differs_by = same and differ(found, same)
      if same and not differs_by then
         return nil
      end
      why = differs_by or why
   end
   return why
end

-- What was removed is in the trash; until the cleanup is durable that put it there, it may be a revision.
local function trash_differs(seen, volume, others)
   for _, entry in ipairs(volume.trash) do
      local found = has(seen.trash, entry.seq, entry.v) or entry.loose and has(seen.visible, entry.seq, entry.v)
      local why = not found and ("revision %d=[%s] is not in the trash"):format(entry.seq, entry.v)
         or trash_note_differs(found, entry)
      if why then
         return why
      end
   end
   for _, found in ipairs(seen.trash) do
      local why = unknown(found, others, "trash", trash_note_differs,
         ("revision %d=[%s] in the trash was never put there"):format(found.seq, found.v))
      if why then
         return why
      end
   end
end

-- a revision that went and may be there again
local function has_come_back(revision, others)
   for _, other in ipairs(others) do
      if has(other.ghosts, revision.seq, revision.v) or is_loose(other, revision) then
         return true
      end
   end
   return false
end

local function revisions_differ(seen, volume, others)
   for _, revision in ipairs(predict.visible(volume)) do
      local found = has(seen.visible, revision.seq, revision.v)
      if not found then
         return ("revision %d=[%s] is not there"):format(revision.seq, revision.v)
      end
      local why = notes_differ(found, revision)
      if why then
         return why
      end
   end
   for _, revision in ipairs(seen.visible) do
      local why = not has(volume.revisions, revision.seq, revision.v) and not has_come_back(revision, others)
         and unknown(revision, others, "revisions", notes_differ,
            ("revision %d=[%s] was never made"):format(revision.seq, revision.v))
      if why then
         return why
      end
   end
end

--- What must never be, whatever the state: nil, or what is wrong.
function compare.unsound(seen)
   if seen.shared then
      return "the session writes into " .. seen.shared
   elseif seen.precache and seen.precache ~= seen.clean then
      return ("the next start would take a precache [%s] for [%s]"):format(seen.precache, seen.clean)
   end
end

--- Compare the images of a volume that is in no pool any more: all of them are there, and nothing else is.
-- @tparam table seen of `observe.images`
-- @tparam table volume
-- @treturn ?string how they differ
function compare.images(seen, volume)
   if not predict.saves(volume) then
      return nil
   elseif seen.clean ~= volume.clean then
      return ("the committed image is [%s], not [%s]"):format(tostring(seen.clean), tostring(volume.clean))
   end
   for _, revision in ipairs(volume.revisions) do
      if not has(seen.revisions, revision.seq, revision.v) then
         return ("revision %d=[%s] is not there"):format(revision.seq, revision.v)
      end
   end
   for _, revision in ipairs(seen.revisions) do
      if not has(volume.revisions, revision.seq, revision.v) and not has(volume.ghosts, revision.seq, revision.v) then
         return ("revision %d=[%s] was never made"):format(revision.seq, revision.v)
      end
   end
   return compare.unsound(seen) or dirty_differs(seen.dirty, volume)
end

local function differs(seen, volume, others)
   if not volume or not seen then
      return (volume and "the volume is gone") or (seen and "the volume is there") or nil
   end
   for _, key in ipairs({ "kind", "keep", "rw", "source" }) do
      if seen[key] ~= volume[key] then
         return ("%s is %s, not %s"):format(key, tostring(seen[key]), tostring(volume[key]))
      end
   end
   if volume.kind ~= "origin" and seen.blocks ~= volume.blocks then
      return ("its size is %s blocks, not %s"):format(tostring(seen.blocks), tostring(volume.blocks))
   elseif not predict.saves(volume) then
      return nil
   elseif seen.clean ~= volume.clean then
      return ("the committed image is [%s], not [%s]"):format(tostring(seen.clean), tostring(volume.clean))
   end
   return dirty_differs(seen.dirty, volume) or revisions_differ(seen, volume, others)
      or trash_differs(seen, volume, others)
end

--- Compare what is there with the states that are allowed.
-- @tparam ?table seen of `observe.volume`
-- @tparam {table,...} states of `compare.states`
-- @treturn ?string name of the state it is in
-- @treturn string why it is in none
function compare.find(seen, states)
   local others, reasons = {}, {}
   local unsound = seen and compare.unsound(seen)
   if unsound then
      return nil, unsound
   end
   for _, state in ipairs(states) do
      others[#others + 1] = state.volume or nil
   end
   for _, state in ipairs(states) do
      local why = differs(seen, state.volume, others)
      if not why then
         return state.name, state.volume
      end
      reasons[#reasons + 1] = ("not %s: %s"):format(state.name, why)
   end
   return nil, table.concat(reasons, "; ")
end

return compare
