-- Each policy of examples/policies runs, is without findings, is drawn, and stands in the manual.
local calendar = require("byre.retention.calendar")
local lint = require("byre.retention.lint")
local shell = require("spec.support.shell")
local simulate = require("byre.retention.simulate")
local support = require("spec.retention.support")

local files = {}
for name in shell.must("ls examples/policies/*.lua"):gmatch("[^\n]+") do
   files[#files + 1] = name
end

-- how many remain of four months with a revision every six hours, on a disk that is twice as large as the image
local remaining = {
   ["before-upgrade"] = 8, ["business-year"] = 35, changed = 18, ["ci-runner"] = 10, desktop = 28, grid = 27,
   ["large-and-old"] = 480, ["like-restic"] = 16, ["night-shift"] = 14, releases = 31, server = 70,
   ["tight-space"] = 29,
}

-- these depend on how often they are applied, as the manual says
local findings = { grid = "path_independent", ["like-restic"] = "path_independent" }

describe("the cookbook", function()
   it("has ten policies or more", function()
      assert(#files >= 10)
   end)

   for _, file in ipairs(files) do
      local name = file:match("([^/]+)%.lua$")

      it("'s " .. name .. " keeps what it says and can be drawn", function()
         local policy = support.policy(shell.read(file))
         local found = lint.check(policy)
         assert(#found <= 1)
         assert.equal(findings[name], found[1] and found[1].check)
         local data = simulate.run(policy, { schedule = "0/6:10", from = support.time("2026-01-01T00:00:00"),
            to = support.time("2026-04-30T23:00:00"), growth = { size = "20GiB", change_per_day = "2GiB" },
            disk = { size = "40GiB", others = 0 } })
         assert.equal(remaining[name], data.samples[#data.samples].count)
         assert.matches("^<!DOCTYPE html>.*</html>\n$", calendar.html(data, { title = name }))
         assert.matches("2026%-W18", calendar.text(data))
      end)

      it("'s " .. name .. " stands in the manual as it is", function()
         assert(shell.read("doc/retention.md"):find(shell.read(file), 1, true))
      end)
   end
end)
