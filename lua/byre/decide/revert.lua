--- Decide: go back to a revision, or remove one.
-- @module byre.decide.revert
local discard = require("byre.discard")
local history = require("byre.decide.history")
local layout = require("byre.layout")
local notes = require("byre.notes")
local plan = require("byre.plan")
local trash = require("byre.decide.trash")

local revert = {}

local function require_clean(state)
   if not state.files.clean then
      history.missing(state, state.paths.clean, "byre revert --discard " .. state.vid
         .. " goes back to a revision without keeping what is there now")
   end
end

-- Steps that make a revision the committed image. One of which something is
-- noted stays where it is: it is held, or it is a name that somebody remembers.
-- The image is as of now, so that the times of later revisions do not fall
-- behind their numbers.
local function take(state, target)
   local clean = state.paths.clean
   if notes.exist(state, target) then
      return { plan.clone(target.path, clean, { replace = true }) }
   end
   return { plan.touch(target.path), plan.rename(target.path, clean) }
end

--- Plan to make a revision the committed image. What was committed becomes the
-- newest revision, so reverting twice is where one started. A session ends in
-- the moment in which the revision is in place.
-- @tparam table state
-- @tparam ?string id nil: the newest
-- @tparam table options `discard`: drop the running session, and do without a clean image that is missing
-- @treturn plan
-- @raise `dirty`, `running`, `no_such_revision`, `corrupt`, `not_supported`
function revert.to(state, id, options)
   history.require_own_content(state, "revert")
   if not options.discard then
      history.require_stopped(state, "revert")
   end
   history.require_idle(state, "drop the session")
   local target = history.find(state, id)
   if state.config.keep > 0 and not options.discard then
      require_clean(state)
   end
   local link, path = history.preserve(state)
   local dirty, mark = state.files.dirty, layout.discarded(state.vid)
   return plan.new("revert", state.vid, {
      plan.phase({}, dirty and plan.write(mark, discard.describe(state.files)), history.forget_notes(state, { path })),
      plan.phase({}, link, take(state, target)),
   }, {
      plan.phase({ sync = true }, dirty and plan.unlink(state.paths.dirty), dirty and history.forget_loss(state)),
      plan.phase({}, dirty and plan.unlink(mark), history.sweep(state), history.refresh_precache(state)),
   })
end

--- Plan the removal of one revision.
-- @tparam table state
-- @tparam string id
-- @tparam[opt] table options `trash = false`: for good, also where there is a trash
-- @treturn plan
-- @raise `no_such_revision`, `policy` (it is held)
function revert.remove_revision(state, id, options)
   local target = history.find(state, id)
   history.require_released(state, target)
   local steps, gone = trash.take_away(state, { target.path }, options)
   return plan.new("remove_revision", state.vid, { plan.phase({}, steps) },
      { plan.phase({}, history.forget_notes(state, gone),
         trash.is_used(state, options) and trash.note_clock(state, true) or nil) })
end

return revert
