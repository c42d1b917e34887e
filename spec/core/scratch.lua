--- A directory of its own for every example, and nothing left behind.
local core = require("byre.core")
local assert = require("luassert")

local scratch = {}

--- Run a shell command and return what it printed, without the last newline.
-- The arguments are quoted and put in for each `%s`, the Lua for `%%lua`.
function scratch.sh(command, ...)
   local quoted = {}
   for i, word in ipairs({ ... }) do
      quoted[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'"
   end
   local pipe = assert(io.popen((command:format(table.unpack(quoted)):gsub("%%lua", scratch.lua)), "r"))
   local out = pipe:read("a")
   assert(pipe:close(), command)
   return (out:gsub("\n$", ""))
end

--- How many descriptors this process has open, once garbage is collected.
function scratch.descriptors()
   collectgarbage()
   collectgarbage()
   local fds = assert(core.open_dir("/proc/self/fd"))
   local count = #assert(fds:list("."))
   fds:close()
   return count
end

--- A shell command: the Lua that runs these specs, finding the same modules.
function scratch.lua()
   local i = 0
   while arg[i - 1] do
      i = i - 1
   end
   return ("env LUA_PATH='%s' LUA_CPATH='%s' '%s'"):format(package.path, package.cpath, arg[i])
end

--- A Lua process: runs `script`, which has to end its first line of output, and
-- then lives until `process:finish()`.  Its argument is `path`.
function scratch.process(script, path)
   local dir = scratch.sh("mktemp -d")
   local source = assert(io.open(dir .. "/script", "w"))
   assert(source:write(script, "\nio.stdout:flush() io.read('a')"))
   source:close()
   scratch.sh("mkfifo %s/stdin", dir)
   local command = ("exec %s '%s/script' '%s' <'%s/stdin'"):format(scratch.lua(), dir, path, dir)
   local process = { output = assert(io.popen(command, "r")) }
   process.stdin = assert(io.open(dir .. "/stdin", "w"))
   process.line = process.output:read("l")
   function process.finish()
      process.stdin:close()
      process.output:close()
      scratch.sh("rm -r %s", dir)
   end
   return process
end

--- Give each example of the current block an open directory `scratch.dir` with
-- the path `scratch.path`, and check that it leaks no descriptor, once `finish`
-- has closed what the examples share.
function scratch.each_example(before_each, after_each, finish)
   local count
   before_each(function()
      scratch.path = scratch.sh("mktemp -d")
      count = scratch.descriptors()
      scratch.dir = assert(core.open_dir(scratch.path))
   end)
   after_each(function()
      core.inject_errors({})
      if finish then
         finish()
      end
      scratch.dir:close()
      scratch.dir = nil
      scratch.sh("chmod -R u+rwx %s && rm -r %s", scratch.path, scratch.path)
      assert.equal(count, scratch.descriptors())
   end)
end

--- Make a file and return its path beneath the directory.
function scratch.file(name, content)
   local file = assert(io.open(scratch.path .. "/" .. name, "w"))
   assert(file:write(content or ""))
   file:close()
   return name
end

function scratch.content(name)
   local file = assert(io.open(scratch.path .. "/" .. name, "r"))
   local content = file:read("a")
   file:close()
   return content
end

--- Assert that a call returned `nil, message, errno`.
function scratch.fails(message, errno, ...)
   assert.same({ n = 3, nil, message, core.errno[errno] }, table.pack(...))
end

return scratch
