--- Names in directories: those of images, read once for many volumes, and the vids of the catalog.
-- @module byre.listing
local layout = require("byre.layout")
local vid = require("byre.vid")

local listing = {}

local methods = {}
local mt = { __name = "byre.listing", __index = methods }

--- Make a listing that remembers the directory asked for last.
-- @tparam store store
-- @treturn listing
function listing.new(store)
   return setmetatable({ store = store }, mt)
end

-- index of the first name that is not before a text
local function lower_bound(names, text)
   local low, high = 1, #names + 1
   while low < high do
      local middle = (low + high) // 2
      if names[middle] < text then
         low = middle + 1
      else
         high = middle
      end
   end
   return low
end

local function read(self, directory)
   if self.directory ~= directory then
      self.names, self.kinds = self.store:list(directory, "")
      self.sorted, self.present = false, nil
      self.directory = directory
   end
end

--- Is there something of this path? As of when its directory was read: for who holds the lock.
-- @tparam string path
-- @treturn boolean
function methods:has(path)
   read(self, layout.directory(path))
   if not self.present then
      self.present = {}
      for _, name in ipairs(self.names) do
         self.present[name] = true
      end
   end
   return self.present[layout.basename(path)] == true
end

--- The files of a volume, as `store:names_of` gives them.
-- @tparam string id a vid
-- @treturn {table,...} revisions
-- @treturn {string,...} other names
-- @treturn table name -> type of what is no regular file in this directory
function methods:names_of(id)
   local prefix = vid.name(id)
   read(self, layout.group_directory(id))
   if not self.sorted then
      table.sort(self.names)
      self.sorted = true
   end
   local found = {}
   local i = lower_bound(self.names, prefix)
   while self.names[i] and self.names[i]:sub(1, #prefix) == prefix do
      found[#found + 1] = self.names[i]
      i = i + 1
   end
   local revisions, others = layout.find_revisions(id, found)
   return revisions, others, self.kinds
end

local function add_entries(store, path, keys)
   for name, kind in store:each(path) do
      if kind == "directory" then
         keys[name .. "/"] = true
      elseif name:find("%.json$") then
         keys[name:sub(1, -6)] = true
      end
   end
end

local function change_time(store, path)
   local stat = store:stat(path)
   return stat and stat.ctime, stat and stat.ctime_nsec
end

-- how often to read a directory that changes meanwhile
local readings = 5

-- Names below a directory of the catalog in the order of vids: a volume "a" comes before what is in a
-- directory "a", and "a-b" stands between them. A file replaced while its directory is read may be seen under
-- neither its old nor its new entry (measured on btrfs), so a directory that changed is read again.
local function sorted_entries(store, path)
   local keys, sorted = {}, {}
   for _ = 1, readings do
      local seconds, nanoseconds = change_time(store, path)
      add_entries(store, path, keys)
      local seconds_after, nanoseconds_after = change_time(store, path)
      if seconds == seconds_after and nanoseconds == nanoseconds_after then
         break
      end
   end
   for key in pairs(keys) do
      sorted[#sorted + 1] = key
   end
   table.sort(sorted)
   return sorted
end

local function walk(store, path, prefix, yield)
   for _, key in ipairs(sorted_entries(store, path)) do
      if key:sub(-1) == "/" then
         walk(store, path .. "/" .. key:sub(1, -2), prefix .. key, yield)
      else
         yield(prefix .. key)
      end
   end
end

--- Call a function with every vid of the catalog, in their order.
-- @tparam store store
-- @tparam function yield
function listing.each_vid(store, yield)
   walk(store, layout.catalog, "", yield)
end

return listing
