--- A pool directory as a store: what the executor and the survey need of it.
--
-- Paths are relative to the pool directory and walked beneath its descriptor.
-- Everything raises error objects; a missing file is nil where reading.
-- Another back end offers the same methods on something other than files.
-- @module byre.store.files
local core = require("byre.core")
local difference = require("byre.difference")
local durability = require("byre.store.durability")
local failure = require("byre.failure")
local layout = require("byre.layout")
local places = require("byre.store.places")
local vid = require("byre.vid")

local files = {}

local methods = {}
for _, part in ipairs({ places, durability }) do
   for name, method in pairs(part) do
      methods[name] = method
   end
end

local mt = { __name = "byre.store.files", __index = methods }

local errno = core.errno
local directory_mode = tonumber("775", 8)
local private_mode = tonumber("700", 8)

--- Make a store of a directory.
-- @param dir handle of `core.open_dir`; the store owns it
-- @tparam string name how messages call the directory
-- @treturn store
function files.new(dir, name)
   local self = setmetatable({ dir = dir, name = name, there = {} }, mt)
   self:begin_watching()
   return self
end

local check = failure.check_path

--- @treturn ?table see `dir:stat`; nil: there is no such file
function methods:stat(path)
   local stat, message, code = self.dir:stat(path)
   if stat or code == errno.ENOENT then
      return stat
   end
   check(path, nil, message, code)
end

--- Names in a directory that start with a prefix; none if it does not exist.
-- @treturn {string,...}
-- @treturn table name -> type of those that are no regular files
function methods:list(path, prefix)
   local names, kinds, code = self.dir:list(path, prefix)
   if names then
      return names, kinds
   elseif code == errno.ENOENT then
      return {}, {}
   end
   check(path, nil, kinds, code)
end

--- The files of a volume: those in its directory whose names begin with its own.
-- @tparam string id a vid
-- @treturn {table,...} revisions, see `layout.find_revisions`
-- @treturn {string,...} other names
-- @treturn table name -> type of those that are no regular files
function methods:names_of(id)
   local path = layout.group_directory(id)
   local revisions, others, kinds = self.dir:find_revisions(path, vid.name(id), layout.prefix(id))
   if revisions then
      return revisions, others, kinds
   elseif kinds == errno.ENOENT then
      return {}, {}, {}
   end
   check(path, nil, others, kinds)
end

--- Sizes of files in a directory, looked at in one go.
-- @tparam string path of the directory
-- @tparam {string,...} names
-- @treturn table in the order of the names, bytes, or false for a file that is gone
function methods:sizes(path, names)
   return (check(path, self.dir:sizes(path, names)))
end

--- Names and types in a directory, one after the other.
function methods:each(path)
   local next_name, message, code = self.dir:each(path)
   if next_name then
      return function()
         local ok, name, kind = pcall(next_name)
         if not ok then
            error(failure.from_errno(path, name, nil, { path = path }), 0)
         end
         return name, kind
      end
   elseif code == errno.ENOENT then
      return function() end
   end
   check(path, nil, message, code)
end

--- @treturn ?string content of a small file; nil: there is no such file
function methods:read(path)
   local text, message, code = self.dir:read(path)
   if text or code == errno.ENOENT then
      return text
   elseif code == errno.EFBIG then
      local file = self:open(path, "r")
      text, message, code = file:read_all()
      file:close()
   end
   return (check(path, text, message, code))
end

function methods:open(path, mode)
   return (check(path, self.dir:open(path, mode)))
end

