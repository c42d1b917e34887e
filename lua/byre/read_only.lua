--- Tables that others may look at but not change.
-- @module byre.read_only
local read_only

-- objects are what they are
local function view(value)
   if type(value) == "table" and getmetatable(value) == nil then
      return read_only(value)
   end
   return value
end

local function refuse()
   error("this table is read-only", 2)
end

--- A view of a table, and of the plain tables in it, that cannot be written to. Works with `pairs`, `ipairs` and `#`.
-- @function read_only
-- @tparam table value
-- @tparam[opt] string text what `tostring` makes of it
-- @treturn table
function read_only(value, text)
   return setmetatable({}, {
      __name = "byre.read_only",
      __index = function(_, key) return view(value[key]) end,
      __newindex = refuse,
      __len = function() return #value end,
      __pairs = function(self)
         return function(_, key)
            local item
            key, item = next(value, key)
            return key, view(item)
         end, self, nil
      end,
      __tostring = text and function() return text end or nil,
      __metatable = false,
   })
end

return read_only
