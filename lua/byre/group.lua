--- Groups: the volumes that share a vid but for its last component, such as
-- all volumes of one virtual machine.
-- @module byre.group
local vid = require("byre.vid")

local group = {}

local methods = {}
local mt = { __name = "byre.group", __index = methods }

function group.new(pool, name)
   return setmetatable({ pool = pool, name = name }, mt)
end

--- The volumes of the group, in the order of their names.
-- @treturn {volume,...}
function methods:volumes()
   local list = {}
   for volume in self.pool:volumes(self.name == "" and "*" or self.name .. "/*") do
      if vid.group(volume.vid) == self.name then
         list[#list + 1] = volume
      end
   end
   return list
end

-- results of a batch by vid -> by name
local function by_name(results)
   local names = {}
   for id, result in pairs(results) do
      names[vid.name(id)] = result
   end
   return names
end

--- Start, stop, remove, revert or snapshot all of them in one batch.
-- @function start
-- @tparam[opt] table options as for the volume's own method
-- @treturn table volume name -> result
for _, name in ipairs({ "start", "stop", "remove", "revert", "snapshot" }) do
   methods[name] = function(self, options)
      return by_name(self.pool[name](self.pool, self:volumes(), options))
   end
end

function mt.__tostring(self)
   return "byre.group: " .. self.name
end

return group
