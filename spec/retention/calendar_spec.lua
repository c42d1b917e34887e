local browser = require("spec.support.browser")
local calendar = require("byre.retention.calendar")
local shell = require("spec.support.shell")
local simulate = require("byre.retention.simulate")
local support = require("spec.retention.support")

local text = [[return policy { tz = "Europe/Berlin",
   keep.last(2), keep.daily(3), keep.weekly(4), keep.monthly(6) }]]

local function data(fields)
   local given = { schedule = "mon..fri 8..18/2:00", from = support.time("2026-02-20T00:00:00"),
      to = support.time("2026-04-10T12:00:00"), growth = { size = "20GiB", change_per_day = "1GiB" } }
   for key, value in pairs(fields or {}) do
      given[key] = value
   end
   return simulate.run(support.policy(text), given)
end

local function in_browser(html)
   local dir = shell.temporary_directory()
   finally(function() shell.remove(dir) end)
   shell.write(dir .. "/page.html", html)
   return browser.open("file://" .. dir .. "/page.html")
end

-- luassert would print the whole page
local function has(page, words)
   assert(page:find(words, 1, true), "not there: " .. words)
end

describe("the calendar page", function()
   it("says all without scripts: rules, weeks, what remains", function()
      local html = calendar.html(data(), { title = "a <b> & c" })
      has(html, "<h1>a &lt;b&gt; &amp; c</h1>")
      has(html, "Times are of the zone Europe/Berlin. Revisions are made by the schedule mon..fri 8..18/2:00. " ..
         "Of 214 revisions 10 remain on 2026-04-10, together ")
      has(html, ">12:00 last 2/2</text>")
      has(html, 'class="gone">08:00</text>')
      has(html, "03-29 clock +60 min")
      has(html, "<tr><td>2026-02-27</td><td>18:00</td><td>monthly 3/6 of 2026-02</td></tr>")
      assert(html:find("2026-W15", 1, true) < html:find("2026-W09", 1, true), "newest week first")
   end)

   it("is one file: it loads nothing", function()
      local html = calendar.html(data())
      for _, word in ipairs({ "http", "src=", "@import", "url(", "<link" }) do
         assert.is_nil(html:find(word, 1, true), word)
      end
   end)

   it("draws no revisions and one, and days with more than there is room for", function()
      has(calendar.html(data({ schedule = "sun 5:00", to = support.time("2026-02-20T01:00:00") })),
         "Of 0 revisions 0 remain")
      has(calendar.html(data({ to = support.time("2026-02-20T07:30:00") })), "Of 1 revisions 1 remain")
      has(calendar.html(data({ schedule = "*:0/30" })), "+43 gone")
      has(calendar.html(simulate.run(support.policy("return policy { keep.last(8) }"), { schedule = "hourly",
         from = support.time("2026-02-20T01:00:00"), to = support.time("2026-02-20T08:00:00") })), "+3, 3 kept")
   end)

   it("shows in a browser what was there at an earlier day, without an error", function()
      local html = calendar.html(data()):gsub("</body>", function()
         return [[<script>var a = document.getElementById("asof"); a.value = 5;
            a.dispatchEvent(new Event("input"));</script></body>]]
      end)
      local dom, complaints = in_browser(html)
      assert.same({}, complaints)
      has(dom, '<output id="when" for="asof">2026-02-27: 6 revisions, 26.8G')
      has(dom, 'style="display: block;"')
      has(dom, ">18:00 last</text>")
      assert(not dom:find(">12:00 last 2/2</text>", 1, true), "the end is still shown")
   end)

   it("shows the end in a browser as it does without scripts", function()
      local html = calendar.html(data())
      local dom, complaints = in_browser(html)
      assert.same({}, complaints)
      for slot in html:gmatch("<text[^>]*>([^<]+)</text>") do
         assert(dom:find(">" .. slot .. "</text>", 1, true), slot)
      end
   end)
end)

describe("the calendar on a terminal", function()
   it("has a letter for each revision that is kept", function()
      assert.equal([[
          Mon     Tue     Wed     Thu     Fri     Sat     Sun
2026-W15  .       .       D       D       LL
2026-W14  .       M       .       .       W
2026-W13  .       .       .       .       W
2026-W12  .       .       .       .       W
2026-W11  .       .       .       .       .
2026-W10  .       .       .       .       .
2026-W09  .       .       .       .       M
2026-W08                                  M

L last  D daily  W weekly  M monthly  . gone
]], calendar.text(data()))
   end)

   it("counts what has no room", function()
      assert.matches("LLLL%+8\n", calendar.text(simulate.run(support.policy("return policy { keep.last(12) }"),
         { schedule = "hourly", from = support.time("2026-02-22T01:00:00"),
            to = support.time("2026-02-22T12:00:00") })))
   end)
end)
