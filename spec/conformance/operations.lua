--- The operations of the driver: name -> function(world, op) -> result.
--
-- The options of byre that its users have (`discard`, `state`, `shrink`) are set to what the driver does without
-- asking; nothing else is smoothed over.
-- @module spec.conformance.operations
local arguments = require("spec.conformance.arguments")
local disk = require("spec.conformance.disk")

local refuse = arguments.refuse
local operations = {}

-- Pools ----------------------------------------------------------------------------------------------------------

function operations.pool_new(world, op)
   return { pool = world:add_pool(op).id }
end

local function make_directory(path)
   local ok, e = pcall(disk.run, "mkdir", path)
   if not ok and not (e.class == "EEXIST" and pcall(disk.run, "test", "-d", path)) then
      error(e, 0)
   end
end

function operations.pool_setup(world, op)
   local byre = require("byre")
   local pool = world:pool(op.pool)
   if not pcall(pool.open, pool) then
      pool.opened = byre.create_pool(pool.given_dir, {
         setup_check = pool.setup_check, revisions_to_keep = arguments.to_integer(pool.revisions_to_keep),
         ephemeral_volatile = pool.ephemeral_volatile,
      })
   end
   make_directory(pool.dir .. "/appvms")
   make_directory(pool.dir .. "/vm-templates")
   return { pool = pool.id }
end

function operations.pool_destroy(world, op)
   world:pool(op.pool)
end

function operations.pool_config(world, op)
   local pool = world:pool(op.pool)
   local opened = pcall(pool.open, pool) and pool.opened
   return {
      name = pool.name, dir_path = opened and opened.dir or pool.dir, driver = "file-reflink",
      revisions_to_keep = pool.revisions_to_keep,
      ephemeral_volatile = opened and opened.config.ephemeral_volatile or pool.ephemeral_volatile,
   }
end

local function usage(world, op)
   local ok, opened = pcall(function()
      return world:pool(op.pool):open()
   end)
   return ok and opened:usage() or {}
end

function operations.pool_size(world, op)
   return usage(world, op).size
end

function operations.pool_usage(world, op)
   return usage(world, op).used
end

function operations.pool_usage_details(world, op)
   local space = usage(world, op)
   return { data_size = space.size, data_usage = space.used }
end

function operations.pool_list_volumes(world, op)
   return { table.unpack(world:pool(op.pool).registry_order) }
end

function operations.pool_get_volume(world, op)
   local volume = world:pool(op.pool).registry[op.vid] or refuse("no_such_key", op.vid)
   return { volume = volume.id }
end

local function real_path(path)
   return (disk.run("realpath", "-m", path):gsub("\n$", ""))
end

