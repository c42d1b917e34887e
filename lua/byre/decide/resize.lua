--- Decide: another size for a volume.
-- @module byre.decide.resize
local catalog = require("byre.catalog")
local config = require("byre.config")
local failure = require("byre.failure")
local history = require("byre.decide.history")
local layout = require("byre.layout")
local plan = require("byre.plan")

local function require_growth(state, old, size, options)
   if old and size < old and not options.shrink then
      history.refuse(state, "invalid",
         ("resizing from %d to %d bytes would cut off what is behind; ask for it with shrink"):format(old, size),
         { hint = ("shrink the file system inside first, then: byre resize --shrink --yes %s %d"):format(
            state.vid, size) })
   end
end

--- Plan a new size. A running volume's image is resized in place, and loop
-- devices on it follow; a committed image is never written to, so it is
-- replaced; the other kinds take the size at their next start.
-- @tparam table state
-- @tparam integer size bytes
-- @tparam table options `shrink`
-- @treturn plan
-- @raise `read_only`, `invalid` (it would shrink), `corrupt` (no image)
return function(state, size, options)
   local files, paths = state.files, state.paths
   if not state.config.rw then
      failure.raise("read_only", state.vid, "cannot resize: the volume is read-only", { volume = state.vid })
   end
   local current = files.dirty or state.config.kind == "origin" and files.clean or nil
   require_growth(state, current and current.size or state.config.size, size, options)
   local remember
   if state.config.kind ~= "origin" then
      local settings = config.with(state.config.own, { size = size })
      remember = plan.write(layout.entry(state.vid), catalog.encode_volume(settings, state.raw))
   end
   if files.dirty then
      local step = plan.resize(paths.dirty, size, { volatile = not state.config.save_on_stop })
      return plan.new("resize", state.vid, { plan.phase({}, step, remember) })
   elseif remember then
      return plan.new("resize", state.vid, { plan.phase({}, remember) })
   elseif not files.clean then
      history.missing(state, paths.clean)
   end
   return plan.new("resize", state.vid, {
      plan.phase({}, plan.clone(paths.clean, paths.clean, { size = size, replace = true })),
   }, { plan.phase({}, history.refresh_precache(state)) })
end
