-- Puts the lists of modules into a rockspec: LuaRocks' own build wants each named.
--
--    lua5.4 tools/rockspec.lua ROCKSPEC FILE...
--
-- FILEs in C become byre.core, those in Lua below lua/ the module named after each.

local path = arg[1]
local sources, modules = {}, {}
for i = 2, #arg do
   local file = arg[i]
   if file:find("%.c$") then
      sources[#sources + 1] = ("            %q,\n"):format(file)
   else
      local name = file:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
      modules[#modules + 1] = ("      [%q] = %q,\n"):format(name, file)
   end
end
table.sort(sources)
table.sort(modules)

local function replaced(text, pattern, list)
   local from, to, before, after = text:find(pattern)
   assert(from, path .. ": no place for the list")
   return text:sub(1, from - 1) .. before .. table.concat(list) .. after .. text:sub(to + 1)
end

local file <close> = assert(io.open(path, "r+"))
local text = file:read("a")
text = replaced(text, "( +sources = {\n).-( +},\n)", sources)
text = replaced(text, "(defines = [^\n]*\n +},\n).-(   },\n   install)", modules)
file:close()
local output <close> = assert(io.open(path, "w"))
assert(output:write(text))
