local support = require("spec.retention.support")
local vectors = require("spec.retention.vectors")

local file = "spec/retention/data/vectors.json.xz"

describe("compat", function()
   local list = vectors.read(file)

   it("has recorded vectors of each tool and version", function()
      local count = {}
      for _, vector in ipairs(list) do
         local name = vector.tool .. " " .. vector.version
         count[name] = (count[name] or 0) + 1
      end
      assert.same({ ["restic 0.14.0"] = 180, ["restic 0.19.1"] = 81, ["borg 1.2.4"] = 96, ["borg 1.4.5"] = 30,
         ["pbs 3.2.4"] = 58 }, count)
   end)

   for _, tool in ipairs({ "restic", "borg", "pbs" }) do
      it("." .. tool .. " keeps what the tool keeps, for its reasons", function()
         for _, vector in ipairs(list) do
            if vector.tool == tool then
               local ok, why = vectors.check(vector)
               assert(ok, vector.name .. ": " .. why)
            end
         end
      end)
   end

   it("would notice a decision that differs", function()
      local vector
      for _, each in ipairs(list) do
         vector = #each.keep > 1 and each or vector
      end
      local kept = table.remove(vector.keep)
      assert.is_false(vectors.check(vector))
      table.insert(vector.keep, kept)
      assert.is_true(vectors.check(vector))
   end)

   local four = support.revisions({ "2026-01-01T00:00:00", "2026-01-02T00:00:00", "2026-01-03T00:00:00",
      "2026-01-04T00:00:00" })

   it(".qubes keeps the newest numbers, and none where revisions are off", function()
      for n, kept in pairs({ [-1] = "", [0] = "", [1] = "4", [3] = "2 3 4", [9] = "1 2 3 4" }) do
         assert.equal(kept, support.ids(support.judge(("return policy { compat.qubes(%d) }"):format(n), four)))
      end
   end)

   it(".restic refuses to empty a group since 0.17.0, as restic does", function()
      local text = 'return policy { compat.restic { ["keep-tag"] = "nosuch", version = "%s" } }'
      assert.equal("", support.ids(support.judge(text:format("0.16.0"), four)))
      assert.equal("1 2 3 4", support.ids(support.judge(text:format("0.17.0"), four)))
   end)

   local refused = {
      { "compat.restic { weekly = -1, monthly = -2 }",
         "compat.restic: monthly: -2 is negative; a count is -1 or more" },
      { "compat.restic { within = '2w' }", 'compat.restic: within: "2w" is not a duration such as "1y6m2d3h"; ' ..
         "the units are y, m (month), d and h" },
      { "compat.restic {}", "compat.restic: names nothing to keep; restic refuses that since 0.17.0" },
      { "compat.restic { dayly = 1 }", "compat.restic: there is no option dayly; the options are daily, group_by, " ..
         "host, hourly, keep_tag, last, monthly, path, tag, unsafe_allow_remove_all, version, weekly, within, " ..
         "within_daily, within_hourly, within_monthly, within_weekly, within_yearly, yearly" },
      { "compat.restic { daily = 1, ['keep-daily'] = 2 }", "compat.restic: daily is given twice" },
      { "compat.restic { last = 1, version = 16 }", 'compat.restic: version 16 is not one such as "0.19.1"' },
      { "compat.borg { daily = 0 }", "compat.borg: names nothing to keep; borg refuses that" },
      { "compat.borg { within = '2x' }", 'compat.borg: within: "2x" is not an interval such as "2d"; ' ..
         "the units are H, d, w, m and y" },
      { "compat.borg { ['13weekly'] = 1, version = '1.2.4' }",
         "compat.borg: version 1.2.4 has no quarterly rule; it came with 1.4.1" },
      { "compat.borg { daily = 1, version = '2.0' }", "compat.borg: version 2.0 is not one of 1.x" },
      { "compat.pbs { daily = -1 }", "compat.pbs: daily: -1 is negative; a count is 0 or more" },
      { "compat.qubes(-2)", "compat.qubes: -2 is negative; a count is -1 or more" },
      { "compat.zfs {}", "there is no compat.zfs; there are borg, pbs, qubes, restic" },
   }
   for _, case in ipairs(refused) do
      it("refuses " .. case[1], function()
         assert.equal("policy.lua:2: " .. case[2], support.refusal("return policy {\n  " .. case[1] .. "\n}"))
      end)
   end
end)
