-- The command as a script, for an installation by LuaRocks.
if _VERSION == "Lua 5.3" then
   io.stderr:write("byre: the command needs Lua 5.4; the library is there for Lua 5.3 too\n")
   os.exit(1)
end

local status = require("byre.main").run(arg)
-- a result that did not reach the disk or the pipe is a failure
if not io.stdout:flush() and status == 0 then
   status = 1
end
os.exit(status, true)
