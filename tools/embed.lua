-- Turns Lua scripts into C data for csrc/preload.c.
--
--    lua5.4 tools/embed.lua [-c] [-m NAME]... [-f NAME]... DIR FILE... >scripts.c
--
-- Each FILE is below DIR and becomes the module named after it (DIR/byre/pool.lua
-- is byre.pool, DIR/byre/init.lua is byre).  -m adds a module of this machine's own
-- Lua path; -f does so too, marked to stand back where the state finds one itself.
-- -c stores them precompiled: only for a program that brings its own Lua along.

local function fail(...)
   io.stderr:write("embed: ", ...)
   io.stderr:write("\n")
   os.exit(1)
end

local function read(path)
   local file, reason = io.open(path, "rb")
   if not file then fail(reason) end
   local text = file:read("a")
   file:close()
   return text
end

--- Names, where they come from, and what tracebacks call them.
local function parse(args)
   local scripts, options, root = {}, {}, nil
   local i = 1
   while i <= #args do
      local word = args[i]
      if word == "-c" then
         options.compile = true
      elseif word == "-m" or word == "-f" then
         i = i + 1
         local path, reason = package.searchpath(args[i], package.path)
         if not path then fail(args[i], ":", reason) end
         scripts[#scripts + 1] = { name = args[i], path = path, chunk = args[i] .. ".lua", stand_back = word == "-f" }
      elseif not root then
         root = word .. "/"
      else
         if word:sub(1, #root) ~= root then fail(word, ": not below ", root) end
         local chunk = word:sub(#root + 1)
         local name = chunk:gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
         scripts[#scripts + 1] = { name = name, path = word, chunk = chunk }
      end
      i = i + 1
   end
   table.sort(scripts, function(a, b) return a.name < b.name end)
   return scripts, options
end

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["?"] = "\\?" }
for byte = 0, 255 do
   local c = string.char(byte)
   if not escapes[c] and (byte < 32 or byte > 126) then
      escapes[c] = ("\\%03o"):format(byte)     -- three digits: the next byte cannot join in
   end
end

--- One C string literal, broken into short pieces.
local function literal(text)
   local pieces = {}
   for from = 1, #text, 64 do
      pieces[#pieces + 1] = '\t"' .. text:sub(from, from + 63):gsub(".", escapes):gsub("\n", escapes) .. '"'
   end
   return table.concat(pieces, "\n")
end

local function load_script(script, options)
   local text = read(script.path):gsub("^#[^\n]*", "")
   local chunk, reason = load(text, "@" .. script.chunk, "t")
   if not chunk then fail(reason) end      -- a syntax error stops the build
   return options.compile and string.dump(chunk) or text
end

local scripts, options = parse(arg)
local data, index = {}, {}
for i, script in ipairs(scripts) do
   local text = load_script(script, options)
   data[i] = ("static const char script_%d[] =\n%s;\n"):format(i, literal(text))
   index[i] = ('\t{"%s", "@%s", script_%d, %d, %s},'):format(script.name, script.chunk, i, #text,
      script.stand_back and "true" or "false")
end
io.write("/* made by tools/embed.lua */\n\n#include \"preload.h\"\n\n", table.concat(data, "\n"),
   "\nconst struct byre_script byre_scripts[] = {\n", table.concat(index, "\n"),
   "\n\t{NULL, NULL, NULL, 0, false}\n};\n")
if not io.stdout:flush() then fail("cannot write") end
