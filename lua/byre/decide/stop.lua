--- Decide: stop a volume: commit what was written, or drop it.
-- @module byre.decide.stop
local catalog = require("byre.catalog")
local config = require("byre.config")
local history = require("byre.decide.history")
local layout = require("byre.layout")
local plan = require("byre.plan")

-- A volatile volume that was resized while it ran keeps its new size.
local function remember_size(state)
   local dirty = state.files.dirty
   if state.config.kind ~= "volatile" or not dirty or dirty.size == 0 or dirty.size == state.config.size then
      return nil
   end
   local settings = config.with(state.config.own, { size = dirty.size })
   return plan.write(layout.entry(state.vid), catalog.encode_volume(settings, state.raw))
end

local function forget_session(state)
   local files, paths = state.files, state.paths
   return plan.new("stop", state.vid, {
      plan.phase({ sync = false },
         remember_size(state),
         files.dirty and plan.unlink(paths.dirty),
         files.clean and plan.unlink(paths.clean)),
   }, { plan.phase({}, history.forget_loss(state), history.sweep(state)) })
end

local function drop_session(state)
   history.require_droppable(state)
   local precache = state.files.precache
   local refresh = not (precache and precache.fresh) and history.refresh_precache(state)
   return plan.new("stop", state.vid, { plan.phase({}, plan.unlink(state.paths.dirty)) },
      { plan.phase({}, history.forget_loss(state), history.forget_preserved(state), history.sweep(state), refresh) })
end

--- Plan the stop of a volume. Without a session there is nothing to do.
-- @tparam table state of `byre.survey`
-- @tparam[opt] table options `discard`: drop the session instead of committing it; `force`: even while somebody has
-- the image open for writing (what is written from then on changes the committed image and its revisions)
-- @treturn plan
-- @raise `running`; `io`: data of the session was lost; `not_supported`: discard where there is nothing to go back to
return function(state, options)
   if not options.force then
      history.require_idle(state, "stop")
   end
   if not state.config.save_on_stop then
      return forget_session(state)
   elseif not state.files.dirty then
      return plan.new("stop", state.vid, {})
   elseif options.discard then
      return drop_session(state)
   end
   history.require_undamaged(state, options)
   return history.commit(state, "stop", state.paths.dirty, { keep = state.config.keep })
end
