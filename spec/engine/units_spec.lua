local pools = require("spec.support.pools")
local units = require("byre.units")

describe("a size", function()
   it("is an integer of bytes or a text that counts by 1024", function()
      local cases = {
         [0] = 0, [1] = 1, [math.maxinteger] = math.maxinteger, [2.0] = 2,
         ["0"] = 0, ["512"] = 512, ["1K"] = 1024, ["1k"] = 1024, ["10M"] = 10 * 2 ^ 20, ["10G"] = 10 * 2 ^ 30,
         ["2T"] = 2 ^ 41, ["1P"] = 2 ^ 50, ["1E"] = 2 ^ 60, ["512MiB"] = 2 ^ 29, ["512MB"] = 2 ^ 29, ["7B"] = 7,
         ["1.5G"] = 3 * 2 ^ 29, ["0.5K"] = 512, ["1.5 GiB"] = 3 * 2 ^ 29, [" 4 K "] = 4096, ["1.0"] = 1,
         ["9223372036854775807"] = math.maxinteger, ["7E"] = 7 * 2 ^ 60,
      }
      for text, bytes in pairs(cases) do
         local parsed = units.parse_size(text)
         assert.equal("integer", math.type(parsed), tostring(text))
         assert.equal(math.tointeger(bytes), parsed, tostring(text))
      end
   end)

   it("is refused, with the reason, if it is none", function()
      local shown = { [""] = '""', ["10 G G"] = '"10 G G"' }
      local no_size = "is not a size; write bytes, or a number with K, M, G or T, such as 10G"
      for _, text in ipairs({ "10X", "", "G", "10 G G", "1.", ".5G", "1e3", "0x10", "10KK", "ten", "10i", "10iB",
         "+1" }) do
         pools.fails("invalid", ("byre: %s: %s"):format(shown[text] or text, no_size), units.parse_size, text)
      end
   end)

   it("is refused if it is negative", function()
      local negative = "is negative; a size is a number of bytes"
      for _, value in ipairs({ -1, math.mininteger, "-1", "-10G" }) do
         pools.fails("invalid", ("byre: %s: %s"):format(value, negative), units.parse_size, value)
      end
   end)

   it("is refused if it is no whole number of bytes", function()
      for _, value in ipairs({ 1.5, 0 / 0, 1 / 0, 2.0 ^ 63, "1.5", "0.0001K" }) do
         pools.fails("invalid", ("byre: %s: is not a whole number of bytes"):format(value), units.parse_size, value)
      end
   end)

   it("is refused if it is above 2^63 - 1", function()
      for _, value in ipairs({ "9223372036854775808", "8E", "8388608T", "99999999999999999999999", "7.9E9",
         "18446744073709551615" }) do
         local ok, e = pcall(units.parse_size, value)
         assert.is_false(ok)
         assert.equal("invalid", e.code)
      end
      pools.fails("invalid", "byre: 8E: is too large; sizes end at 2^63 - 1 bytes", units.parse_size, "8E")
      pools.fails("invalid", "byre: 9223372036854775808: is too large; sizes end at 2^63 - 1 bytes",
         units.parse_size, "9223372036854775808")
   end)

   it("stays one line whatever was written", function()
      local _, e = pcall(units.parse_size, "1\n2")
      assert.is_nil(tostring(e):find("\n"))
   end)

   it("of an image is at least one byte", function()
      assert.equal(1, units.parse_image_size("1"))
      for _, value in ipairs({ 0, "0", "0G" }) do
         pools.fails("invalid", ("byre: %s: is no size for an image; it must be at least 1 byte"):format(value),
            units.parse_image_size, value)
      end
   end)

   it("of another type is misuse", function()
      for _, value in ipairs({ true, {}, print }) do
         assert.error_matches(function() units.parse_size(value) end, "a size is an integer or a string")
      end
   end)

   it("for people has at most one decimal", function()
      local cases = { [0] = "0", [1023] = "1023", [1024] = "1K", [1536] = "1.5K", [2 ^ 20] = "1M", [2 ^ 30] = "1G",
         [10 * 2 ^ 30] = "10G", [2 ^ 40] = "1T", [2 ^ 50] = "1P", [2 ^ 60] = "1E", [2 ^ 20 - 1] = "1M" }
      for bytes, text in pairs(cases) do
         assert.equal(text, units.format_size(math.tointeger(bytes)))
      end
      assert.equal("8E", units.format_size(math.maxinteger))
   end)

   it("that is written out whole is read as the same", function()
      for seed = 1, 500 do
         math.randomseed(seed)
         local bytes = math.random(0, math.maxinteger)
         assert.equal(bytes, units.parse_size(tostring(bytes)), "seed " .. seed)
      end
   end)
end)

describe("a time", function()
   it("is written as RFC 3339 in UTC", function()
      local cases = {
         [0] = "1970-01-01T00:00:00Z", [-1] = "1969-12-31T23:59:59Z", [951782400] = "2000-02-29T00:00:00Z",
         [1795370400] = "2026-11-22T18:00:00Z", [4107542400] = "2100-03-01T00:00:00Z",
         [253402300799] = "9999-12-31T23:59:59Z",
      }
      for epoch, text in pairs(cases) do
         assert.equal(text, units.format_time(epoch))
         assert.equal(epoch, units.parse_time(text))
      end
   end)

   it("beyond what four digits can say becomes the nearest that they can", function()
      assert.equal("9999-12-31T23:59:59", units.format_stamp(253402300800))
      assert.equal("9999-12-31T23:59:59", units.format_stamp(math.maxinteger))
      assert.equal("0000-01-01T00:00:00", units.format_stamp(math.mininteger))
   end)

   it("is what the system's own calendar says", function()
      for seed = 1, 500 do
         math.randomseed(seed)
         local epoch = math.random(-(1 << 33), 1 << 36)
         assert.equal(os.date("!%Y-%m-%dT%H:%M:%S", epoch), units.format_stamp(epoch), "seed " .. seed)
         assert.equal(epoch, units.parse_time(units.format_time(epoch)), "seed " .. seed)
      end
   end)

   it("may be read with an offset, in small letters, without a zone", function()
      for _, text in ipairs({ "2026-11-22T20:00:00+02:00", "2026-11-22T12:30:00-05:30", "2026-11-22t18:00:00z",
         "2026-11-22 18:00:00" }) do
         assert.equal(1795370400, units.parse_time(text), text)
      end
   end)

   it("that does not exist is none", function()
      for _, text in ipairs({ "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
         "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
         "2100-02-29T00:00:00Z", "2026-1-1T00:00:00Z", "2026-01-01", "", "now", "2026-01-01T00:00:00+2:00",
         "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00ZZ" }) do
         assert.is_nil(units.parse_time(text), text)
      end
   end)
end)
