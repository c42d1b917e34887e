--- The catalog: small JSON files in `.byre/`, read and made here.
--
-- Keys that byre does not know are kept as they are. A file that cannot be
-- read as what it should be is named in the error and never overwritten.
-- @module byre.catalog
local dkjson = require("dkjson")

local config = require("byre.config")
local failure = require("byre.failure")
local layout = require("byre.layout")
local vid = require("byre.vid")

local catalog = {}

--- The format this version reads and writes.
catalog.format = 1

local key_order = {
   "format", "kind", "source", "snap_on_start", "save_on_stop", "rw", "size", "revisions_to_keep", "precache",
   "ephemeral", "ephemeral_volatile", "reflink", "on_full", "cow_extent_size", "trash", "retention",
   "retention_for",
   "confirmed_policy", "revisions",
}

-- the settings of a volume that stand in its catalog entry
local volume_settings = {
   "snap_on_start", "save_on_stop", "rw", "size", "source", "revisions_to_keep", "retention", "ephemeral",
   "cow_extent_size", "trash",
}
local pool_settings = {}
for i, setting in ipairs(config.pool_settings) do
   pool_settings[i] = setting.name
end

local function damaged(path, reason)
   failure.raise("corrupt", path, reason .. "; restore it from a backup or mend it by hand", { path = path })
end

-- The parser also takes an object without colons for a list, and more such: what one wrong byte may
-- make of a file must not be read as something else.
local function is_strict(value)
   if type(value) ~= "table" then
      return true
   end
   local key_type = getmetatable(value).__jsontype == "array" and "number" or "string"
   for key, item in pairs(value) do
      if type(key) ~= key_type or not is_strict(item) then
         return false
      end
   end
   return true
end

-- It takes a number before a colon, too, and so a list with one element for one with very many.
local function has_odd_names(text)
   local outline = text:gsub("\\.", ""):gsub('"[^"]*"', '""')
   return outline:find('[^"%s]%s*:') ~= nil
end

local function parse(path, text)
   local ok, value, position, message = pcall(dkjson.decode, text, 1, nil)
   if not ok and value == "not enough memory" then
      error(value, 0)
   elseif not ok or value == nil then
      damaged(path, "is not JSON: " .. tostring(ok and message or value))
   elseif text:find("%S", position) then
      damaged(path, "is not JSON: there is more behind its end")
   elseif not is_strict(value) or has_odd_names(text) then
      damaged(path, "is not JSON: an object or a list is not whole")
   elseif type(value) ~= "table" or (getmetatable(value) or {}).__jsontype == "array" then
      damaged(path, "is not a JSON object")
   end
   return value
end

-- text -> what it says. An operation reads an entry more than once, and many volumes of a pool have the same text; as
-- long as somebody has it, it is not parsed again. Nobody changes it.
local parsed = setmetatable({}, { __mode = "v" })

-- what it says of a volume, as `config.volume` checked it: the same for every volume but the source in it
local understood = setmetatable({}, { __mode = "k" })

local function decode(path, text)
   local value = parsed[text]
   if not value then
      value = parse(path, text)
      parsed[text] = value
   end
   return value
end

local function pick(names, from)
   local values = {}
   for _, name in ipairs(names) do
      values[name] = from[name]
   end
   return values
end

-- run a check of `byre.config` on what a file says: what it refuses is damage
local function checked(path, check, ...)
   local ok, result = failure.catch(check, ...)
   if not ok then
      damaged(path, result.message)
   end
   return result
end

--- Text of a catalog file.
-- @tparam table value
-- @treturn string
function catalog.encode(value)
   return dkjson.encode(value, { indent = true, keyorder = key_order }) .. "\n"
end

--- Read the text of `pool.json`.
-- @tparam string path for messages
-- @tparam string text
-- @treturn table the settings
-- @treturn table the whole file as read
-- @raise `corrupt`; `not_supported`: a format of a later version
function catalog.decode_pool(path, text)
   local raw = decode(path, text)
   if math.type(raw.format) ~= "integer" or raw.format < 1 then
      damaged(path, "has no format number")
   elseif raw.format > catalog.format then
      failure.raise("not_supported", path,
         ("has format %d; this version of byre reads formats up to %d"):format(raw.format, catalog.format))
   end
   return checked(path, config.pool, path, pick(pool_settings, raw)), raw
