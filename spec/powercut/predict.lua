--- What an operation makes of volumes, told without byre: the oracle of the rig.
--
-- A volume is a plain table:
--
--    kind, keep, rw, source, blocks  its settings; `blocks`: the size asked for
--    clean, dirty                    descriptions of `spec.powercut.content`; "any": nothing is promised of it
--    inode                           a label: the clean image and a revision with one label are one file
--    synced, unsynced                of a dirty image: what was made durable, and block -> words written since
--    revisions                       oldest first: seq, v (description), inode, note, tags (a text), held (not pruned:
--                                    true, or until when)
--    window                          it has a trash (what is in there does not have its time within a run)
--    trash                           revisions in it: as `revisions`; `loose`: it may be a revision again, since a
--                                    cleanup put it there, which is not synced (true), or as long as the operation
--                                    with this number is under way
--    ghosts                          revisions pruned since: unlinks are not synced, so one may come back
--    import                          an import was begun: blocks of its file
-- @module spec.powercut.predict
local content = require("spec.powercut.content")

local predict = {}

local function copy(value)
   if type(value) ~= "table" then
      return value
   end
   local new = {}
   for key, item in pairs(value) do
      new[key] = copy(item)
   end
   return new
end

predict.copy = copy

--- Does the volume keep what is written to it?
function predict.saves(volume)
   return volume.kind == "origin" or volume.kind == "origin_snapshot"
end

--- May its clean image be missing while it runs?
function predict.without_snapshots(volume)
   return volume.kind == "origin" and volume.keep == -1
end

--- The revision that is the clean image itself.
function predict.preserved(volume)
   for i = #volume.revisions, 1, -1 do
      if volume.revisions[i].inode == volume.inode and volume.clean then
         return volume.revisions[i]
      end
   end
end

