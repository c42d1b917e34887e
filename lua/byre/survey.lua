--- The state of a volume: what decisions are made from.
--
-- Reads, never writes. The state is a plain table:
--
--    vid, now        seconds since the epoch
--    config          the effective settings (`config.effective`)
--    raw, registered the catalog entry as read; whether there is one
--    removed         a removal or a renaming of this vid was interrupted
--    lost            data of the session or the import could not be made durable
--    files           role -> stat of the clean, dirty, precache and import image
--    revisions       oldest first: id, seq, time, path
--    trash           revisions that were taken away, those first that were put there first: see `layout.find_trash`
--    clock           of a volume with a trash: `mark` (of `catalog.decode_clock`; nil: none as yet), `damaged` (it
--                    cannot be read), `synchronised` (the clock now; nil: the kernel does not tell)
--    discard         a session was to be dropped along with another change (`byre.discard`): `"begun"` or `"done"`
--    preserved       the revision that is the clean image itself (one inode)
--    committed_in_trash   what is in the trash and is the clean image itself
--    temporaries, strays, old_revisions   lists of paths
--    source_copy     of an origin_snapshot, if asked for: path of the revision that has its source's content
--    source          of a snap_on_start volume: vid, config, clean (stat), path; has_session: there is a session but
--                    no clean image; crosses_device: it cannot be linked to
--
-- The clean image of an origin gets a revision's name before another image
-- takes its own name; a crash between the two leaves `preserved`, and whoever
-- decides next finds that half of the work done.
-- @module byre.survey
local core = require("byre.core")

local catalog = require("byre.catalog")
local config = require("byre.config")
local discard = require("byre.discard")
local failure = require("byre.failure")
local layout = require("byre.layout")
local units = require("byre.units")

local survey = {}

-- how often to look at what changes meanwhile; what is missing then is missing
local looks = 4

local function same_inode(a, b)
   return a.ino == b.ino and a.dev == b.dev
end

--- Read the catalog entry of a volume.
-- @tparam store store
-- @tparam string volume a vid
-- @tparam table pool settings of the pool
-- @treturn ?table effective settings; nil: there is no such volume
-- @treturn ?table the entry as read
-- @raise `corrupt`
function survey.entry(store, volume, pool)
   local text = store:read(layout.entry(volume))
   if not text then
      return nil
   end
   local settings, raw = catalog.decode_volume(volume, text)
   return config.effective(settings, pool, volume), raw
end

--- What to lock along with a volume: the source that its entry names. Whether the entry is sound is seen once it is
-- locked.
-- @tparam store store
-- @tparam string volume a vid
-- @treturn ?string a vid
-- @raise `corrupt`, `invalid`
function survey.source(store, volume)
   local text = store:read(layout.entry(volume))
   return text and catalog.source_in(volume, text)
end

local function is_newer(a, b)
   return a.ctime > b.ctime or (a.ctime == b.ctime and a.ctime_nsec > b.ctime_nsec)
end

-- A precache is a copy of the clean image, with its size and time. Who changes
-- the clean image by hand and keeps both gives it a later change time, or the
-- same one within a tick of the kernel's clock; then the blocks tell. A hard
-- link to the clean image changes that time too.
local function is_fresh(store, files, paths)
   local clean, precache = files.clean, files.precache
   if clean.size ~= precache.size or clean.mtime ~= precache.mtime or clean.mtime_nsec ~= precache.mtime_nsec then
      return false
   end
   return is_newer(precache, clean) or store:same_extents(paths.clean, paths.precache)
end

