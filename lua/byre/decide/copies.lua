--- Decide: which image stands for a volume when it is copied, and the copies
-- that stay in its history.
-- @module byre.decide.copies
local catalog = require("byre.catalog")
local history = require("byre.decide.history")
local layout = require("byre.layout")
local notes = require("byre.notes")
local plan = require("byre.plan")

local copies = {}

--- The image that a copy of a volume is made from.
-- A volume with a session has two states; which one is meant must be said.
-- @tparam table state
-- @tparam table options `state`: `"committed"` or `"current"`; `revision`: an id
-- @treturn string path
-- @raise `dirty`, `invalid`, `not_supported`, `no_such_revision`, `corrupt`
function copies.image(state, options)
   if options.revision then
      return history.find(state, options.revision).path
   end
   local which = options.state
   if which ~= nil and which ~= "committed" and which ~= "current" then
      history.refuse(state, "invalid", ("state: must be \"committed\" or \"current\", not %q"):format(tostring(which)))
   elseif not state.config.save_on_stop then
      history.refuse(state, "not_supported",
         ("cannot copy a %s volume: it has no content of its own"):format(state.config.kind))
   end
   local files, paths = state.files, state.paths
   if files.dirty and not which then
      history.refuse(state, "dirty", "it is running or was not cleanly stopped: say which state to take",
         { hint = "--state committed is the state before this session, --state current the session so far" })
   elseif files.dirty and which == "current" then
      return paths.dirty
   elseif not files.clean then
      history.missing(state, paths.clean)
   end
   return paths.clean
end

--- Plan a revision made now. Of a running volume it is what a power cut would
-- leave (crash-consistent); the state before the session goes into the history
-- ahead of it, so that numbers follow time. What is noted comes before the
-- revision: a hold counts from its first moment.
-- @tparam table state
-- @tparam table wanted what is to be noted of it, see `notes.change`
-- @treturn plan
-- @treturn integer seq of the new revision
-- @raise `not_supported`, `corrupt`, `invalid`
function copies.snapshot(state, wanted)
   history.require_saved(state, "make a revision of")
   if state.config.snapshots_disabled then
      history.refuse(state, "not_supported", "snapshots are disabled (revisions_to_keep = -1)",
         { hint = "byre set " .. state.vid .. " keep=1" })
   end
   local files, paths = state.files, state.paths
   local seq, role, link, preserved = history.next_seq(state), "clean", nil, nil
   if files.dirty then
      role = "dirty"
      link, preserved = history.preserve(state)
      seq = link and seq + 1 or seq
   elseif not files.clean then
      history.missing(state, paths.clean)
   end
   local path = layout.revision(state.vid, seq, files[role].mtime)
   local note
   if next(wanted) then
      note = plan.write(layout.entry(state.vid), catalog.encode(notes.change(state, { path = path }, wanted)))
   else
      note = history.forget_notes(state, { path, preserved })
   end
   return plan.new("snapshot", state.vid, {
      plan.phase({}, note),
      plan.phase({}, link, plan.clone(paths[role], path, { keep_mtime = true }),
         files.dirty and history.forget_hint(state, path)),
   }), seq
end

--- Plan other notes on a revision.
-- @tparam table state
-- @tparam string id
-- @tparam table wanted see `notes.change`
-- @treturn plan
-- @raise `no_such_revision`, `invalid`
function copies.annotate(state, id, wanted)
   local entry = notes.change(state, history.find(state, id), wanted)
   return plan.new("annotate", state.vid,
      { plan.phase({}, plan.write(layout.entry(state.vid), catalog.encode(entry))) })
end

return copies
