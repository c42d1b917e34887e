--- A page on a pool: one file of HTML, readable offline, without scripts.
-- @module byre.command.pool_page
local families = require("byre.command.pool_page.families")
local history = require("byre.command.pool_page.history")
local html = require("byre.command.pool_page.html")
local page = require("byre.page")
local space = require("byre.command.pool_page.space")
local style = require("byre.command.pool_page.style")

local pool_page = {}

local escape = html.escape

local function findings(data)
   local rows = {}
   for i, finding in ipairs(data.findings) do
      rows[i] = { escape(finding.code), escape(finding.volume or ""), escape(finding.path or ""),
         escape(finding.message) }
   end
   local text = #rows == 0 and "<p>Nothing is wrong.</p>" or html.table({ "Finding", "Volume", "Path", "What it is" },
      rows)
   for _, sentence in ipairs(data.failures) do
      text = text .. ('\n<p class="failure">%s</p>'):format(escape(sentence))
   end
   return text
end

local sections = {
   { "space", "Space", space.section }, { "families", "Families", families.section },
   { "history", "History", history.section }, { "pieces", "Pieces", space.pieces },
   { "findings", "Findings of check", findings },
}

local function summary(data)
   local count = { running = 0, dirty = 0, revisions = 0, trash = 0 }
   for _, item in ipairs(data.volumes) do
      count.running = count.running + (item.session and 1 or 0)
      count.dirty = count.dirty + (item.dirty and 1 or 0)
      count.revisions = count.revisions + #item.revisions
      count.trash = count.trash + item.trash_count
   end
   local trash = count.trash > 0 and (" and %d in the trash"):format(count.trash) or ""
   return ("%d volumes, %d of them with a session, %d of these to be committed; %d revisions%s; %s free of %s; "
      .. "findings of check: %d."):format(#data.volumes, count.running, count.dirty, count.revisions, trash,
      html.size(data.free), html.size(data.size), #data.findings + #data.failures)
end

local body = [[
<p>%s<br><span class="faint">As of %s, byre %s.</span></p>
<nav aria-label="Sections"><ul>%s</ul></nav>
%s]]

--- The page.
-- @tparam table data of `byre.command.pool_page.data`
-- @treturn string HTML
function pool_page.html(data)
   local links, parts = {}, {}
   for i, section in ipairs(sections) do
      links[i] = ('<li><a href="#%s">%s</a></li>'):format(section[1], section[2])
      parts[i] = ('<section aria-labelledby="%s"><h2 id="%s">%s</h2>\n%s</section>'):format(section[1], section[1],
         section[2], section[3](data))
   end
   return page.html("Pool " .. data.pool, style, body:format(escape(summary(data)), data.time, escape(data.version),
      table.concat(links), table.concat(parts, "\n")))
end

return pool_page
