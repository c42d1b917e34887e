local civil = require("byre.retention.civil")
local duration = require("byre.retention.duration")
local posix_tz = require("byre.retention.posix_tz")
local shell = require("spec.support.shell")
local support = require("spec.retention.support")
local vectors = require("spec.retention.vectors")
local zone = require("byre.retention.zone")

local seed = math.tointeger(tonumber(os.getenv("BYRE_SEED"))) or os.time()

local function rules_of(name)
   return assert(zone.parse(assert(vectors.read_zone(name))))
end

describe("a zone", function()
   local names = { "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Kolkata", "Australia/Lord_Howe",
      "America/Sao_Paulo", "Africa/Casablanca", "Europe/Dublin", "Asia/Tokyo", "UTC", "Pacific/Apia", "Asia/Tehran" }

   it("shows the same clock as the C library, from 1950 to 2400", function()
      math.randomseed(seed)
      for _, name in ipairs(names) do
         local rules, times, expected = rules_of(name), {}, {}
         for i = 1, 300 do
            times[i] = math.random(-631152000, 13569465600)
            expected[i] = "@" .. times[i]
         end
         local out = shell.must(("TZ=%s date -f - +'%%Y-%%m-%%d %%H:%%M:%%S %%:z %%G-%%V %%u'"):format(name),
            { stdin = table.concat(expected, "\n") .. "\n" })
         local i = 0
         for line in out:gmatch("[^\n]+") do
            i = i + 1
            local c = zone.civil(rules, times[i])
            assert.equal(line, ("%04d-%02d-%02d %02d:%02d:%02d %s %04d-%02d %d"):format(c.year, c.month, c.day, c.hour,
               c.min, c.sec, civil.offset_text(c.offset), c.iso_year, c.iso_week, c.wday),
               ("%s at %d, seed %d"):format(name, times[i], seed))
         end
         assert.equal(#times, i)
      end
   end)

   it("finds the moment of a clock time again", function()
      for _, name in ipairs(names) do
         local rules = rules_of(name)
         for epoch = support.time("2025-01-01T00:30:00"), support.time("2045-01-01T00:30:00"), 86400 * 5 + 3600 do
            local c = zone.civil(rules, epoch)
            local again = zone.epoch(rules, c)
            local same = zone.civil(rules, again)
            assert.same({ c.day, c.hour, c.min }, { same.day, same.hour, same.min })
            assert(again <= epoch, "the first of two is meant")
         end
      end
   end)

   it("takes the first of an hour that comes twice, and counts on where one is skipped", function()
      local berlin = rules_of("Europe/Berlin")
      local function at(...)
         return zone.from_local(berlin, civil.seconds(...))
      end
      assert.equal(support.time("2026-10-25T00:30:00"), at(2026, 10, 25, 2, 30))
      assert.equal(support.time("2026-03-29T01:30:00"), at(2026, 3, 29, 2, 30))
   end)

   it("says from when until when an offset holds", function()
      local offset, start, stop, dst = zone.lookup(rules_of("Europe/Berlin"), support.time("2093-07-01T00:00:00"))
      assert.same({ 7200, support.time("2093-03-29T01:00:00"), support.time("2093-10-25T01:00:00"), true },
         { offset, start, stop, dst })
   end)

   it("is refused with the reason if its file is none or is damaged", function()
      assert.same({ nil, "is not a zone file (TZif)" }, { zone.parse("") })
      assert.same({ nil, "is not a zone file (TZif)" }, { zone.parse(("x"):rep(100)) })
      local bytes = vectors.read_zone("Europe/Berlin")
      for length = 0, #bytes - 40, 7 do
         local rules, why = zone.parse(bytes:sub(1, length))
         assert(rules == nil and type(why) == "string", length)
      end
   end)

   it("survives any damage of its file without an error", function()
      local bytes = vectors.read_zone("Europe/Berlin")
      math.randomseed(seed)
      for _ = 1, 500 do
         local at = math.random(1, #bytes)
         local hurt = bytes:sub(1, at - 1) .. string.char(math.random(0, 255)) .. bytes:sub(at + 1)
         local ok, rules = pcall(zone.parse, hurt)
         assert(ok, ("seed %d: %s"):format(seed, rules))
      end
   end)

   it("refuses rules for later years that cannot be read", function()
      for _, text in ipairs({ "", "CET", "CET-", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/3x",
         "12", "<+03>" }) do
         assert.same({ nil, "has a rule for later years that cannot be read" }, { posix_tz.parse(text) }, text)
      end
   end)
end)

describe("a duration", function()
   it("is read with the units of a policy", function()
      for text, expected in pairs({ ["2d"] = { 0, 2, 0 }, ["36h"] = { 0, 0, 129600 }, ["1y6mo"] = { 18, 0, 0 },
         ["2w3d"] = { 0, 17, 0 }, ["90min"] = { 0, 0, 5400 }, ["1d 12h"] = { 0, 1, 43200 }, ["15s"] = { 0, 0, 15 } }) do
         local span = assert(duration.parse(text))
         assert.same(expected, { span.months, span.days, span.seconds }, text)
      end
   end)

   it("is refused, with the reason, if it is none", function()
      local bare = 'a bare "m" is refused, as it is minutes to some and months to others; write "min" or "mo"'
      local units = "the units are s, min, h, d, w, mo and y"
      local none = 'is not a duration; write numbers with units, such as "2d" or "1y6mo"'
      for text, why in pairs({
         ["3m"] = '"3m": ' .. bare, ["1d3m"] = '"1d3m": ' .. bare,
         ["7dd"] = '"7dd": there is no unit "dd"; ' .. units, ["1x"] = '"1x": there is no unit "x"; ' .. units,
         ["1d1d"] = '"1d1d" names the unit "d" twice', ["0d"] = '"0d" is no time at all',
         [""] = '"" ' .. none, ["7"] = '"7" ' .. none, ["d"] = '"d" ' .. none, ["-1d"] = '"-1d" ' .. none,
         ["1.5d"] = '"1.5d" ' .. none, ["1d2"] = '"1d2" ' .. none, ["99999y"] = '"99999y" is longer than 10000 years',
      }) do
         assert.same({ nil, why }, { duration.parse(text) })
      end
      assert.same({ nil, "0 seconds is no duration; it must be above 0 and at most 10000 years" },
         { duration.parse(0) })
      assert.same({ nil, 'a duration is text such as "2d", not a boolean' }, { duration.parse(true) })
   end)

   it("ends at the last day of a month that is too short", function()
      local function before(text, time)
         return duration.before(assert(duration.parse(text)), zone.utc, support.time(time))
      end
      assert.equal(support.time("2026-02-28T12:00:00"), before("1mo", "2026-03-31T12:00:00"))
      assert.equal(support.time("2024-02-29T12:00:00"), before("1mo", "2024-03-31T12:00:00"))
      assert.equal(support.time("2023-02-28T00:00:00"), before("1y", "2024-02-29T00:00:00"))
      assert.equal(support.time("2024-02-28T23:00:00"), before("1y1h", "2025-03-01T00:00:00") - 86400)
   end)

   it("counts days by the clock and hours by the second", function()
      local berlin = rules_of("Europe/Berlin")
      local noon = support.time("2026-03-29T10:00:00")   -- 12:00, the day summer began
      assert.equal(noon - 23 * 3600, duration.before(assert(duration.parse("1d")), berlin, noon))
      assert.equal(noon - 24 * 3600, duration.before(assert(duration.parse("24h")), berlin, noon))
   end)
end)
