--- Which volumes start from which, on a page.
-- @module byre.command.pool_page.families
local family = require("byre.command.family")
local html = require("byre.command.pool_page.html")

local families = {}

local function badge(class, words)
   return (' <span class="badge %s">%s</span>'):format(class, words)
end

local function label(item)
   local state, outdated = item.state:gsub(",outdated", "")
   local text = html.escape(item.vid) .. ' <span class="faint">' .. item.kind .. ", " .. html.size(item.used)
      .. "</span>"
   if state ~= "stopped" then
      text = text .. badge(state == "dirty" and "c3" or "c2", state)
   end
   return text .. (outdated > 0 and badge("outdated", "⚠ outdated") or "")
end

-- nodes in their order, each below its source; nothing of those that stand alone
local function tree(nodes)
   local parts, depth = { '<ul class="tree">' }, 0
   for i, node in ipairs(nodes) do
      for _ = node.depth + 1, depth do
         parts[#parts + 1] = "</li></ul>"
      end
      if node.depth > depth then
         parts[#parts + 1] = "<ul>"
      elseif i > 1 then
         parts[#parts + 1] = "</li>"
      end
      parts[#parts + 1] = "\n<li>" .. label(node.record)
      depth = node.depth
   end
   return table.concat(parts) .. ("</li></ul>"):rep(depth + 1)
end

--- The section on families.
-- @tparam table data of `byre.command.pool_page.data`
-- @treturn string
function families.section(data)
   local related, alone, outdated = {}, {}, 0
   for _, node in ipairs(family.walk(data.volumes)) do
      local list = (node.depth > 0 or node.children > 0) and related or alone
      list[#list + 1] = node
      outdated = outdated + (node.record.outdated and 1 or 0)
   end
   local text = ("<p>%d volumes are sources, or start from one; %s.</p>\n"):format(#related,
      outdated == 0 and "none is outdated" or outdated == 1 and "1 is outdated: its source has newer content"
         or outdated .. " are outdated: their sources have newer content")
   text = text .. (#related > 0 and tree(related) or "")
   if #alone > 0 then
      text = text .. ("\n<details><summary>%d volumes stand alone</summary>%s</details>"):format(#alone, tree(alone))
   end
   return text
end

return families
