--- Run another program and wait for it; never through a shell.
-- @module byre.spawn
local core = require("byre.core")

local failure = require("byre.failure")

local options_known = { timeout = "number", check = "boolean", stdin = "userdata", stdout = "userdata" }

local codes = { [core.errno.ENOENT] = "not_supported", [core.errno.EFBIG] = "io" }
local sentences = {
   [core.errno.ENOENT] = "there is no such program",
   [core.errno.EFBIG] = "it printed more than 256 MiB",
}

local function refuse(program, message, errno)
   local e = failure.from_errno(program, sentences[errno] or message, errno)
   e.code = codes[errno] or e.code
   error(e, 0)
end

local function how_it_ended(result, timeout)
   if result.timed_out then
      return ("was ended after %g seconds"):format(timeout)
   elseif result.signal then
      return ("was ended by signal %d"):format(result.signal)
   end
   return ("ended with status %d"):format(result.status)
end

local function require_success(program, result, timeout)
   if result.status == 0 and not result.timed_out then
      return
   end
   local last = result.stderr:match("([^\n]+)\n*$")
   failure.raise("io", program, how_it_ended(result, timeout) .. (last and ": " .. last or ""),
      { status = result.status, signal = result.signal, timed_out = result.timed_out, stderr = result.stderr })
end

--- Run a program.
--
-- It gets its arguments as they are, three descriptors and no more, an empty standard input, and no terminal. A
-- program that is ended (by its timeout, by Ctrl-C) gets SIGTERM, and two seconds later SIGKILL, with all that it has
-- started.
-- @tparam table command the program (looked up in PATH) and its arguments as a list, and of options `timeout` (seconds
-- after which it is ended; default: none), `check` (true: raise unless it ends with status 0), `stdin` and `stdout`
-- (handles of `byre.core`)
-- @treturn table `status` (exit status) or `signal` (the number of what ended it), `timed_out` (true: the timeout did),
-- `stdout`, `stderr` (of the latter the last 64 KiB)
-- @raise `not_supported`: there is no such program; `denied`: it may not be run; `io`: with `check`, it failed
local function spawn(command)
   assert(type(command) == "table", "a command is a table: the program, its arguments, and options")
   local argv, options = {}, {}
   for key, value in pairs(command) do
      if math.type(key) == "integer" then
         argv[key] = value
      else
         assert(options_known[key], "there is no option " .. tostring(key))
         assert(type(value) == options_known[key], ("%s: a %s"):format(key, options_known[key]))
         options[key] = value
      end
   end
   local result, message, errno = core.spawn(argv,
      { stdin = options.stdin, stdout = options.stdout, timeout = options.timeout })
   if not result then
      refuse(argv[1], message, errno)
   elseif options.check then
      require_success(argv[1], result, options.timeout)
   end
   return result
end

return spawn
