--- Policies: scripts that say which revisions are to be kept.
--
-- The text of a policy stands in `.byre/policy/NAME.lua`. It is run in a sandbox
-- each time it is asked, and does nothing but judge.
-- @module byre.policy
local core = require("byre.core")

local config = require("byre.config")
local failure = require("byre.failure")
local fingerprint = require("byre.fingerprint")
local layout = require("byre.layout")
local sandbox = require("byre.sandbox")

local policy = {}

local zones = "/usr/share/zoneinfo/"
local largest_zone = 1 << 20
local largest_policy = 1 << 20

--- Limits for what judges again and again: `check` and `simulate`.
policy.long = { memory = 512 << 20, instructions = 20000000000, seconds = 120 }

-- What a zone's name is has been checked inside; but inside nothing is certain.
local function read_zone(name)
   if type(name) ~= "string" or not name:find("^%a[%w_+/-]*$") then
      return { why = "no name of a zone" }
   end
   local file, why = core.open(zones .. name, "r")
   local stat = file and file:stat()
   local bytes
   if stat and stat.type == "file" and stat.size <= largest_zone then
      bytes, why = file:read_all()
   elseif stat then
      why = "not a file of zone rules"
   end
   if file then
      file:close()
   end
   return { bytes = bytes, why = why }
end

-- the line of the last `return` that begins a line, 1 where there is none
local function line_of_return(text)
   local before = ("\n" .. text):match("^(.*\n)%s*return%f[%W]") or "\n"
   return select(2, before:gsub("\n", ""))
end

-- "policy/a.lua:3: what is wrong" -> what it is about, and the sentence. What `return policy {...}` itself
-- raises has no line: a function that is called last leaves no trace of its caller.
local function split_message(self, message)
   local line, sentence = message:match("^:(%d+): (.*)$", #self.name + 1)
   if message:sub(1, #self.name) == self.name and line then
      return self.name .. ":" .. line, sentence
   end
   return ("%s:%d"):format(self.name, line_of_return(self.text)), message
end

--- A policy from its text. Nothing is run as yet.
-- @tparam string name for messages: its file
-- @tparam string text
-- @treturn table `name`, `text`, `hash`
-- @raise `invalid`: too long
function policy.new(name, text)
   if #text > largest_policy then
      failure.raise("invalid", name, ("is longer than %d bytes"):format(largest_policy))
   end
   return { name = name, text = text, hash = fingerprint.of(text) }
end

--- The policy of a pool by its name.
-- @tparam store store
-- @tparam string name
-- @treturn table see `policy.new`
-- @raise `invalid`: there is none; `io`
function policy.read(store, name)
   local path = layout.policy(name)
   local text = store:read(path)
   if not text then
      failure.raise("invalid", failure.quote(name), "there is no policy of this name in the pool",
         { path = path, hint = "byre policy show lists what there is" })
   end
   return policy.new(path, text)
end

--- Refuse settings of a volume that name a policy which the pool does not keep.
-- @tparam store store
-- @tparam ?string name nil or false: they name none
-- @raise `invalid`; `io`
function policy.require(store, name)
   if name then
      policy.read(store, name)
   end
end

--- Run a policy in its sandbox.
-- @tparam table self of `policy.new`
-- @tparam string action `load`; `check`: what is strange about it (`lint.check`); `judge` (`evaluate.judge`);
-- `simulate`, `now` (`simulate.run`, `simulate.now`); `forecast` (`explain.forecast`)
-- @tparam table value what the action needs
-- @tparam[opt] table options functions of a list of ids, `freed`: bytes that deleting them would return, `taken`: bytes
-- that the volume would still take, and of an id, `delta`: bytes that it has changed (nil: not known); `child`,
-- `memory`, `instructions`, `seconds`: see `sandbox.run`
-- @treturn table what the action returns
-- @treturn {string,...} lines that the policy has logged
-- @raise `invalid`: the policy is wrong, raises an error, or needs more than a sandbox has
function policy.run(self, action, value, options)
   options = options or {}
   local call = config.with(value, { action = action, text = self.text, name = self.name,
      knows_freed = options.freed ~= nil, knows_delta = options.delta ~= nil })
   local answer, message, limit = sandbox.run("byre.policy.inside", call,
      config.with(options, { services = { read_zone = read_zone, freed = options.freed, taken = options.taken,
         delta = options.delta } }))
   if not answer then
      local object, sentence = split_message(self, message)
      failure.raise("invalid", object, sentence, { path = self.name, limit = limit })
   end
   return answer.result, answer.log
end

return policy
