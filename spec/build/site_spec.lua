-- The manual as a site: every page is there, and every link leads somewhere.
local pages = require("spec.doc.pages")
local shell = require("spec.support.shell")

describe("make site", function()
   if shell.run("command -v lowdown").code ~= 0 then
      assert(os.getenv("CI") ~= "true", "lowdown is not installed")
      return pending("needs lowdown")
   end
   local site = "build/site/"
   local texts = {}

   setup(function()
      shell.must("make -s site")
      for path in shell.must("find build/site -name '*.html'"):gmatch("[^\n]+") do
         texts[path:sub(#site + 1)] = shell.read(path)
      end
   end)

   -- a path that is relative to a page, from the top
   local function resolve(from, target)
      return (shell.must(("realpath -sm --relative-to=%s %s"):format(site,
         shell.quote(site .. (from:match("^.*/") or "") .. target))):gsub("\n", ""))
   end

   it("has every page of the manual, with its title", function()
      for _, path in ipairs(pages.list()) do
         local text = texts[(path:gsub("README%.md$", "index.html"):gsub("%.md$", ".html"))]
         assert(text, path)
         local title = pages.read(path).headings[1]:gsub("[`]", "")
         -- quotes may have become those of print
         local found = text:match("<title>(.-)</title>"):gsub("’", "'")
         assert.equal(title, found)
      end
   end)

   it("has links that lead to pages and sections that are there", function()
      local files = {}
      for path in shell.must("find build/site -type f"):gmatch("[^\n]+") do
         files[path:sub(#site + 1)] = true
      end
      local count, known = 0, {}
      for from, text in pairs(texts) do
         for link in text:gmatch('href="([^"]*)"') do
            local file, anchor = link:match("^([^#]*)#?(.*)$")
            local key = (from:match("^.*/") or "") .. "\0" .. file
            known[key] = known[key] or file ~= "" and not file:find("^https?:") and resolve(from, file)
            local target = file == "" and from or known[key]
            if target then
               count = count + 1
               assert(files[target], from .. ": " .. link)
               assert(anchor == "" or texts[target]:find(('id="%s"'):format(anchor), 1, true), from .. ": " .. link)
            end
         end
      end
      assert.is_true(count > 300)
   end)

   it("loads nothing and runs nothing", function()
      for path, text in pairs(texts) do
         for _, word in ipairs({ "<script", "src=", "@import", "<link" }) do
            assert(not text:find(word, 1, true), path .. ": " .. word)
         end
      end
   end)
end)
