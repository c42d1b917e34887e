local support = require("spec.retention.support")

local function policy(items)
   return "return policy {\n" .. items .. "\n}"
end

describe("a policy file", function()
   it("is refused, with file and line, for a rule that cannot be", function()
      local choose = "the options are fresh, n, oldest, pick, within"
      for items, why in pairs({
         ["keep.last(-1)"] = "keep.last: -1 is negative; a count is 0 or more",
         ["keep.daily(1.5)"] = "keep.daily: 1.5 is not a count; it is a whole number of 0 or more",
         ['keep.hourly "7dd"'] = 'keep.hourly: "7dd": there is no unit "dd"; the units are s, min, h, d, w, mo and y',
         ['keep.hourly "3m"'] = 'keep.hourly: "3m": a bare "m" is refused, as it is minutes to some and months to ' ..
            'others; write "min" or "mo"',
         ["keep.daily()"] = "keep.daily: takes a count, a duration or a table of options, not nil",
         ["keep.daily{}"] = "keep.daily: says neither n nor within, so it would keep all",
         ["keep.daily{ count = 7 }"] = "keep.daily: there is no option count; " .. choose,
         ["keep.daily{ 7 }"] = "keep.daily: there is no option 1; " .. choose,
         ["keep.daily{ n = -7 }"] = "keep.daily: n: -7 is negative; a count is 0 or more",
         ["keep.daily{ n = 7, within = '1q' }"] = 'keep.daily: within: "1q": there is no unit "q"; the units are s, ' ..
            "min, h, d, w, mo and y",
         ["keep.daily{ n = 7, pick = 'best' }"] = 'keep.daily: pick: "best" is none of "newest", "first"',
         ["keep.daily{ n = 7, oldest = 1 }"] = "keep.daily: oldest: 1 is neither true nor false",
         ["keep.dayly(7)"] = "there is no keep.dayly; there are chain, changed, daily, grid, hourly, last, " ..
            "minutely, monthly, quarterly, secondly, tagged, weekly, where, within, yearly",
         ["keep.tagged(7)"] = "keep.tagged: takes a tag or a list of tags, not 7",
         ["keep.tagged{}"] = "keep.tagged: names no tag",
         ["keep.tagged{ 'a', nil, 'b' }"] = "keep.tagged: item 2 is nil; a name is misspelt, or a value is missing",
         ["keep.where(print)"] = "keep.where: the first argument is a name for the rule, not nil",
         ["keep.where('x')"] = 'keep.where("x"): the second argument is a function, not nil',
         ["keep.last(3) | 7"] = "| combines two rules, not 7",
         ["keep.changed(7)"] = "keep.changed: takes a table of options, not 7",
         ["space{}"] = "space: says neither free nor quota",
         ["space{ free = '100%' }"] = "space: free: 100% of a file system can never be free",
         ["space{ free = 'much' }"] = 'space: free: "much" is not a size; write bytes, or a number with K, M, G or ' ..
            'T, such as "200GiB"',
         ["space{ quota = 1, order = 'big' }"] = 'space: order: "big" is none of "oldest", "best_gain"',
         ["space{ quota = 1, among = 3 }"] = 'space: among is a rule such as keep.tagged "cache", not 3',
         ["days 'x'"] = 'days: takes a number, not "x"',
      }) do
         assert.equal("policy.lua:2: " .. why, support.refusal(policy(items)), items)
      end
   end)

   it("is refused for what a policy cannot be", function()
      local known = "the options are day_start, floor, from, min_age, tz, week_start, year_start"
      for items, why in pairs({
         [""] = "policy: it has no rule, so it would keep nothing; write what to keep, such as keep.daily(7)",
         ["floor = 3"] = "policy: it has no rule, so it would keep nothing; write what to keep, such as keep.daily(7)",
         ["keep.last(0), keep.daily(0)"] = "policy: every rule has a count of 0, so it would keep nothing",
         ["keep.last(1), nil, keep.daily(1)"] = "policy: item 2 is nil; a name is misspelt, or a value is missing",
         ["keep.last(1), flor = 3"] = "policy: there is no option flor; " .. known,
         ["keep.last(1), floor = 0"] = "floor: 0 is too small; a count is 1 or more",
         ["keep.last(1), min_age = '5m'"] = 'min_age: "5m": a bare "m" is refused, as it is minutes to some and ' ..
            'months to others; write "min" or "mo"',
         ["keep.last(1), min_age = '1mo'"] = 'min_age: "1mo" is not a fixed time; use days or shorter units',
         ["keep.last(1), tz = 'Europe/Bonn'"] = 'tz: there is no zone "Europe/Bonn" (' ..
            "/usr/share/zoneinfo/Europe/Bonn: No such file or directory)",
         ["keep.last(1), tz = '../../../etc/passwd'"] = 'tz: "../../../etc/passwd" is not the name of a zone; write ' ..
            'one such as "Europe/Berlin"',
         ["keep.last(1), tz = 'zone.tab'"] = 'tz: "zone.tab" is not the name of a zone; write one such as ' ..
            '"Europe/Berlin"',
         ["keep.last(1), tz = 'leapseconds'"] = 'tz: the file of zone "leapseconds" is not a zone file (TZif)',
         ["keep.last(1), week_start = 'sun'"] = 'week_start: "sun" is none of "monday", "tuesday", "wednesday", ' ..
            '"thursday", "friday", "saturday", "sunday"',
         ["keep.last(1), day_start = '24:00'"] = 'day_start: "24:00" is not a time of the day such as "04:00"',
         ["keep.last(1), year_start = '02-30'"] = 'year_start: "02-30" is not a month and a day up to 28, such as ' ..
            '"07-01"',
         ["keep.last(1), from = 'oldest'"] = 'from: "oldest" is none of "newest", "now"',
         ["keep.last(1), 7"] = "policy: item 2 is 7; items are rules such as keep.daily(7)",
         ["space{ free = '5%' }, space{ quota = 1 }, keep.last(1)"] =
            "policy: two space rules; one can say both free and quota",
         ["function() end, function() end"] = "policy: two functions that judge; one policy has one",
      }) do
         assert.equal(why, support.refusal(policy(items)), items)
      end
   end)

   it("is refused, with file and line, for a name that stands twice in one table", function()
      assert.equal("policy.lua:3: floor is given twice in one table",
         support.refusal(policy("floor = 2, keep.last(1),\nfloor = 3")))
      assert.equal("policy.lua:2: n is given twice in one table", support.refusal(policy("keep.daily{ n = 7, n = 1 }")))
   end)

   it("returns a policy and nothing else", function()
      local returns = "a policy file returns policy { … } or policy(function); this one returned "
      for text, why in pairs({ [""] = "nothing", ["return 7"] = "7", ["return {}"] = "a table",
         ["return keep.last(3)"] = "a rule", ["return 'policy'"] = '"policy"', ["return policy"] = "a function" }) do
         assert.equal(returns .. why, support.refusal(text))
      end
      assert.equal("policy: takes a table of rules; write policy { … } around the rule",
         support.refusal("return policy(keep.last(3))"))
      assert.equal("policy: takes a table of rules or a function, not 3", support.refusal("return policy(3)"))
   end)

   it("can neither change the words nor look behind them", function()
      assert.matches("keep can only be read", support.refusal("keep.last = nil"), 1, true)
      local seen
      support.policy("log(getmetatable(keep.last(1)), getmetatable(keep)) return policy { keep.last(1) }",
         { log = function() end, env = { getmetatable = getmetatable, log = function(...) seen = { ... } end } })
      assert.same({ "rule", "keep" }, seen)
   end)

   it("knows amounts of time and of bytes", function()
      local said = {}
      support.judge([[return policy(function(revisions, ctx)
         for _, n in ipairs { minutes(2), hours(1), days(90), weeks(2), days(0.5), KiB(1), MiB(2), GiB(5), TiB(1) } do
            ctx.log(n)
         end
      end)]], support.revisions({ 0 }), { log = function(text) said[#said + 1] = text end })
      assert.same({ "120", "3600", "7776000", "1209600", "43200", "1024", "2097152", "5368709120", "1099511627776" },
         said)
   end)
end)
