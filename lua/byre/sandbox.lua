--- Sandboxes: scripts of strangers, run where they can compute and nothing else.
--
-- A sandbox is a Lua state of its own (`core.sandbox`) with a limit on memory,
-- instructions and CPU time. Our own modules are loaded into it first; one of
-- them, the entry, is called with the script and decides what it sees. Plain
-- values go in and out. With `child` it all happens in a child process, which
-- the kernel stops if nothing else does.
-- @module byre.sandbox
local core = require("byre.core")

local failure = require("byre.failure")

local sandbox = {}

--- The limits where nobody says others.
sandbox.limits = {
   memory = 64 << 20,                   -- bytes
   instructions = 50000000,
   seconds = 5,                         -- CPU time
}

local function read_file(name)
   local path = assert(package.searchpath(name, package.path))
   local file = failure.check(path, { path = path }, core.open(path, "r", { follow = true }))
   local text = failure.check(path, { path = path }, file:read_all())
   file:close()
   return { text = text, chunk = "@" .. path }
end

-- the text of a module of ours: built in, or a file
local function source(name)
   local scripts = package.preload["byre.scripts"] and require("byre.scripts")
   return scripts and scripts(name) or read_file(name)
end

--- Run a script of a stranger's.
-- @tparam string entry name of a module that returns `function(tools, value)`, see `byre.sandbox.guard`
-- @param value plain: what the entry is called with, the script in it
-- @tparam[opt] table options `services` (name -> function of one plain value, which returns one); `memory` (bytes),
-- `instructions`, `seconds` (CPU time), see `sandbox.limits`; `child`: in a process of its own
-- @return what the entry returned; nil if it failed
-- @treturn ?string why it failed
-- @treturn ?string the limit that was hit: `instructions`, `memory`, `time`, `waiting time`, `stack`, `output`
-- @raise `io`: no child process could be made
function sandbox.run(entry, value, options)
   options = options or {}
   local services = { source = source }
   for name, service in pairs(options.services or {}) do
      services[name] = service
   end
   local guard = source("byre.sandbox.guard")
   local seconds = options.seconds or sandbox.limits.seconds
   local result, message, limit = core.sandbox({
      guard = guard.text, name = guard.chunk, services = services, input = { entry = entry, value = value },
      memory = options.memory or sandbox.limits.memory,
      instructions = options.instructions or sandbox.limits.instructions,
      seconds = seconds, child_seconds = options.child and 4 * seconds + 10 or nil,
   })
   if math.type(limit) == "integer" then
      failure.check("sandbox", nil, result, message, limit)
   end
   return result, message, limit ~= "" and limit or nil
end

return sandbox
