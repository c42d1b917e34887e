--- Volumes: one disk image, its session and its history.
--
-- Fields, always as the pool says now: `vid`, `name`, `pool`, `kind`, `rw`,
-- `source`, `revisions_to_keep`, `ephemeral`, `config` (a copy of its settings).
-- @module byre.volume
local copies = require("byre.decide.copies")
local difference = require("byre.difference")
local history = require("byre.decide.history")
local hooks = require("byre.hooks")
local layout = require("byre.layout")
local operation = require("byre.operation")
local pool_directory = require("byre.pool_directory")
local prune = require("byre.prune")
local request = require("byre.request")
local revisions = require("byre.revisions")
local status = require("byre.status")
local survey = require("byre.survey")
local transfer = require("byre.transfer")
local trash = require("byre.trash")
local vid = require("byre.vid")

local volume = {}

local methods = {}
local getters = {}

local mt = { __name = "byre.volume" }

function mt.__index(self, key)
   local getter = getters[key]
   if getter then
      return getter(self)
   end
   return methods[key]
end

function mt.__tostring(self)
   return "byre.volume: " .. self.vid
end

function mt.__eq(a, b)
   return a.pool == b.pool and a.vid == b.vid
end

--- Make the object of a volume; whether it exists shows when it is used.
-- @tparam pool pool
-- @tparam string id its vid
-- @tparam[opt] listing names that `status` may use, while volumes are walked through
function volume.new(pool, id, names)
   return setmetatable({ pool = pool, vid = id, listing = names }, mt)
end

local function entry(self)
   local settings = survey.entry(self.pool.store, self.vid, self.pool.config)
   if not settings then
      survey.existing(self.pool, self.vid)
   end
   return settings
end

local function state_of(self, options)
   return survey.existing(self.pool, self.vid, options)
end

for _, key in ipairs({ "kind", "rw", "source", "revisions_to_keep", "ephemeral" }) do
   getters[key] = function(self)
      return entry(self)[key]
   end
end

function getters.name(self)
   return vid.name(self.vid)
end

function getters.config(self)
   local copy = {}
   for key, value in pairs(entry(self).own) do
      copy[key] = value
   end
   return copy
end

-- run one request on this volume
local function run(self, name, ...)
   return operation.run(self.pool, { request[name](self.pool, self.vid, ...) })[1].value
end

local function image_path(self, role)
   return self.pool.dir .. "/" .. layout.image(self.vid, role)
end

--- Start a session.
--
-- Of a volume that saves, a session that was never ended goes on; a volatile
-- or snapshot volume begins anew.
-- @tparam[opt] table options `reflink`: `"always"`, `"auto"` or `"never"`, in place of the pool's setting
-- @treturn string path of the dirty image
-- @raise `running` (a volatile or snapshot volume in use), `corrupt` (an image is missing), `no_such_volume`,
-- `no_space`, `busy`, `io`, `not_supported` (blocks cannot be shared, and `reflink` is `"always"`)
function methods:start(options)
   return run(self, "start", options)
end

--- End the session: commit what was written; the state before becomes the newest revision.
-- Without a session nothing happens.
-- @tparam[opt] table options `discard = true`: drop what was written; `force = true`: even while somebody has the image
-- open for writing (what is written from then on changes committed content)
-- @raise `running`, `no_space`, `busy`, `io`, `not_supported` (nothing to go back to)
function methods:stop(options)
   run(self, "stop", options)
end

--- Path of the dirty image, whether there is one or not.
-- @treturn string
function methods:path()
   return image_path(self, "dirty")
end

--- Size of the volume.
-- @treturn integer bytes; 0 where nobody has said
function methods:size()
   local state = state_of(self)
   local image = state.files.dirty or state.files.clean
   return image and image.size or state.config.size or 0
end

--- Bytes allocated to the current image, shared ones included.
-- @treturn integer
function methods:usage()
   local files = state_of(self).files
   local image = files.dirty or files.clean
   return image and image.blocks * 512 or 0
end

