--- Decide: start a volume, so that there is a dirty image to work on.
-- @module byre.decide.start
local history = require("byre.decide.history")
local layout = require("byre.layout")
local plan = require("byre.plan")

-- The guest of an earlier start may still be at work on this image: a second
-- start must not take it away.
local function start_volatile(state)
   history.require_idle(state, "start anew")
   local size = state.config.size
   if not size then
      history.refuse(state, "invalid", "it has no size yet", { hint = "byre resize " .. state.vid .. " SIZE" })
   end
   return plan.new("start", state.vid, {
      plan.phase({ sync = false },
         history.make_group_directory(state),
         plan.create(state.paths.dirty, size, { replace = state.files.dirty ~= nil, volatile = true })),
   }, { plan.phase({}, history.sweep(state)) })
end

local function require_source(state)
   local source = state.source
   if not source.config then
      history.refuse(state, "no_such_volume", ("its source %s is not in this pool"):format(source.vid))
   elseif not source.clean then
      history.missing(state, source.path, ("its source %s has no committed content"):format(source.vid))
   elseif source.clean.type ~= "file" then
      history.refuse(state, "corrupt", ("the image %s of its source is a %s, not a plain file"):format(
         source.path, source.clean.type), { path = source.path })
   end
   return source
end

-- The clean image of a running snapshot is the source's own inode: that is how
-- it knows whether the source has moved on. A source without snapshots writes
-- to its inode again, and another subvolume cannot link: both give a copy. So
-- does a source in another directory if the stop is going to replace this name:
-- on btrfs a sync of the one directory writes down which names the inode still
-- has in both, and a power cut then takes the replaced name without what
-- replaces it. A revision that is such a copy serves as well: one state is one
-- revision.
local function take_source(state, source)
   local own = state.files.clean
   local is_apart = state.config.save_on_stop
      and layout.group_directory(source.vid) ~= layout.group_directory(state.vid)
   if own and own.ino == source.clean.ino and own.dev == source.clean.dev and not is_apart then
      return nil
   elseif is_apart and state.source_copy and not source.config.snapshots_disabled then
      local is_there = state.preserved and state.preserved.path == state.source_copy
      return not is_there and plan.link(state.source_copy, state.paths.clean, { replace = own ~= nil }) or nil
   elseif source.config.snapshots_disabled or source.crosses_device or is_apart then
      return plan.clone(source.path, state.paths.clean,
         { keep_mtime = true, replace = own ~= nil, volatile = state.config.kind == "snapshot" })
   end
   return plan.link(source.path, state.paths.clean, { replace = own ~= nil })
end

-- how large the session's image is to be: the source's size, or more if asked
local function session_size(state, source)
   local size = state.config.size
   return size and size > source.clean.size and size or nil
end

local function start_snapshot(state)
   history.require_idle(state, "start anew")
   local source = require_source(state)
   return plan.new("start", state.vid, {
      plan.phase({ sync = false },
         history.make_group_directory(state),
         take_source(state, source),
         plan.clone(source.path, state.paths.dirty,
            { size = session_size(state, source), replace = state.files.dirty ~= nil, volatile = true }),
         history.hint_session(state)),
   }, { plan.phase({}, history.sweep(state)) })
end

local function start_origin_snapshot(state)
   if state.files.dirty then
      return plan.new("start", state.vid, {})
   end
   local source = require_source(state)
   -- the dirty image first: a crash before the clean one is replaced loses nothing
   return plan.new("start", state.vid, {
      plan.phase({}, history.make_group_directory(state),
         plan.clone(source.path, state.paths.dirty, { size = session_size(state, source) }),
         history.hint_session(state)),
      plan.phase({}, take_source(state, source)),
   }, { plan.phase({}, history.sweep(state)) })
end

local function require_clean(state)
   if not state.files.clean then
      history.missing(state, state.paths.clean,
         #state.revisions > 0 and "byre revert --discard " .. state.vid .. " goes back to a revision" or nil)
   end
end

-- revisions_to_keep = -1: the clean image itself becomes the dirty one, and the
-- history goes, once that is durable
local function start_without_snapshots(state)
   local clean, dirty = state.paths.clean, state.paths.dirty
   local phase, leave
   if not state.files.dirty then
      require_clean(state)
      if state.files.clean.nlink == 1 then
         phase = plan.phase({}, plan.rename(clean, dirty))
      else
         -- somebody else holds this inode: a snapshot of it runs, or a commit was cut short
         phase = plan.phase({}, plan.clone(clean, dirty, { keep_mtime = true }))
         leave = plan.unlink(clean)
      end
   end
   local precache = state.files.precache and plan.unlink(state.paths.precache)
   return plan.new("start", state.vid, { phase or {}, plan.phase({}, leave) },
      history.prune(state, 0, nil, precache, history.sweep(state)))
end

local function start_origin(state)
   if state.config.snapshots_disabled then
      return start_without_snapshots(state)
   elseif state.files.dirty then
      return plan.new("start", state.vid, {})
   end
   require_clean(state)
   local precache = state.files.precache
   local fresh = precache and precache.fresh
   return plan.new("start", state.vid, {
      plan.phase({}, fresh and plan.rename(state.paths.precache, state.paths.dirty)
         or plan.clone(state.paths.clean, state.paths.dirty, { keep_mtime = true }), history.hint_session(state)),
   }, { plan.phase({}, precache and not fresh and plan.unlink(state.paths.precache), history.sweep(state)) })
end

local by_kind = {
   volatile = start_volatile,
   snapshot = start_snapshot,
   origin_snapshot = start_origin_snapshot,
   origin = start_origin,
}

--- Plan the start of a volume.
-- Of a volume that saves, a session that was not ended goes on: the plan is empty then.
-- @tparam table state of `byre.survey`
-- @treturn plan
-- @raise `running`, `corrupt` (an image is missing), `no_such_volume` (the source)
return function(state)
   return by_kind[state.config.kind](state)
end
