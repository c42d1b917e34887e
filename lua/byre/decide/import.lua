--- Decide: new content from outside.
-- @module byre.decide.import
local core = require("byre.core")

local history = require("byre.decide.history")
local plan = require("byre.plan")

local import = {}

-- Content that replaces the committed image needs the old one kept first,
-- unless no revisions are kept or it is not wanted any more.
local function require_clean(state)
   if state.config.keep > 0 and not state.files.clean then
      history.missing(state, state.paths.clean)
   end
end

local function check(state)
   history.require_saved(state, "import into")
   history.require_stopped(state, "import")
end

--- Plan the file that somebody is going to fill.
-- @tparam table state
-- @tparam integer size bytes
-- @treturn plan
-- @raise `not_supported`, `dirty`
function import.begin(state, size)
   check(state)
   return plan.new("import_data", state.vid, {
      plan.phase({ sync = false }, plan.create(state.paths.import, size,
         { replace = state.files.import ~= nil, volatile = true }), history.forget_loss(state)),
   })
end

--- Plan what becomes of the filled file.
-- @tparam table state
-- @tparam boolean success commit it, or drop it
-- @tparam table options `discard`: do without keeping what is committed now
-- @treturn plan
-- @raise `invalid`: there is no import, or it is empty; `dirty`; `corrupt`
function import.finish(state, success, options)
   history.require_saved(state, "import into")
   local file = state.files.import
   if not success then
      return plan.new("import_data_end", state.vid,
         { plan.phase({ sync = false }, file and plan.unlink(state.paths.import)) })
   elseif not file then
      history.refuse(state, "invalid", "there is no import to end; begin one with import_data",
         { errno = core.errno.ENOENT, path = state.paths.import })
   elseif file.size == 0 then
      history.refuse(state, "invalid", "the imported image is empty", { path = state.paths.import })
   end
   history.require_stopped(state, "import")
   history.require_undamaged(state, options)
   if not options.discard then
      require_clean(state)
   end
   return history.commit(state, "import_data_end", state.paths.import, options)
end

--- Plan to replace the committed image by other content in one go.
-- @tparam table state
-- @tparam string operation for the plan's name
-- @tparam table options `discard`: do without keeping what is committed now
-- @tparam function content path, options -> the step that makes the new image
-- @treturn plan
-- @raise `not_supported`, `dirty`, `corrupt`
function import.replace(state, operation, options, content)
   check(state)
   local link, path
   if state.config.keep > 0 and not options.discard then
      require_clean(state)
      link, path = history.preserve(state)
   end
   return plan.new(operation, state.vid, {
      plan.phase({}, link, content(state.paths.clean, { replace = true })),
   }, {
      plan.phase({}, history.prune(state, state.config.keep, path), history.sweep(state),
         history.refresh_precache(state)),
   })
end

return import
