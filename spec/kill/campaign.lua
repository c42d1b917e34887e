--- Many points of many operations.
-- @module spec.kill.campaign
local errnos = require("spec.kill.errnos")
local obstacles = require("spec.kill.obstacles")
local operations = require("spec.kill.operations")
local rig = require("spec.kill.rig")

local campaign = {}

-- Points of an operation in a mode: {number, errno}.
local points = {}

function points.kill(states)
   local list = {}
   for number = 1, #states.calls + 1 do
      list[number] = { number = number }
   end
   return list
end

function points.errno(states)
   local list = {}
   for number, call in ipairs(states.calls) do
      for _, errno in ipairs(errnos.of(call.name)) do
         list[#list + 1] = { number = number, errno = errno }
      end
   end
   return list
end

-- those that only read; what changes something is the business of `errno`
function points.read(states)
   local list = {}
   for _, point in ipairs(points.errno(states)) do
      if not states.calls[point.number].changes then
         list[#list + 1] = point
      end
   end
   return list
end

function points.sticky(states)
   local list = {}
   for number, call in ipairs(states.calls) do
      for _, errno in ipairs({ "ENOSPC", "EIO", "EROFS" }) do
         if not errnos.why_never(call.name, errno) then
            list[#list + 1] = { number = number, errno = errno, sticky = true }
         end
      end
   end
   return list
end

-- path of a call as the pool calls it
local function describe(states, point)
   local call = states.calls[point.number]
   return call and ("%s %s"):format(call.name, call.path:gsub("/%S*/work/pool/?", "/")) or "the end"
end

local function strike(the_rig, operation, states, mode, point)
   if mode == "kill" then
      return the_rig:kill(operation, states, point.number, { repair_first = point.repair_first })
   end
   return (the_rig:fail(operation, states, point))
end

--- Strike an operation at points of one mode.
-- @tparam rig the_rig
-- @tparam table operation
-- @tparam string mode `kill`, `errno`, `read`, `sticky`
-- @tparam function choose gets the number of a point; false leaves it out
-- @treturn integer how many points; none where the operation is refused, for want of shared blocks
-- @treturn {string,...} what was wrong
function campaign.strike(the_rig, operation, mode, choose)
   if operation.needs_reflink and not the_rig.reflink then
      return 0, {}
   end
   local undisturbed, states = pcall(the_rig.dry_run, the_rig, operation, mode == "read")
   if not undisturbed then
      return 0, { tostring(states) }
   end
   local count, found = 0, {}
   for index, point in ipairs(points[mode](states)) do
      local chosen = choose(index)
      if chosen then
         count = count + 1
         point.every = mode == "read"
         point.repair_first = chosen
         local ok, why = pcall(strike, the_rig, operation, states, mode, point)
         if why or not ok then
            found[#found + 1] = ("%s %s at %d (%s): %s"):format(operation.name, point.errno or "killed", point.number,
               describe(states, point), tostring(why))
         end
      end
   end
   return count, found
end

--- A number that says which points are taken where not all are: BYRE_SEED, or the time.
function campaign.seed()
   return math.tointeger(os.getenv("BYRE_SEED")) or os.time() % 100000
end

local always = {
   ["start rest/private"] = true, ["start rest/cold"] = true, ["start rest/bare"] = true,
   ["stop busy/private"] = true, ["stop busy/bare"] = true,
   ["revert rest/private"] = true, ["revert, discard busy/private"] = true,
}

--- The operations that have their turn always.
campaign.always = {}

local others = {}
for _, operation in ipairs(operations) do
   table.insert(always[operation.name] and campaign.always or others, operation)
end

--- Some of the others, different ones for each seed.
function campaign.chosen(seed)
   local list = {}
   for i, operation in ipairs(others) do
      if (i + seed) % 10 == 0 then
         list[#list + 1] = operation
      end
   end
   return list
end

--- Which points of an operation are taken, of which only some are wanted: every
-- one has its turn as the seed goes on.
function campaign.every(part, seed, name)
   local offset = seed
   for i = 1, #name do
      offset = offset + name:byte(i)
   end
   return function(index)
      return (index + offset) % part == 0 and (part == 1 and "both" or index // part % 2 == 0 and "only" or "no")
   end
end

--- Strike all operations.
-- @param fs
-- @tparam table options `modes`, `part`, `seed`, `only` (a Lua pattern)
-- @tparam function report gets each operation, its counts and what was wrong
-- @treturn table counts
function campaign.run(fs, options, report)
   local the_rig = rig.new(fs, { precache = fs.reflink })
   local total = { violations = 0 }
   for _, operation in ipairs(operations) do
      if operation.name:find(options.only or "") then
         local counts, all = { violations = 0 }, {}
         for _, mode in ipairs(options.modes) do
            local count, found = campaign.strike(the_rig, operation, mode,
               campaign.every(options.part, options.seed, operation.name))
            counts[mode] = count
            total[mode] = (total[mode] or 0) + count
            table.move(found, 1, #found, #all + 1, all)
         end
         counts.violations = #all
         total.violations = total.violations + #all
         report(operation, counts, all)
      end
   end
   return total
end

--- Let all operations meet an obstacle.
-- @tparam table obstacle of `spec.kill.obstacles`
-- @tparam string name of the file system
-- @tparam ?string only a Lua pattern
-- @treturn ?table `met`, `failed`, `found` (what was wrong); nil: it cannot be had
-- @treturn ?string why not
function campaign.meet(obstacle, name, only)
   local place, reason = obstacles.rig(obstacle, name)
   if not place then
      return nil, reason
   end
   local counts = { met = 0, failed = 0, found = {} }
   for _, operation in ipairs(operations) do
      if operation.name:find(only or "") then
         local ok, why, failed = pcall(place.meet, place, operation)
         counts.met = counts.met + 1
         counts.failed = counts.failed + (failed and 1 or 0)
         if why or not ok then
            counts.found[#counts.found + 1] = operation.name .. ": " .. tostring(why)
         end
      end
   end
   place:close()
   return counts
end

return campaign
