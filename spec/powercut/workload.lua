-- One process at work on a pool that a power cut is going to hit:
--
--    lua5.4 spec/powercut/workload.lua POOL MARK SCENARIO GROUP COUNT SEED WORKER [MUTANT]
--    lua5.4 spec/powercut/workload.lua POOL - sync GROUP MILLISECONDS SEED 0
--
-- The second one syncs at random times, so far apart at most, until it is killed.
local dir, mark_path, scenario, group, count, seed, worker, mutant = table.unpack(arg)

if mutant then
   require("spec.powercut.mutants").install(mutant)
end

local byre = require("byre")
local core = require("byre.core")
local driver = require("spec.powercut.driver")
local scenarios = require("spec.powercut.scenarios")
local time = require("posix.time")

math.randomseed(math.tointeger(seed), math.tointeger(worker))

local function sync_for_ever()
   local handle = assert(core.open_dir(dir))
   local actions = {
      function() handle:sync(group) end,
      function() handle:sync(".byre/volume/" .. group) end,
      function() handle:sync_filesystem() end,
      function()
         local file <close> = assert(handle:open(".byre/pool.json", "r"))
         file:sync()
      end,
   }
   while true do
      -- often enough to come between two steps, seldom enough not to stand in for a missing sync
      local most = math.random(2) == 1 and math.tointeger(count) // 8 or math.tointeger(count)
      time.nanosleep({ tv_sec = 0, tv_nsec = math.random(most * 10) * 100000 })
      actions[math.random(#actions)]()
   end
end

if scenario == "sync" then
   sync_for_ever()
end

local marks <close> = assert(io.open(mark_path, "w"))
marks:setvbuf("no")
local pool <close> = byre.open_pool(dir)
local scratch = os.tmpname()
os.remove(scratch)
assert(os.execute("mkdir " .. scratch))
local me = driver.new({
   pool = pool, worker = math.tointeger(worker), scratch = scratch,
   mark = function(text) assert(marks:write(text)) end,
})
local name, favourite = scenario:match("^(%w+):?(.*)$")
local ok, e = pcall(scenarios[name], me, group, math.tointeger(count), favourite ~= "" and favourite or nil)
os.execute("rm -rf " .. scratch)
if not ok then
   io.stderr:write(tostring(e), "\n")
   os.exit(1)
end
