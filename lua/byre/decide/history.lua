--- What every decision about committed images shares: keep the old one as a
-- revision, prune, refresh the precache, and the checks before them.
-- @module byre.decide.history
local core = require("byre.core")

local catalog = require("byre.catalog")
local failure = require("byre.failure")
local layout = require("byre.layout")
local notes = require("byre.notes")
local plan = require("byre.plan")
local survey = require("byre.survey")
local trash = require("byre.decide.trash")
local units = require("byre.units")

local history = {}

local image_mode = tonumber("600", 8)

--- Raise an error about a volume.
function history.refuse(state, code, reason, fields)
   fields = fields or {}
   fields.volume = state.vid
   failure.raise(code, state.vid, reason, fields)
end

--- Refuse unless the volume saves what is written to it.
function history.require_saved(state, what)
   if not state.config.save_on_stop then
      history.refuse(state, "not_supported",
         ("cannot %s a %s volume: it keeps nothing when it stops"):format(what, state.config.kind))
   end
end

--- Refuse to put a content in place that the next start would drop.
function history.require_own_content(state, what)
   history.require_saved(state, what)
   if state.config.snap_on_start then
      history.refuse(state, "not_supported",
         ("cannot %s an %s volume: its next start begins with its source's content again"):format(
            what, state.config.kind),
         { hint = ("byre export %s@REV FILE takes a revision out"):format(state.vid) })
   end
end

--- Refuse while there is a session: the next stop would overwrite what is done now.
function history.require_stopped(state, what)
   if state.files.dirty then
      history.refuse(state, "dirty", ("cannot %s: it is running or was not cleanly stopped"):format(what),
         { hint = ("stop it first, or drop the session with: byre stop --discard %s"):format(state.vid) })
   end
end

--- Refuse while somebody writes to the session's image.
-- @tparam table state
-- @tparam string what cannot be done
function history.require_idle(state, what)
   local dirty = state.files.dirty
   if dirty and dirty.writer then
      history.refuse(state, "running", ("cannot %s: %s has its image open for writing"):format(what, dirty.writer),
         { path = state.paths.dirty, hint = "end what uses the image first" })
   end
end

--- Refuse to commit data of which some was lost on its way to the disk.
-- @tparam table state
-- @tparam table options `force`: commit what is there
function history.require_undamaged(state, options)
   if state.lost and not options.force then
      history.refuse(state, "io", "data written to it could not be brought to the disk and may be missing",
         { hint = "check the disk; byre stop --discard drops the session, --force commits what is there" })
   end
end

--- Refuse to drop a session that is the only copy: the dirty image of a volume without snapshots.
function history.require_droppable(state)
   if not state.files.clean then
      history.refuse(state, "not_supported", "cannot drop the session: with revisions_to_keep = -1 there is no "
         .. "committed image to go back to")
   end
end

--- Step that forgets about lost data, once the image it was missing from is gone or accepted.
function history.forget_loss(state)
   return state.lost and plan.unlink(layout.lost(state.vid)) or nil
end

--- The error about an image that should be there.
function history.missing(state, path, hint)
   history.refuse(state, "corrupt", "the image " .. path .. " is missing",
      { path = path, errno = core.errno.ENOENT, hint = hint })
end