--- What the volume's images take on the disk, what they share, and what would be free without them.
-- For many volumes ask `pool:space()` once.
-- @treturn table as of `byre.usage`'s `volume`, and `basis`, `exact`, `reason`; figures that nobody can know are nil
-- @raise `io`, `denied`, `corrupt`
function methods:space()
   local measured = self.pool:space({ self.vid })
   local result = measured:volume(self.vid)
   result.basis, result.exact, result.reason = measured.basis, measured.exact, measured.reason
   return result
end

--- Where two of the volume's states differ, from their maps, without reading what these tell.
-- @tparam string old a revision's id
-- @tparam[opt] string new another's; nil: the content of the volume now
-- @tparam[opt] table options `state`, without `new`: `"committed"` (default), or `"current"`: the session so far
-- @treturn difference see `byre.difference`: `for offset, length in volume:diff("3", "4"):ranges() do`
-- @raise `no_such_revision`, `invalid`, `corrupt`, `io`
function methods:diff(old, new, options)
   assert(old ~= nil, "a revision's id is needed")
   local state = state_of(self)
   local from = history.find(state, old).path
   local to = copies.image(state, { revision = new, state = options and options.state or "committed" })
   return difference.new(self.pool.store, from, to)
end

--- Is there a session whose data is not committed?
-- @treturn boolean
function methods:is_dirty()
   local state = state_of(self)
   return state.config.save_on_stop and state.files.dirty ~= nil
end

--- Is a running snapshot older than its source's committed content?
-- @treturn boolean
function methods:is_outdated()
   return survey.is_outdated(state_of(self))
end

--- Is there a session, and has somebody its image open for writing right now?
-- @treturn boolean
function methods:is_running()
   local dirty = state_of(self, { writers = true }).files.dirty
   return dirty ~= nil and dirty.writer ~= nil
end

--- Everything about the volume at one look; cheaper than asking one by one.
-- @treturn table see `status.of`; `path` besides: the dirty image's, if there is a session
-- @raise `no_such_volume`, `corrupt`
function methods:status()
   local result = status.of(state_of(self, { writers = true, listing = self.listing }))
   result.path = result.session and self:path() or nil
   return result
end

--- The files that belong to the volume, whatever they are.
-- @treturn {table,...} `role` (`clean`, `dirty`, `precache`, `import`, `revision`, `temporary`, `stray`,
-- `old_revision`), `path`, `size` and `used` (bytes), `time` (epoch)
function methods:files()
   local list = {}
   for _, file in ipairs(status.files(state_of(self))) do
      local stat = file.stat or self.pool.store:stat(file.path)
      if stat then
         list[#list + 1] = { role = file.role, path = self.pool.dir .. "/" .. file.path, size = stat.size,
            used = stat.blocks * 512, time = stat.mtime }
      end
   end
   return list
end

--- The revisions, oldest first.
-- @function revisions
-- @tparam[opt] table options `space = true`: also what each takes, see `space`
-- @treturn {table,...} `id`, `seq`, `time` (last write to that content, epoch), `path`, `size` (bytes), `tags`
-- (name -> true), `note`, `hold_until` (epoch; true: no end); `allocated`, `shared`, `exclusive` (bytes)
methods.revisions = revisions.list

--- One revision.
-- @function revision
-- @tparam ?string id nil: the newest
-- @treturn table as in `revisions`
-- @raise `no_such_revision`
methods.revision = revisions.find

--- Go back to a revision. What was committed becomes the newest revision; one that something is noted of stays.
-- @tparam ?string id nil: the newest
-- @tparam[opt] table options `discard = true`: drop a session, and do without a committed image that is missing
-- @raise `dirty`, `running`, `no_such_revision`, `corrupt`, `not_supported`
function methods:revert(id, options)
   run(self, "revert", options, id)
end

--- Remove one revision: into the trash, where the volume or its pool has one.
-- @tparam string id
-- @tparam[opt] table options `trash = false`: for good all the same
-- @raise `no_such_revision`, `policy` (it is held)
function methods:remove_revision(id, options)
   assert(id ~= nil, "a revision's id is needed")
   run(self, "remove_revision", id, options)
end

--- What is in the trash; what was put there first comes first.
-- @function trash
-- @tparam[opt] table options `space = true`: also what each takes, see `space`
-- @treturn {table,...} as in `revisions`, and `volume`, `removed` (when it was put there, epoch), `expires` (when it
-- goes for good, epoch; nil: not by its age, the trash is off)
methods.trash = trash.of_volume

