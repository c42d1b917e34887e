--- Groups: the volumes that share a vid but for its last component, such as
-- all volumes of one virtual machine.
-- @module byre.group
local failure = require("byre.failure")
local operation = require("byre.operation")
local request = require("byre.request")
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

--- The same, where there has to be one.
-- @treturn {volume,...}
-- @raise `no_such_volume`
function methods:require_volumes()
   local list = self:volumes()
   if #list == 0 then
      failure.raise("no_such_volume", self.name == "" and "/" or self.name, "there are no volumes in this group")
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

local function rename_requests(self, name, options)
   return request.rename_group(self.pool, self:require_volumes(), name, options)
end

--- Another name for the group: each of its volumes gets it, all of them or none. Groups below it stay where they are,
-- and the new group may have other volumes. (A power cut leaves each volume under one of its two names, and the same
-- call finishes it.)
-- @tparam string name
-- @tparam[opt] table options as for `volume:rename`, for all volumes
-- @raise `no_such_volume` (the group has none), and as `volume:rename`: of the first volume that is refused
function methods:rename(name, options)
   operation.run(self.pool, rename_requests(self, name, options))
   self.name = name
end

--- The plans of `rename`, one for each volume; nothing is changed.
-- @treturn {plan,...}
function methods:plan_rename(name, options)
   local plans = {}
   for i, one in ipairs(rename_requests(self, name, options)) do
      plans[i] = operation.plan(self.pool, one)
   end
   return plans
end

function mt.__tostring(self)
   return "byre.group: " .. self.name
end

return group
