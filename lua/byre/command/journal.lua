--- Events as entries of the journal of systemd, with fields (its native protocol: a datagram each).
-- @module byre.command.journal
local failure = require("byre.failure")
local steps = require("byre.command.steps")

local journal = {}

local default_path = "/run/systemd/journal/socket"

-- field of an entry -> key of an event
local fields = {
   { "BYRE_STEP", "step" }, { "BYRE_OPERATION", "operation" }, { "BYRE_VOLUME", "volume" }, { "BYRE_FROM", "from" },
   { "BYRE_PATH", "path" }, { "BYRE_BYTES", "bytes" }, { "BYRE_SECONDS", "seconds" }, { "BYRE_CODE", "code" },
}

-- a value of more than one line goes with its length
local function field(name, value)
   local text = tostring(value)
   if text:find("\n", 1, true) then
      return ("%s\n%s%s\n"):format(name, string.pack("<I8", #text), text)
   end
   return ("%s=%s\n"):format(name, text)
end

--- An event as a datagram.
-- @tparam table event
-- @tparam ?string pool its directory
-- @treturn string
function journal.entry(event, pool)
   local list = {
      field("MESSAGE", steps.describe(event)), field("PRIORITY", steps.priority(event)),
      field("SYSLOG_IDENTIFIER", "byre"), pool and field("BYRE_POOL", pool),
   }
   for _, pair in ipairs(fields) do
      local value = event[pair[2]]
      list[#list + 1] = value ~= nil and field(pair[1], value) or nil
   end
   return table.concat(list)
end

local function refuse(message)
   failure.raise("not_supported", "--journal", message)
end

--- A function that takes events and sends them to the journal. What it has no room for at the moment is left out:
-- nothing waits for it.
-- @tparam ?string pool its directory
-- @tparam[opt] string path of the socket
-- @treturn function
-- @raise `not_supported`: there is no journal; built without luaposix
function journal.sender(pool, path)
   path = path or default_path
   local ok, socket = pcall(require, "posix.sys.socket")
   if not ok then
      refuse("this byre was built without luaposix")
   end
   local fcntl = require("posix.fcntl")
   local fd, message = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM, 0)
   local connected
   if fd then
      fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
      fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.O_NONBLOCK)
      connected, message = socket.connect(fd, { family = socket.AF_UNIX, path = path })
   end
   if not connected then
      refuse("there is no journal to be reached: " .. message)
   end
   return function(event)
      socket.send(fd, journal.entry(event, pool))
   end
end

return journal