function operations.pool_included_in(world, op)
   local pool = world:pool(op.pool)
   local inner = real_path(pool.dir) .. "/"
   for _, id in ipairs(world.pool_order) do
      local outer = real_path(world.pools[id].dir) .. "/"
      if id ~= op.pool and inner:sub(1, #outer) == outer then
         return { pool = id }
      end
   end
end

-- Volumes: life --------------------------------------------------------------------------------------------------

local function done(volume)
   return { volume = volume.id }
end

function operations.volume_new(world, op)
   return done(world:add_volume(op))
end

function operations.create(world, op)
   local volume = world:volume(op.vol)
   local found = volume:find()
   volume.pool:register(volume)
   -- nothing to be made and nothing in the way
   if not found or volume.kind == "origin" or volume:has_images() then
      volume:make()
   end
   return done(volume)
end

function operations.start(world, op)
   local volume = world:volume(op.vol)
   volume:require():start()
   return done(volume)
end

-- an operation that does nothing to a volume without images
local function if_found(name, options)
   return function(world, op)
      local volume = world:volume(op.vol)
      local found = volume:find()
      if found then
         found[name](found, options)
      end
      return done(volume)
   end
end

operations.stop = if_found("stop")
-- the driver does not ask whether other volumes depend on this one
local remove = if_found("remove", { force = true })

function operations.remove(world, op)
   local volume = world:volume(op.vol)
   volume.pool:deregister(volume.vid)
   return remove(world, op)
end

function operations.verify(world, op)
   return world:volume(op.vol):require():verify()
end

function operations.revert(world, op)
   local volume = world:volume(op.vol)
   volume:require():revert(op.revision)
   return done(volume)
end

function operations.resize(world, op)
   local volume = world:volume(op.vol)
   volume:require():resize(op.size, { shrink = true })
   volume.settings.size = op.size
   return done(volume)
end

-- Volumes: content -----------------------------------------------------------------------------------------------

local function require_saved(volume)
   if not volume.settings.save_on_stop then
      refuse("not_implemented", volume.vid .. " is not save_on_stop")
   end
end

function operations.export(world, op)
   local volume = world:volume(op.vol)
   local found = volume:find()
   if found then
      return found:export()
   end
   require_saved(volume)
   return volume:image(".img")
end

function operations.export_end(world, op)
   local found = world:volume(op.vol):find()
   if found then
      found:export_end(world:resolve(op.path))
   end
end

function operations.import_data(world, op)
   return world:volume(op.vol):require():import_data(op.size)
end

function operations.import_data_end(world, op)
   local volume = world:volume(op.vol)
   volume:require():import_data_end(op.success)
   return done(volume)
end

function operations.import_volume(world, op)
   local volume = world:volume(op.vol)
   volume:require():import_volume(world:volume(op.src):require(), { state = "committed" })
   return done(volume)
end

-- Volumes: questions ---------------------------------------------------------------------------------------------

-- what the volume of byre says, or `default(volume)` as long as there is none
local function question(ask, default)
   return function(world, op)
      local volume = world:volume(op.vol)
      local found = volume:find()
      if found then
         return ask(found)
      end
      return default(volume)
   end
end

local function always(value)
   return function()
      return value
   end
end

local function time_text(revision)
   return os.date("!%Y-%m-%dT%H:%M:%S", revision.time)
end

operations.is_dirty = question(function(v) return v:is_dirty() end, always(false))
operations.is_outdated = question(function(v) return v:is_outdated() end, always(false))
operations.is_running = question(function(v) return v:is_running() end, always(false))
operations.usage = question(function(v) return v:usage() end, always(0))
operations.path = question(function(v) return v:path() end, function(v) return v:image("-dirty.img") end)

-- of a volume without an image the layer above remembers the size
function operations.size(world, op)
   local volume = world:volume(op.vol)
   local found = volume:find()
   local size = found and found:size() or 0
   return size > 0 and size or volume.settings.size or 0
end

operations.revisions = question(function(v)
   local map = {}
   for _, revision in ipairs(v:revisions()) do
      map[revision.id] = time_text(revision)
   end
   return map
end, function() return {} end)

operations.revision_list = question(function(v)
   local list = {}
   for i, revision in ipairs(v:revisions()) do
      list[i] = { revision.id, time_text(revision) }
   end
   return list
end, function() return {} end)

operations.ephemeral = question(function(v) return v.ephemeral == true end, function(v)
   local given = v.settings.ephemeral
   if given ~= nil then
      return given
   end
   return v.kind == "volatile" and v.settings.rw and v.pool.ephemeral_volatile
end)

-- settings as they are: byre's where there is a volume
local function settings_of(volume)
   local found = volume:find()
   if not found then
      return volume.settings
   end
   local c = found.config
   return {
      revisions_to_keep = found.revisions_to_keep, rw = found.rw, source = found.source, ephemeral = c.ephemeral,
      save_on_stop = c.save_on_stop, snap_on_start = c.snap_on_start,
   }
end

function operations.snapshots_disabled(world, op)
   local volume = world:volume(op.vol)
   return volume.kind == "origin" and settings_of(volume).revisions_to_keep == -1
end

function operations.config(world, op)
   local volume = world:volume(op.vol)
   local s = settings_of(volume)
   local size = operations.size(world, op)
   return {
      name = volume.name, pool = volume.pool.name, vid = volume.vid, revisions_to_keep = s.revisions_to_keep, rw = s.rw,
      save_on_stop = s.save_on_stop, snap_on_start = s.snap_on_start, ephemeral = s.ephemeral,
      size = size ~= 0 and size or nil, source = s.source,
   }
end

function operations.block_device(world, op)
   local volume = world:volume(op.vol)
   return { path = operations.path(world, op), name = volume.name, rw = settings_of(volume).rw, devtype = "disk" }
end

function operations.state_file()
   return nil
end

function operations.set(world, op)
   local volume = world:volume(op.vol)
   local value = op.value
   if op.attr == "revisions_to_keep" then
      value = arguments.to_integer(value)
   end
   local found = volume:find()
   if found then
      found:set({ [op.attr] = value })
   elseif op.attr == "ephemeral" and value and not (volume.kind == "volatile" and volume.settings.rw) then
      refuse("QubesValueError", "only volatile volumes that are rw can be ephemeral")
   end
   volume.settings[op.attr] = value
end

-- All of it ------------------------------------------------------------------------------------------------------

function operations.restart(world)
   world:restart(function(volume)
      local config = operations.config(world, { vol = volume.id })
      config.source = volume.source and volume.source.id
      return config
   end)
end

local batches = { start = true, stop = true, remove = true }

-- the pool whose batch function these operations can go to
local function common_pool(world, ops)
   local pool
   local seen = {}
   for _, op in ipairs(ops) do
      local volume = world.volumes[op.vol]
      if op.op ~= ops[1].op or not batches[op.op] or not volume or seen[volume.vid] or not volume:find()
         or pool and pool ~= volume.pool then
         return nil
      end
      seen[volume.vid], pool = true, volume.pool
   end
   return pool
end

local function batch(world, pool, ops)
   local vids, failures = {}, {}
   for i, op in ipairs(ops) do
      vids[i] = world:volume(op.vol).vid
   end
   local name = ops[1].op
   local opened = pool:open()
   local ok, e = pcall(opened[name], opened, vids, name == "remove" and { force = true } or nil)
   if not ok and type(e) ~= "table" then
      error(e, 0)
   end
   for _, failure in ipairs(not ok and (e.failures or { { volume = vids[1], error = e } }) or {}) do
      failures[failure.volume] = failure.error
   end
   local results = {}
   for i, op in ipairs(ops) do
      local volume = world:volume(op.vol)
      results[i] = failures[volume.vid] and { error = failures[volume.vid] } or { ok = done(volume) }
      if name == "remove" then
         pool:deregister(volume.vid)
      end
   end
   return results
end

function operations.parallel(world, op)
   local pool = common_pool(world, op.ops)
   if pool then
      return batch(world, pool, op.ops)
   end
   local results = {}
   for i, each in ipairs(op.ops) do
      results[i] = world:call(each)
   end
   return results
end

return operations
