local diff = require("byre.retention.diff")
local explain = require("byre.retention.explain")
local simulate = require("byre.retention.simulate")
local support = require("spec.retention.support")

local days = support.revisions(support.every(86400, "2026-11-01T12:00:00", "2026-11-20T12:00:00"))
local text = "return policy { keep.last(2), keep.daily(3), keep.weekly(3) }"

describe("a verdict", function()
   it("is told in words", function()
      local judged = support.judge(text, days)
      assert.equal("last 1/2; daily 1/3 of 2026-11-20; weekly 1/3 of 2026-W47", explain.verdict(judged.revisions[20]))
      assert.equal("last does not reach it; daily of 2026-11-10 is beyond the rule; weekly of 2026-W46 is 15",
         explain.verdict(judged.revisions[10]))
      assert.equal("within #1 (within 1d)", explain.verdict(support.judge('return policy { keep.within "1d" }', days)
         .revisions[20]))
      assert.equal("the policy says nothing about it", explain.verdict(support.judge(
         "return policy(function() end)", days).revisions[1]))
      assert.equal("no rule wants it", explain.verdict(support.judge(
         'return policy { keep.tagged "never" }', days).revisions[1]))
   end)

   it("has an end, if revisions are made as until now", function()
      local input = { now = days[20].time + 60, revisions = days }
      local forecast = explain.forecast(support.policy(text), input, 30 * 86400)
      -- the schedule that comes near is daily, at midnight
      assert.equal(support.time("2026-11-21T00:00:00"), forecast["18"])
      assert.equal(support.time("2026-11-30T00:00:00"), forecast["15"])
      assert.is_nil(explain.forecast(support.policy(text), input, 2 * 86400)["15"])
   end)
end)

describe("the difference of two policies", function()
   local function now(policy)
      return simulate.now(support.policy(policy), { now = days[20].time + 60, revisions = days })
   end

   it("is what only one of them keeps", function()
      local result = diff.compare(now("return policy { keep.last(3) }"), now("return policy { keep.weekly(2) }"))
      assert.same({ 1, 16 }, { result.both, result.neither })
      assert.equal([[
--- old.lua keeps 3
+++ new.lua keeps 2
- 2026-11-19 12:00  last
- 2026-11-18 12:00  last
+ 2026-11-15 12:00  weekly
both keep 1, neither 16
]], diff.text(result, "old.lua", "new.lua"))
   end)

   it("is nothing for the same policy", function()
      local result = diff.compare(now(text), now(text))
      assert.same({ {}, {} }, { result.only_a, result.only_b })
   end)

   it("needs the same revisions", function()
      local other = simulate.now(support.policy(text), { now = 5, revisions = support.revisions({ 1 }) })
      assert.same({ false, "policies can only be compared on the same revisions" },
         { pcall(diff.compare, now(text), other) })
   end)
end)
