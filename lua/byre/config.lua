--- What may be said of a pool and of a volume, and what follows from it.
--
-- Pure: values in, checked values out.
-- @module byre.config
local duration = require("byre.retention.duration")
local failure = require("byre.failure")
local units = require("byre.units")
local vid = require("byre.vid")

local config = {}

--- A copy of settings with some of them changed.
-- @tparam table settings
-- @tparam table changes
-- @treturn table
function config.with(settings, changes)
   local copy = {}
   for _, from in ipairs({ settings, changes }) do
      for key, value in pairs(from) do
         copy[key] = value
      end
   end
   return copy
end

--- The kind of a volume, from its two flags.
-- @tparam table volume with `snap_on_start`, `save_on_stop`
-- @treturn string `origin`, `snapshot`, `origin_snapshot` or `volatile`
function config.kind(volume)
   if volume.snap_on_start then
      return volume.save_on_stop and "origin_snapshot" or "snapshot"
   end
   return volume.save_on_stop and "origin" or "volatile"
end

local function is_boolean(value)
   return type(value) == "boolean", "must be true or false"
end

local function is_count(value)
   return math.type(value) == "integer" and value >= -1, "must be an integer of -1 or more; -1 disables snapshots"
end

local function is_size(value)
   return math.type(value) == "integer" and value > 0, "must be an integer of 1 byte or more"
end

local largest_hint = 1 << 30

local function is_cow_extent_size(value)
   return math.type(value) == "integer" and value >= 0 and value <= largest_hint and value % 4096 == 0,
      "must be a multiple of 4 KiB, 1 GiB at most; 0 leaves it to the file system"
end

--- Is this the name of a policy?
-- @param value
-- @treturn boolean
-- @treturn string what is wrong with it otherwise
function config.is_policy_name(value)
   return type(value) == "string" and value:find("^%w[%w_.-]*$") ~= nil and #value <= 100,
      "must be the name of a policy: letters, digits and _ . -"
end

-- pattern of vids -> name of a policy
local function is_policy_map(value)
   if type(value) ~= "table" then
      return false, "must be a table: pattern of vids -> name of a policy"
   end
   for pattern, name in pairs(value) do
      local ok, reason = config.is_policy_name(name)
      if type(pattern) ~= "string" or not ok then
         return false, reason or "must be a table: pattern of vids -> name of a policy"
      end
   end
   return true
end

-- a check that a value is one of these words
local function one_of(...)
   local words, quoted = {}, {}
   for i, word in ipairs({ ... }) do
      words[word], quoted[i] = true, ("%q"):format(word)
   end
   local last = table.remove(quoted)
   local reason = ("must be %s or %s"):format(table.concat(quoted, ", "), last)
   return function(value)
      return words[value] == true, reason
   end
end

local function is_window(value)
   if value == 0 then
      return true
   elseif type(value) ~= "string" then
      return false, 'must be a duration such as "2d", or 0 for no trash'
   end
   local span, reason = duration.parse(value)
   return span ~= nil, span == nil and 'must be a duration such as "2d", or 0 for no trash: ' .. reason or nil
end

--- The settings of a pool, in the order in which they are written and shown: `name`, `check(value)` (true, or false and
-- what it must be), `default` (nil: there may be none), `kind` (how the command line reads and shows it: `count`,
-- `boolean`, `word`, `size`, `window`; nil: it says which policies are used, and `byre.policies` changes it), `key`
-- (what the command line calls it, if that is another name).
config.pool_settings = {
   { name = "revisions_to_keep", key = "keep", kind = "count", check = is_count, default = 1 },
   { name = "precache", kind = "boolean", check = is_boolean, default = true },
   { name = "ephemeral_volatile", kind = "boolean", check = is_boolean, default = false },
   { name = "reflink", kind = "word", check = one_of("always", "auto", "never"), default = "auto" },
   { name = "on_full", kind = "word", check = one_of("fail", "prune"), default = "fail" },
   { name = "cow_extent_size", kind = "size", check = is_cow_extent_size },
   { name = "trash", kind = "window", check = is_window },
   { name = "retention", check = config.is_policy_name },
   { name = "retention_for", check = is_policy_map },
}

