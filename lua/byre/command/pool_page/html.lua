--- Parts that all sections of a page on a pool are made of.
-- @module byre.command.pool_page.html
local page = require("byre.page")
local units = require("byre.units")

local html = {}

html.escape = page.escape

--- Bytes for people; a dash for what nobody knows.
function html.size(bytes)
   return bytes and units.format_size(bytes) or "–"
end

--- A bar of parts beside each other, for a cell of a table that tells the figures as well.
-- @tparam {table,...} parts `value`, `class`
-- @tparam number most what fills the whole width
-- @treturn string
function html.bar(parts, most)
   local rects, x = {}, 0
   for _, part in ipairs(parts) do
      local width = most > 0 and (part.value or 0) / most * 200 or 0
      if width > 0 then
         rects[#rects + 1] = ('<rect x="%.2f" y="1" width="%.2f" height="12" class="%s"/>'):format(x, width, part.class)
      end
      x = x + width
   end
   return '<svg class="mini" viewBox="0 0 200 14" preserveAspectRatio="none" aria-hidden="true">'
      .. table.concat(rects) .. "</svg>"
end

--- A table.
-- @tparam {string,...} titles a title that begins with ">" is of numbers
-- @tparam {{string,...},...} rows cells as HTML; the first of a row is its heading
-- @treturn string
function html.table(titles, rows)
   local head, lines = {}, {}
   local classes = {}
   for i, title in ipairs(titles) do
      classes[i] = title:find("^>") and ' class="number"' or ""
      head[i] = ('<th scope="col"%s>%s</th>'):format(classes[i], html.escape((title:gsub("^>", ""))))
   end
   for i, row in ipairs(rows) do
      local cells = {}
      for j, cell in ipairs(row) do
         cells[j] = j == 1 and ('<th scope="row">%s</th>'):format(cell) or ("<td%s>%s</td>"):format(classes[j], cell)
      end
      lines[i] = "<tr>" .. table.concat(cells) .. "</tr>"
   end
   return ('<div class="wide" tabindex="0" role="region" aria-label="%s"><table><thead><tr>%s</tr></thead><tbody>\n%s'
      .. "\n</tbody></table></div>"):format(html.escape(titles[1]), table.concat(head), table.concat(lines, "\n"))
end

--- A table of which only the first rows are open.
-- @tparam {string,...} titles
-- @tparam {table,...} rows
-- @tparam integer shown
-- @treturn string
function html.long_table(titles, rows, shown)
   if #rows <= shown + 5 then
      return html.table(titles, rows)
   end
   return html.table(titles, table.move(rows, 1, shown, 1, {}))
      .. ("\n<details><summary>%d more</summary>"):format(#rows - shown)
      .. html.table(titles, table.move(rows, shown + 1, #rows, 1, {})) .. "</details>"
end

--- An entry of a legend.
function html.key(class, words)
   return ('<li><span class="%s">%s</span></li>'):format(class, html.escape(words))
end

return html
