--- Looks at a pool after a power cut, and recovers it.
-- @module spec.powercut.checker
local byre = require("byre")

local compare = require("spec.powercut.compare")
local driver = require("spec.powercut.driver")
local observe = require("spec.powercut.observe")
local outside = require("spec.powercut.outside")
local predict = require("spec.powercut.predict")
local recover = require("spec.powercut.recover")

local checker = {}

-- every vid that is there or should be
local function all_vids(model, seen)
   local set, list = {}, {}
   local function add(volumes)
      for vid in pairs(volumes) do
         if not set[vid] then
            set[vid] = true
            list[#list + 1] = vid
         end
      end
   end
   add(model.volumes)
   add(seen)
   for _, pending in pairs(model.pending) do
      add(pending.after)
   end
   table.sort(list)
   return list
end

local function describe(pending)
   return pending and (" (during %s of %s)"):format(pending.op.name, table.concat(pending.op.vids, " ", 1,
      math.min(3, #pending.op.vids))) or ""
end

-- a renaming leaves the volume under one of its names
local function check_rename(pending, seen, violations)
   for _, old in ipairs(pending.op.vids) do
      local new = predict.new_vid(pending.op, old)
      if (seen[old] == nil) == (seen[new] == nil) then
         violations[#violations + 1] = ("%s, renamed to %s, is %s"):format(old, new,
            seen[old] and "there twice" or "gone")
      end
   end
end

--- Compare a pool with what is promised.
-- @tparam model model
-- @tparam table seen of `observe.pool`
-- @treturn {string,...} violations
-- @treturn table the volumes as they were found
-- @treturn table vid -> name of the state it was found in
function checker.compare(model, seen)
   local violations, volumes, states = {}, {}, {}
   for _, vid in ipairs(all_vids(model, seen)) do
      local pending = model:pending_on(vid)
      local name, found = compare.find(seen[vid], compare.states(model.volumes[vid], vid, pending))
      if not name then
         violations[#violations + 1] = ("%s%s: %s"):format(vid, describe(pending), found)
      elseif found then
         volumes[vid] = recover.settle(seen[vid], found)
      end
      states[vid] = name
   end
   for _, pending in pairs(model.pending) do
      if pending.op.name == "rename" or pending.op.name == "rename_group" then
         check_rename(pending, seen, violations)
      end
   end
   return violations, volumes, states
end

local function pending_operations(model, states)
   local list = {}
   for _, pending in pairs(model.pending) do
      list[#list + 1] = { op = pending.op, states = states }
   end
   table.sort(list, function(a, b) return a.op.n < b.op.n end)
   return list
end

local function generator(seed)
   local state = seed
   return function(n)
      state = (state * 6364136223846793005 + 1442695040888963407)
      return (state >> 33) % n + 1
   end
end

-- A pool that was released, or whose release was cut short: all images are there, nothing else once it is finished.
local function check_released(dir, model)
   local violations = {}
   local ok, e = xpcall(function()
      violations = outside.released_differs(dir, model)
      if #violations == 0 then
         outside.finish_release(dir)
         violations = outside.released_differs(dir, model)
      end
   end, debug.traceback)
   if not ok then
      violations[#violations + 1] = "release: " .. tostring(e)
   end
   return violations
end

--- Check and recover.
-- @tparam string dir of the pool
-- @tparam model model what is promised
-- @tparam table options `seed`; `mark` (gets the marks of the recovery); `scratch`; `found` (gets the volumes and the
-- exported files as they were found, before the recovery begins)
-- @treturn {string,...} violations
function checker.run(dir, model, options)
   local opened, pool = pcall(byre.open_pool, dir, { lock_timeout = 1 })
   if model.pool == "released" and opened then
      pool:close()
      return { "the pool was released, and is one again" }
   elseif (model.pool == "released" or model.pool == "releasing") and not opened and pool.code == "no_such_pool" then
      return check_released(dir, model)
   elseif not opened and model.pool ~= "made" and pool.code == "no_such_pool" then
      opened, pool = pcall(byre.create_pool, dir, { setup_check = false })
   end
   if not opened then
      return { "the pool cannot be opened: " .. tostring(pool) }
   end
   local violations = {}
   local ok, e = xpcall(function()
      local volumes, states
      violations, volumes, states = checker.compare(model, observe.pool(pool))
      violations[#violations + 1] = outside.differs(pool, model)
      local exports = outside.exports(pool, model)
      if options.found then
         options.found(volumes, exports)
      end
      if #violations == 0 then
         local me = driver.new({ pool = pool, worker = 9, first = 0, volumes = volumes, exports = exports,
            mark = options.mark,
            scratch = options.scratch })
         recover.run(me, pending_operations(model, states), generator(options.seed))
      end
   end, function(e)
      return byre.is_error(e) and tostring(e) .. "\n" .. debug.traceback()
         or type(e) == "string" and not e:find("^%S+%.lua:") and e or debug.traceback(tostring(e))
   end)
   pool:close()
   if not ok then
      violations[#violations + 1] = "recovery: " .. e
   end
   return violations
end

return checker
