--- The vocabulary of the driver in terms of byre's API.
--
-- A world is what a scenario lives in: its roots, pools and volumes. Operations take the recorded form
-- (`{ op = "start", vol = "v" }`) and give `{ ok = value }` or `{ error = e }`.
--
-- A volume of the driver is an object that exists before its images do; an origin of byre exists from its creation
-- on. Until then the shim answers as an object does that was never created. Images that stand in the pool already
-- are taken in with `adopt_volume` when the volume is first used.
-- @module spec.conformance.shim
local byre = require("byre")

local arguments = require("spec.conformance.arguments")
local disk = require("spec.conformance.disk")

local shim = {}

local methods = {}
local mt = { __name = "conformance.world", __index = methods }

local refuse = arguments.refuse

local suffixes = {
   clean = ".img", dirty = "-dirty.img", path = "-dirty.img", precache = "-precache.img", import = "-import.img",
}

--- Make a world.
-- @tparam table roots letter -> path of a directory
-- @treturn world
function shim.new(roots)
   return setmetatable({ roots = roots, pools = {}, pool_order = {}, volumes = {}, volume_order = {}, loops = {} }, mt)
end

--- The path behind `A/...` or `@volume:role`; other text as it is.
-- @tparam string text
-- @treturn string
function methods:resolve(text)
   local id, role = text:match("^@([^:]*):(.*)$")
   if id then
      return self:volume(id):image(suffixes[role] or role)
   end
   local letter, rest = text:match("^(%a)(/.*)$")
   local root = self.roots[letter or text]
   return root and root .. (rest or "") or text
end

--- The volume object of an id.
function methods:volume(id)
   return self.volumes[id] or refuse("no_such_key", tostring(id))
end

--- The pool object of an id.
function methods:pool(id)
   return self.pools[id] or refuse("no_such_key", tostring(id))
end

-- Pools of the shim ----------------------------------------------------------------------------------------------

local pool_methods = {}
local pool_mt = { __index = pool_methods }

local function new_pool(world, op)
   local dir = world:resolve(op.dir)
   if dir:sub(1, 1) ~= "/" then
      dir = (op.cwd and world:resolve(op.cwd) or "/") .. "/" .. dir
   end
   return setmetatable({
      id = op.id, name = op.name or op.id, arguments = op, given_dir = dir, dir = arguments.normalise(dir),
      setup_check = arguments.to_boolean(op.setup_check, true),
      ephemeral_volatile = arguments.to_flag(op.ephemeral_volatile), revisions_to_keep = op.revisions_to_keep or 1,
      registry = {}, registry_order = {},
   }, pool_mt)
end

-- The pool of byre; raises its error while there is none.
function pool_methods:open()
   self.opened = self.opened or byre.open_pool(self.given_dir)
   return self.opened
end

function pool_methods:close()
   if self.opened then
      self.opened:close()
      self.opened = nil
   end
end

function pool_methods:register(volume)
   if not self.registry[volume.vid] then
      table.insert(self.registry_order, volume.vid)
   end
   self.registry[volume.vid] = volume
end

function pool_methods:deregister(vid)
   self.registry[vid] = nil
   for i, known in ipairs(self.registry_order) do
      if known == vid then
         table.remove(self.registry_order, i)
         break
      end
   end
end

-- Volumes of the shim --------------------------------------------------------------------------------------------

local volume_methods = {}
local volume_mt = { __index = volume_methods }

function volume_methods:image(suffix)
   -- a vid may have been an absolute path
   return (self.vid:sub(1, 1) == "/" and "" or self.pool.dir .. "/") .. self.vid .. suffix
end

local function exists(path)
   local file <close> = io.open(path, "rb")
   return file ~= nil
end

function volume_methods:has_images()
   return exists(self:image(".img")) or exists(self:image("-dirty.img"))
end

local function settings_for_byre(self)
   local copy = {}
   for key, value in pairs(self.settings) do
      copy[key] = value
   end
   if copy.size == 0 then
      copy.size = nil
   end
   return copy
end

-- The volume in byre, or nil if there is none (yet).
function volume_methods:find()
   local ok, found = pcall(function()
      return self.pool:open():volume(self.vid)
   end)
   if ok then
      return found
   elseif not byre.is_error(found) or found.code == "corrupt" then
      error(found, 0)
   elseif found.code == "no_such_volume" and self:has_images() then
      return self.pool:open():adopt_volume(self.vid, settings_for_byre(self))
   end
end

-- Make the volume in byre. The driver takes a volume without a size, and one whose source does not exist yet; of
-- those byre hears when they are used.
function volume_methods:make()
   return self.pool:open():create_volume(self.vid, settings_for_byre(self))
