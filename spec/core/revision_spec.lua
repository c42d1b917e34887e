local core = require("byre.core")

describe("byre.core.parse_stamp", function()
   it("knows every day of the calendar", function()
      local lengths, time = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }, -62167219200
      for year = 0, 2400 do
         local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
         for month = 1, 12 do
            local days = lengths[month] + (month == 2 and leap and 1 or 0)
            for day = 1, days do
               local got = core.parse_stamp(("%04d-%02d-%02dT00:00:00"):format(year, month, day))
               if got ~= time then
                  error(("%04d-%02d-%02d: %s"):format(year, month, day, tostring(got)))
               end
               time = time + 86400
            end
            assert(core.parse_stamp(("%04d-%02d-%02dT00:00:00"):format(year, month, days + 1)) == nil)
         end
      end
      assert.equal(253402300799, core.parse_stamp("9999-12-31T23:59:59"))
   end)

   it("refuses what is no time", function()
      for _, text in ipairs({ "", "2026", "2026-11-22T18:00:0", "2026-11-22T18:00:000", "2026-11-22T24:00:00",
         "2026-11-22T18:60:00", "2026-11-22T18:00:60", "2026-00-22T18:00:00", "2026-13-22T18:00:00",
         "2026-11-00T18:00:00", "2026-11-22_18:00:00", "x026-11-22T18:00:00", "2026-11-22\0 18:00:00",
         "2026-11-22\00018:00:00" }) do
         assert.is_nil(core.parse_stamp(text), text)
      end
   end)
end)

describe("byre.core.find_revisions", function()
   it("sorts by number, then by name, whatever the order was", function()
      for seed = 1, 20 do
         math.randomseed(seed)
         local names, count = {}, math.random(0, 300)
         for i = 1, count do
            names[i] = ("d.img.%d@2026-01-01T00:00:%02dZ"):format(math.random(0, 200), math.random(0, 59))
         end
         local found, others = core.find_revisions(names, "d", "x/")
         assert.same({ count, 0 }, { #found, #others }, "seed " .. seed)
         for i = 2, count do
            local a, b = found[i - 1], found[i]
            assert(a.seq < b.seq or a.seq == b.seq and a.path <= b.path, "seed " .. seed)
         end
      end
   end)

   it("ends numbers where there is none for the next", function()
      local names = { ("d.img.%d@2026-01-01T00:00:00Z"):format(core.last_seq),
         ("d.img.%d@2026-01-01T00:00:00Z"):format(core.last_seq + 1) }
      local found, others = core.find_revisions(names, "d", "")
      assert.same({ core.last_seq }, { found[1].seq })
      assert.same({ names[2] }, others)
   end)

   it("gives a list: with a length, items that stay the same, and nothing beside them", function()
      local names = { "d.img", "d.img.2@2026-01-01T00:00:02Z", "d.img.1@2026-01-01T00:00:01Z" }
      local found = core.find_revisions(names, "d", "x/")
      names[2], names[3] = nil, nil
      collectgarbage()
      local paths = {}
      for i, revision in ipairs(found) do
         paths[i] = revision.path
         revision.seen = i
      end
      assert.same({ "x/d.img.1@2026-01-01T00:00:01Z", "x/d.img.2@2026-01-01T00:00:02Z" }, paths)
      assert.same({ 2, 1, 2 }, { #found, found[1].seen, found[2].seen })
      for _, key in ipairs({ 0, 3, -1, 1.5, "id", "1x" }) do
         assert.is_nil(found[key], tostring(key))
      end
      assert.equal(0, #core.find_revisions({}, "d", ""))
   end)

   it("takes a list of names", function()
      assert.has_error(function() core.find_revisions({ "a", 1 }, "d", "") end,
         "bad argument #1 to 'find_revisions' (a list of names)")
      assert.has_error(function() core.find_revisions() end,
         "bad argument #2 to 'find_revisions' (string expected, got no value)")
   end)
end)
