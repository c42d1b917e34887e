--- Replay a scenario and compare every step with its recording.
-- @module spec.conformance.replay
local byre = require("byre")

local compare = require("spec.conformance.compare")
local observe = require("spec.conformance.observe")
local shim = require("spec.conformance.shim")

local replay = {}

-- Precaches that byre leaves out on purpose: see `spec.conformance.deviations`.
local function optional_caches(world, reflinks)
   return function(path)
      local id, role = path:match("^@([^:]*):(.*)$")
      if not id then
         if not path:find("%-precache%.img$") then
            return false
         elseif not reflinks[path:sub(1, 1)] then
            return true
         end
      elseif role ~= "precache" then
         return false
      end
      for _, volume_id in ipairs(world.volume_order) do
         local volume = world.volumes[volume_id]
         local key = observe.normalise(volume:image("-precache.img"), world.roots):gsub("^{(%a)}", "%1")
         if id == volume_id or not id and key == path then
            return volume.kind == "origin_snapshot" or not reflinks[key:sub(1, 1)]
         end
      end
      return false
   end
end

local function look(world)
   local tree = observe.tree(world.roots)
   return { tree = tree, state = observe.state(world, tree) }
end

-- the fields of an error that messages and rules need, with paths as recorded
local function plain_error(e, roots)
   return {
      class = e.class, code = e.code, errno = e.errno, misuse = e.misuse, traceback = e.traceback,
      message = observe.normalise(byre.is_error(e) and tostring(e) or e.message or "", roots),
   }
end

local function plain(value, roots)
   if byre.is_error(value) then
      return plain_error(value, roots)
   elseif type(value) ~= "table" then
      return observe.normalise_value(value, roots)
   end
   local copy = {}
   for key, item in pairs(value) do
      copy[key] = key == "error" and type(item) == "table" and plain_error(item, roots) or plain(item, roots)
   end
   return copy
end

--- Replay one scenario until its first difference.
--
-- The step that differs has `i`, `op`, `expected` and `got` (`result`, `state`, `tree`), `before` (the tree one step
-- earlier), `differences`, `world`.
-- @tparam table scenario
-- @tparam table trace its recording
-- @tparam table places `roots` (letter -> empty directory), `reflinks` (letter -> boolean)
-- @treturn ?table the step that differs; nil: everything is as recorded
function replay.run(scenario, trace, places)
   local world = shim.new(places.roots)
   local context = { is_optional = optional_caches(world, places.reflinks) }
   local before = {}
   local ok, result = xpcall(function()
      for i, op in ipairs(scenario.ops) do
         local expected = assert(trace.steps[i], "the recording is shorter than the scenario")
         local answer = plain(world:call(op), world.roots)
         local got = look(world)
         got.result, got.state = answer, plain(got.state, world.roots)
         local differences = compare.step(context, { op = op, result = expected.result, state = expected.state,
            tree = expected.tree }, got)
         if #differences > 0 then
            return { i = i - 1, op = op, expected = expected, got = got, before = before, differences = differences,
               world = world }
         end
         before = got.tree
      end
   end, debug.traceback)
   world:close()
   if not ok then
      error(result, 0)
   end
   return result
end

return replay
