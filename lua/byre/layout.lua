--- Names of the files of a pool (DESIGN: "Files of a pool").
--
-- Images are named exactly as the Qubes driver file-reflink names them. All
-- paths are relative to the pool directory.
-- @module byre.layout
local core = require("byre.core")
local units = require("byre.units")
local vid = require("byre.vid")

local layout = {}

--- Roles of the images that have one fixed name each.
layout.roles = { "clean", "dirty", "precache", "import" }

local suffixes = {
   clean = ".img",
   dirty = "-dirty.img",
   precache = "-precache.img",
   import = "-import.img",
}

--- The highest number of a revision.
layout.last_seq = core.last_seq

--- Where byre keeps what is its own.
layout.home = ".byre"
layout.pool_file = ".byre/pool.json"
-- its name once the pool is released, until the rest of `.byre` is gone
layout.released_file = ".byre/pool.json.released"
layout.catalog = ".byre/volume"
layout.policies = ".byre/policy"
--- What is called before and after operations, see `byre.hooks`.
layout.hooks = ".byre/hooks.lua"
--- What was done, see `byre.events`; and what was put aside when that had grown.
layout.events = ".byre/events.jsonl"
layout.old_events = ".byre/events.jsonl.1"
-- its lock stands beside those of groups, under a name that no group has
layout.events_lock = ".events"
--- The latest time that a policy was applied at.
layout.clock = ".byre/clock.json"
--- What the clock said when a trash was last looked at.
layout.trash_clock = ".byre/trash.json"

--- Path of an image.
-- @tparam string volume a vid
-- @tparam string role one of `layout.roles`
-- @treturn string
function layout.image(volume, role)
   return volume .. suffixes[role]
end

--- Path of a revision, and its id.
-- @tparam string volume a vid
-- @tparam integer seq number of the revision
-- @tparam integer time seconds since the epoch: the last write to the content
-- @treturn string path
function layout.revision(volume, seq, time)
   return ("%s.img.%d@%sZ"):format(volume, seq, units.format_stamp(time))
end

--- The directory that holds a path.
-- @tparam string path
-- @treturn string `"."` for a path without a slash
function layout.directory(path)
   return path:match("^(.+)/[^/]*$") or path:match("^/") or "."
end

--- The last component of a path.
-- @tparam string path
-- @treturn string
function layout.basename(path)
   return path:match("[^/]*$")
end

--- The directory that holds the images of a volume.
-- @tparam string volume a vid
-- @treturn string
function layout.group_directory(volume)
   return layout.directory(volume)
end

--- What a name in that directory gets in front to be a path.
-- @tparam string volume a vid
-- @treturn string `""`, or the directory and a slash
function layout.prefix(volume)
   return volume:match("^.*/") or ""
end

--- Path of the catalog entry of a volume.
function layout.entry(volume)
   return layout.catalog .. "/" .. volume .. ".json"
end

--- Path of the text of a policy.
-- @tparam string name
function layout.policy(name)
   return layout.policies .. "/" .. name .. ".lua"
end

--- Path of the mark that says: images of this vid without a catalog entry are
-- what is left of a removed or renamed volume.
function layout.removed(volume)
   return layout.catalog .. "/" .. volume .. ".removed"
end

--- Path of the mark that says: data of this volume's session could not be
-- made durable. The kernel tells of such a loss once; the mark remembers it.
function layout.lost(volume)
   return layout.catalog .. "/" .. volume .. ".lost"
end

--- Path of the mark that says: the session is over once the committed image
-- is another one, see `byre.discard`.
function layout.discarded(volume)
   return layout.catalog .. "/" .. volume .. ".discarded"
end

--- Path of the lock file of a group.
-- @tparam string group
-- @treturn string
function layout.lock(group)
   return ".byre/lock/" .. (group == "" and "" or group .. "/") .. ".lock"
end

--- The name that a temporary file was going to get.
-- @tparam string name of a file
-- @treturn ?string the name without its suffix `~12345678`; nil: it is no temporary file's
function layout.without_temporary(name)
   return name:match("^(.*)~[a-z0-9_][a-z0-9_][a-z0-9_][a-z0-9_][a-z0-9_][a-z0-9_][a-z0-9_][a-z0-9_]$")
end

-- Behind the name of a revision. The driver file-reflink takes what ends in "@", a time and "Z" for a revision, and
-- would stumble over its number; a name with "~" it removes as a temporary one.
local trash_mark = "~trash-"
local in_trash = "^(.*)~trash%-(%d[%d:T-]*)Z$"

--- Path of a revision in the trash.
-- @tparam string path of the revision
-- @tparam integer time when it was put there
-- @treturn string in the same directory
function layout.trash(path, time)
   return path .. trash_mark .. units.format_time(time)
end

--- The revisions in the trash among the files in the directory of a volume.
-- @tparam string volume a vid
-- @tparam {string,...} names of the files
-- @treturn {table,...} those that were put there first come first: `id`, `seq`, `time`, `path`, `home` (the path it had
-- and gets again), `removed` (when it was put there)
-- @treturn {string,...} the other names
function layout.find_trash(volume, names)
   local entries, others = {}, {}
   for _, name in ipairs(names) do
      local final, stamp = name:match(in_trash)
      local removed = stamp and core.parse_stamp(stamp)
      local revision = removed and layout.find_revisions(volume, { final })[1]
      if revision then
         revision.home, revision.removed = revision.path, removed
         revision.path = revision.home .. name:sub(#final + 1)
         entries[#entries + 1] = revision
      else
         others[#others + 1] = name
      end
   end
   table.sort(entries, function(a, b)
      if a.removed ~= b.removed then
         return a.removed < b.removed
      elseif a.seq ~= b.seq then
         return a.seq < b.seq
      end
      return a.path < b.path
   end)
   return entries, others
end

--- The path of a revision without what the trash put behind it.
-- @tparam string path
-- @treturn ?string nil: it is no name of the trash
function layout.without_trash(path)
   return (path:match(in_trash))
end

--- The revisions among the files in the directory of a volume.
-- @tparam string volume a vid
-- @tparam {string,...} names of the files
-- @treturn {table,...} by number: `id`, `seq`, `time`, `path`; a list that makes them when they are asked for
-- @treturn {string,...} the other names
function layout.find_revisions(volume, names)
   return core.find_revisions(names, vid.name(volume), layout.prefix(volume))
end

--- What a file in the directory of a volume is to this volume.
-- @tparam string volume a vid
-- @tparam string name of a file in the volume's directory
-- @treturn ?string a role, `"revision"`, `"trash"`, `"old_revision"` (the driver of 2018), `"temporary"`,
-- `"stray"` (looks like a revision but does not parse), or nil: not of this volume
function layout.parse(volume, name)
   local base = vid.name(volume)
   if name:sub(1, #base) ~= base then
      return nil
   end
   local rest = name:sub(#base + 1)
   for role, suffix in pairs(suffixes) do
      if rest == suffix then
         return role
      end
   end
   local final = layout.without_temporary(name)
   if final then
      local role = layout.parse(volume, final)
      return role and role ~= "stray" and role ~= "temporary" and "temporary" or nil
   end
   if rest:sub(1, 5) == ".img@" then
      return "old_revision"
   elseif rest:sub(1, 5) ~= ".img." then
      return nil
   end
   if layout.find_revisions(volume, { name })[1] then
      return "revision"
   elseif layout.find_trash(volume, { name })[1] then
      return "trash"
   end
   return rest:find("@", 1, true) and "stray" or nil
end

return layout