--- The number that the next revision gets. That of one in the trash is still its own.
function history.next_seq(state)
   local newest = state.revisions[#state.revisions]
   for _, entry in ipairs(state.trash) do
      newest = newest and newest.seq >= entry.seq and newest or entry
   end
   local seq = (newest and newest.seq or 0) + 1
   if seq > layout.last_seq then
      history.refuse(state, "not_supported", ("there is no number for a revision after %d"):format(newest.seq),
         { path = newest.path })
   end
   return seq
end

--- The step that makes the clean image the newest revision; nil if it is one.
-- Its inode itself becomes the revision: a committed image is never written to.
-- @tparam table state
-- @treturn ?step
-- @treturn ?string path of the revision, if it is new
function history.preserve(state)
   local clean = state.files.clean
   if not clean or state.preserved then
      return nil
   end
   local path = layout.revision(state.vid, history.next_seq(state), clean.mtime)
   return plan.link(state.paths.clean, path, { mode = clean.mode ~= image_mode and image_mode or nil }), path
end

--- Step that takes the revision's name from the clean image of an origin; nil: it has none.
-- A snapshot of the session that is dropped gave it one: to be its predecessor.
function history.forget_preserved(state)
   return state.preserved and state.config.kind == "origin" and plan.unlink(state.preserved.path) or nil
end

--- Step that takes away what is noted of revisions; nil: nothing is. It goes
-- after those that go, and before those that come: what is noted under a name
-- that is about to be a revision's is of one that is gone.
-- @tparam table state
-- @tparam {string,...} paths
-- @tparam[opt] string added see `notes.without`
-- @treturn ?step
function history.forget_notes(state, paths, added)
   local entry = notes.without(state, paths, added)
   return entry and plan.write(layout.entry(state.vid), catalog.encode(entry)) or nil
end

--- Phases of a cleanup that remove the oldest revisions until `keep` are left;
-- those that are held stay besides. What is in the trash and has had its time
-- goes with them, and what is noted of those that are gone after them.
-- @tparam table state
-- @tparam integer keep
-- @tparam ?string added path of the newest revision, if the plan adds one
-- @param ... further steps of the cleanup
-- @treturn {phase,...}
function history.prune(state, keep, added, ...)
   local paths = {}
   for i = 1, math.min(#state.revisions, #state.revisions + (added and 1 or 0) - keep) do
      local revision = state.revisions[i]
      if not notes.is_held(state, revision) then
         paths[#paths + 1] = revision.path
      end
   end
   local steps, gone = trash.take_away(state, paths)
   local emptied, expired = trash.empty(trash.expired(state))
   local forget = history.forget_notes(state, table.move(expired, 1, #expired, #gone + 1, gone), added)
   return { plan.phase({ sync = forget ~= nil }, steps, trash.note_clock(state, #paths > 0), emptied, ...),
      plan.phase({}, forget) }
end

--- Refuse to remove a revision that is held.
function history.require_released(state, revision)
   if notes.is_held(state, revision) then
      local hold = notes.of(state, revision).hold_until
      history.refuse(state, "policy", ("revision %s is held%s"):format(revision.id,
         hold == true and "" or " until " .. units.format_time(hold)),
         { hint = ("byre release %s %s lets it go"):format(state.vid, revision.id) })
   end
end

--- Step that makes the directory of a volume's group; nil if it is the pool itself or has images of the volume.
function history.make_group_directory(state)
   local directory = layout.group_directory(state.vid)
   local is_there = directory == "." or next(state.files) ~= nil
   return not is_there and plan.make_dir(directory) or nil
end

--- Step that says in what pieces a session's image is written anew; nil: the volume has no such setting.
function history.hint_session(state)
   local bytes = state.config.cow_extent_size
   return bytes and plan.hint(state.paths.dirty, bytes) or nil
end

--- Step that takes that from an image which is to be in the history: its clones have it from it.
function history.forget_hint(state, path)
   return state.config.cow_extent_size and plan.hint(path, 0) or nil
end

--- Steps that remove what a crash of an earlier operation left unnamed.
function history.sweep(state)
   local steps = {}
   for i, path in ipairs(state.temporaries) do
      steps[i] = plan.unlink(path)
   end
   return steps
end

--- Steps after the clean image has changed: a fresh precache, or none.
-- It is made here, where nobody waits, so that the next start is one rename.
function history.refresh_precache(state)
   local steps = {}
   if state.files.precache then
      steps[1] = plan.unlink(state.paths.precache)
   end
   if state.config.precache then
      steps[#steps + 1] = plan.clone(state.paths.clean, state.paths.precache, { keep_mtime = true, cache = true })
   end
   return steps
end

--- The plan of a commit: `from` becomes the clean image, the clean image a
-- revision; the oldest revisions and the old precache go last.
-- @tparam table state
-- @tparam string operation
-- @tparam string from path of the dirty or import image
-- @tparam table options `keep`: how many revisions are to be there then; `discard`: the clean image is not wanted
-- as one
-- @treturn plan
function history.commit(state, operation, from, options)
   local link, path
   if options.keep > 0 and not options.discard then
      link, path = history.preserve(state)
   end
   return plan.new(operation, state.vid, {
      plan.phase({}, plan.sync(from), history.forget_notes(state, { path }),
         from == state.paths.dirty and history.forget_hint(state, from)),
      plan.phase({}, link, plan.rename(from, state.paths.clean)),
   }, history.prune(state, options.keep, path, history.forget_loss(state), history.sweep(state),
      history.refresh_precache(state)))
end

--- Raise the error about a revision that is not there.
function history.no_such_revision(state, id)
   history.refuse(state, "no_such_revision", "no revision " .. failure.quote(tostring(id)),
      { hint = "byre revisions " .. state.vid .. " lists what there is" })
end

--- Find a revision by its id.
-- @tparam table state
-- @param id string, or nil for the newest
-- @treturn table
-- @raise `no_such_revision`
function history.find(state, id)
   local list = survey.history(state)
   if id == nil then
      return list[#list] or history.refuse(state, "no_such_revision", "it has no revisions")
   end
   for i = #list, 1, -1 do
      if list[i].id == id then
         return list[i]
      end
   end
   history.no_such_revision(state, id)
end

return history
