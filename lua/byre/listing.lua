--- The names of a directory, read once for many volumes in it.
-- @module byre.listing
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

--- Names in a directory that start with a prefix, as `store:list` gives them.
-- @tparam string directory
-- @tparam string prefix
-- @treturn {string,...}
function methods:list(directory, prefix)
   if self.directory ~= directory then
      self.names = self.store:list(directory, "")
      table.sort(self.names)
      self.directory = directory
   end
   local found = {}
   local i = lower_bound(self.names, prefix)
   while self.names[i] and self.names[i]:sub(1, #prefix) == prefix do
      found[#found + 1] = self.names[i]
      i = i + 1
   end
   return found
end

return listing
