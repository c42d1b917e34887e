local evaluate = require("byre.retention.evaluate")
local schedule = require("byre.retention.schedule")
local simulate = require("byre.retention.simulate")
local support = require("spec.retention.support")
local units = require("byre.units")
local vectors = require("spec.retention.vectors")
local zone = require("byre.retention.zone")

local berlin = zone.parse(vectors.read_zone("Europe/Berlin"))

describe("a schedule", function()
   local function times(text, from, to, rules)
      local list = {}
      for i, time in ipairs(schedule.moments(schedule.parse(text), rules or zone.utc, support.time(from),
         support.time(to))) do
         list[i] = units.format_stamp(time):gsub(":00$", "")
      end
      return list
   end

   it("is a word, or weekdays with hours and minutes", function()
      for text, count in pairs({ daily = 7, hourly = 168, minutely = 10080, weekly = 1, monthly = 1,
         ["mon..fri 8..18:0/15"] = 5 * 44, ["sat,sun 3:00"] = 2, ["mon"] = 1, ["12:30"] = 7, ["*:0/20"] = 504,
         ["fri..mon 1:00"] = 4, ["6,18:00"] = 14, ["mon 1:00; sun 2:00"] = 2, ["0/6:0,30"] = 56,
         ["8..18/2:00"] = 42, ["*/12:5"] = 14 }) do
         assert.equal(count, #times(text, "2026-06-01T00:00:00", "2026-06-07T23:59:59"), text)
      end
      assert.same({ "2026-01-01T00:00", "2026-04-01T00:00" },
         times("quarterly", "2026-01-01T00:00:00", "2026-06-01T00:00:00"))
   end)

   it("follows the clock of the zone: an hour may come twice or not at all", function()
      assert.same({ "2026-10-24T22:30", "2026-10-25T00:30", "2026-10-25T01:30" },
         times("0,2:30", "2026-10-24T22:00:00", "2026-10-25T20:00:00", berlin))
      assert.same({ "2026-03-29T01:30" }, times("2,3:30", "2026-03-28T23:00:00", "2026-03-29T20:00:00", berlin))
   end)

   it("is refused, with the reason, if it is none", function()
      local no = ' is not a schedule; write "daily" or such as "mon..fri 8..18:0/15"'
      for text, why in pairs({
         [""] = "schedule: is empty", ["often"] = 'schedule: "often": "often" is no weekday; they are mon to sun',
         ["25:00"] = 'schedule: "25:00": "25" is no number, range or step below 24',
         ["8..2:00"] = 'schedule: "8..2:00": "8..2" is no number, range or step below 24',
         ["0/0:00"] = 'schedule: "0/0:00": "0/0" is no number, range or step below 24',
         ["8"] = 'schedule: "8"' .. no, ["mon..fry 8:00"] = 'schedule: "mon..fry 8:00": "mon..fry" is no weekday; ' ..
            "they are mon to sun",
      }) do
         assert.same({ false, why }, { pcall(schedule.parse, text) }, text)
      end
   end)
end)

describe("a simulation", function()
   local text = 'return policy { tz = "Europe/Berlin", keep.last(2), keep.daily(3), keep.weekly(2) }'

   local function run(fields, policy)
      local given = { schedule = "8,20:00", from = support.time("2026-03-20T00:00:00"),
         to = support.time("2026-04-10T12:00:00") }
      for key, value in pairs(fields or {}) do
         given[key] = value
      end
      return simulate.run(support.policy(policy or text), given)
   end

   local function remaining(data)
      local list = {}
      for _, r in ipairs(data.revisions) do
         list[#list + 1] = not r.removed_at and ("%d %s %s"):format(r.day, r.clock, r.reasons[1].rule) or nil
      end
      return list
   end

   it("prunes after each revision and tells what was kept for what", function()
      local data = run()
      assert.same({ "20548 20:00 weekly", "20551 20:00 daily", "20552 20:00 last", "20553 08:00 last" },
         remaining(data))
      local first = data.revisions[1]
      assert.equal(support.time("2026-03-20T07:00:00"), first.time)
      assert(first.removed_at and #first.history > 0)
   end)

   it("ends where pruning once would", function()
      assert.same(remaining(run()), remaining(run({ batch = true })))
   end)

   it("knows pauses, wrong clocks and revisions that are there", function()
      local gap = { from = support.time("2026-03-25T00:00:00"), to = support.time("2026-04-05T00:00:00") }
      for _, r in ipairs(run({ gaps = { gap } }).revisions) do
         assert(r.time < gap.from or r.time >= gap.to)
      end
      local skewed = run({ skew = { { from = gap.from, to = gap.from + 86400, by = 86400 * 365 } } })
      local count = 0
      for _, r in ipairs(skewed.revisions) do
         count = count + (r.time > support.time("2027-01-01T00:00:00") and not r.removed_at and 1 or 0)
      end
      assert.equal(2, count)
      local data = run({ start_revisions = support.revisions({ "2026-03-01T00:00:00" }) })
      assert.equal("1", data.revisions[1].id)
      assert.equal(2, data.revisions[2].seq)
   end)

   it("asks the guards it is given", function()
      local data = run({ objection = function(r) return r.seq == 1 and "held" or nil end })
      assert.same({ { rule = "guard", why = "held" } }, data.revisions[1].reasons)
      assert.is_nil(data.revisions[1].removed_at)
   end)

   it("counts revisions and bytes each day, and how far back one could go", function()
      local data = run({ growth = { size = "10GiB", change_per_day = "1GiB" } })
      local last = data.samples[#data.samples]
      assert.equal(#remaining(data), last.count)
      assert(last.bytes > 10 << 30 and last.bytes < 40 << 30, last.bytes)
      assert.equal(22, #data.samples)
      assert.equal(12 * 3600, data.restore_gaps[1].worst)
      assert.same({ { time = support.time("2026-03-29T01:00:00"), by = 3600 } }, data.clock_changes)
   end)

   it("holds back what is released until space is short, and then lets the oldest go", function()
      local rules = 'return policy { keep.last(2), space { quota = "16GiB" } }'
      local growth = { size = "10GiB", change_per_day = "1GiB" }
      local data = run({ growth = growth }, rules)
      local alive, count = {}, 0
      for _, r in ipairs(data.revisions) do
         alive[#alive + 1] = not r.removed_at and r or nil
         count = count + (r.removed_at and 1 or 0)
      end
      assert(count > 10 and #alive > 5, #alive)
      assert.equal(data.revisions[count + 1], alive[1])
      assert.equal("space", alive[1].reasons[1].rule)
      local largest = 0
      for _, sample in ipairs(data.samples) do
         largest = math.max(largest, sample.bytes)
      end
      -- the last one is later than the last time that it was pruned
      assert(largest < 17 << 30 and largest > 15 << 30, largest)
      assert.is_nil(data.space_unknown)
   end)

   it("lets as much go for what is to be free as for what may be taken", function()
      local growth = { size = "10GiB", change_per_day = "1GiB" }
      local function count(rule, fields)
         fields.growth = growth
         return run(fields, "return policy { keep.last(2), space { " .. rule .. " } }").samples[20].count
      end
      assert.equal(count('quota = "16GiB"', {}),
         count('free = "20%"', { disk = { size = "30GiB", others = "8GiB" } }))
   end)

   it("lets nothing go where nobody knows when space is short, and says so", function()
      for rule, growth in pairs({ ["quota = 1"] = false, ["free = '99%'"] = { size = 1, change_per_day = 1 } }) do
         local data = run({ growth = growth or nil }, "return policy { keep.last(2), space { " .. rule .. " } }")
         assert.is_true(data.space_unknown)
         assert.equal(#data.revisions, #remaining(data))
      end
   end)

   it("takes real revisions as they are now", function()
      local revisions = support.revisions(support.every(86400, "2026-04-01T08:00:00", "2026-04-10T08:00:00"))
      local policy = support.policy(text)
      local now = support.time("2026-04-10T09:00:00")
      local data = simulate.now(policy, { now = now, revisions = revisions })
      local judged = evaluate.judge(policy, { now = now, revisions = revisions })
      for i, r in ipairs(data.revisions) do
         assert.equal(judged.revisions[i].verdict == "expire", r.removed_at == now)
      end
   end)

   it("is refused, with the reason, if it cannot be", function()
      for _, case in ipairs({
         { { schedule = 7 }, 'schedule: is text such as "daily", not 7' },
         { { from = 5, to = 4 }, "simulate: from and to are times, from the earlier one" },
         { { schedule = "minutely", to = support.time("2030-01-01T00:00:00") },
            "schedule: it means more than 200000 revisions; take a shorter time" },
         { { colour = "red" }, "simulate: there is no option colour; the options are batch, disk, from, gaps, " ..
            "growth, objection, pool, schedule, skew, start_revisions, to, volume" },
         { { growth = { size = "big", change_per_day = 1 } }, 'growth: size: "big" is not a size; write bytes, or a ' ..
            'number with K, M, G or T, such as "200GiB"' },
      }) do
         assert.same({ false, case[2] }, { pcall(run, case[1]) })
      end
   end)
end)
