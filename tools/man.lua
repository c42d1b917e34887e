-- Makes the manual page of the command from its own help: byre --help | lua5.4 tools/man.lua VERSION

local version = arg[1]
local lines = {}
for line in io.lines() do
   lines[#lines + 1] = line
end

local function escaped(text)
   return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("^([.'])", "\\&%1"))
end

local function put(...)
   print((table.concat({ ... }):gsub("\n+$", "")))
end

put('.TH BYRE 1 "" "byre ', version, '" "User Commands"')
put(".SH NAME\nbyre \\- pools of copy\\-on\\-write disk images")
put(".SH SYNOPSIS\n.B ", escaped(lines[1]:match("^Usage: (.*)")))
put(".SH DESCRIPTION")
local in_list
for i = 3, #lines do
   local line = lines[i]
   local title = line:match("^(%S[%w ]*):$")
   local name, text = line:match("^   (%S.-)   *(%S.*)$")
   local alone = line:match("^   (%S.*)$")
   if title then
      in_list = title ~= "Begin" and title ~= "Examples"
      put(".SH ", title:upper())
   elseif in_list and (name or alone) then
      put(".TP\n.B ", escaped(name or alone), "\n", escaped(text or ""))
   elseif alone then
      put(".nf\n.B ", escaped(alone), "\n.fi")
   elseif line:find("%S") then
      put(escaped(line:match("^%s*(.*)$")))
   elseif not in_list then
      put(".PP")
   end
end
put(".SH SEE ALSO\n.B byre VERB \\-\\-help\nsays more of each verb; the whole manual is in /usr/share/doc/byre.")
