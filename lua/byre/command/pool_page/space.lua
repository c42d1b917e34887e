--- Where the space of a pool is, and in how many pieces its images are.
-- @module byre.command.pool_page.space
local html = require("byre.command.pool_page.html")

local space = {}

local rows_shown = 25

local function sum(volumes, key)
   local total = 0
   for _, item in ipairs(volumes) do
      total = total + (item[key] or 0)
   end
   return total
end

-- the parts of the file system, in order
local function parts_of(data)
   local own = sum(data.volumes, "exclusive")
   local list = {
      { value = math.max(0, (data.allocated or 0) - own), class = "c1", words = "images, shared by several volumes" },
      { value = own, class = "c3", words = "images, of one volume only" },
      { value = math.max(0, data.used - (data.allocated or 0)), class = "c8", words = "other files" },
      { value = data.free, class = "free", words = "free" },
   }
   if not data.allocated then
      list = { { value = data.used, class = "c8", words = "in use" }, list[4] }
   end
   return list
end

local function whole(data)
   local parts, keys = parts_of(data), {}
   for i, part in ipairs(parts) do
      keys[i] = html.key(part.class, ("%s %s"):format(html.size(part.value), part.words))
   end
   return html.bar(parts, sum(parts, "value")):gsub('class="mini"', 'class="mini whole"')
      .. '<ul class="legend" aria-label="The file system">' .. table.concat(keys) .. "</ul>"
end

-- those with the most first
local function sorted(volumes, key)
   local list = {}
   for _, item in ipairs(volumes) do
      list[#list + 1] = (item[key] or 0) > 0 and item or nil
   end
   table.sort(list, function(a, b)
      if a[key] ~= b[key] then
         return a[key] > b[key]
      end
      return a.vid < b.vid
   end)
   return list
end

local function has_trash(data)
   return sum(data.volumes, "trash_count") > 0
end

local function by_volume(data)
   local list, rows = sorted(data.volumes, "allocated"), {}
   local most = list[1] and list[1].allocated or 0
   local titles = { "Volume", "Share", ">Its alone", ">History", ">Shared", ">Together" }
   titles[7] = has_trash(data) and ">Trash" or nil
   for i, item in ipairs(list) do
      local history = math.min(item.history or 0, item.exclusive or 0)
      rows[i] = { html.escape(item.vid), html.bar({ { value = (item.exclusive or 0) - history, class = "c3" },
         { value = history, class = "c4" }, { value = item.shared, class = "c1" } }, most),
         html.size(item.exclusive), html.size(item.history), html.size(item.shared), html.size(item.allocated) }
      rows[i][7] = titles[7] and html.size(item.trash_bytes)
   end
   if #rows == 0 then
      return "<p>What each volume takes is not known here, or it is nothing.</p>"
   end
   return '<ul class="legend" aria-label="Colours">' .. html.key("c3", "its alone, now") .. html.key("c4",
      "its alone, in its history") .. html.key("c1", "shared with other volumes") .. "</ul>\n"
      .. html.long_table(titles, rows, rows_shown)
      .. ("\n<p>%d more volumes take nothing.</p>"):format(#data.volumes - #list)
end

--- The section on space.
-- @tparam table data of `byre.command.pool_page.data`
-- @treturn string
function space.section(data)
   return whole(data) .. (data.reason and ("\n<p>%s: %s.</p>"):format(data.allocated and "Estimated" or "Not known",
      html.escape(data.reason)) or "") .. "\n<h3>By volume</h3>\n"
      .. "<p>“Its alone” comes back when the volume is removed and nothing else, “history” when its revisions go"
      .. (has_trash(data) and ", “trash” when that is emptied" or "") .. ".</p>\n"
      .. by_volume(data)
end

local function in_words(seconds)
   return seconds < 1 and ("%.1f ms"):format(seconds * 1000) or ("%.1f s"):format(seconds)
end

--- The section on extents.
-- @tparam table data
-- @treturn string
function space.pieces(data)
   local list, rows = sorted(data.volumes, "extents"), {}
   for i, item in ipairs(list) do
      rows[i] = { html.escape(item.vid), html.bar({ { value = item.extents, class = "bar" } }, list[1].extents),
         ("%d"):format(item.extents), in_words(item.clone_seconds) }
   end
   if #rows == 0 then
      return "<p>The file system does not tell, or there are no images.</p>"
   end
   return html.long_table({ "Volume", "Pieces", ">Extents", ">Next clone, about" }, rows, 10)
end

return space
