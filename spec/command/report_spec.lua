-- The page of byre report, of a pool of 200 volumes.
local browser = require("spec.support.browser")
local filesystems = require("spec.support.filesystems")
local shell = require("spec.support.shell")
local style = require("byre.command.pool_page.style")

-- luassert would print the whole page
local function has(page, words)
   assert(page:find(words, 1, true), "not there: " .. words)
end

-- how bright a colour is, as the Web Content Accessibility Guidelines count it
local function luminance(colour)
   if #colour == 3 then
      colour = colour:gsub(".", "%0%0")
   end
   local sum, weights = 0, { 0.2126, 0.7152, 0.0722 }
   for i, digits in ipairs({ colour:match("^(%x%x)(%x%x)(%x%x)$") }) do
      local value = tonumber(digits, 16) / 255
      sum = sum + weights[i] * (value <= 0.03928 and value / 12.92 or ((value + 0.055) / 1.055) ^ 2.4)
   end
   return sum
end

local function contrast(a, b)
   local x, y = luminance(a), luminance(b)
   return (math.max(x, y) + 0.05) / (math.min(x, y) + 0.05)
end

describe("the colours of the page", function()
   it("have enough contrast, light and dark", function()
      local light, dark = {}, {}
      -- each variable is set twice: first for light, then for dark
      for name, colour in style:gmatch("%-%-(%w+): #(%x+);") do
         local scheme = light[name] and dark or light
         scheme[name] = colour
      end
      for _, scheme in ipairs({ light, dark }) do
         for _, name in ipairs({ "ink", "faint", "accent", "alarm" }) do
            assert.is_true(contrast(scheme[name], scheme.paper) >= 4.5, name)
         end
         for i = 1, 8 do
            assert.is_true(contrast(scheme.ink, scheme["c" .. i]) >= 4.5, "c" .. i)
         end
      end
   end)
end)

