-- The full run: 8 processes of 2,000 operations each, on every file system; needs root.
--
--    eval "$(make -s env)"; lua5.4 spec/processes/run.lua [OPERATIONS [SEED [FILESYSTEM]]]
package.path = package.path .. ";./?.lua"

local campaign = require("spec.processes.campaign")
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")

local operations = math.tointeger(tonumber(arg[1])) or 2000
local seed = math.tointeger(tonumber(arg[2])) or core.now()
local failed = false

for _, name in ipairs(arg[3] and { arg[3] } or { "btrfs", "xfs", "ext4" }) do
   local fs = assert(filesystems.get(name))
   local started = core.clock()
   local result = campaign.run(fs, { processes = 8, operations = operations, kill_every = 1, seed = seed })
   print(("%-5s seed %d: %d operations, %d refused, %d kills, %d errors, %.0f s"):format(name, seed, result.done,
      result.refused, result.kills, #result.errors, core.clock() - started))
   for i, e in ipairs(result.errors) do
      if i <= 20 then
         print("   " .. e)
      end
   end
   failed = failed or #result.errors > 0
end
os.exit(not failed, true)
