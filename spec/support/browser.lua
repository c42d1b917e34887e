--- Pages in a real browser.
local busted = require("busted")
local shell = require("spec.support.shell")

local browser = {}

--- Is there none? Then the spec is pending; with CI=true that is an error.
function browser.need()
   if shell.run("command -v chromium").code ~= 0 then
      local reason = "pages are looked at in chromium, which is not here (package chromium)"
      if os.getenv("CI") == "true" then error(reason, 0) end
      busted.pending(reason)
   end
end

local function run(url, options)
   browser.need()
   local profile = shell.temporary_directory()
   local result = shell.run(("timeout 300 chromium --headless --no-sandbox --disable-gpu --user-data-dir=%s " ..
      "%s %s"):format(profile, options, shell.quote(url)))
   shell.remove(profile)
   if result.code ~= 0 then
      error(("chromium: exit code %d\n%s"):format(result.code, result.err), 3)
   end
   return result
end

--- A page as it is after its scripts ran.
-- @tparam string url
-- @treturn string its elements, as text
-- @treturn {string,...} what it complained of
function browser.open(url)
   local result = run(url, "--virtual-time-budget=5000 --enable-logging=stderr --dump-dom")
   local complaints = {}
   for line in result.err:gmatch("[^\n]*CONSOLE[^\n]*") do
      complaints[#complaints + 1] = line
   end
   return result.out, complaints
end

--- A picture of a page.
-- @tparam string url
-- @tparam[opt] boolean dark as somebody sees it who prefers dark pages
-- @treturn string PNG
function browser.draw(url, dark)
   local dir = shell.temporary_directory()
   local path = dir .. "/page.png"
   run(url, ("%s --hide-scrollbars --window-size=1200,2400 --screenshot=%s"):format(
      dark and "--blink-settings=preferredColorScheme=0" or "", path))
   local picture = shell.read(path)
   shell.remove(dir)
   return picture
end

return browser
