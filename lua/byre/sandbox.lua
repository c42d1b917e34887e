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

-- where `package.searchpath` would find it, which does not say why a file cannot be opened
local function open_module(name)
   local relative, trouble = name:gsub("%.", "/"), nil
   for template in package.path:gmatch("[^;]+") do
      local path = template:gsub("%?", relative)
      local file, message, errno = core.open(path, "r", { follow = true })
      if file then
         return file, path
      elseif errno ~= core.errno.ENOENT and errno ~= core.errno.ENOTDIR then
         trouble = trouble or failure.from_errno(name, message, errno)
      end
   end
   error(trouble or failure.new("io", name, "no file of package.path is this module"), 0)
end

local function read_file(name)
   local file, path = open_module(name)
   local text = failure.check_path(path, file:read_all())
   file:close()
   return { text = text, chunk = "@" .. path }
end

local known = { memory = true, instructions = true, seconds = true, child = true }

-- what the program around us allows
local most = {}

--- Restrict all sandboxes of this Lua state, whatever they are run with. A second call replaces the first.
-- @tparam table limits `memory` (bytes), `instructions`, `seconds` (CPU time): none gets more; nil: whatever it is run
-- with. `child`: true: each in a process of its own; false: none (programs with threads); nil: as it is run
function sandbox.restrict(limits)
   for name, value in pairs(limits) do
      assert(known[name], "no such limit: " .. tostring(name))
      if name == "child" then
         assert(type(value) == "boolean", "child: true or false")
      else
         assert(math.type(value) and value > 0, name .. ": a number above 0")
      end
   end
   most = limits
end

-- what a sandbox gets of something that is limited
local function share(name, options)
   return math.min(options[name] or sandbox.limits[name], most[name] or math.huge)
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
-- `instructions`, `seconds` (CPU time), see `sandbox.limits`; `child`: in a process of its own; all within what
-- `sandbox.restrict` allows
-- @return what the entry returned; nil if it failed
-- @treturn ?string why it failed
-- @treturn ?string the limit that was hit: `instructions`, `memory`, `time`, `waiting time`, `stack`, `output`
-- @raise `io`: no child process could be made, or no module of ours can be read
function sandbox.run(entry, value, options)
   options = options or {}
   local services = { source = source }
   for name, service in pairs(options.services or {}) do
      services[name] = service
   end
   local guard = source("byre.sandbox.guard")
   local seconds, child = share("seconds", options), options.child
   if most.child ~= nil then
      child = most.child
   end
   local result, message, limit = core.sandbox({
      guard = guard.text, name = guard.chunk, services = services, input = { entry = entry, value = value },
      memory = share("memory", options), instructions = share("instructions", options),
      seconds = seconds, child_seconds = child and 4 * seconds + 10 or nil,
   })
   if math.type(limit) == "integer" then
      failure.check("sandbox", result, message, limit)
   end
   return result, message, limit ~= "" and limit or nil
end

return sandbox
