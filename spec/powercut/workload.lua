-- One process at work on a pool that a power cut is going to hit:
--
--    lua5.4 spec/powercut/workload.lua POOL MARK SCENARIO GROUP COUNT SEED WORKER [MUTANT]
--    lua5.4 spec/powercut/workload.lua POOL MARK pool - 0 SEED 0 [MUTANT]
--    lua5.4 spec/powercut/workload.lua POOL - sync GROUP MILLISECONDS SEED 0
--
-- The second one makes the pool; the third one syncs at random times, so far
-- apart at most, until it is killed. `plans PATH` for a mutant writes down what
-- the plans look like.
local dir, mark_path, scenario, group, count, seed, worker, mutant = table.unpack(arg)

local byre = require("byre")
local core = require("byre.core")
local dkjson = require("dkjson")
local driver = require("spec.powercut.driver")
local scenarios = require("spec.powercut.scenarios")
local time = require("posix.time")

math.randomseed(math.tointeger(seed), math.tointeger(worker))

local function sync_for_ever()
   local handle = assert(core.open_dir(dir))
   local function sync_file(path)
      local file <close> = handle:open(path, "r")
      if file then
         file:sync()
      end
   end
   local actions = {
      function() handle:sync(group) end,
      function() handle:sync(".byre/volume/" .. group) end,
      function() handle:sync_filesystem() end,
      function() sync_file(".byre/pool.json") end,
      function()
         local names = handle:list(group, "") or {}
         if #names > 0 then
            sync_file(group .. "/" .. names[math.random(#names)])
         end
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
local function mark(text)
   assert(marks:write(text))
end

local plans_path = mutant and mutant:match("^plans (.*)$")
if plans_path then
   require("spec.powercut.plans").record(plans_path)
elseif mutant then
   require("spec.powercut.mutants").install(mutant, function(vid)
      mark(dkjson.encode({ what = "mutated", vid = vid }))
   end)
end

if scenario == "pool" then
   mark(dkjson.encode({ what = "make_pool" }))
   byre.create_pool(dir, { setup_check = false, precache = seed % 4 ~= 0 }):close()
   mark(dkjson.encode({ what = "pool_made" }))
   return
end

local pool <close> = byre.open_pool(dir)
local scratch = os.tmpname()
os.remove(scratch)
assert(os.execute("mkdir " .. scratch))
local me = driver.new({
   pool = pool, worker = math.tointeger(worker), scratch = scratch, mark = mark,
   subvolumes = require("spec.powercut.process").must("stat -f -c %%T %s", dir) == "btrfs\n",
})
local name, favourite = scenario:match("^(%w+):?(.*)$")
local ok, e = pcall(scenarios[name], me, group, math.tointeger(count), favourite ~= "" and favourite or nil)
os.execute("rm -rf " .. scratch)
if not ok then
   io.stderr:write(tostring(e), "\n")
   -- whose fault is it: that of byre, or that of the rig?
   os.exit(tostring(e):find("spec/powercut/", 1, true) and 70 or 1)
end
