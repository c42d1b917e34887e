--- Build and run the programs that show what a lack of memory and threads do.
local shell = require("spec.support.shell")

local programs = {}

programs.modes = { "twice", "rest", "once", "collect" }

-- "Lua 5.3" has its program where its headers are
local function build(name)
   local path = "build/memory/" .. name
   shell.must("make -s " .. path, { dir = shell.root })
   return shell.root .. "/" .. path
end

--- Versions of Lua that programs can be built with.
function programs.versions()
   local list = shell.must("make -s memory-versions", { dir = shell.root })
   local versions = {}
   for version in list:gmatch("%S+") do
      versions[#versions + 1] = version
   end
   return versions
end

-- in memory where that can be: a sync costs nothing there, and a power cut is not what this is about
local function with_directory(fn)
   local dir = shell.must("mktemp -d -p /dev/shm 2>/dev/null || mktemp -d"):gsub("\n", "")
   local ok, result = pcall(fn, dir)
   shell.remove(dir)
   return ok and result or error(result, 0)
end

--- Run cases while allocations fail.
-- @tparam string version of Lua
-- @tparam string mode
-- @tparam integer first number of the first allocation that fails
-- @tparam integer step from one to the next
-- @tparam string names of cases
-- @tparam[opt] string script another than spec/memory/cases.lua
-- @treturn table `code`, `out`, `err`
function programs.allocations(version, mode, first, step, names, script)
   local program = build("allocations-" .. version)
   return with_directory(function(dir)
      return shell.run(("%s %s %s %s %d %d %s"):format(program, script or "spec/memory/cases.lua", dir, mode, first,
         step, names), { dir = shell.root })
   end)
end

--- Run the script of threads.lua.
-- @tparam integer threads
-- @tparam integer states that each thread has, one after the other
-- @treturn table `code`, `out`, `err`
function programs.threads(threads, states)
   local program = build("threads")
   local function run(prefix)
      return with_directory(function(dir)
         return shell.run(("%s %s spec/memory/threads.lua %s %d %d"):format(prefix, program, dir, threads, states),
            { dir = shell.root })
      end)
   end
   local result = run("")
   -- some kernels lay out addresses in a way that the sanitizer does not know
   return result.err:find("unexpected memory mapping") and run("setarch -R") or result
end

return programs
