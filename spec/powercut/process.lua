--- Child processes, and what has to be undone whatever happens.
-- @module spec.powercut.process
local signal = require("posix.signal")
local time = require("posix.time")
local unistd = require("posix.unistd")
local wait = require("posix.sys.wait")

local process = {}

--- Start a program.
-- @tparam {string,...} argv
-- @treturn integer its pid
function process.start(argv)
   local pid = assert(unistd.fork())
   if pid == 0 then
      unistd.execp(argv[1], table.move(argv, 2, #argv, 1, { [0] = argv[1] }))
      unistd._exit(127)
   end
   return pid
end

--- Run a function in a process of its own, which ends with it.
function process.fork(fn)
   local pid = assert(unistd.fork())
   if pid == 0 then
      local ok, e = xpcall(fn, debug.traceback)
      if not ok then
         io.stderr:write(tostring(e), "\n")
      end
      io.stdout:flush()
      unistd._exit(ok and 0 or 1)
   end
   return pid
end

local stopped

--- From now on SIGINT and SIGTERM only leave a note, so that things get undone.
function process.catch_signals()
   for _, name in ipairs({ "SIGINT", "SIGTERM" }) do
      signal.signal(signal[name], function() stopped = name end)
   end
end

--- Go no further if a signal came: called wherever a loop begins anew.
-- @raise
function process.check()
   if stopped then
      error("stopped by " .. stopped, 0)
   end
end

--- Wait for any child.
-- @treturn integer its pid; nil: a signal came first, or there is none
function process.finish_any()
   return (wait.wait(-1))
end

function process.stop(pid)
   signal.kill(pid, signal.SIGTERM)
end

--- Wait for the end of a process.
-- @treturn boolean whether it succeeded
-- @treturn integer its exit code; -1: a signal ended it
function process.finish(pid)
   local _, how, code = wait.wait(pid)
   local exit_code = how == "exited" and code or -1
   return exit_code == 0, exit_code
end

function process.kill(pid)
   signal.kill(pid, signal.SIGKILL)
   wait.wait(pid)
end

function process.is_alive(pid)
   return signal.kill(pid, 0) ~= nil
end

function process.sleep(seconds)
   time.nanosleep({ tv_sec = seconds // 1 | 0, tv_nsec = math.floor(seconds % 1 * 1e9) })
end

function process.clock()
   local now = time.clock_gettime(time.CLOCK_MONOTONIC)
   return now.tv_sec + now.tv_nsec / 1e9
end

--- Try until it works; the last failure is raised.
function process.retry(fn, ...)
   local ok, message
   for _ = 1, 200 do
      ok, message = fn(...)
      if ok then
         return ok
      end
      collectgarbage()
      process.sleep(0.01)
   end
   error(message, 2)
end

--- Run a command that has to succeed.
function process.must(command, ...)
   local line = command:format(...)
   local pipe = io.popen("{ " .. line .. "; } 2>&1")
   local out = pipe:read("a")
   if not pipe:close() then
      error(line .. ": " .. out, 2)
   end
   return out
end

--- Call a function with a list to which it adds what is to be undone; all of
-- that is done, in reverse, also after an error.
function process.tidily(fn, ...)
   local undo = {}
   local results = table.pack(xpcall(fn, debug.traceback, undo, ...))
   for i = #undo, 1, -1 do
      local ok, e = pcall(undo[i])
      if not ok then
         io.stderr:write("powercut: ", tostring(e), "\n")
      end
   end
   if not results[1] then
      error(results[2], 0)
   end
   return table.unpack(results, 2, results.n)
end

return process
