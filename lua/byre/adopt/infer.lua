--- What kind of volume images belong to: said by a qubes.xml, or read off the files.
--
-- Pure. What is read off is a guess for the user to look at: which program made a file is certain, what its owner
-- meant it to be is not.
-- @module byre.adopt.infer
local vid = require("byre.vid")

local infer = {}

local function inode(stat)
   return stat.dev .. ":" .. stat.ino
end

-- The clean image of a running snapshot is a hard link to its source's. Of two volumes with one image that one is the
-- source which has no session, or a history, or stands where templates do.
local function source_score(volume)
   return (volume.files.dirty and 0 or 4) + (volume.revisions > 0 and 2 or 0)
      + (volume.vid:find("^vm%-templates/") and 1 or 0)
end

-- vid -> vid of the source, by hard links
local function sources_by_links(volumes, stats)
   local by_inode, sources = {}, {}
   for id, volume in pairs(volumes) do
      local stat = volume.files.clean and stats[volume.files.clean]
      if stat and stat.nlink > 1 then
         local key = inode(stat)
         by_inode[key] = by_inode[key] or {}
         table.insert(by_inode[key], id)
      end
   end
   for _, ids in pairs(by_inode) do
      table.sort(ids, function(a, b)
         local score_a, score_b = source_score(volumes[a]), source_score(volumes[b])
         if score_a ~= score_b then
            return score_a > score_b
         end
         return a < b
      end)
      for i = 2, #ids do
         sources[ids[i]] = volumes[ids[i]].files.dirty and ids[1] or nil
      end
   end
   return sources
end

local function by_files(volume, source)
   local files = volume.files
   if source then
      return { snap_on_start = true, save_on_stop = false, source = source, rw = true },
         "its image is a link to that of " .. source
   elseif vid.name(volume.vid) == "volatile" and volume.revisions + volume.old_revisions == 0 then
      return { snap_on_start = false, save_on_stop = false, rw = true }, "it is called volatile"
   elseif not files.clean and files.dirty then
      return { snap_on_start = false, save_on_stop = true, rw = true, revisions_to_keep = -1 },
         "it has a session and no committed image"
   elseif files.clean or volume.foreign then
      return { snap_on_start = false, save_on_stop = true, rw = true }, "it has an image of its own"
   end
end

--- The settings of the volumes of a tree.
-- @tparam {[string]=table,...} volumes of `tree.volumes`
-- @tparam {[string]=table,...} stats path -> what `dir:stat` tells of it
-- @tparam ?table known vid -> settings that are known for sure; volumes that have no files are among them
-- @treturn {[string]=table,...} vid -> `settings` (nil: nobody can tell what it is), `why`, `sure`
function infer.settings(volumes, stats, known)
   local inferred, sources = {}, sources_by_links(volumes, stats)
   for id, volume in pairs(volumes) do
      local settings, why = by_files(volume, sources[id])
      inferred[id] = { settings = settings, why = why or "it has neither an image nor a session", sure = false }
   end
   for id, settings in pairs(known or {}) do
      inferred[id] = { settings = settings, why = "qubes.xml says so", sure = true }
   end
   return inferred
end

return infer
