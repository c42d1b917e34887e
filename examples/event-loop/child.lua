-- child.lua - a long copy in a child process, beside an event loop, which goes on turning
--
--    lua5.4 child.lua POOL VID FILE [SECONDS]
--
-- Fills a volume from a file or a pipe by `byre import`.  The loop hears when it ends, and why.
-- After SECONDS it is ended: by SIGTERM the command undoes what it has begun.
--
-- Debian: lua5.4, lua-luv, byre.

local uv = require("luv")

local dir, vid, path, seconds = ...
if not path then
   io.stderr:write("usage: child.lua POOL VID FILE [SECONDS]\n")
   os.exit(2)
end

local status
local timer, errors = uv.new_timer(), uv.new_pipe()
local said = {}

local child, why = uv.spawn("byre", {
   args = { "-p", dir, "-q", "import", vid, path },
   stdio = { nil, nil, errors },
}, function(code, signal)
   -- as a shell tells it
   status = signal > 0 and 128 + signal or code
   timer:close()
end)
if not child then
   io.stderr:write("byre: ", why, "\n")
   os.exit(1)
end

errors:read_start(function(_, text)
   if text then
      said[#said + 1] = text
   else
      errors:close()
   end
end)

-- whatever else the program does
local turns = 0
timer:start(10, 10, function()
   turns = turns + 1
   if seconds and turns * 0.01 > tonumber(seconds) and child:is_active() then
      child:kill("sigterm")
   end
end)

uv.run()
io.stderr:write(table.concat(said))
print(("the loop turned %d times meanwhile"):format(turns))
os.exit(status)
