-- Writes the manual as a static site: README.md, CHANGELOG.md, doc/ and what of examples/ they lead to.
--
--    lua5.4 tools/site.lua DIR FILE...       (FILE: a page in Markdown, or a file that is copied)
--
-- Pages are made by lowdown. Links between pages lead to pages of the site, whose sections have the names that
-- they have where the Markdown is read.

local style = [[
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1b1b; --faint: #5c5c5c; --line: #d5d5d5; --accent: #0a5cc2;
  --box: #f4f4f4; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #ececec; --faint: #a3a3a3; --line: #3d4045;
  --accent: #7db4ff; --box: #202327; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; max-width: 52rem;
  margin: 0 auto; padding: 0 1rem 3rem; }
nav { border-bottom: 1px solid var(--line); padding: .7rem 0; } nav a { margin-right: 1.2rem; }
a { color: var(--accent); } :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.3rem; margin-top: 2.2rem; } h3 { font-size: 1.1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .92em; } code { background: var(--box); }
pre { background: var(--box); border: 1px solid var(--line); border-radius: .3rem; padding: .6rem .8rem;
  overflow-x: auto; } pre code { background: none; }
table { border-collapse: collapse; display: block; overflow-x: auto; } td, th { border-bottom: 1px solid var(--line);
  padding: .3rem .9rem .3rem 0; text-align: left; vertical-align: top; }
]]

local page = [[
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title><style>
%s</style></head><body>
<nav aria-label="Manual">%s</nav>
<main>
%s</main></body></html>
]]

-- what stands at the top of each page
local entries = {
   { "byre", "README.md" }, { "Tutorial", "doc/tutorial.md" }, { "Concepts", "doc/concepts.md" },
   { "Commands", "doc/commands.md" }, { "Lua", "doc/api.md" }, { "Questions", "doc/faq.md" },
   { "All pages", "doc/README.md" },
}

local function run(format, ...)
   local words = { ... }
   for i, word in ipairs(words) do
      words[i] = "'" .. word:gsub("'", "'\\''") .. "'"
   end
   local command = format:format(table.unpack(words))
   local pipe = assert(io.popen(command))
   local text = pipe:read("a")
   assert(pipe:close(), command)
   return text
end

local function write(path, text)
   run("mkdir -p %s", path:match("^(.*)/"))
   local file <close> = assert(io.open(path, "wb"))
   assert(file:write(text))
end

-- "README.md" is the index of its directory
local function name_of(path)
   return (path:gsub("README%.md$", "index.html"):gsub("%.md$", ".html"))
end

local function plain(html)
   return (html:gsub("<[^>]*>", ""):gsub("&#(%d+);", function(code) return utf8.char(tonumber(code)) end)
      :gsub("&lt;", "<"):gsub("&gt;", ">"):gsub("&quot;", '"'):gsub("&amp;", "&"))
end

local function slug(heading)
   return (heading:lower():gsub("[^%w%s_-]", ""):gsub("%s", "-"))
end

-- a path that is relative to a page, from the top
local function resolve(from, target)
   local path = (from:match("^.*/") or "") .. target
   while path:find("[^/]+/%.%./") do
      path = path:gsub("[^/]+/%.%./", "", 1)
   end
   return path
end

local function is_directory(path)
   return run("[ -d %s ] && echo yes || true", path) ~= ""
end

local function site_link(from, target)
   local path, anchor = target:match("^([^#]*)(.*)$")
   if path == "" or path:find("^%a+:") then
      return target
   end
   return (is_directory(resolve(from, path)) and path .. "/index.html" or name_of(path)) .. anchor
end

local function navigation(from)
   local up, links = from:gsub("[^/]", ""):gsub("/", "../"), {}
   for i, entry in ipairs(entries) do
      links[i] = ('<a href="%s%s">%s</a>'):format(up, name_of(entry[2]), entry[1])
   end
   return table.concat(links, "\n")
end

local function wrap(path, body)
   local title = plain(body:match("<h1[^>]*>(.-)</h1>") or path)
   return page:format(title:gsub("[<&]", { ["<"] = "&lt;", ["&"] = "&amp;" }), style, navigation(path), body)
end

local function convert(path)
   local body = run("lowdown -t html %s", path)
   body = body:gsub('<h(%d) id="[^"]*">(.-)</h%d>', function(level, text)
      return ('<h%s id="%s">%s</h%s>'):format(level, slug(plain(text)), text, level)
   end)
   body = body:gsub('href="([^"]*)"', function(target)
      return ('href="%s"'):format(site_link(path, target))
   end)
   return wrap(path, body)
end

-- a page that lists the files of each directory that has no page
local function add_listing(listings, path)
   local directory, name = path:match("^(.*)/([^/]*)$")
   while directory do
      listings[directory] = listings[directory] or {}
      listings[directory][name] = true
      directory, name = directory:match("^(.*)/([^/]*)$")
      name = name and name .. "/index.html"
   end
end

local function listing(directory, names)
   local sorted = {}
   for name in pairs(names) do
      sorted[#sorted + 1] = name
   end
   table.sort(sorted)
   for i, name in ipairs(sorted) do
      sorted[i] = ('<li><a href="%s">%s</a></li>'):format(name, (name:gsub("index%.html$", "")))
   end
   return wrap(directory .. "/", ("<h1>%s</h1>\n<ul>\n%s\n</ul>\n"):format(directory, table.concat(sorted, "\n")))
end

local out = assert(arg[1], "where to?")
local listings = {}
for i = 2, #arg do
   local path = arg[i]
   if path:find("%.md$") then
      write(out .. "/" .. name_of(path), convert(path))
   else
      write(out .. "/" .. path, run("cat %s", path))
      add_listing(listings, path)
   end
end
for directory, names in pairs(listings) do
   write(("%s/%s/index.html"):format(out, directory), listing(directory, names))
end
