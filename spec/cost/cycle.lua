-- Runs one operation between two marks, for strace to look at:
--    lua5.4 spec/cost/cycle.lua POOL OPERATION
local byre = require("byre")

local dir, operation = arg[1], arg[2]
local pool = byre.open_pool(dir)

local function mark(text)
   io.stderr:write(text, "\n")
end

local function names(count)
   local list = {}
   for i = 1, count do
      list[i] = ("batch/v%03d"):format(i)
   end
   return list
end

local count = tonumber(operation:match("%d+$"))
local operations = {
   start = function() pool:volume("vm/disk"):start() end,
   stop = function() pool:volume("vm/disk"):stop() end,
   revert = function() pool:volume("vm/disk"):revert() end,
   start_snapshot = function() pool:volume("vm/root"):start() end,
   stop_snapshot = function() pool:volume("vm/root"):stop() end,
   start_volatile = function() pool:volume("vm/swap"):start() end,
   stop_volatile = function() pool:volume("vm/swap"):stop() end,
   remove = function() pool:volume("vm/disk"):remove() end,
   remove_snapshot = function() pool:volume("vm/root"):remove() end,
   start_many = function() pool:start(names(count)) end,
   stop_many = function() pool:stop(names(count)) end,
   create_many = function() pool:create_volumes(names(count), { snap_on_start = true, source = "vm/disk" }) end,
   remove_many = function() pool:remove(names(count)) end,
}
local run = operations[operation] or operations[operation:gsub("%d+$", "_many")]
mark("BEGIN")
run()
mark("END")
