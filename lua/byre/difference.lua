--- Where two states of a volume differ, told from their maps of extents.
--
-- A clone and its origin have the same blocks wherever nothing was written since, so nothing is read
-- where a map tells it. Where it does not, data is read and compared: small files kept with the metadata,
-- compressed data without privilege, file systems without maps, and those on which no two files share blocks.
--
-- Every change is told; what was written again may be told as well although it is what it was before.
-- @module byre.difference
local core = require("byre.core")
local failure = require("byre.failure")

local difference = {}

local methods = {}
local mt = { __name = "byre.difference", __index = methods }

local check = failure.check_path

local errno = core.errno

-- two files never have the same blocks there
local shares_nothing = { ext4 = true }

-- what two files can be compared by
local function basis_of(self)
   local basis, filesystem, code = core.basis(self.files[2])
   check(self.path, basis, filesystem, code)
   return shares_nothing[filesystem] and "data" or basis
end

local function compare(self, basis)
   local handle, message, code = core.difference(self.files[1], self.files[2], basis)
   if not handle and code == errno.EXDEV then
      basis = "data"
      handle, message, code = core.difference(self.files[1], self.files[2], basis)
   end
   self.handle = check(self.path, handle, message, code)
   self.basis = basis
end

--- Compare two images of a pool.
-- @tparam store store
-- @tparam string old path of one
-- @tparam string new path of the other
-- @tparam[opt] string basis `"data"`: read all of it (default: the best that the file system has)
-- @treturn difference with the fields `old_size`, `new_size` (bytes), and `basis`: `"extents"`, `"fiemap"`, or `"data"`
-- where all of it has to be read
-- @raise `io`, `denied`, `corrupt` (an image is missing)
function difference.new(store, old, new, basis)
   local self = setmetatable({ path = new, files = {} }, mt)
   local ok, err = pcall(function()
      self.files[1] = store:open(old, "r")
      self.files[2] = store:open(new, "r")
      self.old_size, self.new_size = check(old, self.files[1]:stat()).size, check(new, self.files[2]:stat()).size
      compare(self, basis or basis_of(self))
   end)
   if not ok then
      self:close()
      error(err, 0)
   end
   return self
end

local function is_none(self)
   local is_same = self.old_size == self.new_size and self:ranges()() == nil
   self:close()
   return is_same
end

--- Do two images have the same content? If they do not consist of the same blocks they are read, up to where they
-- differ.
-- @tparam store store
-- @tparam string old path of one
-- @tparam string new path of the other
-- @treturn boolean
-- @raise `io`, `denied`, `corrupt` (an image is missing)
function difference.same_content(store, old, new)
   local found = difference.new(store, old, new)
   return is_none(found) or found.basis ~= "data" and is_none(difference.new(store, old, new, "data"))
end

-- the sum of what differs; nil: the maps do not tell
local function sum(self)
   local basis = basis_of(self)
   if basis == "data" then
      return nil
   end
   local handle, message, code = core.difference(self.files[1], self.files[2], basis, false)
   if not handle and code == errno.EXDEV then
      return nil
   end
   self.handle = check(self.path, handle, message, code)
   local total = 0
   while true do
      local offset, length
      offset, length, code = self.handle:next()
      if offset then
         total = total + length
      elseif code == errno.ENODATA then
         return nil
      else
         check(self.path, length == nil or nil, length, code)
         return total
      end
   end
end

--- How many bytes differ, told from the maps alone: no data is read.
-- @tparam store store
-- @tparam string old path of one image of a pool
-- @tparam string new path of another
-- @treturn ?integer bytes; nil: the maps do not tell, or one of the images is gone
-- @raise `io`, `denied`
function difference.bytes(store, old, new)
   local self = setmetatable({ path = new, files = {} }, mt)
   local ok, result = pcall(function()
      self.files[1], self.files[2] = store:open_if_there(old), store:open_if_there(new)
      return self.files[1] and self.files[2] and sum(self) or nil
   end)
   self:close()
   if not ok then
      error(result, 0)
   end
   return result
end

--- The ranges that differ, ascending. Behind the end of the shorter image zeros are taken for its content.
-- They can be walked through once; the difference is closed behind the last one.
-- @treturn function iterator of offset and length, bytes
-- @raise `io`
function methods:ranges()
   return function()
      assert(self.handle, "the difference is closed")
      local offset, length, code
      repeat
         offset, length, code = self.handle:next()
      until length ~= 0
      if offset then
         return offset, length
      elseif length then
         self:close()
         check(self.path, nil, length, code)
      end
      self:close()
   end
end

--- Let go of the images; for who does not walk to the end.
function methods:close()
   if self.handle then
      self.handle:close()
      self.handle = nil
   end
   for i, file in pairs(self.files) do
      file:close()
      self.files[i] = nil
   end
end

mt.__close = methods.close

function mt.__tostring(self)
   return "byre.difference: " .. self.path
end

return difference
