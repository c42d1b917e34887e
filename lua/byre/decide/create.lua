--- Decide: make a volume, and remove one.
-- @module byre.decide.create
local catalog = require("byre.catalog")
local config = require("byre.config")
local failure = require("byre.failure")
local history = require("byre.decide.history")
local layout = require("byre.layout")
local plan = require("byre.plan")

local create = {}

--- Are there images of this vid?
function create.has_images(state)
   return next(state.files) ~= nil or #state.revisions > 0 or #state.trash > 0
end

-- steps that take every image of a vid away, the clean one last
local function unlink_all(state)
   local steps = {}
   for _, list in ipairs({ state.trash, state.revisions }) do
      for _, item in ipairs(list) do
         steps[#steps + 1] = plan.unlink(item.path)
      end
   end
   for _, path in ipairs(state.temporaries) do
      steps[#steps + 1] = plan.unlink(path)
   end
   for _, role in ipairs({ "import", "precache", "dirty", "clean" }) do
      if state.files[role] then
         steps[#steps + 1] = plan.unlink(state.paths[role])
      end
   end
   return steps
end

--- Phases that finish a removal: the images first, then their mark. As long as one
-- of them may come back after a power cut the mark has to stay, also one that a stop
-- took away, which syncs nothing where nothing is kept. And the mark must not come
-- back: somebody may put an image of this name there.
-- @treturn phase
-- @treturn phase
function create.finish_removal_phases(state)
   return plan.phase({ sync = true }, unlink_all(state), plan.sync_dir(layout.group_directory(state.vid))),
      plan.phase({ sync = true }, history.forget_loss(state),
         state.discard and plan.unlink(layout.discarded(state.vid)), plan.unlink(layout.removed(state.vid)))
end

--- Refuse a vid that is taken, by a volume or by images that nobody registered.
-- What an interrupted removal or renaming left is not in the way.
-- @raise `exists`
function create.require_free(state)
   local leftover = state.removed and not state.registered
   if create.has_images(state) and not leftover then
      local hint
      if not state.registered then
         hint = "byre adopt --only " .. state.vid .. " takes images in that are there already"
      end
      failure.raise("exists", state.vid, state.registered and "there is a volume of this name"
         or "images of this name are in the pool", { volume = state.vid, hint = hint })
   elseif state.registered and config.kind(state.raw) ~= "origin" then
      failure.raise("exists", state.vid, "there is a volume of this name", { volume = state.vid })
   end
end

--- Step that writes the catalog entry; an image knows its own size.
function create.write_entry(state, settings)
   if config.kind(settings) == "origin" then
      settings = config.with(settings, {})
      settings.size = nil
   end
   return plan.write(layout.entry(state.vid), catalog.encode_volume(settings, nil))
end

--- Step that makes the directory of the catalog entry.
function create.make_catalog_directory(state)
   return plan.make_dir(layout.directory(layout.entry(state.vid)))
end

--- Step that removes it if nothing is left in it.
function create.remove_group_directory(state)
   local directory = layout.group_directory(state.vid)
   return directory ~= "." and plan.remove_dir(directory) or nil
end

--- Plan a new volume. Its catalog entry comes last; until then what a crash
-- leaves of its image is known as garbage by its mark, as after a removal.
-- @tparam table state of the vid; its `config` is what the new volume is going to have
-- @tparam table settings checked by `config.volume`
-- @tparam[opt] step content that makes the clean image; default: an empty image
-- @treturn plan
-- @raise `exists`
function create.new(state, settings, content)
   create.require_free(state)
   local has_image = settings.save_on_stop and not settings.snap_on_start
   if has_image and not content then
      content = plan.create(state.paths.clean, settings.size)
   end
   local leftover = state.removed and create.finish_removal_phases(state) or {}
   local mark = layout.removed(state.vid)
   local marked = state.removed or content ~= nil
   return plan.new("create", state.vid, {
      leftover,
      content and plan.phase({}, create.make_catalog_directory(state), not state.removed and plan.write(mark, ""),
         history.make_group_directory(state)) or {},
      plan.phase({}, content),
      plan.phase({}, not content and create.make_catalog_directory(state), create.write_entry(state, settings)),
   }, {
      plan.phase({}, history.forget_loss(state), marked and plan.unlink(mark),
         has_image and history.refresh_precache(state)),
   })
end

--- Plan the removal of a volume. The commit point is one rename in the catalog;
-- what is left of the images after a crash is known as garbage by its mark. An entry may
-- have got its name without a sync: it has to be durable before the rename, or btrfs brings
-- it back once the mark is gone (its log then has the entry's name from before the rename).
-- @tparam table state
-- @treturn plan
-- @raise `running`: somebody has its image open for writing; `policy`: a revision is held
function create.remove(state)
   history.require_idle(state, "remove")
   for _, revision in ipairs(state.revisions) do
      history.require_released(state, revision)
   end
   local images, mark = create.finish_removal_phases(state)
   return plan.new("remove", state.vid, {
      plan.phase({}, plan.sync_dir(layout.directory(layout.entry(state.vid)))),
      plan.phase({}, plan.rename(layout.entry(state.vid), layout.removed(state.vid))),
   }, { images, plan.phase({}, create.remove_group_directory(state)), mark })
end

--- Plan to finish a removal that was interrupted.
-- @tparam table state
-- @treturn plan
function create.finish_removal(state)
   local images, mark = create.finish_removal_phases(state)
   return plan.new("remove", state.vid, { images }, { plan.phase({}, create.remove_group_directory(state)), mark })
end

return create
