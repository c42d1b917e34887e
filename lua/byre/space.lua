--- What images hold on the disk, what they share, and what removing some of them would free.
--
-- Images share blocks, so their sizes cannot be added up, and what is freed by removing two may be
-- more than by removing one and then the other. A map knows who refers to which bytes:
--
--    local map = space.map(store, {
--       { id = "old", path = "vm/root.img.1@2026-11-22T18:00:00Z" },
--       { id = "new", path = "vm/root.img" },
--    })
--    map:freed({ "old" })      -- bytes, or nil where nobody can know
--
-- It has the fields
--
--    basis    what it was made from: "extents" (the extent items of btrfs, which need privilege), "fiemap",
--             or nil: the file system does not tell, and every figure is nil
--    exact    whether the figures are what the file system would return. Not so by "fiemap" on btrfs, where
--             an extent is kept whole as long as a file refers to a part of it, nor where a snapshot of the
--             subvolume may hold extents as well (they count as held, so as much or more is freed)
--    reason   nil, or why the figures are not exact or not known
--
-- What others hold, too, files outside of the list, is freed by nobody in it. Extent items tell of all of
-- them; FIEMAP tells of those who share with one listed image, and not of a third besides two listed ones.
--
-- A name is an image only as long as no other is left: of an image with two names nothing is freed before
-- both are given, and nothing at all if one of its names is not in the list.
-- @module byre.space
local core = require("byre.core")
local failure = require("byre.failure")

local space = {}

local methods = {}
local mt = { __name = "byre.space", __index = methods }

local errno = core.errno

-- file systems on which a block is free as soon as nobody refers to this very block
local frees_blocks = { xfs = true, ext4 = true }

local reasons = {
   unknown = "the file system does not tell which blocks a file has",
   devices = "the images are on more than one file system",
   estimate = "the file system may keep more than what is referred to; root on btrfs is told exactly",
   snapshots = "a snapshot of the subvolume may hold some of it, too",
}

local check = failure.check_path

-- What becomes of the whole list is known from its first file.
local function begin(self, file, path)
   local basis, filesystem, code = core.basis(file)
   check(path, basis, filesystem, code)
   if basis == "data" then
      self.reason = reasons.unknown
      return
   end
   self.basis = basis
   self.exact = basis == "extents" or frees_blocks[filesystem] == true
   self.reason = not self.exact and reasons.estimate or nil
   self.shares = check(path, core.shares(basis))
end

local function give_up(self, reason)
   if self.shares then
      self.shares:close()
   end
   self.basis, self.shares, self.exact, self.reason = nil, nil, false, reason
end

-- An image is a file, however many names it has.
local function add_image(self, file, path)
   local stat = check(path, file:stat())
   local key = ("%d %d"):format(stat.dev, stat.ino)
   local image = self.by_inode[key]
   if not image then
      local number, message, code = self.shares:add(file)
      if code == errno.EXDEV then
         return give_up(self, reasons.devices)
      end
      image = { number = check(path, number, message, code), names = 0, given = 0 }
      self.by_inode[key] = image
   end
   -- a link that was made or removed meanwhile must not make it look like more than it is
   image.links = math.max(image.links or 0, stat.nlink)
   image.names = image.names + 1
   return image
end

local function add(self, item)
   local file = self.store:open_if_there(item.path)
   if not file then
      return
   end
   local ok, err = pcall(function()
      if not self.started then
         self.started = true
         begin(self, file, item.path)
      end
      if self.shares then
         self.images[item.id] = add_image(self, file, item.path)
      end
   end)
   file:close()
   if not ok then
      error(err, 0)
   end
end

local function add_all(self, list)
   for _, item in ipairs(list) do
      add(self, item)
      if self.started and not self.shares then
         return
      end
   end
   if self.shares then
      check(self.store.name, self.shares:settle())
      if self.shares:is_snapshotted() then
         self.exact, self.reason = false, reasons.snapshots
      end
   end
end

--- Make a map of images.
--
-- List every image that may share something with those that are asked about. Data that was not yet
-- written out is. An image that is gone when its turn comes holds nothing.
-- @tparam store store
-- @tparam {table,...} list `id` (anything, each once), `path` in the pool
-- @treturn map
-- @raise `io`, `denied`
function space.map(store, list)
   local self = setmetatable({ store = store, images = {}, by_inode = {}, selected = {}, exact = false }, mt)
   -- what one image still has to write may end what another one shares with it: all of it first
   store:sync_all()
   local ok, err = pcall(add_all, self, list)
   if not ok then
      give_up(self)
      error(err, 0)
   end
   -- nothing is listed: nothing is held, and that is certain
   self.empty = not self.started
   self.exact = self.exact or self.empty
   self.store, self.by_inode = nil, nil
   return self
end

--- Does the file system also tell of files that are not listed? Then a map of some images needs no others.
-- @tparam store store
-- @tparam {table,...} list as for `map`
-- @treturn boolean
-- @raise `io`, `denied`
function space.sees_outside(store, list)
   for _, item in ipairs(list) do
      local file = store:open_if_there(item.path)
      if file then
         local basis, message, code = core.basis(file)
         file:close()
         return check(item.path, basis, message, code) == "extents"
      end
   end
   return false
end

local function number_of(self, id)
   return self.images[id] and self.images[id].number
end

-- a figure of a map; `none` where it holds nothing
local function known(self, figure)
   if self.shares then
      return figure()
   end
   return self.empty and 0 or nil
end

--- Bytes that an image takes, whoever else has them. On btrfs extents count whole.
-- @param id
-- @treturn ?integer
function methods:allocated(id)
   return known(self, function()
      local number = number_of(self, id)
      return number and self.shares:allocated(number) or 0
   end)
end

--- Bytes that would be free if this one alone went.
-- @param id
-- @treturn ?integer
function methods:exclusive(id)
   return known(self, function()
      local image = self.images[id]
      return image and image.links == 1 and self.shares:exclusive(image.number) or 0
   end)
end

--- Bytes that an image takes and that would stay if it alone went.
-- @param id
-- @treturn ?integer
function methods:shared(id)
   return known(self, function()
      return self:allocated(id) - self:exclusive(id)
   end)
end

--- Bytes that at least one of these images takes.
-- @tparam[opt] table ids default: all
-- @treturn ?integer
function methods:union(ids)
   return known(self, function()
      if not ids then
         return self.shares:total()
      end
      local numbers = {}
      for _, id in ipairs(ids) do
         numbers[#numbers + 1] = number_of(self, id)
      end
      return self.shares:union(numbers)
   end)
end

local function select_name(self, id)
   local image = self.images[id]
   if image and not self.selected[id] then
      self.selected[id] = true
      image.given = image.given + 1
      if image.given == image.links then
         self.shares:take(image.number)
      end
   end
end

local function unselect_name(self, id)
   local image = self.images[id]
   self.selected[id] = nil
   if image.given == image.links then
      self.shares:put_back(image.number)
   end
   image.given = image.given - 1
end

--- Bytes that would be free if all of these went.
-- Asked with one more each time it costs what the one more costs.
-- @tparam table ids
-- @treturn ?integer
function methods:freed(ids)
   return known(self, function()
      local wanted = {}
      for _, id in ipairs(ids) do
         wanted[id] = true
      end
      for id in pairs(self.selected) do
         if not wanted[id] then
            unselect_name(self, id)
         end
      end
      for _, id in ipairs(ids) do
         select_name(self, id)
      end
      return self.shares:freed()
   end)
end

return space