-- A symbolic link or a directory is no revision, whatever its name is.
local function sort_out_strays(state, kinds)
   for _, key in ipairs({ "revisions", "trash" }) do
      local plain = {}
      for _, item in ipairs(state[key]) do
         if kinds[layout.basename(item.path)] then
            table.insert(state.strays, item.path)
         else
            plain[#plain + 1] = item
         end
      end
      state[key] = plain
   end
end

-- sort the names in the volume's directory into what they are to the volume
local function sort_names(state, revisions, others, kinds)
   local prefix = layout.prefix(state.vid)
   local lists = { temporary = state.temporaries, stray = state.strays, old_revision = state.old_revisions }
   local present = {}
   state.revisions = revisions
   state.trash, others = layout.find_trash(state.vid, others)
   for _, name in ipairs(others) do
      local role = layout.parse(state.vid, name)
      if lists[role] then
         table.insert(lists[role], prefix .. name)
      elseif role then
         present[role] = true
      end
   end
   if next(kinds) then
      sort_out_strays(state, kinds)
   end
   return present
end

-- Of revisions the one that is the clean image itself: the newest one, or else one of the image's time, from which its
-- name was made (`history.preserve`). A source has other links as well, of volumes that run, and a long history maybe.
local function find_linked(store, clean, revisions)
   if not clean or clean.nlink < 2 then
      return nil
   end
   local time = units.nearest_stamp(clean.mtime)
   for i = #revisions, 1, -1 do
      local revision = revisions[i]
      local likely = i == #revisions or revision.time == time
      local stat = likely and store:stat(revision.path)
      if stat and same_inode(stat, clean) then
         return revision
      end
   end
end

-- The source is looked at once for all volumes of an operation that depend on it: they hold its lock.
local function read_source(store, state, pool, memo)
   local id = state.config.source
   if not id then
      return nil
   end
   local source = memo[id]
   if not source then
      local path = layout.image(id, "clean")
      local clean = store:stat(path)
      source = {
         vid = id, config = (survey.entry(store, id, pool)), clean = clean, path = path,
         has_session = not clean and store:stat(layout.image(id, "dirty")) ~= nil,
      }
      memo[id] = source
   end
   local crosses = source.clean ~= nil
      and not store:can_link(layout.group_directory(id), layout.group_directory(state.vid), memo)
   return config.with(source, { crosses_device = crosses })
end

local function is_copy(stat, source)
   return stat.ino ~= source.ino and stat.size == source.size
      and stat.mtime == source.mtime and stat.mtime_nsec == source.mtime_nsec
end

-- The newest revision with the content that the source holds now. Size and time only say which to compare: sessions
-- that were last written to in one tick of the kernel's clock have images of the same time.
local function find_source_copy(store, state)
   local clean = state.source and state.source.clean
   if not clean or not state.config.save_on_stop then
      return nil
   end
   for i = #state.revisions, 1, -1 do
      local revision = state.revisions[i]
      local stat = revision.time == clean.mtime and store:stat(revision.path)
      if stat and is_copy(stat, clean) and store:same_content(revision.path, state.source.path) then
         return revision.path
      end
   end
end

local function new_state(volume)
   return {
      vid = volume, now = core.now(), files = {}, paths = {},
      revisions = {}, trash = {}, temporaries = {}, strays = {}, old_revisions = {},
   }
end

-- Is this the state of no one moment? Who looks without a lock may find a name that is gone by the time
-- that its file is looked at, or none of the names of an image that was renamed meanwhile.
local function is_torn(state, present)
   local files, config_now = state.files, state.config
   for role in pairs(present) do
      if not files[role] then
         return true
      end
   end
   return state.registered and config_now.kind == "origin" and not files.clean
      and not (config_now.snapshots_disabled and files.dirty)
end

-- a session that is over has no image, only a file that is in the way
local function end_session(store, state, entries)
   local path = layout.discarded(state.vid)
   local mark = (not entries or entries:has(path)) and store:read(path)
   if not mark then
      return
   end
   state.discard = "begun"
   if state.registered and discard.is_done(mark, state.files) then
      state.discard, state.lost, state.files.dirty = "done", nil, nil
   end
end

-- Of a volume that keeps nothing only the images count that have fixed names: others are not looked for if that is
-- enough, among what may be very many files of other volumes.
local function find_names(store, state, options)
   local keeps_nothing = state.registered and not state.config.save_on_stop
   if options.fixed_names and keeps_nothing and not options.listing then
      return {}, layout.roles
   end
   local present, roles = sort_names(state, (options.listing or store):names_of(state.vid)), {}
   for role in pairs(present) do
      roles[#roles + 1] = role
   end
   return present, roles
end

-- Nothing but the age of what is in the trash depends on it, so damage of it stands in nobody's way.
local function read_clock(store)
   local seen = { synchronised = core.clock_is_synchronised() }
   local text = store:read(layout.trash_clock)
   if text then
      local ok, mark = failure.catch(catalog.decode_clock, layout.trash_clock, text)
      seen.mark, seen.damaged = ok and mark or nil, not ok
   end
   return seen
end

local function look(store, volume, pool, options)
   local state = new_state(volume)
   for _, role in ipairs(layout.roles) do
      state.paths[role] = layout.image(volume, role)
   end
   state.config, state.raw = survey.entry(store, volume, pool)
   state.registered = state.config ~= nil
   state.config = state.config or config.effective({ snap_on_start = false, save_on_stop = true, rw = true }, pool,
      volume)
   state.removed = store:is_marked(layout.removed(volume), options.entries)
   state.lost = store:is_marked(layout.lost(volume), options.entries)

   local present, roles = find_names(store, state, options)
   for _, role in ipairs(roles) do
      state.files[role] = store:stat(state.paths[role])
   end
   state.preserved = find_linked(store, state.files.clean, state.revisions)
   state.committed_in_trash = find_linked(store, state.files.clean, state.trash)
   state.source = read_source(store, state, pool, options.memo or {})
   state.source_copy = options.source_copy and find_source_copy(store, state) or nil
   local files = state.files
   if files.clean and files.precache and files.clean.type == "file" and files.precache.type == "file" then
      files.precache.fresh = is_fresh(store, files, state.paths)
   end
   state.clock = state.config.trash and read_clock(store) or nil
   state.torn = is_torn(state, present)
   end_session(store, state, options.entries)
   if options.writers and files.dirty and files.dirty.type == "file" then
      files.dirty.writer = store:find_writer(state.paths.dirty)
   end
   return state
end

--- Read the state of a volume.
-- @tparam store store
-- @tparam string volume a vid
-- @tparam table pool settings of the pool
-- @tparam[opt] table options `writers = true`: find out who has the dirty image open for writing (its `writer`);
-- `listing`: where the names in the volume's directory come from (default: the store); `entries`: a listing of the
-- catalog, to whom holds the lock: it tells which marks are there; `fixed_names = true`: without
-- the temporary files of a volume that keeps nothing; `source_copy = true`: look for the revision that has the source's
-- content, which may have to be read; `memo`: a table for what is the same for all volumes of an operation
-- @treturn table
-- @raise `corrupt`: a damaged catalog entry; `io`
function survey.volume(store, volume, pool, options)
   options = options or {}
   local ok, state
   for _ = 1, looks do
      ok, state = failure.catch(look, store, volume, pool, options)
      local passing = ok and state.torn or not ok and state.errno == core.errno.ENOENT
      if not passing then
         break
      end
      -- what was read for others is of another moment
      options = {
         writers = options.writers, fixed_names = options.fixed_names, source_copy = options.source_copy,
      }
   end
   if not ok then
      error(state, 0)
   end
   state.torn = nil
   return state
end

--- The revisions a user sees, oldest first.
-- The committed image is not its own history: of an origin, a revision that is
-- the clean image itself is a commit that was cut short.
-- @tparam table state
-- @treturn table
function survey.history(state)
   if not state.preserved or state.config.kind ~= "origin" then
      return state.revisions
   end
   local list = {}
   for _, revision in ipairs(state.revisions) do
      if revision ~= state.preserved then
         list[#list + 1] = revision
      end
   end
   return list
end

--- Is the committed image missing that the volume needs?
-- A session begun without snapshots is the only copy, also once they are enabled again: its stop commits it.
-- @tparam table state
-- @treturn boolean
function survey.lacks_image(state)
   return state.config.kind == "origin" and not state.files.clean and not state.files.dirty
end

--- Refuse a volume that is not there or whose images are not plain files.
-- @tparam table state
-- @treturn table the state
-- @raise `no_such_volume`, `corrupt`
function survey.require(state)
   if not state.registered then
      local hint
      if next(state.files) or #state.revisions > 0 then
         hint = "its images are there but the pool does not know them; take them in with: byre adopt --only "
            .. state.vid
      end
      failure.raise("no_such_volume", state.vid, "no such volume in this pool",
         { volume = state.vid, hint = hint })
   end
   for _, role in ipairs(layout.roles) do
      local stat = state.files[role]
      if stat and stat.type ~= "file" then
         failure.raise("corrupt", state.vid, ("%s is a %s, not a plain file; put the image itself in its place"):format(
            layout.basename(state.paths[role]), stat.type), { volume = state.vid, path = state.paths[role] })
      end
   end
   return state
end

--- Is a running snapshot out of date: does its source have newer content by now?
-- As long as the volume runs, its clean image is a hard link to the source's
-- as of its start. Where no link was possible (another subvolume) or wanted
-- (a source without snapshots) it is a copy with the source's time.
-- @tparam table state
-- @treturn boolean
function survey.is_outdated(state)
   local own, source = state.files.clean, state.source and state.source.clean
   if not own or not source or same_inode(own, source) then
      return false
   end
   -- another name that it may have is that of a revision
   return own.nlink ~= (state.preserved and 2 or 1) or not is_copy(own, source)
end

--- What a volume is now; refuses one that is not there or whose images are not plain files.
-- @tparam pool pool
-- @tparam string id its vid
-- @tparam[opt] table options as of `survey.volume`
-- @treturn table the state
-- @raise `no_such_volume`, `corrupt`
function survey.existing(pool, id, options)
   return survey.require(survey.volume(pool.store, id, pool.config, options))
end

return survey