end

--- Make the text of `pool.json`.
-- @tparam table settings
-- @tparam[opt] table raw the file as it was read
-- @treturn string
function catalog.encode_pool(settings, raw)
   local value = {}
   for key, old in pairs(raw or {}) do
      value[key] = old
   end
   value.format = catalog.format
   for _, name in ipairs(pool_settings) do
      value[name] = settings[name]
   end
   return catalog.encode(value)
end

local note_rules = {
   tags = function(value)
      for _, tag in ipairs(type(value) == "table" and value or { false }) do
         if type(tag) ~= "string" then
            return false, "must be a list of texts"
         end
      end
      return true
   end,
   note = function(value)
      return type(value) == "string", "must be text"
   end,
   hold_until = function(value)
      return value == true or math.type(value) == "integer", "must be a whole number of seconds, or true"
   end,
}

-- What is not understood here would be a hold that does not hold.
local function check_revisions(path, revisions)
   if revisions ~= nil and type(revisions) ~= "table" then
      damaged(path, "revisions: must be an object")
   end
   for id, noted in pairs(revisions or {}) do
      local label = id:find("^[%w@:-]+$") and id or failure.quote(id)
      if type(noted) ~= "table" then
         damaged(path, ("revisions: %s: must be an object"):format(label))
      end
      for key, rule in pairs(note_rules) do
         local ok, reason = true, nil
         if noted[key] ~= nil then
            ok, reason = rule(noted[key])
         end
         if not ok then
            damaged(path, ("revisions: %s: %s: %s"):format(label, key, reason))
         end
      end
   end
end

--- Read the text of `clock.json` or `trash.json`.
-- @tparam string path which of them
-- @tparam string text
-- @treturn table `latest`: the latest time that a policy was applied at, or that a trash was looked at; `synchronised`:
-- the kernel knew its time to be right; `ahead` (of a trash): when the clock was last found to have gone ahead
-- @raise `corrupt`
function catalog.decode_clock(path, text)
   local raw = decode(path, text)
   if math.type(raw.latest) ~= "integer" then
      damaged(path, "latest: must be a whole number of seconds")
   elseif raw.ahead ~= nil and math.type(raw.ahead) ~= "integer" then
      damaged(path, "ahead: must be a whole number of seconds")
   end
   return { latest = raw.latest, synchronised = raw.synchronised == true, ahead = raw.ahead }
end

--- Read the text of a volume's entry.
-- @tparam string volume its vid
-- @tparam string text
-- @treturn table the settings, which others have as well: not to be changed
-- @treturn table the whole file as read, as well
-- @raise `corrupt`
function catalog.decode_volume(volume, text)
   local path = layout.entry(volume)
   local raw = decode(path, text)
   local known = understood[raw]
   if known and known.source ~= volume then
      return known, raw
   end
   local settings = checked(path, config.volume, volume, pick(volume_settings, raw), { sizeless = true })
   -- one damaged flag would make a volume that keeps its data one that does not
   if raw.kind ~= nil and raw.kind ~= config.kind(settings) then
      damaged(path, ("kind: must be %s, which the flags say"):format(config.kind(settings)))
   end
   check_revisions(path, raw.revisions)
   if raw.confirmed_policy ~= nil and type(raw.confirmed_policy) ~= "string" then
      damaged(path, "confirmed_policy: must be text")
   end
   understood[raw] = settings
   return settings, raw
end

--- The source that a volume's entry names; nothing else of it is checked.
-- @tparam string volume its vid
-- @tparam string text
-- @treturn ?string a vid
-- @raise `corrupt`, `invalid`
function catalog.source_in(volume, text)
   local source = decode(layout.entry(volume), text).source
   return type(source) == "string" and vid.check(source) or nil
end

--- Make the text of a volume's entry.
-- @tparam table settings
-- @tparam[opt] table raw the file as it was read
-- @treturn string
function catalog.encode_volume(settings, raw)
   local value = {}
   for key, old in pairs(raw or {}) do
      value[key] = old
   end
   value.kind = config.kind(settings)
   for _, name in ipairs(volume_settings) do
      value[name] = settings[name]
   end
   return catalog.encode(value)
end

return catalog
