--- Sets of scenarios with their recordings: `scenarios.json` and `<fs>/<scenario>.json`, or the same packed, as
-- `scenarios.json.xz` and `<fs>.tar.xz`.
-- @module spec.conformance.recordings
local dkjson = require("dkjson")

local disk = require("spec.conformance.disk")

local recordings = {}

local methods = {}
local mt = { __name = "spec.conformance.recordings", __index = methods }

local function exists(path)
   return (pcall(disk.run, "test", "-e", path))
end

local function read(path)
   local file = io.open(path, "rb")
   if not file then
      return nil
   end
   local text = file:read("a")
   file:close()
   return text
end

-- a file of the set, or nil
local function text_of(dir, kind, name)
   local path = kind and kind .. "/" .. name or name
   local text = read(dir .. "/" .. path)
   if text then
      return text
   elseif not kind then
      return exists(dir .. "/" .. name .. ".xz") and disk.run("xz", "-dc", dir .. "/" .. name .. ".xz") or nil
   end
   local archive = dir .. "/" .. kind .. ".tar.xz"
   local ok, unpacked = pcall(disk.run, "tar", "-xJOf", archive, path)
   if ok then
      return unpacked
   elseif not unpacked.message:find("Not found in archive", 1, true) and exists(archive) then
      error(unpacked.message, 0)
   end
end

local function decode(name, text)
   local value, _, message = dkjson.decode(text, 1, nil)
   return value or error(name .. ": " .. tostring(message), 0)
end

--- Open a set.
-- @tparam string dir
-- @treturn set with `scenarios`
function recordings.open(dir)
   local text = text_of(dir, nil, "scenarios.json") or error(dir .. ": there is no scenarios.json", 0)
   return setmetatable({ dir = dir, scenarios = decode("scenarios.json", text).scenarios }, mt)
end

--- The recording of a scenario on a file system; nil if there is none.
-- @tparam string kind
-- @tparam string name
-- @treturn ?table
function methods:trace(kind, name)
   local text = text_of(self.dir, kind, name .. ".json")
   return text and decode(kind .. "/" .. name, text)
end

return recordings
