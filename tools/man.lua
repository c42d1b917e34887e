-- Writes a page of the manual for man, in Markdown for lowdown.
--
--    lua5.4 tools/man.lua byre.1|byre.7|byre-VERB.1
--
-- byre-VERB(1) and byre(1) are what --help says, byre(7) is doc/concepts.md.

local command = require("byre.command")

local function head(title, section)
   return ("title: %s\nsection: %d\nsource: byre\nvolume: byre\n\n"):format(title, section)
end

-- parts of a help text: what stands before the first "Title:", then title -> lines
local function parts_of(help)
   local parts, titles, current = {}, {}, "Usage"
   for line in (help .. "\n"):gmatch("([^\n]*)\n") do
      local title, rest = line:match("^(%u[%a ]*):%s*(.*)$")
      if title then
         current = title
         titles[#titles + 1] = title
         line = rest
      end
      parts[current] = parts[current] or {}
      table.insert(parts[current], line)
   end
   return parts, titles
end

local function code(lines)
   local text = {}
   for _, line in ipairs(lines) do
      text[#text + 1] = "    " .. line
   end
   return (table.concat(text, "\n"):gsub("%s+$", "")) .. "\n\n"
end

-- the usage ends at an empty line, the description is what follows
local function split_usage(lines)
   local usage, description = {}, {}
   for _, line in ipairs(lines) do
      if line == "" or #description > 0 then
         description[#description + 1] = line
      else
         usage[#usage + 1] = line
      end
   end
   return usage, description
end

local function page(name, summary, help)
   local parts, titles = parts_of(help)
   local usage, description = split_usage(parts.Usage)
   local out = { head(name:upper(), 1), "# NAME\n\n", name, " - ", (summary:gsub("%.$", "")),
      "\n\n# SYNOPSIS\n\n", code(usage), "# DESCRIPTION\n\n", code(description) }
   for _, title in ipairs(titles) do
      if title ~= "Usage" then
         out[#out + 1] = ("# %s\n\n"):format(title:upper()) .. code(parts[title])
      end
   end
   out[#out + 1] = "# SEE ALSO\n\nbyre(1), byre(7)\n"
   return table.concat(out)
end

local function concepts()
   local file = assert(io.open("doc/concepts.md"))
   local text = file:read("a")
   file:close()
   -- links lead nowhere in a terminal
   text = text:gsub("%[([^%]]*)%]%([^)]*%)", "%1"):gsub("^# [^\n]*\n", "")
   return head("BYRE", 7) .. "# NAME\n\nbyre - pools, volumes, revisions: the concepts\n\n" .. text:gsub("\n##", "\n#")
      .. "\n# SEE ALSO\n\nbyre(1)\n"
end

local name = assert(arg[1], "which page?")
if name == "byre.7" then
   io.stdout:write(concepts())
elseif name == "byre.1" then
   io.stdout:write(page("byre", "pools of copy-on-write disk images", command.help()))
else
   local verb = assert(name:match("^byre%-(.*)%.1$"), "no such page")
   io.stdout:write(page("byre-" .. verb, command.load(verb).summary, command.help(verb)))
end
