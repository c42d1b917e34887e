local steps = require("byre.command.steps")
local output = require("byre.command.output")
local progress = require("byre.command.progress")
local report = require("byre.command.report")

-- a stream that keeps what is written to it
local function stream()
   local to = { text = "" }
   function to:write(...)
      self.text = self.text .. table.concat({ ... })
      return self
   end
   function to:flush()
      return self
   end
   return to
end

describe("byre.command.output", function()
   local fields = {
      { key = "name", title = "NAME" },
      { key = "size", title = "SIZE", right = true, text = function(n) return n .. "B" end },
      { key = "tags", title = "TAGS" },
   }

   local function listed(options, records)
      local to = stream()
      output.new(options, to):list(fields, records)
      return to.text
   end

   it("aligns columns by characters, not by bytes", function()
      assert.equal("NAME  SIZE  TAGS\nü      10B  a,b\nlong    5B  -\n",
         listed({}, { { name = "ü", size = 10, tags = { "a", "b" } }, { name = "long", size = 5 } }))
   end)

   it("writes exact values and no header with -H", function()
      assert.equal("ü\t10\ta,b\nx y\t-\t-\n",
         listed({ tabs = true }, { { name = "ü", size = 10, tags = { "a", "b" } }, { name = "x y", tags = {} } }))
   end)

   it("keeps a row on one line, whatever is in it", function()
      assert.equal("a\\nb\\tc\\x1b\t-\t-\n", listed({ tabs = true }, { { name = "a\nb\tc\27" } }))
   end)

   it("writes JSON with all keys in order", function()
      assert.equal('[\n{"name":"a\\nb","size":null,"tags":[]},\n{"name":"\\\\xff","size":1,"tags":["x"]}\n]\n',
         listed({ json = true }, { { name = "a\nb", tags = {} }, { name = "\255", size = 1, tags = { "x" } } }))
   end)

   it("writes nothing for an empty list, but [] in JSON", function()
      assert.equal("", listed({}, {}))
      assert.equal("", listed({ tabs = true }, {}))
      assert.equal("[]\n", listed({ json = true }, {}))
   end)

   it("widens columns for rows that come late", function()
      local records = {}
      for i = 1, 70 do
         records[i] = { name = i == 70 and "very long" or "x" }
      end
      assert.matches("\nvery long     %-  %-\n$", listed({}, records))
   end)

   it("raises when nothing can be written", function()
      local full = { write = function() return nil, "No space left on device", 28 end }
      local ok, err = pcall(function() output.new({}, full):write("x") end)
      assert.is_false(ok)
      assert.equal("byre: standard output: No space left on device", tostring(err))
   end)
end)

describe("byre.command.progress", function()
   local function line(done, total, seconds)
      return progress.describe({ operation = "import", volume = "vm/a", done = done, total = total }, seconds)
   end

   it("says how much, how fast and how long still", function()
      assert.equal("import vm/a: 1G of 4G (25%), 512M/s, 6 s left", line(1 << 30, 4 << 30, 2))
      assert.equal("import vm/a: 1G of 1P (0%), 1M/s, 298261 h 20 min left", line(1 << 30, (1 << 50) + 1, 1024))
      assert.equal("import vm/a: 60M of 660M (9%), 1M/s, 10 min 00 s left", line(60 << 20, 660 << 20, 60))
   end)

   it("leaves out what it does not know", function()
      assert.equal("import vm/a: 1G, 512M/s", line(1 << 30, nil, 2))
      assert.equal("import vm/a: 0 of 4G (0%)", line(0, 4 << 30, 0))
      assert.equal("import vm/a: 4G of 4G (100%), 1G/s", line(4 << 30, 4 << 30, 4))
      assert.equal("import vm/a: 0", line(0, 0, 5))
   end)

   it("tells when it is asked, also where it shows no line", function()
      local to, now = stream(), 0
      local self = progress.new({ stream = to, clock = function() return now end, silent = true })
      assert.is_nil(self:tell())
      self:update({ operation = "import_file", volume = "a", done = 0, total = 100 })
      now = 2
      self:update({ operation = "import_file", volume = "a", done = 50, total = 100 })
      assert.equal("import a: 50 of 100 (50%), 25/s, 2 s left", self:tell())
      assert.equal("", to.text)
   end)

   it("appears after a moment, not too often, and goes away", function()
      local to, now = stream(), 0
      local self = progress.new({ stream = to, clock = function() return now end })
      local function at(time, done)
         now = time
         self:update({ operation = "import", volume = "a", done = done, total = 100 })
      end
      at(0, 0)
      at(0.3, 10)
      assert.equal("", to.text)
      at(0.5, 20)
      assert.equal("\rimport a: 20 of 100 (20%), 40/s, 2 s left\27[K", to.text)
      at(0.55, 30)
      assert.equal(1, select(2, to.text:gsub("\r", "")))
      self:clear()
      self:clear()
      assert.matches("\r\27%[K$", to.text)
      assert.equal(2, select(2, to.text:gsub("\r", "")))
   end)
end)

describe("byre.command.steps", function()
   it("tells a step on one line", function()
      assert.equal("vm/a: reflinked vm/a.img -> vm/a-dirty.img (1G, 2.5 ms)", steps.describe({ step = "reflinked",
         volume = "vm/a", from = "vm/a.img", path = "vm/a-dirty.img", bytes = 1 << 30, seconds = 0.0025 }))
      assert.equal("removed x\\n (0.0 ms)", steps.describe({ step = "removed", path = "x\n", seconds = 0 }))
      assert.equal("copied a -> b (why)", steps.describe({ step = "copied", from = "a", path = "b", why = "why" }))
   end)

   it("passes warnings on", function()
      assert.equal("warning: vm/a: no room", steps.describe({ step = "warning", message = "byre: vm/a: no room" }))
   end)
end)

describe("byre.command.report", function()
   local failure = require("byre.failure")

   local function shown(err, verbose)
      local to = stream()
      return report.show(err, verbose, to), to.text
   end

   it("has an exit code for every error of the library", function()
      local expected = { invalid = 2, no_such_pool = 10, busy = 11, cancelled = 130 }
      for _, code in ipairs(failure.codes) do
         assert.equal(expected[code] or 1, report.exit_code(failure.new(code, "a", "b")), code)
      end
   end)

   it("says a sentence and a hint, each on a line", function()
      local code, text = shown(failure.new("busy", "vm\n/a", "is busy", { hint = "wait\27" }))
      assert.equal(11, code)
      assert.equal("byre: vm\\n/a: is busy\nhint: wait\\x1b\n", text)
   end)

   it("tells every failure of a batch", function()
      local err = failure.new("io", "a", "one")
      err.failures = { { error = failure.new("io", "a", "one") }, { error = failure.new("io", "b", "two") } }
      err.done = {}
      local code, text = shown(err)
      assert.equal(1, code)
      assert.equal("byre: a: one\nbyre: b: two\n", text)
      err.done = { "c" }
      assert.equal(3, (shown(err)))
   end)

   it("shows a traceback only to those who want it", function()
      local code, text = shown("x.lua:1: wrong\nstack traceback:\n\tx.lua:1")
      assert.equal(1, code)
      assert.not_matches("traceback:", text, 1, true)
      assert.matches("traceback:", select(2, shown("x.lua:1: wrong\nstack traceback:", true)), 1, true)
   end)
end)
