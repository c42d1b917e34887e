-- The manual tells of everything there is, and of nothing else.
local byre = require("byre")
local command = require("byre.command")
local pages = require("spec.doc.pages")
local shell = require("spec.support.shell")

local function sorted(set)
   local list = {}
   for key in pairs(set) do
      list[#list + 1] = key
   end
   table.sort(list)
   return list
end

-- headings of a level -> text below them
local function sections(path, level)
   local found, current = {}, nil
   for line in shell.read(path):gmatch("[^\n]*\n") do
      local marks, title = line:match("^(#+) (.-)\n$")
      if marks and #marks <= level then
         current = #marks == level and title or nil
         if current then
            found[current] = ""
         end
      elseif current then
         found[current] = found[current] .. line
      end
   end
   return found
end

describe("commands.md", function()
   local verbs = {}
   for _, group in ipairs(command.groups) do
      for _, verb in ipairs(group[2]) do
         verbs[verb] = true
      end
   end
   local described = sections("doc/commands.md", 3)

   -- what a verb says of itself, and what verbs of its own say
   local function help_of(verb)
      local text = shell.must(("build/byre %s --help"):format(verb))
      for inner in (text:match("\nCommands:\n(.-)\n\n") or ""):gmatch("%f[^\n%z]   (%l+) ") do
         text = text .. shell.must(("build/byre %s %s --help"):format(verb, inner)):gsub("$", "\nExamples:")
      end
      return text
   end

   it("has a section for every verb, and no other", function()
      assert.same(sorted(verbs), sorted(described))
   end)

   it("names every option of every verb, and a real example", function()
      for verb in pairs(verbs) do
         local help = help_of(verb):match("Options:\n(.*)Examples:") or ""
         for option in help:gmatch("\n%s+(%-%-[%w-]+)") do
            assert(described[verb]:find(option, 1, true), ("%s: %s"):format(verb, option))
         end
         assert(described[verb]:find("\n%$ [^\n]*byre [^\n]*" .. verb), verb .. ": no example")
      end
   end)

   it("names no option that a verb has not", function()
      local global = shell.must("build/byre --help")
      for verb in pairs(verbs) do
         local help = global .. help_of(verb)
         for option in described[verb]:gsub("```.-\n```", ""):gmatch("%-%-[%w-]+") do
            assert(help:find(option, 1, true), verb .. ": " .. option)
         end
      end
   end)

   it("names every option of byre itself", function()
      local text = shell.read("doc/commands.md")
      for option in shell.must("build/byre --help"):match("Options:\n(.-)\n\n"):gmatch("(%-%-[%w-]+)") do
         assert(text:find(option, 1, true), option)
      end
   end)

   it("tells every exit code", function()
      local text = shell.read("doc/commands.md")
      for _, code in pairs(require("byre.command.report").exit) do
         assert(text:find(("\n| %d | "):format(code), 1, true), code)
      end
   end)
end)

describe("api.md", function()
   local dir, pool

   lazy_setup(function()
      dir = shell.temporary_directory()
      pool = byre.create_pool(dir .. "/pool", { setup_check = false })
   end)
   lazy_teardown(function()
      pool:close()
      shell.remove(dir)
   end)

   -- the methods of an object, whether its __index is a table or a function
   local function methods(object)
      local index = getmetatable(object).__index
      for i = 1, type(index) == "function" and 10 or 0 do
         local name, value = debug.getupvalue(index, i)
         if name == "methods" then
            return value
         end
      end
      return index
   end

   local function functions()
      local volume = pool:create_volume("vm/disk", { size = 1024, save_on_stop = true })
      local found = {}
      for prefix, from in pairs({ ["byre."] = byre, ["pool:"] = methods(pool), ["volume:"] = methods(volume),
         ["group:"] = methods(pool:group("vm")) }) do
         for name, value in pairs(from) do
            if type(value) == "function" then
               found[prefix .. name] = true
            end
         end
      end
      return found
   end

   it("has a heading for every public function, and no other", function()
      local described = {}
      for _, heading in ipairs(pages.read("doc/api.md").headings) do
         for name in heading:gmatch("(%w+[.:][%w_]+)%(") do
            described[name] = true
         end
      end
      assert.same(sorted(functions()), sorted(described))
   end)

   it("names every step of an event and every code of an error", function()
      local text, errors = shell.read("doc/api.md"), shell.read("doc/errors.md")
      for verb in shell.read("lua/byre/runner.lua"):match("verbs = (%b{})"):gmatch('"(%w+)"') do
         assert(text:find("`" .. verb .. "`", 1, true), verb)
      end
      for _, code in ipairs(require("byre.failure").codes) do
         assert(errors:find("`" .. code .. "`", 1, true), code)
      end
   end)
end)

-- Lua source without comments, with strings that go on put together
local function flat_source()
   local text = {}
   for path in shell.must("find lua/byre -name '*.lua' | sort"):gmatch("[^\n]+") do
      local source = ("\n" .. shell.read(path)):gsub("\n%s*%-%-[^\n]*", "")
      text[#text + 1] = source:gsub('"%s*%.%.%s*"', ""):gsub('\\"', '"')
   end
   return table.concat(text, "\n")
end

local function fragments(text, separator)
   local list = {}
   for fragment in (text .. "\0"):gsub(separator, "\0"):gmatch("([^%z]*)%z") do
      if #fragment > 6 then
         list[#list + 1] = fragment
      end
   end
   return list
end

describe("the manual", function()
   it("has a question in faq.md for every code of an error, and for no other", function()
      local asked, codes = {}, {}
      for _, heading in ipairs(pages.read("doc/faq.md").headings) do
         for code in heading:gmatch("`([%l_]+)`") do
            asked[code] = true
         end
      end
      for _, code in ipairs(require("byre.failure").codes) do
         codes[code] = true
      end
      assert.same(sorted(codes), sorted(asked))
   end)
end)

describe("errors.md", function()
   local source = flat_source()
   local text = shell.read("doc/errors.md")
   local sentences, findings = text:match("^(.*)\n## Findings of check\n(.*)$")

   it("quotes sentences that byre says", function()
      local missing = {}
      for item in (sentences:match("\n## exists.*") .. "\n\n"):gsub("\n  +", " "):gmatch("\n%* ([^\n]*)") do
         -- what stands in front of a colon, or between semicolons, is said by byre
         for quoted in item:gsub("`:.*", "`"):gmatch("`([^`]+)`") do
            for _, fragment in ipairs(select(2, quoted:gsub(" ", "")) >= 2 and fragments(quoted, "<[^>]*>") or {}) do
               if not source:find(fragment, 1, true) then
                  missing[fragment] = true
               end
            end
         end
      end
      assert.same({}, sorted(missing))
   end)

   it("has every sentence that the library and the command raise", function()
      local missing, flat = {}, sentences:gsub("%s+", " ")
      for name, call in source:gmatch("([%w_.]+)(%b())") do
         if name:find("raise$") or name:find("refuse$") or name:find("damaged$") or name:find("usage$")
            or name:find("bad_size$") then
            local spoken = call:gsub("hint = .*", "")
            for literal in spoken:gmatch('"([^"]*)"') do
               -- the command that a hint gives, and the first line of help
               literal = literal:find("^byre ") and "" or literal:find("^Usage") and "" or literal
               for _, fragment in ipairs(select(2, literal:gsub(" ", "")) >= 2 and fragments(literal, "%%%a") or {}) do
                  if not flat:find(fragment, 1, true) then
                     missing[fragment] = true
                  end
               end
            end
         end
      end
      assert.same({}, sorted(missing))
   end)

   it("has every finding of check", function()
      local said, described = {}, {}
      local check = shell.read("lua/byre/check.lua")
      for code in check:gmatch('found%("([%w_]+)"') do said[code] = true end
      for code in check:gmatch('code = "([%w_]+)"') do said[code] = true end
      for code in findings:gmatch("\n| `([%w_]+)` |") do described[code] = true end
      assert.same(sorted(said), sorted(described))
   end)
end)

describe("deviations.md", function()
   it("has every deviation that the recordings show, and no other", function()
      local listed, described = {}, {}
      for id in shell.read("spec/conformance/deviations.lua"):gmatch('\n%s+id = "([%w-]+)"') do
         listed[id] = true
      end
      for id in shell.read("doc/deviations.md"):gmatch("| `([%w-]+)` |\n") do
         described[id] = true
      end
      assert.same(sorted(listed), sorted(described))
   end)
end)

describe("the pages", function()
   local function slug(heading)
      return (heading:lower():gsub("[^%w%s_-]", ""):gsub("%s", "-"))
   end

   local function anchors(path)
      local set = {}
      for _, heading in ipairs(pages.read(path).headings) do
         set[slug(heading)] = true
      end
      return set
   end

   it("lead to pages and sections that are there", function()
      local list = pages.list()
      list[#list + 1] = "CHANGELOG.md"
      for _, path in ipairs(list) do
         for _, link in ipairs(pages.read(path).links) do
            local where = ("%s:%d: %s"):format(path, link.line, link.target)
            local file, anchor = link.target:match("^([^#]*)#?(.*)$")
            if not file:find("^https?:") then
               local target = file == "" and path or (path:match("^.*/") or "") .. file
               assert(shell.run("test -e " .. shell.quote(target)).code == 0, where)
               assert(anchor == "" or anchors(target)[anchor], where)
            end
         end
      end
   end)

   it("are all in the index", function()
      local index = shell.read("doc/README.md")
      for _, path in ipairs(pages.list()) do
         local name = path:match("^doc/(.*)$")
         assert(not name or name == "README.md" or index:find("(" .. name .. ")", 1, true), path)
      end
   end)
end)