end

-- The volume in byre; raises byre's error if it was never created.
function volume_methods:require()
   local found = self:find()
   if found then
      return found
   elseif self.kind ~= "origin" then
      return self:make()
   end
   return self.pool:open():volume(self.vid)
end

local function require_known_source(volume)
   if volume.source and not volume.source:find() then
      return false
   end
   return volume.settings.size ~= nil or volume.kind ~= "volatile"
end

local function take_over(volume, found)
   if found.kind ~= volume.kind then
      volume:make()         -- byre says what is in the way
   end
   found:set({ revisions_to_keep = volume.settings.revisions_to_keep, rw = volume.settings.rw,
      ephemeral = volume.settings.ephemeral })
end

-- Register a new object with byre as far as that can be done now.
local function introduce(volume)
   if not pcall(volume.pool.open, volume.pool) then
      return
   end
   local ok, found = pcall(volume.find, volume)
   if not ok then
      return            -- it will be told when the volume is used
   elseif found then
      take_over(volume, found)
   elseif volume.odd or volume.kind ~= "origin" and require_known_source(volume) then
      volume:make()
   end
end

local function new_volume(world, id, pool, name, vid, config)
   local source = arguments.present(config.source) and world:volume(config.source)
   if source and source.pool ~= pool then
      refuse("assert", "the source is in another pool")
   end
   local settings, odd = arguments.volume_settings(config, pool.revisions_to_keep)
   settings.source = source and source.vid or nil
   local volume = setmetatable({
      id = id, pool = pool, name = name, vid = vid, settings = settings, source = source or nil,
      kind = settings.snap_on_start and (settings.save_on_stop and "origin_snapshot" or "snapshot")
         or settings.save_on_stop and "origin" or "volatile",
   }, volume_mt)
   -- what byre is to refuse, it is asked at once
   volume.odd = odd or settings.ephemeral or (source and true or false) ~= settings.snap_on_start
   introduce(volume)
   volume.odd = nil
   return volume
end

--- Make a pool object.
function methods:add_pool(op)
   local pool = new_pool(self, op)
   if not self.pools[op.id] then
      table.insert(self.pool_order, op.id)
   end
   self.pools[op.id] = pool
   return pool
end

--- Make a volume object.
function methods:add_volume(op)
   local pool = self:pool(op.pool)
   local prefix = op.prefix or "appvms"
   if prefix ~= "appvms" and prefix ~= "vm-templates" then
      refuse("assert", "Unknown dir_path_prefix " .. prefix)
   end
   local config = op.config
   local vid = config.vid and self:resolve(config.vid) or prefix .. "/" .. op.vm .. "/" .. config.name
   return self:keep_volume(new_volume(self, op.id, pool, config.name, vid, config))
end

--- Put a volume object in its places.
function methods:keep_volume(volume)
   if not self.volumes[volume.id] then
      table.insert(self.volume_order, volume.id)
   end
   self.volumes[volume.id] = volume
   volume.pool:register(volume)
   return volume
end

--- Forget every object; make pools from their arguments and volumes from their configuration.
-- @tparam function config volume -> its configuration, with the id of the source
function methods:restart(config)
   local configs, old = {}, self.volumes
   for _, id in ipairs(self.volume_order) do
      configs[id] = config(old[id])
   end
   for _, id in ipairs(self.pool_order) do
      self.pools[id]:close()
      self:add_pool(self.pools[id].arguments)
   end
   self.volumes = {}
   local order = self.volume_order
   self.volume_order = {}
   for _, id in ipairs(order) do
      local volume = old[id]
      self:keep_volume(new_volume(self, id, self.pools[volume.pool.id], volume.name, volume.vid, configs[id]))
   end
end

--- Carry one operation out.
-- @tparam table op
-- @treturn table `{ ok = }` or `{ error = }`
function methods:call(op)
   local operations = require("spec.conformance.operations")
   local ok, result = xpcall(function()
      local operation = operations[op.op]
      if operation then
         return operation(self, op)
      end
      local plain = disk.ops[op.op] or error("no such operation: " .. op.op)
      return plain(op, op.file and self:resolve(op.file), function(text)
         return self:resolve(text)
      end, self.loops)
   end, function(e)
      return type(e) == "table" and e or { misuse = tostring(e), traceback = debug.traceback(tostring(e), 2) }
   end)
   if ok then
      return { ok = result }
   end
   return { error = result }
end

--- Close what is open.
function methods:close()
   disk.detach_all(self.loops)
   for _, id in ipairs(self.pool_order) do
      self.pools[id]:close()
   end
end

return shim
