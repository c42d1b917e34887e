-- The benchmark itself: what it prints, notes and draws. How fast anything is belongs to `make bench` alone.
local dkjson = require("dkjson")
local figures = require("bench.figures")
local filesystems = require("spec.support.filesystems")
local harness = require("bench.harness")
local report = require("bench.report")
local shell = require("spec.support.shell")

local function new_bench(options)
   local lines = {}
   return harness.new(options or {}, function(line) lines[#lines + 1] = line end), lines
end

-- a function that returns one number after the other
local function series(list)
   local i = 0
   return function()
      i = i + 1
      return list[i]
   end
end

describe("a comparison", function()
   it("takes the median of the ratios of pairs, not the ratio of medians", function()
      local bench, lines = new_bench()
      bench:compare({ name = "x", pairs = 3, rival_name = "r", target = 2,
         byre = series({ 0.001, 0.002, 0.004 }), rival = series({ 0.001, 0.008, 0.008 }) })
      assert.same({ ratio = 2.0, min = 1.0, max = 4.0, byre = 0.002, rival = 0.008 }, {
         ratio = bench.results[1].ratio, min = bench.results[1].min, max = bench.results[1].max,
         byre = bench.results[1].byre, rival = bench.results[1].rival })
      assert.equal(figures.head, lines[1])
      assert.equal("x  -  2.00 ms  8.00 ms  2.00  1.00..4.00  at least 2.00", (lines[2]:gsub("%s%s+", "  ")))
   end)

   it("runs both alternately, each first in turn", function()
      local bench, order = new_bench(), {}
      local function note(name)
         return function()
            order[#order + 1] = name
            return 1
         end
      end
      bench:compare({ name = "x", pairs = 3, byre = note("b"), rival = note("r") })
      assert.equal("b r r b b r", table.concat(order, " "))
   end)

   it("times what returns nothing, and tells parts apart", function()
      local bench = new_bench()
      bench:compare({ name = "x", pairs = 1, byre = function() end, rival = function() end })
      assert.is_true(bench.results[1].byre > 0)
      bench:compare({ name = "x:", pairs = 1, parts = { { name = "start", target = 1 }, { name = "stop" } },
         byre = function() return 1, 2 end, rival = function() return 3, 8 end })
      assert.same({ "x: start", 3.0, 1 }, { bench.results[2].name, bench.results[2].ratio, bench.results[2].target })
      assert.same({ "x: stop", 4.0 }, { bench.results[3].name, bench.results[3].ratio })
   end)

   it("says what is missed", function()
      local bench, lines = new_bench()
      bench:compare({ name = "x", pairs = 1, target = 3, byre = series({ 1 }), rival = series({ 2 }) })
      bench:record({ name = "y", value = 50 << 20, unit = "B", limit = 40 << 20 })
      assert.matches("at least 3.00: MISSED$", lines[2])
      assert.matches("50.0 MiB.*at most 40.0 MiB: MISSED$", lines[3])
   end)

   it("leaves out what is not asked for", function()
      local bench = new_bench({ only = "^cyc/stop" })
      assert.same({ true, false, true, false },
         { bench:wants_file("cycle"), bench:wants_file("fork"), bench:wants("x: stop"), bench:wants("start") })
      bench:record({ name = "start", value = 1 })
      assert.equal(0, #bench.results)
   end)
end)

it("the page of a run has a bar for each side and loads nothing", function()
   local page = report.html({
      about = { version = "1", kernel = "k", processor = "p <x>", processors = 2, load = 0.5, time = "t" },
      results = {
         { name = "a & b", fs = "xfs", unit = "s", byre = 1, rival = 4, rival_name = "r", ratio = 4, min = 3, max = 5,
            pairs = 2, target = 5 },
         { name = "c", fs = "-", unit = "B", byre = 4096 },
      },
   })
   assert.matches("p &lt;x&gt;", page, 1, true)
   assert.matches("a &amp; b", page, 1, true)
   assert.matches('width="105.0" height="14" class="byre"', page, 1, true)
   assert.matches('width="420.0" height="14" class="rival"', page, 1, true)
   assert.matches("at least 5.00: missed", page, 1, true)
   assert.matches("4.00 KiB", page, 1, true)
   assert.is_nil(page:find("https?://[^w]"))
   assert.is_nil(page:find("<script", 1, true))
end)

-- every rival runs once, on images that are small
describe("a quick run", function()
   local fs, reason = filesystems.get("btrfs")
   if not fs then
      pending(reason)
      return
   end
   local files = shell.must("cd bench/measures && ls")
   for name in files:gmatch("([^\n]*)%.lua\n") do
      it("of " .. name .. " measures all that it has", function()
         local result = os.tmpname()
         finally(function() os.remove(result) end)
         local run = shell.run(("lua5.4 bench/run.lua --quick --only '^%s$' --json %s"):format(name, result), { env = {
            LUA_PATH = package.path, LUA_CPATH = package.cpath } })
         assert.equal("", run.err)
         assert.equal(0, run.code, run.out)
         local document = dkjson.decode(shell.read(result))
         assert.is_true(document.about.quick)
         assert.is_true(#document.results > 0, run.out)
         assert.matches("<svg", report.html(document))
      end)
   end
end)
