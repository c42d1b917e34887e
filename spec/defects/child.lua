--- Processes of their own for the specs of known defects.
local assert = require("luassert")
local byre = require("byre")
local core = require("byre.core")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local child = {}

-- more steps than any operation has
local most = 40

local start_of_script = [[
   local byre = require("byre")
   local core = require("byre.core")
   local left = tonumber(arg[2])
   local pool = byre.open_pool(arg[1], { lock_timeout = 20, log = function()
      left = left - 1
      if left == 0 then
         require("posix.signal").kill(core.pid(), 9)
      end
   end })
]]

--- Run a script with `byre`, `core` and `pool` in a process that is killed after some steps.
-- @tparam pool pool
-- @tparam string script
-- @tparam[opt] integer steps after which it is killed; default: it lives on
-- @treturn boolean whether it was killed
-- @treturn string what it printed
function child.run(pool, script, steps)
   local path = scratch.sh("mktemp")
   pools.write(path, start_of_script .. script)
   local out = scratch.sh("{ %%lua %s %s %s; echo $?; } 2>&1; rm %s", path, pool.dir, steps or -1, path)
   local text, code = out:match("^(.-)(%d+)$")
   assert.is_true(code == "0" or code == "137", out)
   return code == "137", text
end

--- Run a script that is killed after its first step, then the same with its second step, and so on until it gets
-- through, each time in a new pool.
-- @param fs
-- @tparam function prepare makes what is in the pool
-- @tparam string script
-- @tparam function check gets the pool, opened anew, and a label
-- @treturn integer how often it was killed
function child.killed_everywhere(fs, prepare, script, check)
   for steps = 1, most do
      local pool = pools.create(fs)
      prepare(pool)
      local killed = child.run(pool, script, steps)
      pool:close()
      pool = byre.open_pool(pool.dir, { lock_timeout = 5 })
      check(pool, "killed after step " .. steps)
      pool:close()
      if not killed then
         return steps - 1
      end
   end
   error("it never came to its end")
end

--- Run several scripts at once, each in a process of its own.
-- @treturn string what all of them printed
function child.together(pool, scripts)
   local commands, paths = {}, {}
   for i, script in ipairs(scripts) do
      paths[i] = scratch.sh("mktemp")
      pools.write(paths[i], start_of_script .. script)
      commands[i] = ("%%%%lua %s %s -1 2>&1 & "):format(paths[i], pool.dir)
   end
   local out = scratch.sh(table.concat(commands) .. "wait")
   for _, path in ipairs(paths) do
      os.remove(path)
   end
   return out
end

--- Call a function while system calls fail.
-- @tparam table errors as for `core.inject_errors`, names of errnos instead of numbers
-- @return what pcall returns
function child.with_errors(errors, fn, ...)
   local numbers = {}
   for call, name in pairs(errors) do
      numbers[call] = core.errno[name]
   end
   core.inject_errors(numbers)
   local results = table.pack(pcall(fn, ...))
   core.inject_errors({})
   return table.unpack(results, 1, results.n)
end

return child