--- The revisions a user sees.
function predict.visible(volume)
   local hidden = volume.kind == "origin" and predict.preserved(volume)
   local list = {}
   for _, revision in ipairs(volume.revisions) do
      if revision ~= hidden then
         list[#list + 1] = revision
      end
   end
   return list
end

--- Say what the dirty image is now, all of it durable.
function predict.begin_session(volume, text)
   volume.dirty, volume.synced, volume.unsynced = text, text, {}
end

local function by_seq(a, b)
   return a.seq < b.seq
end

local function add_revision(volume, text, inode)
   local highest = 0
   for _, list in ipairs({ volume.revisions, volume.trash }) do
      for _, revision in ipairs(list) do
         highest = math.max(highest, revision.seq)
      end
   end
   local revision = { seq = highest + 1, v = text, inode = inode }
   table.insert(volume.revisions, revision)
   return revision
end

-- the revision that is added, if the clean image is none yet
local function preserve(volume)
   if volume.clean and not predict.preserved(volume) then
      return add_revision(volume, volume.clean, volume.inode)
   end
end

local function throw_away(volume, revision, loose)
   if volume.window then
      revision.loose = loose
      table.insert(volume.trash, revision)
      table.sort(volume.trash, by_seq)
   elseif loose then
      table.insert(volume.ghosts, { seq = revision.seq, v = revision.v })
   end
end

local function prune(volume, keep, added)
   local excess = #volume.revisions - keep
   local left = {}
   for i, revision in ipairs(volume.revisions) do
      if i <= excess and revision ~= added and not revision.held then
         throw_away(volume, revision, true)
      else
         left[#left + 1] = revision
      end
   end
   volume.revisions = left
end

-- another committed image; the one before becomes a revision, unless none are kept or it is not wanted
local function commit(volume, text, inode, keep, discard)
   keep = keep or math.max(volume.keep, 0)
   local added = keep > 0 and not discard and preserve(volume) or nil
   volume.clean, volume.inode = text, inode
   prune(volume, keep, added)
end

-- a snapshot of a session gave the clean image a revision's name, which goes with the session
local function drop_preserved(volume)
   local revision = volume.kind == "origin" and predict.preserved(volume)
   for i = #volume.revisions, 1, -1 do
      if volume.revisions[i] == revision then
         table.remove(volume.revisions, i)
      end
   end
end

local function find(volume, seq, list)
   for i, revision in ipairs(list or volume.revisions) do
      if revision.seq == seq then
         return revision, i
      end
   end
end

-- what comes from outside: without snapshots the old content stays until the next start
local function import(volume, op, text, inode)
   commit(volume, text, inode, predict.without_snapshots(volume) and math.huge or nil, op.discard)
end

local function end_session(volume)
   volume.dirty, volume.synced, volume.unsynced = nil, nil, nil
end

-- Each gets the volume (a copy, to be changed), the operation, all volumes and
-- a label for a new inode (and the vid); a second volume that comes to be is returned.
local effects = {}

function effects.create(volume, op)
   volume.kind, volume.keep, volume.source, volume.blocks, volume.rw = op.kind, op.keep, op.source, op.blocks, true
   volume.revisions, volume.ghosts, volume.trash, volume.window = {}, {}, {}, op.window
   if op.kind == "origin" then
      volume.clean, volume.inode = content.empty(op.blocks), "created"
   end
end

-- with the content of a file, whole or not at all
function effects.create_from(volume, op)
   effects.create(volume, { kind = "origin", keep = op.keep, blocks = content.count(op.v) })
   volume.clean = op.v
end

-- from images that were there: `v`, and `older`, contents of its revisions
function effects.adopt(volume, op)
   effects.create_from(volume, op)
   for i, text in ipairs(op.older) do
      volume.revisions[i] = { seq = i, v = text, inode = ("%s older %d"):format(op.n, i) }
   end
end

-- the pool is none any more; its images are all that is left
function effects.release() end

function effects.start(volume, op, volumes, inode, vid)
   if not predict.saves(volume) then
      volume.dirty = "any"
   elseif volume.dirty then
      if predict.without_snapshots(volume) then
         prune(volume, 0)
      end
   elseif volume.source then
      local source = volumes[volume.source]
      -- linked to, unless its source may write to that file again or is in another group; then a revision that is
      -- a copy of it (`taken`; 0: it does already) may serve
      local is_near = vid:match("^(.*)/") == volume.source:match("^(.*)/")
      local taken = op.taken and op.taken[vid]
      taken = taken == 0 and { v = volume.clean, inode = volume.inode } or taken and find(volume, taken)
      assert(not taken or taken.v == source.clean, "the revision that serves as the source's content is not a copy")
      local is_linked = is_near and (source.keep ~= -1 or volume.clean and volume.inode == source.inode)
      volume.clean, volume.inode = source.clean, taken and taken.inode or is_linked and source.inode or inode
      predict.begin_session(volume, content.resized(source.clean,
         math.max(volume.blocks or 0, content.count(source.clean))))
   else
      predict.begin_session(volume, volume.clean)
      if predict.without_snapshots(volume) then
         volume.clean, volume.inode = nil, nil
         prune(volume, 0)
      end
   end
end

function effects.stop(volume, op, _, inode)
   if not predict.saves(volume) then
      volume.dirty = nil
   elseif volume.dirty then
      if op.discard then
         drop_preserved(volume)
      else
         commit(volume, volume.dirty, inode)
      end
      end_session(volume)
   end
end

-- a revision of which something is noted stays, and the image is a copy of it
function effects.revert(volume, op, _, inode)
   local target = op.seq and (find(volume, op.seq)) or predict.visible(volume)[#predict.visible(volume)]
   preserve(volume)
   local stays = target.note or target.tags or target.held
   if not stays and target.inode ~= volume.inode then
      table.remove(volume.revisions, select(2, find(volume, target.seq)))
   end
   volume.clean, volume.inode = target.v, stays and inode or target.inode
   if op.discard then
      end_session(volume)
   end
end

function effects.snapshot(volume, op, _, inode)
   if volume.dirty then
      preserve(volume)
   end
   local revision = add_revision(volume, volume.dirty or volume.clean, inode)
   revision.note, revision.tags, revision.held = op.note, op.tag, op.hold
end

-- a list of tags, as a text, with one more or one less
local function change_tags(tags, add, take)
   local list = {}
   for tag in (tags or ""):gmatch("%S+") do
      list[#list + 1] = tag ~= add and tag ~= take and tag or nil
   end
   list[#list + 1] = add
   table.sort(list)
   return #list > 0 and table.concat(list, " ") or nil
end

function effects.annotate(volume, op)
   local revision = find(volume, op.seq)
   revision.tags = change_tags(revision.tags, op.tag, op.untag)
   if op.note ~= nil then
      revision.note = op.note or nil
   end
   if op.hold ~= nil then
      revision.held = op.hold
   end
end

-- the newest always stays; what is reported as gone is gone
function effects.prune(volume, op)
   local visible = predict.visible(volume)
   local goes = {}
   for i, revision in ipairs(visible) do
      goes[revision] = i <= #visible - math.max(volume.keep, 1) and not revision.held
   end
   for i = #volume.revisions, 1, -1 do
      if goes[volume.revisions[i]] then
         throw_away(volume, table.remove(volume.revisions, i), volume.window and op.n)
      end
   end
end

-- the same content in another file
function effects.defrag(volume, op, _, inode)
   if op.rewrites then
      drop_preserved(volume)
      volume.inode = inode
   end
end

-- nothing; what becomes of the file outside is the model's
function effects.export_file() end

function effects.remove_revision(volume, op)
   throw_away(volume, table.remove(volume.revisions, select(2, find(volume, op.seq))))
end

function effects.restore(volume, op)
   local revision = table.remove(volume.trash, select(2, find(volume, op.seq, volume.trash)))
   revision.loose = nil
   table.insert(volume.revisions, revision)
   table.sort(volume.revisions, by_seq)
end

function effects.empty_trash(volume)
   volume.trash = {}
end

function effects.set(volume, op)
   volume.keep = op.keep or volume.keep
   if op.rw ~= nil then
      volume.rw = op.rw
   end
end

function effects.resize(volume, op, _, inode)
   if volume.kind ~= "origin" then
      volume.blocks = op.blocks
   end
   if volume.dirty and predict.saves(volume) then
      volume.dirty = content.resized(volume.dirty, op.blocks)
      volume.synced = content.resized(volume.synced, op.blocks)
   elseif volume.kind == "origin" then
      volume.clean, volume.inode = content.resized(volume.clean, op.blocks), inode
   end
end

function effects.import_data(volume, op)
   volume.import = op.blocks
end

function effects.import_data_end(volume, op, _, inode)
   volume.import = nil
   if op.v then
      import(volume, op, op.v, inode)
   end
end

function effects.import_volume(volume, op, volumes, inode)
   local other = volumes[op.from]
   import(volume, op, op.state == "current" and other.dirty or other.clean, inode)
end

function effects.import_file(volume, op, _, inode)
   import(volume, op, op.v, inode)
end

-- from a volume of another pool
effects.import_foreign = effects.import_file

function effects.clone(volume, op, _, inode)
   local new = { kind = volume.kind, keep = volume.keep, rw = volume.rw, source = volume.source,
      blocks = volume.blocks, revisions = {}, ghosts = {}, trash = {}, window = volume.window }
   if op.seq then
      new.clean = find(volume, op.seq).v
   elseif predict.saves(volume) then
      new.clean = op.state == "current" and volume.dirty or volume.clean
   end
   new.inode = new.clean and inode
   return new
end

-- to where no links are possible, each image goes as a copy
function effects.rename(volume, op, _, inode)
   local new = copy(volume)
   new.ghosts = {}
   if op.crosses or op.state == "committed" then
      drop_preserved(new)
   end
   if op.state == "committed" then
      end_session(new)
   end
   if op.crosses then
      new.inode = new.clean and inode
      for _, list in ipairs({ new.revisions, new.trash }) do
         for _, revision in ipairs(list) do
            revision.inode = ("%s %d"):format(inode, revision.seq)
         end
      end
   end
   return new
end

-- all volumes that are in the same group; `group` is its new name
effects.rename_group = effects.rename

--- The vid that an operation gives a volume; nil: it keeps its own.
function predict.new_vid(op, vid)
   return op.new or op.group and op.group .. vid:match("/[^/]*$")
end

--- The content that an export writes.
function predict.exported(volume, op)
   if op.seq then
      return find(volume, op.seq).v
   end
   return op.state == "current" and volume.dirty or volume.clean
end

--- The names of the operations.
predict.operations = effects

--- What an operation makes of the volumes it is about.
-- @tparam table volumes vid -> volume
-- @tparam table op `name`, `vids`, `n` (its number), and what else the operation needs
-- @treturn table vid -> volume as it is afterwards; false: it is gone
function predict.after(volumes, op)
   local after = {}
   for _, vid in ipairs(op.vids) do
      local inode = ("%s:%s"):format(op.n, vid)
      if op.name == "remove" then
         after[vid] = false
      else
         local volume = copy(volumes[vid]) or {}
         local new = effects[op.name](volume, op, volumes, inode, vid)
         after[vid] = volume
         if volume.inode == "created" then
            volume.inode = inode
         end
         local new_vid = predict.new_vid(op, vid)
         if new_vid then
            after[new_vid] = new
            after[vid] = op.name == "clone" and volume or false
         end
      end
   end
   return after
end

return predict
