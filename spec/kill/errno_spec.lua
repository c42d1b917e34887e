-- Calls that fail: a sentence, nothing changed, no descriptor left open, and the operation works the next time.
-- All points: lua5.4 spec/kill/run.lua errno read sticky
local assert = require("luassert")
local campaign = require("spec.kill.campaign")
local errnos = require("spec.kill.errnos")
local filesystems = require("spec.support.filesystems")
local rig = require("spec.kill.rig")

local seed = campaign.seed()

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe(("a call that fails (seed %d) in"):format(seed), function()
      local the_rig

      setup(function() the_rig = rig.new(fs, { precache = fs.reflink }) end)

      local function strikes(operation, mode, part)
         local _, found = campaign.strike(the_rig, operation, mode, campaign.every(part, seed, operation.name))
         assert.same({}, found)
      end

      for _, operation in ipairs(campaign.always) do
         it(operation.name .. " changes nothing", function()
            strikes(operation, "errno", 16)
         end)
      end

      for _, operation in ipairs(campaign.chosen(seed)) do
         it(operation.name .. " changes nothing (some calls)", function()
            strikes(operation, "errno", 40)
         end)
      end

      it("changes nothing either if it only reads", function()
         for _, operation in ipairs(campaign.always) do
            strikes(operation, "read", 160)
         end
      end)

      it("and all calls after it change nothing", function()
         for _, operation in ipairs(campaign.always) do
            strikes(operation, "sticky", 24)
         end
      end)
   end)
end)

describe("the table of errnos", function()
   it("has a reason for each that is left out", function()
      for _, rule in ipairs(errnos.never) do
         assert.is_string(rule[3])
      end
      assert.same({ "ENOSPC", "EIO", "EDQUOT", "EINTR", "ENOMEM" }, errnos.of("fsync"))
      assert.same({ "EIO", "ENOMEM", "EMFILE" }, errnos.of("openat2"))
      assert.equal("it makes no descriptor", errnos.why_never("fsync", "EMFILE"))
   end)
end)
