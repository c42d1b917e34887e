--- Volumes that are made: what a pool asks for them, and what their source must be.
-- @module byre.creation
local adopt = require("byre.decide.adopt")
local config = require("byre.config")
local create = require("byre.decide.create")
local failure = require("byre.failure")
local plan = require("byre.plan")
local policy = require("byre.policy")
local pool_directory = require("byre.pool_directory")
local survey = require("byre.survey")
local vid = require("byre.vid")

local creation = {}

-- the entry of a volume, read once for all volumes that are made in one batch
local function known_entry(pool, id, memo)
   if memo[id] == nil then
      memo[id] = survey.entry(pool.store, id, pool.config) or false
   end
   return memo[id]
end

-- A source must be in the pool, save what is written to it, and not depend on
-- the volume itself.
local function check_source(pool, id, settings, memo)
   local source = settings.source
   if not source then
      return
   end
   local entry = known_entry(pool, source, memo)
   if not entry then
      failure.raise("no_such_volume", id, ("its source %s is not in this pool"):format(source), { volume = id })
   elseif not entry.save_on_stop then
      failure.raise("invalid", id, ("its source %s is a %s volume; a source must keep what is written to it"):format(
         source, entry.kind), { volume = id })
   end
   local seen = {}
   while entry and entry.source do
      if entry.source == id then
         failure.raise("invalid", id, ("its source %s depends on it"):format(source), { volume = id })
      elseif seen[entry.source] then
         failure.raise("invalid", id, ("its source %s depends on itself"):format(source), { volume = id })
      end
      seen[entry.source] = true
      entry = known_entry(pool, entry.source, memo)
   end
end

--- The request that makes a volume.
-- @tparam pool pool
-- @tparam string id its vid
-- @tparam table values its settings, see `config.volume`
-- @tparam ?table options as of `config.volume`
-- @tparam function decide what becomes of the state and the settings: a plan
-- @tparam[opt] table memo remembers entries, for the volumes of one batch
-- @treturn table see `byre.operation`
-- @raise `invalid`
function creation.request(pool, id, values, options, decide, memo)
   vid.check(id)
   assert(type(values) == "table", "settings are a table")
   local settings = config.volume(id, values, options)
   return {
      vid = id, may_be_missing = true, reads = settings.source or false,
      decide = function(state)
         check_source(pool, id, settings, memo or {})
         pool_directory.require_cow_extent_size(pool.store, id, settings.cow_extent_size)
         policy.require(pool.store, settings.retention)
         state.config = config.effective(settings, pool.config, id)
         return decide(state, settings)
      end,
   }
end

--- The request that makes a volume with the content of a file.
-- @tparam pool pool
-- @tparam string id its vid
-- @tparam table settings see `config.volume`
-- @tparam string path of the file
-- @tparam[opt] table content of `transfer.with_content`; without it the request is good for a plan only
-- @treturn table see `byre.operation`
function creation.request_from(pool, id, settings, path, content)
   return creation.request(pool, id, settings, { sizeless = true }, function(state, checked)
      local step = plan.copy(path, state.paths.clean, { size = checked.size })
      return create.new(state, checked, config.with(step, content or {}))
   end)
end

--- The request that takes in a volume whose images are there.
-- @tparam pool pool
-- @tparam string id its vid
-- @tparam table settings see `config.volume`
-- @tparam[opt] function decide another decision than that of `pool:adopt_volume`
-- @treturn table see `byre.operation`
function creation.adoption_request(pool, id, settings, decide)
   return creation.request(pool, id, settings, { sizeless = true }, decide or function(state, checked)
      return adopt.volume(state, checked)
   end)
end

return creation