-- What is byre's own is for nobody else, whatever the umask; directories of images are as the umask says.
local function make_one_dir(self, path)
   if path == layout.home or path:sub(1, #layout.home + 1) == layout.home .. "/" then
      return self.dir:make_dir(path, private_mode, "exact")
   end
   return self.dir:make_dir(path, directory_mode)
end

--- Make a directory and those above it that are missing.
-- @treturn {string,...} paths of the directories that are new
function methods:make_dir(path)
   local made = {}
   if self.there[path] and self.dir:is_held() then
      return made
   end
   local walked
   for component in path:gmatch("[^/]+") do
      walked = walked and walked .. "/" .. component or component
      local ok, message, code = make_one_dir(self, walked)
      if ok then
         made[#made + 1] = walked
      elseif code ~= errno.EEXIST then
         check(walked, nil, message, code)
      end
   end
   self.there[path] = self.dir:is_held() or nil
   return made
end

--- Keep the directories open that are walked to, so that each is walked to once. For an operation that has their
-- locks: who makes or removes them waits for these.
-- @return handle with `release`; it may be called again, and one that is forgotten is released when it is collected
function methods:hold()
   if not self.dir:is_held() then
      self.there = {}
   end
   return self.dir:hold()
end

--- Remove a directory if it is empty and nothing is mounted there.
-- @treturn boolean whether it was removed
function methods:remove_dir(path)
   self.there = {}
   local ok, message, code = self.dir:remove_dir(path)
   if ok then
      return true
   elseif code == errno.ENOENT or code == errno.ENOTEMPTY or code == errno.EEXIST or code == errno.EBUSY then
      return false
   end
   check(path, nil, message, code)
end

--- Give a file a second name.
-- @tparam string from
-- @tparam string to
-- @tparam[opt] boolean replace whether `to` may exist; it changes in one step then
function methods:link(from, to, replace)
   local name = replace and to .. "~" .. core.random_name() or to
   check(to, self.dir:link(from, name))
   if not replace then
      return
   end
   local ok, message, code = self.dir:rename(name, to)
   -- a rename between two names of one file does nothing, so look for the first one
   self.dir:unlink(name)
   check(to, ok, message, code)
end

function methods:rename(from, to)
   check(from, self.dir:rename(from, to))
   self:unwatch(from)
end

--- @treturn boolean whether there was such a file, or a mark of this path that could not be written
function methods:unlink(path)
   local marked = self:forget_mark(path)
   local ok, message, code = self.dir:unlink(path)
   if ok then
      self:unwatch(path)
      return true
   elseif code == errno.ENOENT then
      return marked
   end
   check(path, nil, message, code)
end

--- The time of the last write becomes now.
function methods:touch(path)
   local file = self:open(path, "r")
   local ok, message, code = file:set_mtime(core.now(), 0)
   file:close()
   check(path, ok, message, code)
end

function methods:chmod(path, mode)
   check(path, self.dir:chmod(path, mode))
end

--- In what pieces the file system is to write shared blocks of a file anew.
-- @tparam string path
-- @tparam integer bytes 0: as it does by itself
-- @raise `not_supported`
function methods:set_cow_extent_size(path, bytes)
   local file = self:open(path, "r")
   local ok, message, code = file:set_cow_extent_size(bytes)
   file:close()
   check(path, ok, message, code)
end

--- Another size for a file, durable, and for the loop devices on it.
-- @treturn {string,...} the loop devices
-- @raise as `sync_file`
function methods:resize(path, size)
   local file = self:open(path, "rw")
   local ok, message, code = file:truncate(size)
   local truncated = ok
   if ok then
      ok, message, code = file:sync()
   end
   local devices = ok and core.loop_devices(file) or {}
   file:close()
   if not ok then
      error(failure.from_errno(path, message, code, { path = path, lost = truncated }), 0)
   end
   for _, device in ipairs(devices) do
      check(device, core.loop_set_capacity(device))
   end
   return devices
end

--- Start a new file that has no name yet.
-- @tparam string path the name it is going to have
-- @return handle with `publish(path, replace)`, `sync`, `close`
function methods:new_file(path)
   return (check(path, self.dir:tmpfile(path)))
end

--- Open a file for reading. Who only looks holds no lock: it may be gone since its name was read.
-- @return handle; nil: there is no such file
function methods:open_if_there(path)
   local file, message, code = self.dir:open(path, "r")
   if not file and code ~= errno.ENOENT then
      check(path, nil, message, code)
   end
   return file
end

--- Open a file whose writes go to its end; it is not made.
-- @return handle; nil: there is no such file
function methods:open_to_append(path)
   local file, message, code = self.dir:open(path, "a")
   if not file and code ~= errno.ENOENT then
      check(path, nil, message, code)
   end
   return file
end

--- Do two files consist of the same blocks?
-- @treturn boolean false also where the file system does not tell, and where one is gone
function methods:same_extents(a, b)
   local first, second = self:open_if_there(a), self:open_if_there(b)
   local same = first and second and first:same_extents(second)
   for _, file in pairs({ first, second }) do
      file:close()
   end
   return same == true
end

--- Do two files have the same content? See `byre.difference`.
function methods:same_content(a, b)
   return difference.same_content(self, a, b)
end

--- The parts of a file that have extents.
-- @tparam string path
-- @tparam integer size of a part, bytes
-- @treturn {table,...} `start`, `count`, `allocated`, `shared`
-- @raise `not_supported`: the file system does not tell
function methods:regions(path, size)
   local file = self:open(path, "r")
   local regions, message, code = file:regions(size)
   file:close()
   return (check(path, regions, message, code))
end

-- what a function says of a file; nil: there is no such file
local function ask(self, path, fn)
   local file = self:open_if_there(path)
   local answer = file and fn(file)
   if file then
      file:close()
   end
   return answer
end

--- How many extents a file has.
-- @treturn ?integer nil: the file system does not tell, or there is no such file
function methods:extents(path)
   local extents = ask(self, path, function(file) return (file:extents()) end)
   return extents and extents.count
end

-- in words: who it is that writes to a file
local function name_writer(file)
   local device = core.loop_devices(file)[1]
   if device then
      return "the loop device " .. device
   end
   local pid, name = core.find_writer(file)
   return pid and ("process %d (%s)"):format(pid, name) or "somebody"
end

--- Who has a file open for writing?
-- @treturn ?string in words; nil: nobody, or the file system does not tell, or the file is gone
function methods:find_writer(path)
   return ask(self, path, function(file) return file:has_writers() and name_writer(file) or nil end)
end

--- Has somebody a file open, to read or to write?
-- @treturn boolean false also where the file system does not tell, and where the file is gone
function methods:is_in_use(path)
   return ask(self, path, function(file) return file:has_users() end) == true
end

-- C does not wait longer than that, so that an interrupt gets its turn
local lock_slice = 0.25

--- Lock a group; the lock is released by `:release()` or when the process ends.
-- @tparam string group
-- @tparam string mode `shared` or `exclusive`
-- @tparam number timeout seconds to wait
-- @raise `busy` with the holder's pid
function methods:lock(group, mode, timeout)
   local path = layout.lock(group)
   local deadline = core.clock() + timeout
   local lock, message, code, pid
   repeat
      lock, message, code, pid = self.dir:lock(path, mode, math.min(lock_slice, math.max(0, deadline - core.clock())))
      if not lock and code == errno.ENOENT then
         self:make_dir(layout.directory(path))
         lock, message, code, pid = self.dir:lock(path, mode, 0)
      end
   until lock or code ~= errno.EAGAIN or core.clock() >= deadline
   if lock then
      return lock
   elseif code == errno.EAGAIN then
      failure.raise("busy", group == "" and self.name or group, ("in use by process %s; waited %s seconds"):format(
         pid or "(unknown)", (("%.1f"):format(timeout):gsub("%.0$", ""))), { errno = code, pid = pid })
   end
   check(path, nil, message, code)
end

--- @treturn table `size`, `used`, `free` of the file system, bytes
function methods:usage()
   return (check(self.name, self.dir:usage()))
end

function methods:close()
   self:end_watching()
   self.dir:close()
end

return files
