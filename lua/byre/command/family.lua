--- Volumes as a family: what starts from what.
--
-- Pure: from records of volumes (`byre.command.record`).
-- @module byre.command.family
local family = {}

-- A source that is not among them is not shown; nor can a volume depend on itself, except in a damaged pool.
local function roots_of(records, by_vid)
   local roots, children = {}, {}
   for _, item in ipairs(records) do
      local source = item.source
      if source and by_vid[source] then
         children[source] = children[source] or {}
         table.insert(children[source], item)
      else
         roots[#roots + 1] = item
      end
   end
   return roots, children
end

--- Put volumes in the order of their family: each before those that start from it.
-- @tparam {table,...} records with `vid`, `source`, in vid order
-- @treturn {table,...} nodes: `record`, `depth` (0: it has no source here), `last` (a list of booleans, one for each
-- level below the first: the node, or its forebear there, is the last one of its siblings), `children` (how many)
function family.walk(records)
   local by_vid, seen, nodes = {}, {}, {}
   for _, item in ipairs(records) do
      by_vid[item.vid] = item
   end
   local roots, children = roots_of(records, by_vid)
   local function add(item, last)
      if seen[item] then
         return
      end
      seen[item] = true
      local own = children[item.vid] or {}
      nodes[#nodes + 1] = { record = item, depth = #last, last = last, children = #own }
      for i, child in ipairs(own) do
         local below = table.move(last, 1, #last, 1, {})
         below[#below + 1] = i == #own
         add(child, below)
      end
   end
   for _, item in ipairs(roots) do
      add(item, {})
   end
   -- what is left depends on itself
   for _, item in ipairs(records) do
      add(item, {})
   end
   return nodes
end

local glyphs = {
   utf8 = { branch = "├─ ", last = "└─ ", through = "│  ", blank = "   " },
   ascii = { branch = "|- ", last = "`- ", through = "|  ", blank = "   " },
}

--- What stands before the name of a node on a terminal.
-- @tparam table node of `family.walk`
-- @tparam[opt] boolean is_utf8 lines may be drawn with other characters than ASCII
-- @treturn string
function family.branch(node, is_utf8)
   local signs, parts = is_utf8 and glyphs.utf8 or glyphs.ascii, {}
   for level, is_last in ipairs(node.last) do
      local here = level == node.depth
      parts[level] = is_last and (here and signs.last or signs.blank) or here and signs.branch or signs.through
   end
   return table.concat(parts)
end

return family
