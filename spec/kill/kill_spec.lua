-- Operations killed before a call that changes something: the volume is as before or as after, nothing else has
-- changed, the operation can be done again, and a repair leaves nothing. All points: lua5.4 spec/kill/run.lua kill
local assert = require("luassert")
local campaign = require("spec.kill.campaign")
local filesystems = require("spec.support.filesystems")
local rig = require("spec.kill.rig")

local seed = campaign.seed()

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe(("a kill (seed %d) in"):format(seed), function()
      local the_rig

      setup(function() the_rig = rig.new(fs, { precache = fs.reflink }) end)

      local function strikes(operation, part)
         local count, found = campaign.strike(the_rig, operation, "kill", campaign.every(part, seed, operation.name))
         assert.same({}, found)
         return count
      end

      for _, operation in ipairs(campaign.always) do
         it(operation.name .. ", before each call", function()
            assert.is_true(strikes(operation, 1) > 2)
         end)
      end

      for _, operation in ipairs(campaign.chosen(seed)) do
         it(operation.name .. ", before every sixth call", function()
            strikes(operation, 6)
         end)
      end
   end)

   it("the rig notices who removes before replacing", function()
      local careless = { name = "careless", tree = "kinds", units = { { "busy/private" } }, keeps = {} }
      function careless.run(pool)
         local image = pool.dir .. "/busy/private"
         assert(os.remove(image .. ".img"))
         assert(os.rename(image .. "-dirty.img", image .. ".img"))
      end
      local the_rig = rig.new(fs, { precache = fs.reflink })
      local _, found = campaign.strike(the_rig, careless, "kill", function() return "no" end)
      assert.equal(1, #found)
      assert.matches("killed at 2 %(rename .*: not as before %(busy/private: clean image: none", found[1])
   end)

   it("a kill that comes in the middle of a call leaves no more than one before or after it", function()
      local the_rig = rig.new(fs, { precache = fs.reflink })
      for _, operation in ipairs(campaign.always) do
         local states = the_rig:dry_run(operation)
         local number = seed % #states.calls + 1
         assert.is_nil(the_rig:kill(operation, states, number, { repair_first = "both", during = true }))
      end
   end)
end)
