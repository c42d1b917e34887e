--- The policies of a pool: their texts, and which volumes they are meant for.
-- @module byre.policies
local catalog = require("byre.catalog")
local config = require("byre.config")
local failure = require("byre.failure")
local layout = require("byre.layout")
local plan = require("byre.plan")
local policy = require("byre.policy")
local pool_settings = require("byre.pool_settings")
local survey = require("byre.survey")

local policies = {}

local function check_name(name)
   local ok, reason = config.is_policy_name(name)
   if not ok then
      failure.raise("invalid", failure.quote(tostring(name)), reason)
   end
end

-- refuse settings of the pool by which a volume would have two policies
local function require_one_each(pool, settings)
   for volume in pool:volumes() do
      local ok, entry = failure.catch(survey.entry, pool.store, volume.vid, settings)
      local names = ok and entry and entry.policies or {}
      if #names > 1 then
         failure.raise("invalid", volume.vid, ("it would have two policies for one volume: %s and %s"):format(
            names[1], names[2]), { volume = volume.vid })
      end
   end
end

local function with_use(settings, name, pattern)
   if not pattern then
      return config.with(settings, { retention = name })
   end
   return config.with(settings, { retention_for = config.with(settings.retention_for or {}, { [pattern] = name }) })
end

--- Keep a policy in the pool and use it. A policy that does not load is refused.
-- @tparam pool pool
-- @tparam string name
-- @tparam ?string text nil: it is there already
-- @tparam[opt] table options `pattern`: use it for the volumes whose vids fit (default: for all that have none of their
-- own); `unused`: only keep it; `dry_run`
-- @treturn plan
-- @raise `invalid`, `io`
function policies.set(pool, name, text, options)
   options = options or {}
   check_name(name)
   local chosen = text and policy.new(layout.policy(name), text) or policy.read(pool.store, name)
   policy.run(chosen, "load", {}, { child = pool.policy_child })
   return pool_settings.change(pool, "set_policy", options, function(settings, raw)
      local used = options.unused and settings or with_use(settings, name, options.pattern)
      require_one_each(pool, used)
      return {
         plan.phase({}, plan.make_dir(layout.policies), text and plan.write(layout.policy(name), text)),
         plan.phase({}, not options.unused and plan.write(layout.pool_file, catalog.encode_pool(used, raw))),
      }
   end)
end

--- Use no policy any more: what has no other keeps a number of revisions again.
-- @tparam pool pool
-- @tparam[opt] table options `pattern`: for these volumes (default: for those without one of their own); `dry_run`
-- @treturn plan
-- @raise `invalid`: there is no such use
function policies.unset(pool, options)
   options = options or {}
   return pool_settings.change(pool, "unset_policy", options, function(settings, raw)
      local map = config.with(settings.retention_for or {}, {})
      if not (options.pattern and map[options.pattern] or not options.pattern and settings.retention) then
         failure.raise("invalid", options.pattern and failure.quote(options.pattern) or pool.dir,
            "there is no policy to take away", { hint = "byre policy show lists what there is" })
      end
      local left = config.with(settings, { retention_for = map })
      if options.pattern then
         map[options.pattern] = nil
      else
         left.retention = nil
      end
      left.retention_for = next(map) and map or nil
      return { plan.phase({}, plan.write(layout.pool_file, catalog.encode_pool(left, raw))) }
   end)
end

-- who uses a policy, in words; nil: nobody
local function user_of(pool, settings, name)
   if settings.retention == name then
      return "the pool"
   end
   for pattern, used in pairs(settings.retention_for or {}) do
      if used == name then
         return "the volumes " .. pattern
      end
   end
   for volume in pool:volumes() do
      -- what a damaged entry says is nobody's to know
      local ok, entry = failure.catch(survey.entry, pool.store, volume.vid, settings)
      if ok and entry and entry.own.retention == name then
         return volume.vid
      end
   end
end

--- Keep a policy no more. One that is in use is refused.
-- @tparam pool pool
-- @tparam string name
-- @tparam[opt] table options `dry_run`
-- @treturn plan
-- @raise `invalid`: there is none, or it is in use
function policies.delete(pool, name, options)
   check_name(name)
   return pool_settings.change(pool, "delete_policy", options or {}, function(settings)
      policy.read(pool.store, name)
      local user = user_of(pool, settings, name)
      if user then
         failure.raise("invalid", failure.quote(name), "is the policy of " .. user,
            { hint = "byre policy unset, or byre set VID retention=default, ends that" })
      end
      return { plan.phase({}, plan.unlink(layout.policy(name))) }
   end)
end

--- The policies that the pool keeps.
-- @tparam pool pool
-- @treturn {table,...} `name`, `hash`, `text`, `default` (boolean), `patterns` (a list)
function policies.list(pool)
   local list = {}
   for file in pool.store:each(layout.policies) do
      local name = file:match("^(.*)%.lua$")
      if name and config.is_policy_name(name) then
         local kept = policy.read(pool.store, name)
         local item = { name = name, hash = kept.hash, text = kept.text, patterns = {},
            default = pool.config.retention == name }
         for pattern, used in pairs(pool.config.retention_for or {}) do
            item.patterns[#item.patterns + 1] = used == name and pattern or nil
         end
         table.sort(item.patterns)
         list[#list + 1] = item
      end
   end
   table.sort(list, function(a, b) return a.name < b.name end)
   return list
end

return policies