--- Bring a revision back from the trash, under its number and with what is noted of it.
-- @function restore
-- @tparam string id
-- @treturn table the revision
-- @raise `no_such_revision`, `exists` (there is a revision of its number)
methods.restore = trash.restore

--- Make a revision now; of a running volume it is what a power cut would leave.
-- @tparam[opt] table wanted `tag`, `note`, `hold_until`, as for `annotate`; `reflink`, as for `start`
-- @treturn table the revision
-- @raise `not_supported`, `no_space`, `io`, `invalid`
function methods:snapshot(wanted)
   local made = request.snapshot(self.pool, self.vid, wanted)
   local id = made.result
   function made.result()
      return self:revision(id())
   end
   return operation.run(self.pool, { made })[1].value
end

--- Note something of a revision.
-- @tparam string id
-- @tparam table wanted `tag` (add this one, or a list), `untag` (take it or them away), `note` (text; false: none),
-- `hold_until` (epoch: nothing removes it before then; true: no end; false: no hold)
-- @raise `no_such_revision`, `invalid`
function methods:annotate(id, wanted)
   assert(id ~= nil, "a revision's id is needed")
   run(self, "annotate", id, wanted)
end

--- Another size.
-- @param size bytes or text
-- @tparam[opt] table options `shrink = true`; `reflink`, as for `start`
-- @raise `invalid`, `read_only`, `no_space`, `io`
function methods:resize(size, options)
   run(self, "resize", size, options)
end

--- Another name, possibly in another group.
-- @tparam string new
-- @tparam[opt] table options `state`: what becomes of a session, `"current"` (goes along) or `"committed"` (dropped);
-- `reflink`, as for `start`
-- @raise `invalid`, `exists`, `dirty`, `running`, `not_supported` (a source of other volumes; a session to be dropped
-- that is the only copy)
function methods:rename(new, options)
   run(self, "rename", new, options)
   self.vid = new
end

--- A new volume with the same settings and content.
-- @tparam string new
-- @tparam[opt] table options `state`: of a volume with a session `"committed"` or `"current"`; `revision`: an id;
-- `reflink`, as for `start`
-- @treturn volume
-- @raise `invalid`, `exists`, `dirty`, `no_such_revision`, `no_space`
function methods:clone(new, options)
   run(self, "clone", new, options)
   return volume.new(self.pool, new)
end

--- Write the committed image anew, in order, where it is in many pieces. Revisions stay; the volume must be stopped.
-- `plan("defrag", options).cost` tells before what it is going to cost.
-- @tparam[opt] table options `budget`: the most bytes to write (an integer or text), which go where they help most
-- @raise `dirty`, `no_space`, `not_supported`, `invalid`, `io`
function methods:defrag(options)
   run(self, "defrag", options)
end

-- 10 to 40 microseconds were measured
local seconds_per_extent = 25e-6

--- In how many pieces is the current image, and what does that cost?
-- @treturn ?table `extents`; `clone_seconds`: about how long the next clone is going to take. nil: there is no image,
-- or the file system does not tell
function methods:fragmentation()
   local state = state_of(self)
   local role = state.files.dirty and "dirty" or "clean"
   local extents = state.files[role] and self.pool.store:extents(state.paths[role])
   return extents and { extents = extents, clone_seconds = extents * seconds_per_extent } or nil
end

--- What its policy says of its revisions now, as `byre.retention.calendar` draws it. Nothing is changed.
-- @treturn table data of `byre.retention.simulate`, with `policy`: the name
-- @raise `invalid`: it has no policy, or one that is wrong
function methods:calendar()
   return prune.calendar(self.pool, self.vid)
end

