-- Whatever the history: what must be true of every policy of natural periods.
local evaluate = require("byre.retention.evaluate")
local lint = require("byre.retention.lint")
local support = require("spec.retention.support")

local seed = math.tointeger(tonumber(os.getenv("BYRE_SEED"))) or os.time()
local zones = { "UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kolkata" }
local names = { "hourly", "daily", "weekly", "monthly", "quarterly", "yearly" }

local function random_rule()
   local name, n = names[math.random(#names)], math.random(1, 9)
   local kind = math.random(6)
   if kind == 1 then
      return ("keep.last(%d)"):format(n)
   elseif kind == 2 then
      return ('keep.%s "%d%s"'):format(name, n, ({ "h", "d", "w", "mo" })[math.random(4)])
   elseif kind == 3 then
      return ('keep.%s{ n = %d, pick = "first" }'):format(name, n)
   end
   return ("keep.%s(%d)"):format(name, n)
end

local function random_policy()
   local items = { ("tz = %q"):format(zones[math.random(#zones)]) }
   for _ = 1, math.random(1, 5) do
      items[#items + 1] = random_rule()
   end
   return "return policy { " .. table.concat(items, ", ") .. " }"
end

-- many at once, hours, days and weeks apart, over leap days and week 53
local function random_history()
   local list, time = {}, support.time("2019-11-01T00:00:00") + math.random(0, 700) * 86400
   local steps = { 60, 3600, 6 * 3600, 86400, 9 * 86400 }
   local widest = math.random(#steps)
   for i = 1, math.random(1, 120) do
      time = time + math.random(0, steps[math.random(widest)])
      list[i] = { id = tostring(i), seq = i, time = time, tags = {} }
   end
   return list
end

local function prune(policy, list, now)
   local remaining = {}
   for i, r in ipairs(evaluate.judge(policy, { now = now, revisions = list }).revisions) do
      if r.verdict ~= "expire" then
         remaining[#remaining + 1] = list[i]
      end
   end
   return remaining
end

local function ids(list)
   local result = {}
   for i, r in ipairs(list) do
      result[i] = r.id
   end
   return table.concat(result, " ")
end

local function each_case(check)
   for case = 1, 100 do
      math.randomseed(seed + case)
      local text, history = random_policy(), random_history()
      check(support.policy(text), history, ("BYRE_SEED=%d, case %d: %s"):format(seed, case, text))
   end
end

describe("a policy of natural periods", function()
   it("removes nothing more when it is applied twice", function()
      each_case(function(policy, history, case)
         local now = history[#history].time
         local once = prune(policy, history, now)
         assert.equal(ids(once), ids(prune(policy, once, now)), case)
      end)
   end)

   it("leaves the same, applied after each revision or once at the end", function()
      each_case(function(policy, history, case)
         local steps = {}
         for _, r in ipairs(history) do
            steps[#steps + 1] = r
            steps = prune(policy, steps, r.time)
         end
         assert.equal(ids(prune(policy, history, history[#history].time)), ids(steps), case)
      end)
   end)

   it("keeps the newest, or one of its period", function()
      each_case(function(policy, history, case)
         assert(#prune(policy, history, history[#history].time) > 0, case)
      end)
   end)

   it("removes nothing more for a pause, however long", function()
      each_case(function(policy, history, case)
         local now = history[#history].time
         local once = prune(policy, history, now)
         assert.equal(ids(once), ids(prune(policy, history, now + 5 * 366 * 86400)), case)
      end)
   end)
end)

describe("no slot is lost", function()
   -- how many are kept of revisions every hour, when there is one slot for each period
   local function kept(rule, zone, from, to)
      local list = support.revisions(support.every(3600, from, to))
      local judged = support.judge(("return policy { tz = %q, %s }"):format(zone, rule), list)
      return select(2, support.ids(judged):gsub("%d+", ""))
   end

   it("when the clock changes", function()
      for _, zone in ipairs({ "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Australia/Lord_Howe" }) do
         for _, month in ipairs({ 3, 4, 10, 11 }) do
            local from, to = ("2026-%02d-01T00:00:00"):format(month), ("2026-%02d-30T23:00:00"):format(month)
            assert.equal(200, kept("keep.hourly(200)", zone, from, to))
            assert.equal(720, kept("keep.hourly{ n = 999, oldest = false }", zone, from, to))
            assert.equal(31, kept("keep.daily{ n = 99, oldest = false }", zone, from, to))
         end
      end
   end)

   it("in week 53, at the turn of a year and on 29 February", function()
      assert.equal(54, kept("keep.weekly{ n = 99, oldest = false }", "UTC", "2019-12-30T00:00:00",
         "2021-01-04T05:00:00"))
      assert.equal(60, kept("keep.daily{ n = 99, oldest = false }", "UTC", "2024-01-01T00:00:00",
         "2024-02-29T23:00:00"))
      assert.equal(24, kept("keep.monthly{ n = 99, oldest = false }", "UTC", "2023-01-01T00:00:00",
         "2024-12-31T23:00:00"))
      assert.equal(5, kept("keep.quarterly(5)", "UTC", "2023-01-01T00:00:00", "2024-12-31T23:00:00"))
   end)
end)

describe("lint", function()
   local function findings(text)
      local list = {}
      for i, finding in ipairs(lint.check(support.policy(text))) do
         list[i] = finding.check .. ": " .. finding.message
      end
      return list
   end

   it("finds nothing wrong with the policy of the manual", function()
      assert.same({}, findings([[return policy { tz = "Europe/Berlin",
         keep.last(3), keep.hourly "2d", keep.daily(7), keep.weekly(4), keep.monthly(12),
         keep.where("before upgrade", function(r) return r.tags.upgrade and r.age < days(90) end),
         floor = 3 }]]))
   end)

   it("finds a policy that removes more when it is asked again", function()
      assert.same({ "idempotent: pruning twice at one time removes 178 revisions more than once does",
         "path_independent: pruning after each revision leaves 2, once at the end 534 that are not the same" },
         findings([[return policy(function(revisions)
            for i, r in ipairs(revisions) do
               if i % 3 == 0 then r:expire() end
            end
         end)]]))
   end)

   it("finds a policy that depends on how often it is asked", function()
      assert.matches("^path_independent: ", findings("return policy { compat.pbs { last = 2, daily = 7, weekly = 4, " ..
         'monthly = 3 }, keep.grid "7x1d | 5x30d" }')[1])
   end)

   it("finds a policy that can leave nothing", function()
      assert.same({ "never_empties: of 1 revisions, the newest of 1095 days ago, it would keep none" },
         findings('return policy { from = "now", keep.within "30d" }'))
   end)
end)
