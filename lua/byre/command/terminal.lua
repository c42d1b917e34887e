--- What byre does differently when a person sits in front of it.
--
-- luaposix is part of the host; without it nothing counts as a terminal.
-- @module byre.command.terminal
local terminal = {}

local descriptors = { stdin = 0, stdout = 1, stderr = 2 }

--- Is a standard stream a terminal?
-- @tparam string name `stdin`, `stdout` or `stderr`
-- @treturn boolean
function terminal.is_terminal(name)
   local ok, unistd = pcall(require, "posix.unistd")
   return ok and unistd.isatty(descriptors[name]) == 1
end

--- May colours and other escape sequences go to a standard stream?
-- @tparam string name `stdout` or `stderr`
-- @treturn boolean
function terminal.has_escapes(name)
   return os.getenv("TERM") ~= "dumb" and os.getenv("TERM") ~= nil and terminal.is_terminal(name)
end

--- May colours go to standard output? `NO_COLOR` forbids them.
-- @treturn boolean
function terminal.has_colour()
   return (os.getenv("NO_COLOR") or "") == "" and terminal.has_escapes("stdout")
end

--- Does the locale of the user say UTF-8?
-- @treturn boolean
function terminal.has_utf8()
   for _, name in ipairs({ "LC_ALL", "LC_CTYPE", "LANG" }) do
      local value = os.getenv(name) or ""
      if value ~= "" then
         return value:lower():find("utf%-?8") ~= nil
      end
   end
   return false
end

local styles = { bold = "1", red = "31", green = "32", yellow = "33", faint = "2" }

--- Text in a style.
-- @tparam string style `bold`, `red`, `green`, `yellow` or `faint`
-- @tparam string text
-- @treturn string
function terminal.paint(style, text)
   return "\27[" .. styles[style] .. "m" .. text .. "\27[0m"
end

--- Ask a question that yes or no answers; no is the default.
-- @tparam string question
-- @treturn boolean
function terminal.ask(question)
   io.stderr:write(question, " [y/N] ")
   local answer = io.stdin:read("l")
   if not answer then
      io.stderr:write("\n")
   end
   return answer ~= nil and answer:lower():match("^%s*ye?s?%s*$") ~= nil
end

return terminal
