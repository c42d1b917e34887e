--- Revisions over time, and what becomes of them next.
-- @module byre.command.pool_page.history
local html = require("byre.command.pool_page.html")
local units = require("byre.units")

local history = {}

local width, row_height = 700, 22

local ticks = {
   { 3600, "1 h" }, { 86400, "1 day" }, { 7 * 86400, "1 week" }, { 30 * 86400, "1 month" }, { 91 * 86400, "3 months" },
   { 365 * 86400, "1 year" }, { 3 * 365 * 86400, "3 years" }, { 10 * 365 * 86400, "10 years" },
}

-- The place of an age: hours are as wide as months, since that is how dense revisions are.
local function new_scale(now, volumes)
   local oldest = 86400
   for _, item in ipairs(volumes) do
      for _, revision in ipairs(item.revisions) do
         oldest = math.max(oldest, now - units.parse_time(revision.time))
      end
   end
   local function place(age)
      local share = math.log(1 + math.max(0, age) / 3600) / math.log(1 + oldest / 3600)
      return width - 12 - math.min(1, share) * (width - 24)
   end
   return place, oldest
end

local function axis(place, oldest)
   local parts = {}
   for _, tick in ipairs(ticks) do
      if tick[1] <= oldest then
         local x = place(tick[1])
         parts[#parts + 1] = ('<line x1="%.1f" y1="15" x2="%.1f" y2="20" class="rule"/>'):format(x, x)
            .. ('<text x="%.1f" y="11" text-anchor="middle" class="faint">%s</text>'):format(math.max(28, x), tick[2])
      end
   end
   return ('<div class="line axis"><span>Volume</span><svg class="mini" viewBox="0 0 %d 20" role="img" aria-label="%s">'
      .. '%s<text x="%d" y="11" text-anchor="end" class="faint">now</text></svg><span>Revisions</span></div>'):format(
      width, "Age of the revisions", table.concat(parts), width)
end

local words_of = { keep = "is kept", stay = "may go, but stays", go = "goes next" }

local function title_of(revision)
   local parts = { revision.id, revision.time, words_of[revision.next] }
   if revision.hold_until then
      parts[#parts + 1] = revision.hold_until == true and "held" or "held until " .. revision.hold_until
   end
   parts[#parts + 1] = #revision.tags > 0 and "tagged " .. table.concat(revision.tags, ", ") or nil
   return table.concat(parts, ", ")
end

-- a dot is kept, a ring may go but stays, a cross goes; a square around it is a hold, a flag a tag
local function mark(revision, x)
   local parts = { "<g><title>" .. html.escape(title_of(revision)) .. "</title>" }
   if revision.hold_until then
      parts[#parts + 1] = ('<rect x="%.1f" y="4" width="14" height="14" class="hold"/>'):format(x - 7)
   end
   if revision.next == "go" then
      parts[#parts + 1] = ('<path d="M%.1f 7l8 8m0 -8l-8 8" class="go"/>'):format(x - 4)
   else
      parts[#parts + 1] = ('<circle cx="%.1f" cy="11" r="4" class="%s"/>'):format(x, revision.next == "stay" and "stay"
         or "keep")
   end
   if #revision.tags > 0 then
      parts[#parts + 1] = ('<path d="M%.1f 9v-9l7 3l-7 3" class="flag"/>'):format(x)
   end
   return table.concat(parts) .. "</g>"
end

local function line(item, place, now)
   local marks = {}
   for i, revision in ipairs(item.revisions) do
      marks[i] = mark(revision, place(now - units.parse_time(revision.time)))
   end
   return ('<svg class="mini" viewBox="0 0 %d %d" aria-hidden="true"><line x1="0" y1="11" x2="%d" y2="11" '
      .. 'class="rule"/>%s</svg>'):format(width, row_height, width, table.concat(marks))
end

local function hold_text(revision)
   return revision.hold_until == true and "no end" or revision.hold_until and revision.hold_until:sub(1, 10) or ""
end

local function revision_table(item)
   local rows, most = {}, 0
   for _, revision in ipairs(item.revisions) do
      most = math.max(most, revision.exclusive or 0)
   end
   for i, revision in ipairs(item.revisions) do
      rows[i] = { html.escape(revision.id), (revision.time:gsub("T", " "):gsub("Z$", "")),
         html.bar({ { value = revision.exclusive, class = "c4" } }, most), html.size(revision.exclusive),
         html.escape(table.concat(revision.tags, ", ")), hold_text(revision), html.escape(revision.note or ""),
         words_of[revision.next] and ('<span class="%s">%s</span>'):format("next-" .. revision.next,
            words_of[revision.next]) or "", html.escape(revision.why or "") }
   end
   return html.table({ "Revision", "Time (UTC)", "Its alone", ">", "Tags", "Hold", "Note", "Next", "Why" }, rows)
end

local function entry(item, place, now)
   local count = ("%d"):format(#item.revisions)
   local waits = item.unconfirmed and ("<p>Nothing goes before somebody agrees: %s.</p>"):format(
      html.escape(item.unconfirmed)) or ""
   return ('<details class="volume"><summary><span class="line"><span>%s</span>%s<span>%s</span></span></summary>%s%s'
      .. "</details>"):format(html.escape(item.vid), line(item, place, now), count, waits, revision_table(item))
end

local legend = '<ul class="legend" aria-label="Signs">'
   .. "<li>● is kept</li><li>○ may go, but a guard keeps it</li><li>✕ goes at the next <code>byre prune</code></li>"
   .. "<li>□ around it: held</li><li>⚑ tagged</li></ul>"

--- The section on revisions.
-- @tparam table data of `byre.command.pool_page.data`
-- @treturn string
function history.section(data)
   local now, parts, going, total = units.parse_time(data.time), {}, 0, 0
   local place, oldest = new_scale(now, data.volumes)
   for _, item in ipairs(data.volumes) do
      for _, revision in ipairs(item.revisions) do
         total, going = total + 1, going + (revision.next == "go" and 1 or 0)
      end
      parts[#parts + 1] = #item.revisions > 0 and entry(item, place, now) or nil
   end
   if total == 0 then
      return "<p>There are no revisions.</p>"
   end
   return ("<p>%d revisions of %d volumes; %d of them go when <code>byre prune</code> runs next. The time is that of "
      .. "the last write to the content; open a volume for the particulars.</p>\n"):format(total, #parts, going)
      .. legend .. axis(place, oldest) .. "\n" .. table.concat(parts, "\n")
end

return history
