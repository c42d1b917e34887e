#!/usr/bin/env lua5.4
--- Which old revisions have to go so that so much space comes back?
--
--    byre run free-space.lua POOL SIZE      SIZE such as 20G
--
-- Prints them, the oldest first, as `byre remove` takes them; nothing is removed.  The newest
-- revision of each volume stays.  Removing revisions frees what nobody else has, so what
-- each would free alone does not add up: it is asked what all of them free together.
local byre = require "byre"
local units = require "byre.units"

local dir, wanted = arg[1], arg[2] and units.parse_size(arg[2])
if not dir or not wanted then
   io.stderr:write("usage: free-space.lua POOL SIZE\n")
   os.exit(2)
end

local pool <close> = byre.open_pool(dir)
local space = pool:space()
if not space.basis then
   io.stderr:write(space.reason or "there are no images", "\n")
   os.exit(1, true)
end

local candidates = {}
for volume in pool:volumes() do
   local revisions = volume:revisions()
   for i = 1, #revisions - 1 do
      candidates[#candidates + 1] = { name = volume.vid .. "@" .. revisions[i].id, time = revisions[i].time,
         held = revisions[i].hold_until }
   end
end
table.sort(candidates, function(a, b)
   if a.time ~= b.time then
      return a.time < b.time
   end
   return a.name < b.name
end)

local names, freed = {}, 0
for _, candidate in ipairs(candidates) do
   if freed >= wanted then
      break
   elseif not candidate.held then
      names[#names + 1] = candidate.name
      freed = space:of(names).exclusive
   end
end
if freed < wanted then
   io.stderr:write(("removing every revision but the newest frees no more than %s\n"):format(units.format_size(freed)))
   os.exit(1, true)
end
print(table.concat(names, "\n"))
io.stderr:write(("together they free %s%s\n"):format(units.format_size(freed), space.exact and "" or ", estimated"))