local pool_settings, pool_keys, settable = {}, {}, {}
for _, setting in ipairs(config.pool_settings) do
   pool_settings[setting.name], pool_keys[setting.name] = setting, setting.check
   settable[#settable + 1] = setting.kind and setting.name
end

local volume_keys = {
   snap_on_start = is_boolean,
   save_on_stop = is_boolean,
   rw = is_boolean,
   ephemeral = is_boolean,
   revisions_to_keep = is_count,
   retention = config.is_policy_name,
   size = is_size,
   cow_extent_size = is_cow_extent_size,
   trash = is_window,
   source = function(value)
      return type(value) == "string", "must be a volume id"
   end,
}

local function check_keys(keys, object, values)
   for key, value in pairs(values) do
      local check = keys[key]
      if not check then
         failure.raise("invalid", object, "there is no setting " .. failure.quote(tostring(key)))
      end
      local ok, reason = check(value)
      if not ok then
         failure.raise("invalid", object, ("%s: %s, not %s"):format(key, reason, failure.quote(tostring(value))))
      end
   end
end

local function bytes_of(size)
   return type(size) == "string" and units.parse_size(size) or size
end

--- The settings of a pool.
-- @tparam string object the pool directory
-- @tparam table values `revisions_to_keep` (default 1), `precache` (true), `ephemeral_volatile` (false),
-- `reflink` (`"auto"`): must blocks be shared (`"always"`), may they be copied where they cannot (`"auto"`), or are
-- they always copied (`"never"`), `retention` (name of a policy; nil: none), `retention_for` (pattern of vids -> name),
-- `on_full` (`"fail"`), or `"prune"` before a start fails for the lack of space, `cow_extent_size`
-- (bytes or text; 0: the file system's own; nil: byre leaves it alone), `trash` (how long a
-- revision that was taken away stays in the trash, such as `"2d"`; nil or 0: there is none)
-- @treturn table all of them
-- @raise `invalid`
function config.pool(object, values)
   values = config.with(values, { cow_extent_size = bytes_of(values.cow_extent_size) })
   check_keys(pool_keys, object, values)
   local settings = {}
   for _, setting in ipairs(config.pool_settings) do
      settings[setting.name] = values[setting.name]
      if settings[setting.name] == nil then
         settings[setting.name] = setting.default
      end
   end
   if settings.retention_for and not next(settings.retention_for) then
      settings.retention_for = nil
   end
   return settings
end

--- The settings of a pool with some of them changed.
-- @tparam string object the pool directory
-- @tparam table settings as they are
-- @tparam table changes those of `config.pool_settings` that have a kind; `false` takes one away that has no default
-- @treturn table
-- @raise `invalid`
function config.changed_pool(object, settings, changes)
   local changed = config.with(settings, changes)
   for key, value in pairs(changes) do
      local setting = pool_settings[key]
      if not setting then
         failure.raise("invalid", object, ("there is no setting %s that can be changed"):format(
            failure.quote(tostring(key))), { hint = table.concat(settable, ", ") .. " can" })
      elseif not setting.kind then
         failure.raise("invalid", object, "policies are not changed as a setting",
            { hint = "byre policy set and byre policy unset do that" })
      elseif value == false and setting.default == nil then
         changed[key] = nil
      end
   end
   return config.pool(object, changed)
end

--- What is said of one call: how its images come to their content.
-- @tparam string object the volume
-- @tparam ?string value nil: as the pool says
-- @treturn ?string
-- @raise `invalid`
function config.reflink(object, value)
   if value ~= nil then
      check_keys(pool_keys, object, { reflink = value })
   end
   return value
end

local function check_combination(volume, c)
   local function refuse(reason)
      failure.raise("invalid", volume, reason)
   end
   if c.snap_on_start and not c.source then
      refuse("snap_on_start needs a source: the volume that it is to be a snapshot of")
   elseif c.source and not c.snap_on_start then
      refuse("a source needs snap_on_start; for a copy that keeps no tie to it, clone the volume")
   elseif c.source == volume then
      refuse("a volume cannot be its own source")
   elseif c.retention and c.revisions_to_keep then
      refuse("two policies for one volume: retention and revisions_to_keep; keep one of them")
   elseif c.ephemeral and not (c.rw and config.kind(c) == "volatile") then
      refuse("ephemeral is for volatile volumes that are rw")
   elseif c.cow_extent_size and config.kind(c) == "volatile" then
      refuse("cow_extent_size is for volumes whose sessions share blocks; a volatile one begins empty")
   elseif not c.snap_on_start and not c.size and c.save_on_stop then
      refuse("size: needed for a volume that has no source")
   end
end

--- The settings of a volume.
-- @tparam string volume its vid
-- @tparam table values `size` (bytes or text), `rw` (default true), `snap_on_start`, `save_on_stop` (default false),
-- `source`, `revisions_to_keep` (nil: the pool's), `retention` (name of a policy; nil: the pool's), `ephemeral` (nil:
-- the pool's), `cow_extent_size` (bytes or text; nil: the pool's), `trash` (see `config.pool`; nil: the pool's)
-- @tparam[opt] table options `sizeless`: the image is there already and knows its size
-- @treturn table
-- @raise `invalid`
function config.volume(volume, values, options)
   local c = config.with({ rw = true, snap_on_start = false, save_on_stop = false }, values)
   if type(c.size) == "string" or c.size == 0 then
      c.size = units.parse_image_size(c.size)
   end
   c.cow_extent_size = bytes_of(c.cow_extent_size)
   check_keys(volume_keys, volume, c)
   if c.source then
      vid.check(c.source)
   end
   local size = c.size
   c.size = size or (options and options.sizeless and 1) or nil
   check_combination(volume, c)
   c.size = size
   return c
end

--- The policies of the pool that are meant for a volume: those whose pattern fits, or else the pool's own.
-- @tparam string volume its vid
-- @tparam table pool
-- @treturn {string,...} names in order; more than one is one too many
function config.policies_for(volume, pool)
   local names, known = {}, {}
   for pattern, name in pairs(pool.retention_for or {}) do
      if volume:find(vid.glob(pattern)) and not known[name] then
         known[name] = true
         names[#names + 1] = name
      end
   end
   table.sort(names)
   return #names > 0 and names or { pool.retention }
end

-- Which revisions stay: what the volume says goes before what the pool says. With a
-- policy no number counts, and where there are two of them nothing goes.
local function add_retention(c, volume, id, pool)
   local keep = volume.revisions_to_keep or pool.revisions_to_keep
   -- -1 means "no snapshots" to the kind origin only; other kinds keep no revision
   c.snapshots_disabled = keep == -1 and c.kind == "origin"
   c.revisions_to_keep = keep
   c.keep = math.max(keep, 0)
   if c.snapshots_disabled or not c.save_on_stop then
      return
   end
   c.policies = volume.retention and { volume.retention }
      or volume.revisions_to_keep and {} or config.policies_for(id, pool)
   if #c.policies > 0 then
      c.policy = #c.policies == 1 and c.policies[1] or nil
      c.keep = math.maxinteger
   end
end

--- What counts for a volume: its own settings, the pool's where it has none.
-- @tparam table volume
-- @tparam table pool
-- @tparam string id the vid
-- @treturn table `kind`, `keep`, `snapshots_disabled`, `policies` (names that apply), `policy` (the one, if there is
-- one), `precache`, `ephemeral`, `cow_extent_size` besides what the volume says; `trash` (of `duration.parse`; nil:
-- off); `own`: the volume's own settings alone
function config.effective(volume, pool, id)
   local c = config.with(volume, {})
   c.own = volume
   c.kind = config.kind(volume)
   add_retention(c, volume, id, pool)
   c.trash = volume.trash or pool.trash
   c.trash = c.trash and c.trash ~= 0 and duration.parse(c.trash) or nil
   c.precache = pool.precache and pool.reflink ~= "never" and c.kind == "origin" and not c.snapshots_disabled
   c.cow_extent_size = c.cow_extent_size or pool.cow_extent_size
   if c.ephemeral == nil then
      c.ephemeral = pool.ephemeral_volatile and c.kind == "volatile" and c.rw
   end
   return c
end

return config
