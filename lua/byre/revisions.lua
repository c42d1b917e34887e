--- Revisions as they are told: what each holds, its size, and what was noted of it.
-- @module byre.revisions
local history = require("byre.decide.history")
local layout = require("byre.layout")
local notes = require("byre.notes")
local survey = require("byre.survey")
local usage = require("byre.usage")

local revisions = {}

local function describe(volume, state, revision, size)
   local noted = notes.of(state, revision)
   return {
      id = revision.id, seq = revision.seq, time = revision.time, path = volume.pool.dir .. "/" .. revision.path,
      size = size, tags = noted.tags, note = noted.note, hold_until = noted.hold_until,
   }
end

--- The revisions of a volume, oldest first.
-- @tparam volume volume
-- @tparam[opt] table options `space = true`: also what each takes, see `volume:space`
-- @treturn {table,...} see `volume:revisions`
-- @raise `no_such_volume`, `corrupt`
function revisions.list(volume, options)
   local state = survey.existing(volume.pool, volume.vid)
   local all, names, list = survey.history(state), {}, {}
   for i, revision in ipairs(all) do
      names[i] = layout.basename(revision.path)
   end
   local sizes = #names > 0 and volume.pool.store:sizes(layout.group_directory(volume.vid), names)
   for i, revision in ipairs(all) do
      -- false: gone since the directory was read, pruned by somebody else
      if sizes[i] then
         list[#list + 1] = describe(volume, state, revision, sizes[i])
      end
   end
   if options and options.space then
      usage.add_to(volume, list)
   end
   return list
end

--- One revision of a volume.
-- @tparam volume volume
-- @tparam ?string id nil: the newest
-- @treturn table as in `revisions.list`
-- @raise `no_such_revision`, `no_such_volume`, `corrupt`
function revisions.find(volume, id)
   local state = survey.existing(volume.pool, volume.vid)
   local revision = history.find(state, id)
   local stat = volume.pool.store:stat(revision.path)
   return describe(volume, state, revision, stat and stat.size)
end

return revisions