--- Change settings.
-- @tparam table changes `revisions_to_keep`, `retention` (name of a policy), `trash` (how long what is taken away stays
-- there, such as `"2d"`; 0: no trash) (false: the pool's), `rw`, `ephemeral`
-- @raise `invalid`
function methods:set(changes)
   run(self, "set", changes)
end

--- Remove the volume with its history.
-- @tparam[opt] table options `force = true`: also the source of other volumes, which cannot start then
-- @raise `running`, `no_such_volume`, `policy` (a revision is held), `not_supported` (the source of other volumes)
function methods:remove(options)
   run(self, "remove", options)
end

--- Check that the images are there which the volume needs.
-- @treturn boolean true
-- @raise `corrupt`, `no_such_volume` (the source)
function methods:verify()
   local state = state_of(self)
   local source = state.source
   if source and not source.config then
      history.refuse(state, "no_such_volume", ("its source %s is not in this pool"):format(source.vid))
   elseif source and not source.clean then
      history.missing(state, source.path)
   elseif survey.lacks_image(state) then
      history.missing(state, state.paths.clean)
   end
   return true
end

--- The plan of an operation as things are now; nothing is changed.
-- @tparam string name of a method, such as `"stop"`
-- @param ... the method's arguments
-- @treturn plan
function methods:plan(name, ...)
   local make = request[name]
   if name == "revert" then
      local id, options = ...
      return operation.plan(self.pool, make(self.pool, self.vid, options, id))
   end
   assert(make, "there is no operation " .. tostring(name))
   return operation.plan(self.pool, make(self.pool, self.vid, ...))
end

--- Path of the committed image, for reading. It never changes: whoever has it
-- open keeps this content, whatever happens to the volume. (A volume with
-- `revisions_to_keep = -1` is the exception: it is written to when it runs.)
-- @treturn string
-- @raise `not_supported`, `corrupt` (there is none), `policy` (a hook refuses)
function methods:export()
   local state = state_of(self)
   history.require_saved(state, "export")
   if not state.files.clean then
      history.missing(state, state.paths.clean)
   end
   hooks.before(self.pool, hooks.of(self.pool), { operation = "export", volume = self.vid, config = state.config })
   return image_path(self, "clean")
end

--- End an export.
-- @tparam string path what `export` returned
function methods:export_end(path)
   assert(path == image_path(self, "clean"), "not a path that export returned")
   hooks.after(self.pool, hooks.of(self.pool), { operation = "export", volume = self.vid })
end

--- Begin an import: a file to fill.
-- @param size bytes or text; what is in the file at the end counts
-- @treturn string its path
-- @raise `not_supported`, `dirty`, `invalid`
function methods:import_data(size)
   return run(self, "import_data", size)
end

--- End an import: commit what is in the file, or drop it.
-- @tparam boolean success
-- @tparam[opt] table options `discard = true`: do without keeping what is committed now
-- @raise `dirty`, `invalid` (no import was begun, or it is empty), `corrupt`
function methods:import_data_end(success, options)
   run(self, "import_data_end", success, options)
end

--- Take over the content of another volume, of this pool or another.
-- @tparam volume source
-- @tparam[opt] table options `state`: of a source with a session `"committed"` or `"current"`; `discard = true`: do
-- without keeping what is committed now; `reflink`, as for `start`
-- @treturn volume itself
-- @raise `dirty`, `not_supported`, `no_space`
function methods:import_volume(source, options)
   assert(getmetatable(source) == mt, "a volume is needed")
   -- locks of one pool that is opened twice would wait for one another
   if pool_directory.is_same(source.pool.store, self.pool.store) then
      run(self, "import_volume", source.vid, options)
   else
      transfer.import_foreign(self, source, options or {})
   end
   return self
end

--- Take over the content of a file, a block device or a pipe.
-- @function import_file
-- @tparam string path `"-"`: standard input
-- @tparam[opt] table options `format`: `"raw"`, or one that qemu-img reads (default: by the ending of the name);
-- `size`: the volume's size, if the data may be shorter; `discard = true`: do without keeping what is committed now
-- @raise `dirty`, `not_supported`, `no_space`, `io`, `invalid`
methods.import_file = transfer.import_file

--- Write the committed content to a file, a block device or a pipe, without holes where they cannot be.
-- @function export_file
-- @tparam string path `"-"`: standard output
-- @tparam[opt] table options `revision`: an id; `state`; `format`
-- @raise `not_supported`, `no_such_revision`, `no_space`, `io`
methods.export_file = transfer.export_file

return volume
