--- Decide: give a volume another name.
-- @module byre.decide.rename
local create = require("byre.decide.create")
local history = require("byre.decide.history")
local layout = require("byre.layout")
local plan = require("byre.plan")
local survey = require("byre.survey")

local function require_state(state, which)
   if which ~= nil and which ~= "committed" and which ~= "current" then
      history.refuse(state, "invalid", "state: must be \"committed\" or \"current\"")
   elseif state.files.dirty and not which then
      history.refuse(state, "dirty", "it is running or was not cleanly stopped: say what becomes of the session",
         { hint = "--state current takes it along, --state committed drops it" })
   end
   if state.files.dirty and which == "committed" and state.config.save_on_stop then
      history.require_droppable(state)
   end
   history.require_idle(state, "rename")
   history.require_undamaged(state, {})
end

-- Old path -> new path of every image that goes along. A half-done commit, whose
-- revision is the clean image itself, is only told from a revision by its inode;
-- without a session it has no meaning.
local function moves(old, new, options)
   local list = {}
   local dropped = options.state == "committed"
   for _, role in ipairs({ "clean", "import", "dirty" }) do
      if old.files[role] and not (role == "dirty" and dropped) then
         list[#list + 1] = { old.paths[role], new.paths[role] }
      end
   end
   local revisions = (options.crosses_device or dropped) and survey.history(old) or old.revisions
   for _, items in ipairs({ revisions, old.trash }) do
      for _, item in ipairs(items) do
         list[#list + 1] = { item.path, new.vid .. item.path:sub(#old.vid + 1) }
      end
   end
   return list
end

--- Plan another name. The images get their new names beside the old ones; one
-- rename in the catalog is the commit point; then the old names go. On either
-- side of it the other set of names is marked as garbage, so a crash leaves
-- one whole volume and something that is known to be in the way.
-- @tparam table old state of the volume
-- @tparam table new state of the vid it is to have
-- @tparam table options `state`: what becomes of a session, `"current"` (goes along) or `"committed"` (dropped);
-- `crosses_device`: no links are possible between the two places
-- @treturn plan
-- @raise `exists`, `dirty`, `running`, `invalid`, `not_supported` (the session to be dropped is the only copy)
return function(old, new, options)
   create.require_free(new)
   require_state(old, options.state)
   local images = {}
   for i, move in ipairs(moves(old, new, options)) do
      images[i] = options.crosses_device and plan.clone(move[1], move[2], { keep_mtime = true })
         or plan.link(move[1], move[2])
   end
   local entry = layout.entry(new.vid)
   local leftover, mark
   if new.removed then
      leftover, mark = create.finish_removal_phases(new)
   end
   local old_images, old_mark = create.finish_removal_phases(old)
   return plan.new("rename", old.vid, {
      leftover or {}, mark or {},
      plan.phase({}, plan.make_dir(layout.directory(entry)), plan.write(layout.removed(new.vid), ""),
         plan.write(layout.removed(old.vid), ""), history.make_group_directory(new)),
      plan.phase({}, images),
      plan.phase({}, plan.rename(layout.entry(old.vid), entry)),
   }, {
      old_images, plan.phase({}, create.remove_group_directory(old)), old_mark,
      plan.phase({}, plan.unlink(layout.removed(new.vid)),
         old.config.precache and old.files.clean and history.refresh_precache(new)),
   })
end
