-- All points of all operations, as a table:
--    lua5.4 spec/kill/run.lua [--fs btrfs,xfs,ext4] [--only PATTERN] [--seed N] [--part N] [MODE...]
--
--    kill     before every call that changes something, and after the last; recovery in two ways
--    errno    every such call fails with every errno that it can have
--    read     the same for calls that only read
--    sticky   from a call on all of them fail: a disk that stays full, broken, read-only
--    real     every operation on small file systems that are full, over quota, read-only
-- Without one of these: all of them. --part N: every Nth point, a different one for each seed. BYRE_KILL_TMP: where the
-- file systems are (default: /dev/shm if there is one).
local stdlib = require("posix.stdlib")
local core = require("byre.core")

local ram = core.open_dir("/dev/shm")
local place = os.getenv("BYRE_KILL_TMP") or ram and "/dev/shm"
if ram then
   ram:close()
end
if place then
   stdlib.setenv("TMPDIR", place)
end

local campaign = require("spec.kill.campaign")
local filesystems = require("spec.support.filesystems")
local obstacles = require("spec.kill.obstacles")

local modes = { "kill", "errno", "read", "sticky" }

local function is_mode(word)
   for _, mode in ipairs(modes) do
      if mode == word then
         return true
      end
   end
   return false
end

local known = { fs = true, only = true, seed = true, part = true }

local function parse(words)
   local options = { fs = "btrfs,xfs,ext4", seed = 1, part = 1, modes = {} }
   local i = 1
   while words[i] do
      local name = words[i]:match("^%-%-(%a+)$")
      if known[name] and words[i + 1] then
         options[name] = words[i + 1]
         i = i + 1
      elseif words[i] == "real" then
         options.real = true
      elseif is_mode(words[i]) then
         options.modes[#options.modes + 1] = words[i]
      else
         error(words[i] .. " is no mode and no option: see the first lines of spec/kill/run.lua", 0)
      end
      i = i + 1
   end
   options.seed, options.part = math.tointeger(options.seed), math.tointeger(options.part)
   if #options.modes == 0 and not options.real then
      options.modes, options.real = modes, true
   end
   return options
end

local function print_row(first, counts)
   local row = { ("%-44s"):format(first) }
   for _, mode in ipairs(modes) do
      row[#row + 1] = ("%7s"):format(counts[mode] or "-")
   end
   row[#row + 1] = ("%11s"):format(counts.violations)
   print(table.concat(row))
   io.stdout:flush()
end

local function print_list(list)
   for _, text in ipairs(list) do
      print("   " .. text)
   end
end

local function each_point(options)
   local violations = 0
   for name in options.fs:gmatch("%w+") do
      local fs = assert(filesystems.get(name))
      print_row(name .. ", seed " .. options.seed, { kill = "kill", errno = "errno", read = "read", sticky = "sticky",
         violations = "violations" })
      local total = campaign.run(fs, options, function(operation, counts, found)
         print_row(operation.name, counts)
         print_list(found)
      end)
      print_row("all of " .. name, total)
      violations = violations + total.violations
   end
   return violations
end

local function each_obstacle(options)
   local violations = 0
   print(("%-44s%7s%7s%18s"):format("real", "met", "failed", "violations"))
   for _, obstacle in ipairs(obstacles.list) do
      for _, name in ipairs(obstacle.fs) do
         local counts, reason = campaign.meet(obstacle, name, options.only)
         if counts then
            print(("%-44s%7d%7d%18d"):format(obstacle.name .. ", " .. name, counts.met, counts.failed, #counts.found))
            print_list(counts.found)
            violations = violations + #counts.found
         else
            print(("%-44s%s"):format(obstacle.name .. ", " .. name, reason))
         end
      end
   end
   return violations
end

local options = parse(arg)
local started = core.clock()
local violations = #options.modes > 0 and each_point(options) or 0
violations = violations + (options.real and each_obstacle(options) or 0)
print(("%d violations, %.0f seconds"):format(violations, core.clock() - started))
os.exit(violations == 0, true)
