--- The process that the specs run in.
-- @module spec.support.this_process
local core = require("byre.core")

local this_process = {}

--- How a sentence names it: its number and program.
-- @treturn string such as `process 17 (lua5.4)`
function this_process.words()
   local file <close> = assert(io.open("/proc/self/comm"))
   return ("process %d (%s)"):format(core.pid(), file:read("l"))
end

--- Is it valgrind that runs it? 3.19 replaces vfork by fork, which hides a failed exec, and knows no pidfd_open.
function this_process.is_under_valgrind()
   local file <close> = assert(io.open("/proc/self/maps"))
   return file:read("a"):find("vgpreload", 1, true) ~= nil
end

return this_process
