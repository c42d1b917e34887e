--- What runs in the child: one operation on a pool, watched, and a second try.
-- @module spec.kill.child
local byre = require("byre")
local dkjson = require("dkjson")
local layout = require("byre.layout")
local scratch = require("spec.core.scratch")

local child = {}

local function report(strike, result)
   strike.tell(dkjson.encode(result))
end

-- what a user of the library learns
local function outcome(ok, e)
   if ok then
      return { ok = true }
   end
   return {
      ok = false, object = byre.is_error(e), text = tostring(e), code = byre.is_error(e) and e.code or nil,
      errno = byre.is_error(e) and e.errno or nil,
   }
end

local function lost(pool, units)
   local list = {}
   for _, unit in ipairs(units) do
      for _, vid in ipairs(unit) do
         if pool.store:is_marked(layout.lost(vid)) then
            list[#list + 1] = vid
         end
      end
   end
   return list
end

-- descriptors that a pool keeps of sessions it has started
local function watched(pool)
   local count = 0
   for _ in pairs(pool.store.watched) do
      count = count + 1
   end
   return count
end

local function open(dir, warnings)
   return byre.open_pool(dir .. "/pool", { lock_timeout = 2, log = function(event)
      if event.step == "warning" then
         warnings[#warnings + 1] = event.message
      end
   end })
end

-- commit what is there in spite of what was lost
local function force(pool, vids, operation)
   for _, vid in ipairs(vids) do
      local volume = pool:volume(vid)
      if volume:is_dirty() then
         volume:stop({ force = true })
      else
         volume:import_data_end(true, { force = true, discard = operation.name:find("discard") ~= nil })
      end
   end
end

--- Run an operation; the parent says what comes then, until it says `end`.
-- @param strike the module
-- @tparam table operation
-- @tparam string dir
-- @tparam table options `every`: count calls that change nothing as well; `wait`: until the parent says `begin`
function child.run(strike, operation, dir, options)
   -- what was inherited is the parent's to collect
   collectgarbage("stop")
   local warnings = {}
   local closed = scratch.descriptors()
   local pool = open(dir, warnings)
   local opened = scratch.descriptors() - watched(pool)
   local verbs = {
      again = function(vids) operation.run(pool, dir, vids) end,
      force = function(vids) force(pool, vids, operation) end,
      stop = function(vids) pool:stop(vids) end,
   }
   if options.wait then
      report(strike, { ready = true })
      strike.listen()
   end
   strike.begin(options.every)
   local ok, e = pcall(operation.run, pool, dir)
   strike.finish()
   local result = outcome(ok, e)
   result.leaked = not ok and scratch.descriptors() - opened - watched(pool) or 0
   result.warnings, result.lost = warnings, lost(pool, operation.units)
   while true do
      report(strike, result)
      local order = dkjson.decode(strike.listen())
      if order.verb == "end" then
         break
      end
      result = outcome(pcall(verbs[order.verb], order.vids))
   end
   pool:close()
   report(strike, { leaked = scratch.descriptors() - closed })
end

return child
