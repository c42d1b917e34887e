-- File systems that are full, over quota or read-only: a sentence, nothing changed, and it works again afterwards.
-- All operations: lua5.4 spec/kill/run.lua real
local assert = require("luassert")
local campaign = require("spec.kill.campaign")
local obstacles = require("spec.kill.obstacles")

local seed = campaign.seed()

for _, obstacle in ipairs(obstacles.list) do
   for _, name in ipairs(obstacle.fs) do
      describe(("a file system that is %s: %s (seed %d)"):format(obstacle.name, name, seed), function()
         local place, reason = obstacles.rig(obstacle, name)
         if not place then
            pending(reason)
            return
         end

         teardown(function() place:close() end)

         -- both change as the seed does
         local list = { campaign.chosen(seed)[1], campaign.chosen(seed)[2] }
         for i = 1, 3 do
            list[#list + 1] = campaign.always[(seed + i) % #campaign.always + 1]
         end
         for _, operation in ipairs(list) do
            it(operation.name .. " changes nothing or is done", function()
               local why = place:meet(operation)
               assert.is_nil(why)
            end)
         end
      end)
   end
end
