--- Where a directory of the store is: on which file system, in which mount.
-- Methods of `byre.store.files`.
-- @module byre.store.places
local core = require("byre.core")
local failure = require("byre.failure")
local layout = require("byre.layout")

local places = {}

local errno = core.errno

-- the mount that an open directory is in, as text; nil where /proc does not tell
local function mount_of(handle)
   local info = core.open(("/proc/self/fdinfo/%d"):format(handle:fileno()), "r")
   local text = info and info:read_all()
   if info then
      info:close()
   end
   return text and text:match("mnt_id:%s*(%d+)")
end

-- open a directory, or the one that it is going to be in
local function open_place(self, path)
   local handle, message, code = self.dir:open_dir(path)
   while not handle and code == errno.ENOENT and path ~= "." do
      path = layout.directory(path)
      handle, message, code = self.dir:open_dir(path)
   end
   return (failure.check_path(path, handle, message, code))
end

-- the file system and the mount that a directory is in, or is going to be in
local function place_of(self, path)
   local handle = open_place(self, path)
   local stat, mount = handle:stat("."), mount_of(handle)
   handle:close()
   return ("%s %s"):format(stat and stat.dev, mount)
end

--- Can a file in one directory be linked into another?
-- Not from one subvolume of btrfs to another, nor between two mounts, be they of the same file system.
-- @tparam string from
-- @tparam string to may be missing as yet, as `from` may
-- @tparam[opt] table memo remembers the places of directories, while none of them changes
-- @treturn boolean
function places:can_link(from, to, memo)
   local known = memo or {}
   for _, path in ipairs(from ~= to and { from, to } or {}) do
      local key = "place of " .. path
      known[key] = known[key] or place_of(self, path)
   end
   return known["place of " .. from] == known["place of " .. to]
end

--- Does `sync_all` cover what is in a directory? What is mounted below the pool may be another file system.
-- Subvolumes of btrfs are no mounts of their own.
-- @treturn boolean
function places:sync_all_covers(path)
   local handle = open_place(self, path)
   local mount, stat = mount_of(handle), handle:stat(".")
   handle:close()
   self.mount = self.mount or mount_of(self.dir)
   if mount and self.mount then
      return mount == self.mount
   end
   return stat ~= nil and stat.dev == self.dir:stat(".").dev
end

return places
