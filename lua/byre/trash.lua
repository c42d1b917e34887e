--- The trash: revisions that were taken away, and can be brought back for a while.
--
-- Its functions are methods of volumes and of pools.
-- @module byre.trash
local failure = require("byre.failure")
local notes = require("byre.notes")
local operation = require("byre.operation")
local restore = require("byre.decide.restore")
local survey = require("byre.survey")
local usage = require("byre.usage")
local window = require("byre.decide.trash")

local trash = {}

--- The request that brings a revision back.
-- @tparam pool _
-- @tparam string id of the volume
-- @tparam string revision its id
-- @treturn table for `byre.operation`
function trash.restore_request(_, id, revision)
   return { vid = id, reads = false, decide = function(state)
      return restore.revision(state, revision)
   end }
end

--- The request that empties the trash of a volume.
-- @tparam pool _
-- @tparam string id of the volume
-- @tparam[opt] {string,...} paths in the pool of the entries that go (default: all)
-- @treturn table for `byre.operation`
function trash.empty_request(_, id, paths)
   return { vid = id, reads = false, decide = function(state)
      return restore.empty(state, paths)
   end }
end

local function entries_of(pool, state)
   local list = {}
   for _, entry in ipairs(state.trash) do
      local stat, noted = pool.store:stat(entry.path), notes.of(state, { path = entry.home })
      -- nil: gone since the directory was read
      list[#list + 1] = stat and {
         volume = state.vid, id = entry.id, seq = entry.seq, time = entry.time, removed = entry.removed,
         expires = window.expires(state, entry), path = pool.dir .. "/" .. entry.path, size = stat.size,
         tags = noted.tags, note = noted.note, hold_until = noted.hold_until,
      } or nil
   end
   return list
end

--- What is in the trash of a volume; what was put there first comes first.
-- @tparam volume volume
-- @tparam[opt] table options `space = true`: also what each takes, see `volume:space`
-- @treturn {table,...} `volume`, `id`, `seq`, `time`, `path`, `size`, `tags`, `note`, `hold_until` as of
-- `volume:revisions`; `removed` (when it was put there, epoch), `expires` (when it goes for good, epoch; nil: not by
-- its age, the trash is off); `allocated`, `shared`, `exclusive` (bytes)
-- @raise `no_such_volume`, `corrupt`
function trash.of_volume(volume, options)
   local list = entries_of(volume.pool, survey.existing(volume.pool, volume.vid))
   if options and options.space then
      usage.add_to(volume, list)
   end
   return list
end

--- What is in the trash of the pool, volume by volume.
-- @tparam pool pool
-- @tparam[opt] string pattern of vids
-- @tparam[opt] table options as for `volume:trash`
-- @treturn function iterator of tables as of `volume:trash`
-- @raise `corrupt`
function trash.of_pool(pool, pattern, options)
   local volumes = pool:volumes(pattern)
   return coroutine.wrap(function()
      for volume in volumes do
         local ok, list = failure.catch(trash.of_volume, volume, options)
         -- removed meanwhile
         if not ok and list.code ~= "no_such_volume" then
            error(list, 0)
         end
         for _, entry in ipairs(ok and list or {}) do
            coroutine.yield(entry)
         end
      end
   end)
end

--- Bring a revision back from the trash, under its number and with what is noted of it. It is pruned as any other: a
-- hold keeps it.
-- @tparam volume volume
-- @tparam string id
-- @treturn table the revision, as of `volume:revision`
-- @raise `no_such_revision`, `exists` (there is a revision of its number)
function trash.restore(volume, id)
   assert(id ~= nil, "a revision's id is needed")
   local made = trash.restore_request(volume.pool, volume.vid, id)
   function made.result()
      return volume:revision(id)
   end
   return operation.run(volume.pool, { made })[1].value
end

-- the vids whose trash is meant
local function vids_of(pool, options)
   local vids = {}
   if options.volumes then
      for i, item in ipairs(options.volumes) do
         vids[i] = type(item) == "string" and item or item.vid
      end
      return vids
   end
   for volume in pool:volumes(options.pattern) do
      vids[#vids + 1] = volume.vid
   end
   return vids
end

--- Empty the trash, whatever its age is. The volumes are done one after the other.
-- @tparam pool pool
-- @tparam[opt] table options `volumes`: these (vids or volumes); `pattern`: those whose vids fit (default: all);
-- `dry_run`: only say what would go
-- @treturn {plan,...} of the volumes where something went
-- @raise `no_such_volume`, `busy`, `io`
function trash.empty(pool, options)
   options = options or {}
   local plans = {}
   for _, id in ipairs(vids_of(pool, options)) do
      local wanted = trash.empty_request(pool, id)
      if options.dry_run then
         wanted.plan = operation.plan(pool, wanted)
      else
         operation.run(pool, { wanted })
      end
      plans[#plans + 1] = #wanted.plan.phases > 0 and wanted.plan or nil
   end
   return plans
end

--- Take out of the trash of some volumes what was put there first, one after the other, until it is enough.
-- @tparam pool pool
-- @tparam {volume,...} volumes
-- @tparam function enough tells whether it is, once what went is given back by the file system
-- @treturn integer how many went
-- @raise `corrupt`, `busy`, `io`
function trash.empty_until(pool, volumes, enough)
   local entries = {}
   for _, volume in ipairs(volumes) do
      for _, entry in ipairs(trash.of_volume(volume)) do
         entries[#entries + 1] = entry
      end
   end
   table.sort(entries, function(a, b)
      return a.removed < b.removed or a.removed == b.removed and a.path < b.path
   end)
   for i, entry in ipairs(entries) do
      operation.run(pool, { trash.empty_request(pool, entry.volume, { entry.path:sub(#pool.dir + 2) }) })
      -- btrfs gives back what was removed once it is written down
      pool.store:sync_all()
      if enough() then
         return i
      end
   end
   return #entries
end

return trash
