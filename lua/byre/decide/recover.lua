--- Decide: what has to be done before anything else, since an operation that
-- drops a session along with something else was cut short.
-- @module byre.decide.recover
local layout = require("byre.layout")
local plan = require("byre.plan")

--- Phases that come before those of any plan for a volume.
-- @tparam table state of `byre.survey`
-- @treturn {phase,...}
return function(state)
   if not state.discard then
      return {}
   end
   local over = state.discard == "done"
   return {
      -- as long as there is the image the mark has to say that it is none
      plan.phase({}, over and plan.unlink(state.paths.dirty), over and plan.unlink(layout.lost(state.vid))),
      plan.phase({}, plan.unlink(layout.discarded(state.vid))),
   }
end