describe("byre report", function()
   local fs, reason = filesystems.get("btrfs")
   if not fs then
      return pending(reason)
   end
   local pool, page, url

   local function byre(words)
      return shell.run(('eval "$(tools/env ${BYRE_BUILD:-build})"; byre -p %s %s'):format(shell.quote(pool), words))
   end

   lazy_setup(function()
      pool = fs:fresh() .. "/pool"
      assert.equal("", byre("run examples/sample-pool.lua " .. shell.quote(pool)).err)
      shell.write(pool .. "/stray.img", "")
      shell.must(("mkdir -p %s/odd && ln -s /nowhere '%s/odd/<b>.img'"):format(pool, pool))
      assert.same({ code = 0, out = "", err = "" }, byre("report -o " .. shell.quote(pool .. ".html")))
      page, url = shell.read(pool .. ".html"), "file://" .. pool .. ".html"
   end)

   it("shows space, families, history, pieces and findings of 200 volumes", function()
      has(page, "<p>200 volumes, 39 of them with a session, 13 of these to be committed; 388 revisions; ")
      has(page, " images, shared by several volumes</span>")
      has(page, "<summary>60 more</summary>")
      has(page, 'templates/debian-12-build/root <span class="faint">origin_snapshot, ')
      has(page, "outdated</span>")
      has(page, "<li>□ around it: held</li>")
      -- how many depends on where the weeks of the calendar begin today
      local _, going = byre("prune -n --json").out:gsub('"verdict":"go"', "")
      assert.is_true(going > 100)
      has(page, ("388 revisions of 66 volumes; %d of them go when <code>byre prune</code> runs next."):format(going))
      has(page, "Nothing goes before somebody agrees: the policy is new or has changed.")
      has(page, "<td>installed</td><td>no end</td><td>as it was delivered</td>")
      has(page, '<span class="next-go">goes next</span></td><td>last does not reach it; weekly of ')
      has(page, "Next clone, about")
      has(page, '<th scope="row">unknown_image</th>')
   end)

   it("is one file that loads nothing and runs nothing", function()
      for _, word in ipairs({ "http:", "https:", "src=", "@import", "url(", "<link", "<script", "onclick" }) do
         assert.is_nil(page:find(word, 1, true), word)
      end
   end)

   it("has a name for everything that is drawn, and links that lead somewhere", function()
      for tag in page:gmatch("<svg[^>]*>") do
         assert(tag:find("aria-hidden", 1, true) or tag:find("aria-label", 1, true), tag)
      end
      for target in page:gmatch('href="#(%w+)"') do
         has(page, ('id="%s"'):format(target))
      end
      has(page, '<html lang="en">')
   end)

   it("is whole in a browser, which complains of nothing", function()
      local dom, complaints = browser.open(url)
      assert.same({}, complaints)
      for _, words in ipairs({ "vm/work-1/private", "⚠ outdated", "before-upgrade" }) do
         has(dom, words)
      end
      -- what does not nest is moved by the browser
      local function count(text, tag)
         return select(2, text:gsub("<" .. tag .. "[ >]", ""))
      end
      for _, tag in ipairs({ "li", "ul", "details", "section", "table", "tr", "svg", "p" }) do
         assert.equal(count(page, tag), count(dom, tag), tag)
      end
   end)

   it("is drawn in a browser, light and dark", function()
      local light, dark = browser.draw(url), browser.draw(url, true)
      assert.equal("\137PNG", light:sub(1, 4))
      -- a page without content is some thousand bytes
      assert.is_true(#light > 100000 and #dark > 100000)
      assert.is_false(light == dark)
   end)

   it("tells programs the same", function()
      local data = require("dkjson").decode(byre("report --json").out)
      assert.equal(200, #data.volumes)
      local revisions = 0
      for _, volume in ipairs(data.volumes) do
         revisions = revisions + #volume.revisions
      end
      assert.equal(388, revisions)
      assert.equal(pool, data.pool)
   end)

   it("says what it cannot do", function()
      assert.same({ code = 2, out = "", err = "byre: report: say where to write the page: -o FILE\n"
         .. "hint: byre report -o pool.html\n" }, byre("report"))
      assert.same({ code = 2, out = "", err = "byre: /nowhere: No such file or directory\n" },
         byre("report -o /nowhere/x"))
   end)
end)

describe("byre report", function()
   it("draws an empty pool, and one that shares nothing and tells nothing", function()
      local place = shell.workplace()
      finally(place.remove)
      local page = place:must("byre report -o -")
      has(page, "<p>0 volumes, ")
      has(page, "There are no revisions.")
      has(page, "Nothing is wrong.")
      place:must("byre create vm/a --size 1M && byre start vm/a && byre stop vm/a")
      has(place:must("byre report -o -"), "1 revisions of 1 volumes")
   end)

   it("says what is in the trash, and what emptying it returns", function()
      local fs, reason = filesystems.get("btrfs")
      if not fs then
         return pending(reason)
      end
      local dir = fs:fresh() .. "/pool"
      local function must(words)
         return shell.must(('eval "$(tools/env ${BYRE_BUILD:-build})"; %s'):format((words:gsub("byre ",
            "byre -p " .. shell.quote(dir) .. " "))))
      end
      must("byre init && byre create vm/a --size 1M --trash 2d && byre create vm/b --size 1M")
      for _ = 1, 3 do
         must(("byre start vm/a && head -c 65536 /dev/urandom >%s/vm/a-dirty.img && byre stop vm/a"):format(
            shell.quote(dir)))
      end
      local page = must("byre report -o -")
      has(page, "; 1 revisions and 2 in the trash; ")
      has(page, '<th scope="col" class="number">Trash</th>')
      has(page, '<td class="number">64K</td>')
      local data = require("dkjson").decode(must("byre report --json"))
      assert.equal(65536, data.volumes[1].trash_bytes)
      assert.equal(0, data.volumes[2].trash_bytes)
   end)
end)
