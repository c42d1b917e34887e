--- What there is to say of a volume at one look.
--
-- Pure: from a state of `byre.survey`.
-- @module byre.status
local layout = require("byre.layout")
local survey = require("byre.survey")

local status = {}

--- The status of a volume.
-- @tparam table state
-- @treturn table `vid`, `kind`, `rw`, `ephemeral`, `source`, `revisions_to_keep`, `cow_extent_size`, `session`
-- (there is a dirty image), `running` (somebody has it open for writing), `dirty` (the next stop commits it),
-- `outdated`, `size` and `used` (bytes, of the session's image or else the committed one), `committed_time` (last
-- write to the committed content, epoch), `revision_count`, `revision_time` (last write to the content of the newest
-- revision), `trash` (the window, such as `"2d"`; nil: off), `trash_count` (revisions in it)
function status.of(state)
   local config, files = state.config, state.files
   local image = files.dirty or files.clean
   local session = files.dirty ~= nil
   local history = survey.history(state)
   return {
      vid = state.vid,
      kind = config.kind,
      rw = config.rw,
      ephemeral = config.ephemeral == true,
      source = config.source,
      revisions_to_keep = config.revisions_to_keep,
      policy = config.policies and #config.policies > 0 and table.concat(config.policies, ", ") or nil,
      cow_extent_size = config.kind ~= "volatile" and config.cow_extent_size or nil,
      session = session,
      running = session and files.dirty.writer ~= nil,
      dirty = session and config.save_on_stop,
      outdated = survey.is_outdated(state),
      size = image and image.size or config.size,
      used = image and image.blocks * 512 or 0,
      committed_time = files.clean and files.clean.mtime,
      trash = config.trash and config.trash.text,
      trash_count = #state.trash,
      revision_count = #history,
      revision_time = #history > 0 and history[#history].time or nil,
   }
end

--- The files of a volume.
-- @tparam table state
-- @treturn {table,...} `role`, `path` (in the pool), `revision` (its id), `stat` (only of images with a fixed name)
function status.files(state)
   local list = {}
   for _, role in ipairs(layout.roles) do
      if state.files[role] then
         list[#list + 1] = { role = role, path = state.paths[role], stat = state.files[role] }
      end
   end
   for _, revision in ipairs(state.revisions) do
      list[#list + 1] = { role = "revision", path = revision.path, revision = revision.id }
   end
   for _, entry in ipairs(state.trash) do
      list[#list + 1] = { role = "trash", path = entry.path }
   end
   local others = { "old_revision", "temporary", "stray" }
   for i, paths in ipairs({ state.old_revisions, state.temporaries, state.strays }) do
      for _, path in ipairs(paths) do
         list[#list + 1] = { role = others[i], path = path }
      end
   end
   return list
end

return status
