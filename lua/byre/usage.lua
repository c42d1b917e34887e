--- Where the space of a pool went: by volume, by image, and what would come back.
-- @module byre.usage
local failure = require("byre.failure")
local history = require("byre.decide.history")
local space = require("byre.space")
local status = require("byre.status")
local survey = require("byre.survey")

local usage = {}

local methods = {}
local mt = { __name = "byre.usage", __index = methods }

-- the files of a volume that take space, whatever they are to it
local function images_on_disk(pool, volume)
   local state = survey.existing(pool, volume.vid, { listing = volume.listing })
   local images = {}
   for _, file in ipairs(status.files(state)) do
      local stat = file.stat or pool.store:stat(file.path)
      if stat and stat.type == "file" then
         images[#images + 1] = { role = file.role, revision = file.revision, path = file.path, size = stat.size }
      end
   end
   return images
end

local function add_volume(self, pool, volume, list)
   local ok, images = failure.catch(images_on_disk, pool, volume)
   if not ok then
      -- a volume that was removed meanwhile takes nothing; a damaged one does not hide the others
      if images.code == "corrupt" then
         table.insert(self.failures, images)
         self.failed[volume.vid] = images
      elseif images.code ~= "no_such_volume" then
         error(images, 0)
      end
      return
   end
   self.by_vid[volume.vid] = images
   table.insert(self.vids, volume.vid)
   for _, image in ipairs(images) do
      list[#list + 1] = { id = image, path = image.path }
   end
end

local function look_at_all(self, pool)
   local list = {}
   self.by_vid, self.vids, self.failures, self.failed = {}, {}, {}, {}
   for volume in pool:volumes() do
      add_volume(self, pool, volume, list)
   end
   self.is_whole = true
   return list
end

-- The images of these volumes; of all where who else shares with them can only be seen by looking.
local function look_at(self, pool, vids)
   local list = {}
   for _, vid in ipairs(vids) do
      add_volume(self, pool, { vid = vid }, list)
   end
   return space.sees_outside(pool.store, list) and list or look_at_all(self, pool)
end

--- Look at the images of a pool.
-- @tparam pool pool
-- @tparam[opt] {string,...} vids of the volumes that will be asked about, each once (default: all)
-- @treturn usage with the fields `basis`, `exact`, `reason` (see `byre.space`), `size`, `used`, `free` (bytes of the
-- file system), `allocated` (bytes that the images take together; nil: not known), `failures` (errors of volumes that
-- are left out: what they take counts as somebody else's), `is_whole` (all volumes were looked at; `allocated` is of
-- those that were)
-- @raise `io`, `denied`
function usage.of(pool, vids)
   local self = setmetatable({ by_vid = {}, vids = {}, failures = {}, failed = {}, gone = {} }, mt)
   local list = vids and look_at(self, pool, vids) or look_at_all(self, pool)
   self.map = space.map(pool.store, list)
   self.basis, self.exact, self.reason = self.map.basis, self.map.exact, self.map.reason
   local filesystem = pool:usage()
   self.size, self.used, self.free = filesystem.size, filesystem.used, filesystem.free
   self.allocated = self.map:union()
   return self
end

-- figures of some images together
local function figures(self, images)
   local allocated, exclusive = self.map:union(images), self.map:freed(images)
   return {
      allocated = allocated, exclusive = exclusive, shared = allocated and allocated - exclusive,
   }
end

local function images_of(self, vid)
   if self.failed[vid] then
      error(self.failed[vid], 0)
   end
   return self.by_vid[vid] or failure.raise("no_such_volume", vid, "no such volume in this pool", { volume = vid })
end

local function of_role(images, wanted)
   local list = {}
   for _, image in ipairs(images) do
      if image.role == wanted then
         list[#list + 1] = image
      end
   end
   return list
end

local function volume_figures(self, vid)
   local images = images_of(self, vid)
   local result = figures(self, images)
   local revisions = of_role(images, "revision")
   result.vid, result.revision_count = vid, #revisions
   result.history = self.map:freed(revisions)
   result.trash = self.map:freed(of_role(images, "trash"))
   return result
end

--- What each volume takes, in the order of their vids.
-- @treturn function iterator of tables: `vid`; `allocated` (bytes that its images take together), `exclusive` (of them,
-- what is free when the volume goes), `shared` (the rest), `history` (what is free when its revisions go), `trash`
-- (what is free when its trash is emptied), `revision_count`
function methods:volumes()
   local i = 0
   return function()
      i = i + 1
      return self.vids[i] and volume_figures(self, self.vids[i])
   end
end

--- What one volume takes.
-- @tparam string vid
-- @treturn table as in `volumes`, and `images`: a list with `role` (as of `volume:files()`), `revision` (id), `path` in
-- the pool, `size`, `allocated`, `shared`, `exclusive` (what is free when this image alone goes)
-- @raise `no_such_volume`, `corrupt` (it is one of `failures`)
function methods:volume(vid)
   local result = volume_figures(self, vid)
   result.images = {}
   for i, image in ipairs(images_of(self, vid)) do
      result.images[i] = {
         role = image.role, revision = image.revision, path = image.path, size = image.size,
         allocated = self.map:allocated(image), shared = self.map:shared(image), exclusive = self.map:exclusive(image),
      }
   end
   return result
end

local function find_revision(self, vid, id)
   for _, image in ipairs(images_of(self, vid)) do
      if image.revision == id then
         return image
      end
   end
   history.no_such_revision({ vid = vid }, id)
end

-- "vm/root" or "vm/root@3" -> its images
local function named(self, name)
   local vid, revision = name:match("^([^@]*)@(.*)$")
   if not vid then
      return images_of(self, name)
   end
   return { find_revision(self, vid, revision) }
end

-- revisions of a volume, by their ids, and what is in its trash, by its path; those that are not there (any more)
-- take nothing
local function revisions_of(self, vid, ids)
   local wanted, list = {}, {}
   for _, id in ipairs(ids) do
      wanted[id] = true
   end
   for _, image in ipairs(images_of(self, vid)) do
      if wanted[image.revision or image.role == "trash" and image.path] and not self.gone[image] then
         list[#list + 1] = image
      end
   end
   return list
end

-- the images that are gone since, and these
local function with_gone(self, images)
   for image in pairs(self.gone) do
      images[#images + 1] = image
   end
   return images
end

--- What is free when these revisions of a volume go.
-- @tparam string vid
-- @tparam {string,...} ids and paths in the pool of what is in the trash
-- @treturn ?integer bytes; nil: not known
-- @raise `no_such_volume`, `corrupt`
function methods:freed(vid, ids)
   local images, before = revisions_of(self, vid, ids), 0
   if next(self.gone) then
      before = self.map:freed(with_gone(self, {}))
   end
   local all = self.map:freed(with_gone(self, images))
   return all and all - before
end

--- What a volume still takes once these revisions of it are gone.
-- @tparam string vid
-- @tparam {string,...} ids
-- @treturn ?integer bytes, whoever else has them; nil: not known
-- @raise `no_such_volume`, `corrupt`
function methods:taken_without(vid, ids)
   local left, going = {}, {}
   for _, image in ipairs(revisions_of(self, vid, ids)) do
      going[image] = true
   end
   for _, image in ipairs(images_of(self, vid)) do
      left[#left + 1] = not (going[image] or self.gone[image]) and image or nil
   end
   return self.map:union(left)
end

--- Revisions are gone by now: nobody holds anything through them any more.
-- @tparam string vid
-- @tparam {string,...} ids
function methods:forget(vid, ids)
   for _, image in ipairs(revisions_of(self, vid, ids)) do
      self.gone[image] = true
   end
end

--- What some volumes and revisions take together.
-- @tparam {string,...} names vids, and revisions as `VID@ID`
-- @treturn table `allocated`, `shared`, and `exclusive`: what is free when all of them go
-- @raise `no_such_volume`, `no_such_revision`, `corrupt` (it is one of `failures`)
function methods:of(names)
   local all = {}
   for _, name in ipairs(names) do
      local images = named(self, name)
      table.move(images, 1, #images, #all + 1, all)
   end
   return figures(self, all)
end

function mt.__tostring()
   return "byre.usage"
end

--- Add to images of a volume what each takes, as `volume:space` tells it.
-- @tparam volume volume
-- @tparam {table,...} list each with its `path`; gets `allocated`, `shared`, `exclusive` (bytes)
-- @raise `corrupt`, `io`
function usage.add_to(volume, list)
   local by_path = {}
   for _, image in ipairs(#list > 0 and volume:space().images or {}) do
      by_path[volume.pool.dir .. "/" .. image.path] = image
   end
   for _, item in ipairs(list) do
      local image = by_path[item.path] or {}
      item.allocated, item.shared, item.exclusive = image.allocated, image.shared, image.exclusive
   end
end

return usage
