--- Decide: new content from outside.
-- @module byre.decide.import
local core = require("byre.core")

local history = require("byre.decide.history")
local plan = require("byre.plan")

local import = {}

-- How many revisions an import leaves. With snapshots disabled the old content
-- stays until the next start all the same: that is when the history goes.
local function kept(state)
   return state.config.snapshots_disabled and math.huge or state.config.keep
end

-- Content that replaces the committed image needs the old one kept first,
-- unless no revisions are kept or it is not wanted any more.
local function require_clean(state, options)
   if kept(state) > 0 and not options.discard and not state.files.clean then
      history.missing(state, state.paths.clean)
   end
end

local function check(state)
   history.require_own_content(state, "import into")
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
      plan.phase({ sync = false }, history.make_group_directory(state), plan.create(state.paths.import, size,
         { replace = state.files.import ~= nil, volatile = true }), history.forget_loss(state)),
   })
end

--- Plan what becomes of the filled file.
-- @tparam table state
-- @tparam boolean success commit it, or drop it
-- @tparam table options `discard`: do without keeping what is committed now
-- @treturn plan
-- @raise `invalid`: there is no import, or it is empty; `dirty`; `corrupt`; `not_supported`
function import.finish(state, success, options)
   history.require_own_content(state, "import into")
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
   require_clean(state, options)
   return history.commit(state, "import_data_end", state.paths.import,
      { keep = kept(state), discard = options.discard })
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
   require_clean(state, options)
   local link, path
   if kept(state) > 0 and not options.discard then
      link, path = history.preserve(state)
   end
   return plan.new(operation, state.vid, {
      plan.phase({}, history.forget_notes(state, { path })),
      plan.phase({}, history.make_group_directory(state), link, content(state.paths.clean, { replace = true })),
   }, history.prune(state, kept(state), path, history.sweep(state), history.refresh_precache(state)))
end

return import
