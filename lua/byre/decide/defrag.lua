--- Decide: write an image anew, in order, where it is in many pieces.
-- @module byre.decide.defrag
local history = require("byre.decide.history")
local plan = require("byre.plan")

local defrag = {}

--- An image is judged, and written anew, in parts of this size.
defrag.region_size = 16 << 20

-- extents of this size or more on average cost nothing that would be worth it
local good_extent = 1 << 20

local function is_fragmented(region)
   return region.count > 1 and region.count * good_extent > region.allocated
end

local function worst_first(a, b)
   local x, y = a.count / a.allocated, b.count / b.allocated
   if x ~= y then
      return x > y
   end
   return a.start < b.start
end

-- the regions that gain most, as many as the budget allows, in the order of the image
local function choose(regions, budget)
   local candidates, chosen = {}, {}
   for _, region in ipairs(regions) do
      candidates[#candidates + 1] = is_fragmented(region) and region or nil
   end
   table.sort(candidates, worst_first)
   for _, region in ipairs(candidates) do
      if region.allocated <= budget then
         budget = budget - region.allocated
         chosen[#chosen + 1] = region
      end
   end
   table.sort(chosen, function(a, b) return a.start < b.start end)
   return chosen
end

-- ranges of bytes for a list of regions, neighbours in one
local function ranges_of(chosen, size)
   local ranges = {}
   for _, region in ipairs(chosen) do
      local last = ranges[#ranges]
      local stop = math.min(region.start + defrag.region_size, size)
      if last and last[2] == region.start then
         last[2] = stop
      else
         ranges[#ranges + 1] = { region.start, stop }
      end
   end
   return ranges
end

local function total(regions, key)
   local sum = 0
   for _, region in ipairs(regions) do
      sum = sum + region[key]
   end
   return sum
end

--- Plan to write the committed image anew, in order; revisions stay as they are.
-- @tparam table state with `regions` (of the committed image: `start`, `count`, `allocated`, `shared`) and `free`
-- (bytes of the file system)
-- @tparam table options `budget`: the most bytes to write
-- @treturn plan empty if there is nothing to gain; `cost` besides: `write`, the bytes that are written; `space`, how
-- many of them are shared now and are going to take space of their own; `extents`, those that go
-- @raise `dirty`, `not_supported`, `corrupt`, `no_space`
function defrag.plan(state, options)
   history.require_saved(state, "defragment")
   history.require_stopped(state, "defragment")
   local clean = state.files.clean
   if not clean then
      history.missing(state, state.paths.clean)
   end
   local chosen = choose(state.regions, options.budget or math.maxinteger)
   local cost = {
      write = total(chosen, "allocated"), space = total(chosen, "shared"), extents = total(chosen, "count"),
   }
   if cost.write > state.free then
      history.refuse(state, "no_space", ("writing %d bytes anew needs that much space, and %d are free"):format(
         cost.write, state.free), { hint = "a smaller --budget does a part of it" })
   end
   local rewrite
   if #chosen > 0 then
      rewrite = plan.rewrite(state.paths.clean, state.paths.clean, {
         ranges = ranges_of(chosen, clean.size), bytes = cost.write, keep_mtime = true, replace = true,
         share = options.budget ~= nil or nil,
      })
   end
   local result = plan.new("defrag", state.vid, { plan.phase({}, rewrite) }, {
      plan.phase({}, rewrite and history.forget_preserved(state), rewrite and history.refresh_precache(state)),
   })
   result.cost = cost
   return result
end

return defrag
