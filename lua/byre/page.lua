--- Pages of HTML in one file.
-- @module byre.page
local page = {}

local frame = [[
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title><style>
%s</style></head><body><main>
<h1>%s</h1>
%s
</main>%s</body></html>
]]

--- Text as it may stand in HTML.
-- @param text anything
-- @treturn string
function page.escape(text)
   return (tostring(text):gsub("[&<>\"']", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
      ["'"] = "&#39;" }))
end

--- A page.
-- @tparam string title as text
-- @tparam string style sheet
-- @tparam string body HTML
-- @tparam[opt] string scripts HTML that stands behind it
-- @treturn string
function page.html(title, style, body, scripts)
   title = page.escape(title)
   return frame:format(title, style, title, body, scripts or "")
end

return page
