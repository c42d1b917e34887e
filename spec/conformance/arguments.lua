--- Arguments as the driver's own language takes them: "7" is a number, "off" is false.
-- @module spec.conformance.arguments
local arguments = {}

--- Raise an error of the layer above the driver.
-- @tparam string class as in the recordings
-- @tparam string message
function arguments.refuse(class, message)
   error({ class = class, message = message }, 0)
end

local refuse = arguments.refuse

--- Is a value given? JSON has a null for "not".
function arguments.present(value)
   return value ~= nil and (type(value) ~= "table" or next(value) ~= nil)
end

--- An absolute path without `.`, `..` and double slashes; symbolic links stay.
-- @tparam string path
-- @treturn string
function arguments.normalise(path)
   local parts = {}
   for part in path:gmatch("[^/]+") do
      if part == ".." then
         parts[#parts] = nil
      elseif part ~= "." then
         parts[#parts + 1] = part
      end
   end
   return "/" .. table.concat(parts, "/")
end

--- int().
-- @return an integer
function arguments.to_integer(value)
   if type(value) == "boolean" then
      return value and 1 or 0
   elseif type(value) == "number" then
      return math.tointeger(value < 0 and math.ceil(value) or math.floor(value))
   elseif type(value) == "string" then
      local digits = value:match("^%s*([+-]?%d[%d_]*)%s*$")
      return digits and math.tointeger(tonumber((digits:gsub("_", ""):gsub("^%+", ""))))
         or refuse("ValueError", "not a number: " .. value)
   end
   refuse("TypeError", "not a number")
end

local words = {
   ["0"] = false, ["no"] = false, ["false"] = false, ["off"] = false,
   ["1"] = true, ["yes"] = true, ["true"] = true, ["on"] = true,
}

--- `setup_check` of a pool: any value by its truth, strings by what they say.
function arguments.to_boolean(value, default)
   if value == nil then
      return default
   elseif type(value) == "string" then
      local truth = words[value:lower()]
      if truth == nil then
         refuse("QubesValueError", "not a boolean: " .. value)
      end
      return truth
   end
   return value ~= false and value ~= 0 and arguments.present(value)
end

--- `ephemeral_volatile` of a pool.
function arguments.to_flag(value)
   if value == nil or value == false or value == 0 or value == "" then
      return false
   elseif value == true or value == 1 then
      return true
   end
   local truth = type(value) == "string" and words[value:lower()]
   if type(value) ~= "string" or truth == nil then
      refuse("ValueError", "not a boolean: " .. tostring(value))
   end
   return truth
end

local known = {
   name = true, vid = true, source = true, pool = true, rw = true, size = true, snap_on_start = true,
   save_on_stop = true, revisions_to_keep = true, ephemeral = true,
}

--- The settings of a volume, in the types that byre wants.
-- @tparam table config as recorded
-- @param keep the pool's revisions_to_keep
-- @treturn table
-- @treturn boolean whether something is in it that no volume has
function arguments.volume_settings(config, keep)
   local settings = {
      rw = config.rw == true, snap_on_start = config.snap_on_start == true, save_on_stop = config.save_on_stop == true,
      revisions_to_keep = arguments.to_integer(arguments.present(config.revisions_to_keep)
         and config.revisions_to_keep or keep),
      size = arguments.present(config.size) and arguments.to_integer(config.size) or nil,
      ephemeral = config.ephemeral,
   }
   local odd = false
   for key, value in pairs(config) do
      if not known[key] then
         settings[key], odd = value, true
      end
   end
   return settings, odd
end

return arguments
