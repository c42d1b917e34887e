--- Changes of what stands in `pool.json`.
--
-- It is read and written under one lock, so of two processes that change different things neither loses what the other
-- has changed.
-- @module byre.pool_settings
local core = require("byre.core")

local catalog = require("byre.catalog")
local config = require("byre.config")
local executor = require("byre.executor")
local hooks = require("byre.hooks")
local layout = require("byre.layout")
local operation = require("byre.operation")
local plan = require("byre.plan")
local pool_directory = require("byre.pool_directory")

local pool_settings = {}

local function tell(pool, the_plan, began, failed)
   pool.log({ step = failed and "failed" or "done", volume = pool.dir, operation = the_plan.operation,
      seconds = core.clock() - began, code = failed and failed.code, message = failed and tostring(failed) or nil })
end

local function run(pool, hooked, the_plan)
   local began = core.clock()
   hooks.before(pool, hooked, { operation = the_plan.operation, plan = the_plan })
   local failed = executor.run(pool.store, { the_plan }, pool)[the_plan]
   if failed then
      failed.volume = nil
      tell(pool, the_plan, began, failed)
      error(failed, 0)
   end
   tell(pool, the_plan, began)
end

--- Decide by the pool's settings as they are now, and do it.
-- @tparam pool pool
-- @tparam string name of the operation
-- @tparam ?table options `dry_run`: only decide
-- @tparam function decide gets the settings, and the whole file as it was read; returns phases
-- @treturn plan
-- @raise `busy`, `io`, `no_space`, what `decide` raises; `policy`: a hook refuses
function pool_settings.change(pool, name, options, decide)
   local hooked = hooks.of(pool)
   local function plan_now()
      local settings, raw = catalog.decode_pool(layout.pool_file, pool.store:read(layout.pool_file))
      return plan.new(name, pool.dir, decide(settings, raw))
   end
   if options and options.dry_run then
      return plan_now()
   end
   local the_plan = operation.locked(pool, { [""] = "exclusive" }, function()
      local decided = plan_now()
      run(pool, hooked, decided)
      return decided
   end)
   pool:refresh()
   hooks.after(pool, hooked, { operation = name, plan = the_plan })
   return the_plan
end

--- Change settings of a pool.
-- @tparam pool pool
-- @tparam table changes see `config.changed_pool`
-- @tparam[opt] table options `dry_run`
-- @treturn plan
-- @raise `invalid`, `busy`, `io`
function pool_settings.set(pool, changes, options)
   assert(type(changes) == "table", "settings are a table")
   return pool_settings.change(pool, "set", options, function(settings, raw)
      local changed = config.changed_pool(pool.dir, settings, changes)
      pool_directory.require_cow_extent_size(pool.store, pool.dir, changes.cow_extent_size and changed.cow_extent_size)
      return { plan.phase({}, plan.write(layout.pool_file, catalog.encode_pool(changed, raw))) }
   end)
end

return pool_settings
