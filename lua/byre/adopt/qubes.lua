--- The volumes that a qubes.xml tells of.
--
-- Of Qubes OS 4: `pools/pool` have `name`, `driver`, `dir_path`; each domain has `volume-config/volume` elements with
-- the attributes that the storage driver's `config` has, all as text.
-- @module byre.adopt.qubes
local failure = require("byre.failure")

local qubes = {}

local function parser_of(lxp, pools, volumes)
   return lxp.new({
      StartElement = function(_, name, attributes)
         if name == "pool" then
            pools[#pools + 1] = attributes
         elseif name == "volume" then
            volumes[#volumes + 1] = attributes
         end
      end,
      -- it has none; what would be in one must not be fetched
      StartDoctypeDecl = function(parser)
         parser:stop()
      end,
   })
end

local function parse(path, text)
   local ok, lxp = pcall(require, "lxp")
   if not ok then
      failure.raise("not_supported", path, "cannot be read without LuaExpat", { path = path,
         hint = "install it (on Debian: lua-expat)" })
   end
   local pools, volumes = {}, {}
   local parser = parser_of(lxp, pools, volumes)
   local done, message, line = parser:parse(text)
   if done then
      done, message, line = parser:parse()
   end
   parser:close()
   if not done then
      failure.raise("invalid", path, ("line %s: %s; a qubes.xml is needed"):format(tostring(line), tostring(message)),
         { path = path })
   end
   return pools, volumes
end

local function flag(text, default)
   if text == nil then
      return default
   end
   return text == "True"
end

local function settings(path, volume)
   local function whole(key)
      local number = volume[key] and math.tointeger(tonumber(volume[key]))
      if volume[key] and not number then
         failure.raise("invalid", path, ("volume %s: %s is %s, not a number"):format(volume.vid, key,
            failure.quote(volume[key])), { path = path })
      end
      return number
   end
   local values = {
      snap_on_start = flag(volume.snap_on_start, false), save_on_stop = flag(volume.save_on_stop, false),
      rw = flag(volume.rw, false), source = volume.source, revisions_to_keep = whole("revisions_to_keep"),
      size = whole("size"), ephemeral = flag(volume.ephemeral, nil),
   }
   -- the driver takes 0 for "not known"
   values.size = values.size ~= 0 and values.size or nil
   return values
end

-- names of the pools that are in a directory
local function pools_in(pools, dir, is_same)
   local names = {}
   for _, pool in ipairs(pools) do
      if pool.dir_path and is_same(pool.dir_path, dir) then
         names[pool.name or ""] = true
      end
   end
   return names
end

--- Read what a qubes.xml says of the volumes in a directory.
-- @tparam string path of the file, for messages
-- @tparam string text its content
-- @tparam string dir the pool directory
-- @tparam table options `pool`: name of the pool, where its `dir_path` is another directory by now;
-- `is_same(a, b)`: do two paths name one directory?
-- @treturn {[string]=table,...} vid -> settings as for `pool:create_volume`
-- @raise `invalid`: no XML, or no such pool in it; `not_supported`: no LuaExpat
function qubes.volumes(path, text, dir, options)
   local pools, volumes = parse(path, text)
   local names = options.pool and { [options.pool] = true } or pools_in(pools, dir, options.is_same)
   if not next(names) then
      failure.raise("invalid", path, "tells of no pool in " .. dir, { path = path,
         hint = "--qubes-pool NAME says which of its pools this one was" })
   end
   local found = {}
   for _, volume in ipairs(volumes) do
      if volume.vid and names[volume.pool or ""] then
         found[volume.vid] = settings(path, volume)
      end
   end
   return found
end

return qubes
