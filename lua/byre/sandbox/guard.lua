--- The first script in a sandbox: lets ours in, and shows strangers' scripts little.
--
-- Runs inside the sandbox's own state (`core.sandbox`), called with `input`
-- (`entry`: the name of a module of ours; `value`: what it is called with),
-- `service{name, value}`, which asks the host, and `checkpoint(message)`, which
-- raises once a limit is hit.
-- @module byre.sandbox.guard
local input, service, checkpoint = ...

local load, error = load, error
local loaded = {}

-- Our own modules come from the host as they are needed, precompiled or not.
function require(name) -- luacheck: globals require
   if loaded[name] == nil then
      local source = service({ "source", name })
      local chunk, message = load(source.text, source.chunk, "bt")
      loaded[name] = (chunk or error(message, 0))(name) or true
   end
   return loaded[name]
end

local base = require("byre.sandbox.base")
local entry = require(input.entry)

-- A method of a string is a function that everybody can reach.
getmetatable("").__index = base.new(checkpoint).string

local tools = { checkpoint = checkpoint }

--- What a stranger's script finds beside the words of its trade: a new table, theirs to spoil.
function tools.base()
   return base.new(checkpoint)
end

--- Ask the host.
function tools.service(name, value)
   return service({ name, value })
end

--- Load a stranger's script. Bytecode is refused: it can reach anything.
-- @tparam string text
-- @tparam string name of the file, for messages
-- @tparam table env its globals
-- @treturn function
function tools.load(text, name, env)
   -- "=" tells it from our own in messages about limits
   local chunk, message = load(text, "=" .. name, "t", env)
   return chunk or error(message, 0)
end

return entry(tools, input.value)
