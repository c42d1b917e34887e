--- What is durable: syncs, descriptors that hear of lost writes, and marks of what was lost.
-- Methods of `byre.store.files`.
-- @module byre.store.durability
local failure = require("byre.failure")

local durability = {}

-- A process has 1,024 descriptors as a rule, and a pool may have more sessions.
local max_watched = 256

--- Begin with nothing watched and nothing marked.
function durability:begin_watching()
   self.watched, self.order, self.marked = {}, {}, {}
end

--- Keep no descriptor of a file any more.
function durability:unwatch(path)
   local file = self.watched[path]
   if file then
      file:close()
      self.watched[path] = nil
   end
end

--- Keep no descriptors any more.
function durability:end_watching()
   for path in pairs(self.watched) do
      self:unwatch(path)
   end
end

-- the descriptor kept of a file, if it still is that file's
local function watched_file(self, path)
   local file = self.watched[path]
   if not file then
      return nil
   end
   local stat, own = self:stat(path), failure.check_path(path, file:stat())
   if stat and own.ino == stat.ino and own.dev == stat.dev then
      return file
   end
   self:unwatch(path)
end

--- Keep a descriptor of a file that somebody is going to write to.
-- The kernel tells every descriptor once that data could not be written, and a
-- descriptor opened after that hears nothing. Of very many files the latest are kept.
-- One that is kept already stays: it may have something to tell.
function durability:watch(path)
   if watched_file(self, path) then
      return
   end
   self.watched[path] = self:open(path, "r")
   table.insert(self.order, path)
   if #self.order > max_watched then
      self:unwatch(table.remove(self.order, 1))
   end
end

--- Does the store hear of every write error of a file?
function durability:is_watched(path)
   return watched_file(self, path) ~= nil
end

--- Make a file's content durable. A file that is watched stays so: what was to
-- come after may fail, and the session goes on.
-- @raise `io`: also when data was lost before, if the file is watched since before then; the error has `lost = true` if
-- the next attempt could succeed without the data
function durability:sync_file(path)
   local watched = watched_file(self, path)
   local file = watched or self:open(path, "r")
   local ok, message, code = file:sync()
   if not watched then
      file:close()
   end
   if not ok then
      error(failure.from_errno(path, message, code, { path = path, lost = true }), 0)
   end
end

--- Set a mark, as well as can be: the disk may be failing right now.
function durability:mark(path)
   self.marked[path] = true
   local file = self.dir:tmpfile(path)
   if file then
      file:publish(path, true)
      file:close()
   end
end

--- Is a mark set?
-- @tparam string path
-- @tparam[opt] listing names tells what is in its directory
function durability:is_marked(path, names)
   if self.marked[path] then
      return true
   end
   return (not names or names:has(path)) and self:stat(path) ~= nil
end

--- A mark is going to be removed.
-- @treturn boolean whether it was set by this store
function durability:forget_mark(path)
   local marked = self.marked[path] == true
   self.marked[path] = nil
   return marked
end

--- Make the names in a directory durable.
function durability:sync_directory(path)
   failure.check_path(path, self.dir:sync(path))
end

--- Make everything in the file system durable.
-- It tells once of data that was lost, to whom it may concern. So after a
-- failure the store is `doubtful`: only files synced one by one tell the truth.
function durability:sync_all()
   local ok, message, code = self.dir:sync_filesystem()
   self.doubtful = self.doubtful or not ok
   failure.check_path(self.name, ok, message, code)
end

return durability
