--- A store in memory: names that point to inodes, and nothing else.
--
-- It has the methods of `byre.store.files` that the survey and the executor
-- use. `snapshot` copies it, so that every prefix of a plan can be looked at
-- as a crash would leave it. The content of an inode is a string.
local memory_store = {}

local methods = {}
local mt = { __index = methods }

local failure = require("byre.failure")
local core = require("byre.core")
local layout = require("byre.layout")
local vid = require("byre.vid")

function memory_store.new()
   return setmetatable({ names = {}, inodes = {}, next_ino = 1, clock = 1000, calls = {} }, mt)
end

--- An independent copy.
function methods:snapshot()
   local copy = memory_store.new()
   copy.next_ino, copy.clock = self.next_ino, self.clock
   for ino, inode in pairs(self.inodes) do
      local twin = {}
      for key, value in pairs(inode) do
         twin[key] = value
      end
      copy.inodes[ino] = twin
   end
   for name, ino in pairs(self.names) do
      copy.names[name] = ino
   end
   return copy
end

function methods:tick()
   self.clock = self.clock + 1
   return self.clock
end

local function missing(path)
   failure.raise("corrupt", path, "no such file", { errno = core.errno.ENOENT })
end

function methods:inode(path)
   return self.inodes[self.names[path]] or missing(path)
end

--- Make or overwrite a file, as a guest or an earlier operation would.
function methods:put(path, content, mtime)
   local ino = self.names[path]
   if not ino then
      ino = self.next_ino
      self.next_ino = ino + 1
      self.names[path] = ino
   end
   self.inodes[ino] = { content = content, size = #content, mtime = mtime or self:tick(), ctime = self:tick() }
end

function methods:stat(path)
   local ino = self.names[path]
   if path == "." then
      return { type = "directory", dev = 1 }
   elseif not ino then
      return nil
   end
   local inode, nlink = self.inodes[ino], 0
   for _, other in pairs(self.names) do
      nlink = nlink + (other == ino and 1 or 0)
   end
   return { type = "file", size = inode.size, ino = ino, dev = 1, nlink = nlink, mode = 384, blocks = 8,
      mtime = inode.mtime, mtime_nsec = 0, ctime = inode.ctime, ctime_nsec = 0 }
end

function methods:list(directory, prefix)
   local start = (directory == "." and "" or directory .. "/")
   local names = {}
   for path in pairs(self.names) do
      local name = path:sub(1, #start) == start and path:sub(#start + 1)
      if name and not name:find("/", 1, true) and name:sub(1, #prefix) == prefix then
         names[#names + 1] = name
      end
   end
   return names, {}
end

function methods:names_of(id)
   local names, kinds = self:list(layout.group_directory(id), vid.name(id))
   local revisions, others = layout.find_revisions(id, names)
   return revisions, others, kinds
end

function methods:read(path)
   return self.names[path] and self:inode(path).content
end

function methods:link(from, to, replace)
   if self.names[to] and not replace then
      failure.raise("exists", to, "file exists", { errno = core.errno.EEXIST })
   end
   self.names[to] = self.names[from] or missing(from)
   self:inode(to).ctime = self:tick()
end

function methods:rename(from, to)
   local ino = self.names[from] or missing(from)
   if self.names[to] ~= ino then
      self.names[from], self.names[to] = nil, ino
   end
   self:inode(to).ctime = self:tick()
end

function methods:unlink(path)
   local there = self.names[path] ~= nil
   self.names[path] = nil
   return there
end

function methods:touch(path)
   self:inode(path).mtime = self:tick()
end

function methods:set_cow_extent_size(path, bytes)
   self:inode(path).cow_extent_size = bytes
end

function methods:resize(path, size)
   self:inode(path).size = size
   return {}
end

local file = {}
file.__index = file

function methods:new_file()
   return setmetatable({ store = self, inode = { content = "", size = 0 } }, file)
end

function methods:open(path)
   return setmetatable({ store = self, inode = self:inode(path) }, file)
end

function file:truncate(size)
   self.inode.size = size
   return true
end

function file:write(data)
   self.inode.content, self.inode.size = data, #data
   return true
end

function file:fill_from(source)
   self.inode.content, self.inode.size = source.inode.content, source.inode.size
   return "reflinked"
end

function file.punch()
   return true
end

function file:copy_from(source)
   self.inode.content, self.inode.size = source.inode.content, source.inode.size
   return self.inode.size
end

function file:set_mtime(mtime)
   self.inode.mtime = mtime
   return true
end

function file:stat()
   return { size = self.inode.size, mtime = self.inode.mtime, mtime_nsec = 0 }
end

function file:publish(path, replace)
   local store = self.store
   if store.names[path] and not replace then
      return nil, "link: file exists", core.errno.EEXIST
   end
   self.inode.mtime = self.inode.mtime or store:tick()
   self.inode.ctime = store:tick()
   store.inodes[store.next_ino] = self.inode
   store.names[path] = store.next_ino
   store.next_ino = store.next_ino + 1
   return true
end

function file:sync()
   self.store.calls.sync = (self.store.calls.sync or 0) + 1
   return true
end

function file.close() end

function methods.make_dir() return {} end
function methods.can_link() return true end
function methods.sync_all_covers() return true end
function methods.remove_dir() return false end
function methods.chmod() end
function methods.sync_file() end
function methods.sync_directory() end
function methods.sync_all() end
function methods.find_writer() end
function methods.watch() end
function methods.is_watched() return false end

function methods:mark(path)
   self:put(path, "")
end

function methods:is_marked(path)
   return self.names[path] ~= nil
end


function methods:regions(path, size)
   return { { start = 0, count = 9, allocated = math.min(self:inode(path).size, size), shared = 0 } }
end

function methods.usage() return { size = 1 << 40, used = 0, free = 1 << 40 } end

function methods:same_extents(a, b)
   return self:inode(a).content == self:inode(b).content
end

methods.same_content = methods.same_extents

return memory_store
