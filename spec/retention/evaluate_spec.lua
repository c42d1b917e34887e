local json = require("dkjson")
local support = require("spec.retention.support")

local function reasons_of(judged, place)
   return judged.revisions[place].reasons
end

describe("a list of rules", function()
   local hours = support.revisions(support.every(6 * 3600, "2026-11-01T00:00:00", "2026-11-10T18:00:00"))

   local function kept(rules)
      return support.kept_times(support.judge("return policy { " .. rules .. " }", hours), hours)
   end

   it("keeps the last ones", function()
      assert.same({ "2026-11-10T06:00", "2026-11-10T12:00", "2026-11-10T18:00" }, kept("keep.last(3)"))
   end)

   it("keeps the newest of each day, and the oldest of all while there is room", function()
      assert.same({ "2026-11-08T18:00", "2026-11-09T18:00", "2026-11-10T18:00" }, kept("keep.daily(3)"))
      assert.equal(10, #kept("keep.daily(10)"))
      assert.same("2026-11-01T00:00", kept("keep.daily(11)")[1])
      assert.equal(11, #kept("keep.daily(99)"))
      assert.equal(10, #kept("keep.daily{ n = 99, oldest = false }"))
   end)

   it("can keep the first of each day", function()
      assert.same({ "2026-11-09T00:00", "2026-11-10T00:00" }, kept('keep.daily{ n = 2, pick = "first" }'))
   end)

   it("counts durations from the newest revision, the border outside", function()
      assert.same({ "2026-11-09T18:00", "2026-11-10T18:00" }, kept('keep.daily "2d"'))
      assert.equal(4, #kept('keep.within "1d"'))
      assert.equal(5, #kept('keep.within "24h1s"'))
      assert.equal(2, #kept('keep.hourly{ n = 2, within = "1d" }'))
   end)

   it("gives each rule its own slots, unless a rule wants fresh ones", function()
      assert.equal(3, #kept("keep.last(1), keep.daily(3)"))
      assert.equal(4, #kept("keep.last(1), keep.daily{ n = 3, fresh = true }"))
   end)

   it("combines rules as sets", function()
      assert.same({ "2026-11-09T18:00", "2026-11-10T18:00" }, kept('keep.daily(5) & keep.within "2d"'))
      assert.same({ "2026-11-06T18:00", "2026-11-07T18:00", "2026-11-08T18:00" },
         kept('keep.daily(5) - keep.within "2d"'))
      assert.equal(6, #kept("keep.daily(5) | keep.last(2)"))
   end)

   it("has periods that begin where the policy says", function()
      assert.same({ "2026-11-09T00:00", "2026-11-10T00:00", "2026-11-10T18:00" },
         kept('keep.daily(3), day_start = "04:00"'))
      assert.same({ "2026-11-01T18:00", "2026-11-08T18:00", "2026-11-10T18:00" },
         kept("keep.weekly{ n = 3, oldest = false }"))
      assert.same({ "2026-11-07T18:00", "2026-11-10T18:00" },
         kept('keep.weekly{ n = 2, oldest = false }, week_start = "sunday"'))
      assert.same({ "2026-11-04T18:00", "2026-11-10T18:00" }, kept('keep.yearly{ n = 5, oldest = false }, ' ..
         'year_start = "11-05"'))
   end)

   it("tells rule, period, slot and winner", function()
      local judged = support.judge("return policy { keep.last(2), keep.daily(3) }", hours)
      assert.same({ { rule = "last", slot = 1, of = 2, winner = "40" },
         { rule = "daily", period = "2026-11-10", slot = 1, of = 3, winner = "40" } }, reasons_of(judged, 40))
      assert.same({ id = "38", verdict = "expire", reasons = {},
         lost_to = { { rule = "last" }, { rule = "daily", period = "2026-11-10", winner = "40" } } },
         judged.revisions[38])
      assert.same({ { rule = "last" }, { rule = "daily", period = "2026-11-03" } }, judged.revisions[12].lost_to)
      assert.equal("oldest", reasons_of(support.judge("return policy { keep.weekly(9) }", hours), 1)[1].why)
   end)

   it("gives plain tables, fit for JSON, and takes them", function()
      local input = json.decode(json.encode({ now = hours[40].time + 5, revisions = hours }))
      local judged = support.judge("return policy { keep.daily(3), floor = 2, min_age = '2h', tz = 'Asia/Tokyo' }",
         input.revisions, { now = input.now })
      assert.same(judged, json.decode(json.encode(judged)))
      assert.same({ floor = 2, min_age = 7200, tz = "Asia/Tokyo", from = "newest" }, judged.policy)
   end)

   it("keeps tagged ones: all tags of a list", function()
      local list = support.revisions({ 0, 1, 2, 3, 4 })
      list[1].tags = { release = true }
      list[2].tags = { release = true, v1 = true }
      local function ids(rule)
         return support.ids(support.judge("return policy { " .. rule .. " }", list))
      end
      assert.equal("1 2", ids('keep.tagged "release"'))
      assert.equal("2", ids('keep.tagged { "release", "v1" }'))
      assert.equal("2", ids('keep.tagged { "release", n = 1 }'))
      assert.equal("", ids('keep.tagged { "release", within = "1s" }'))
      assert.equal("1 3 4 5", ids('keep.last(9) - keep.tagged "v1"'))
   end)

   it("keeps those that changed, and those of which nobody knows", function()
      local list = support.revisions({ 0, 1, 2, 3 })
      list[2].delta, list[3].delta, list[4].delta = 0, 4096, 10 << 20
      assert.equal("1 3 4", support.ids(support.judge("return policy { keep.changed() }", list)))
      assert.equal("1 4", support.ids(support.judge('return policy { keep.changed{ over = "1MiB" } }', list)))
   end)

   it("asks a function, and says its name", function()
      local list = support.revisions({ 0, 86400, 2 * 86400 })
      list[1].tags = { upgrade = true }
      local judged = support.judge([[return policy {
         keep.where("before upgrade", function(r) return r.tags.upgrade and r.age < days(90) end),
         keep.last(1) }]], list)
      assert.equal("1 3", support.ids(judged))
      assert.equal("before upgrade", reasons_of(judged, 1)[1].rule)
   end)

   it("thins out by a grid and by a chain", function()
      assert.same({ "2026-11-01T00:00", "2026-11-04T00:00", "2026-11-07T00:00", "2026-11-10T00:00",
         "2026-11-10T06:00", "2026-11-10T12:00", "2026-11-10T18:00" }, kept('keep.grid "1x1d(keep=all) | 3x3d"'))
      assert.same({ "2026-11-02T00:00", "2026-11-09T00:00", "2026-11-10T00:00" },
         kept("keep.chain{ daily = 1, weekly = 1 }"))
   end)
end)

describe("a revision whose time cannot be right", function()
   local times = { "2026-11-01T00:00:00", "2026-11-02T00:00:00", "2026-11-03T00:00:00", "2026-11-04T00:00:00" }

   it("from the future is kept, anchors nothing and uses no slot", function()
      local list = support.revisions(times)
      list[5] = { id = "future", seq = 5, time = support.time("2031-01-01T00:00:00") }
      local judged = support.judge('return policy { keep.last(1), keep.daily "2d" }', list,
         { now = support.time("2026-11-05T00:00:00") })
      assert.equal("3 4 future", support.ids(judged))
      assert.same({ id = "future", verdict = "keep", future = true, lost_to = {},
         reasons = { { rule = "future", why = "its time has not come yet" } } }, judged.revisions[5])
   end)

   it("that steps out of the order is kept, and its neighbours are judged without it", function()
      for _, wrong in ipairs({ "1970-01-01T00:00:00", "2026-11-09T00:00:00" }) do
         local list = support.revisions(times)
         list[3].time = support.time(wrong)
         local judged = support.judge("return policy { keep.last(2) }", list,
            { now = support.time("2026-11-10T00:00:00") })
         assert.equal("2 3 4", support.ids(judged), wrong)
         assert.is_true(judged.revisions[3].skewed)
      end
   end)

   it("does not change the order, which is that of the numbers", function()
      local list = support.revisions({ 100, 100, 100 })
      list[1].seq, list[3].seq = 30, 10
      assert.equal("1", support.ids(support.judge("return policy { keep.last(1) }", list)))
   end)

   it("is one of many: when all are from the future, all are kept", function()
      local list = support.revisions(times)
      assert.equal("1 2 3 4", support.ids(support.judge('return policy { keep.daily "1d" }', list, { now = 0 })))
   end)
end)

describe("a function as policy", function()
   local list = support.revisions(support.every(86400, "2026-01-01T12:00:00", "2026-01-10T12:00:00"))

   it("keeps what it says nothing about", function()
      assert.equal("1 2 3 4 5 6 7 8 9 10", support.ids(support.judge("return policy(function() end)", list), "abstain"))
   end)

   it("sees revisions newest first and expires by itself", function()
      local judged = support.judge([[return policy(function(revisions, ctx)
         for i, r in ipairs(revisions) do
            if i > 3 and r.age > days(5) then r:expire "old" end
         end
         revisions[10]:keep "the first"
      end)]], list)
      assert.equal("2 3 4", support.ids(judged, "expire"))
      assert.same({ { rule = "function", why = "old" } }, reasons_of(judged, 2))
      assert.same({ { rule = "function", why = "the first" } }, reasons_of(judged, 1))
   end)

   it("stands beside rules: a keep of either wins", function()
      assert.equal("4 10", support.ids(support.judge([[return policy { keep.last(1), function(revisions)
         revisions[1]:expire "no"
         revisions[7]:keep "yes"
      end }]], list)))
   end)

   it("knows the clock, the pool, the volume and the calendar", function()
      local said = {}
      support.judge([[return policy { tz = "Europe/Berlin", function(revisions, ctx)
         local r = revisions[1]
         ctx.log(table.concat({ ctx.volume, ctx.count, ctx.pool.free // GiB(1), ctx.tz, ctx.now - r.time,
            ctx.ago "1mo", r.civil.hour, r.civil.wday, r.civil.iso_week, r.origin, r.seq }, " "))
      end }]], list, { log = function(text) said[1] = text end })
      local month_before = support.time("2025-12-10T12:00:00")
      assert.same({ "work/root 10 30 Europe/Berlin 1 " .. month_before .. " 13 6 2 auto 10" }, said)
   end)

   it("asks what a set frees, once for each set, and is limited", function()
      local asked = {}
      local function freed(ids)
         asked[#asked + 1] = table.concat(ids, " ")
         return #ids * 100
      end
      local said = {}
      support.judge([[return policy(function(revisions, ctx)
         ctx.log(ctx.freed{ revisions[2], revisions[1] })
         ctx.log(ctx.freed{ revisions[1], revisions[2] })
      end)]], list, { freed = freed, log = function(text) said[#said + 1] = text end })
      assert.same({ "10 9" }, asked)
      assert.same({ "200", "200" }, said)
      local ok, why = pcall(support.judge, [[return policy(function(revisions, ctx)
         local set = {}
         for i = 1, 2000 do set[i] = revisions[1] ctx.freed(set) end
      end)]], list, { freed = freed })
      assert.same({ false, "policy.lua:3: ctx.freed: asked for more than 1000 different sets" }, { ok, why })
   end)

   for text, why in pairs({
      ["revisions[1].time = 0"] = "a revision can only be read; time cannot be set",
      ["revisions[1].expire 'old'"] = "call it as revision:expire(why)",
      ["revisions[1]:expire(7)"] = "revision:expire(why): why is text",
      ["ctx.ago '1m'"] = 'ctx.ago: "1m": a bare "m" is refused, as it is minutes to some and months to others; ' ..
         'write "min" or "mo"',
      ["ctx.freed(7)"] = "ctx.freed: takes a list of revisions, not 7",
      ["ctx.freed{ 7 }"] = "ctx.freed: item 1 is not a revision",
      ["local _ = revisions[1].exclusive > 5"] = "attempt to compare number with nil",
   }) do
      it("is stopped, with its line, at " .. text, function()
         local ok, said = pcall(support.judge, "return policy(function(revisions, ctx)\n" .. text .. "\nend)", list)
         assert.same({ false, "policy.lua:2: " .. why }, { ok, said })
      end)
   end
end)

describe("a space rule", function()
   it("may take what the rules released or what it names, the oldest first", function()
      local list = support.revisions({ 1, 2, 3, 4, 5 })
      list[4].tags = { cache = true }
      local judged = support.judge([[return policy { keep.last(3),
         space{ free = "15%", quota = "200GiB", among = keep.tagged "cache" } }]], list)
      assert.same({ free_percent = 15, quota = 200 << 30, order = "oldest", candidates = { "1", "2", "4" } },
         judged.policy.space)
      assert.same({ free = 5 << 30, order = "best_gain", candidates = { "1", "2" } }, support.judge(
         [[return policy { keep.last(3), space{ free = "5GiB", order = "best_gain" } }]], list).policy.space)
   end)
end)
