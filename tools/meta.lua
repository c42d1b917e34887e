-- Makes the types that an editor wants (LuaLS) from the manual's page of the library:
--
--    lua5.4 tools/meta.lua <doc/api.md >build/library/byre.lua
--
-- Functions, their parameters and what is said of them come from the page's headings and
-- texts; here are the types of the names used there, and the objects.

local types = {
   dir = "string", vid = "string", name = "string", id = "string", path = "string", pattern = "string",
   value = "any", ["..."] = "any", size = "integer|string", success = "boolean", source = "byre.Volume",
   list = "(string|byre.Volume)[]", settings = "byre.Settings", changes = "byre.Changes", notes = "byre.Notes",
   vids = "string[]",
   options = "table", old = "string", new = "string", text = "string",
}

-- of single functions, where a name alone does not tell
local own_types = {
   ["byre.create_pool options"] = "byre.CreateOptions",
   ["byre.plan_pool options"] = "byre.CreateOptions",
   ["byre.propose_adoption options"] = "byre.AdoptionOptions",
   ["byre.open_pool options"] = "byre.OpenOptions",
   ["byre.release_pool options"] = "byre.OpenOptions",
   ["byre.spawn command"] = "byre.Spawn",
   ["pool:empty_trash options"] = "{ volumes?: (string|byre.Volume)[], pattern?: string, dry_run?: boolean }",
   ["pool:trash options"] = "{ space?: boolean }",
   ["volume:trash options"] = "{ space?: boolean }",
   ["volume:remove_revision options"] = "{ trash?: false }",
   ["pool:check options"] = "{ repair?: boolean, volumes?: string[] }",
   ["pool:create_volume_from options"] = "{ format?: string }",
   ["pool:stop options"] = "byre.StopOptions",
   ["pool:remove options"] = "{ force?: boolean }",
   ["pool:snapshot options"] = "byre.Notes",
   ["pool:revert options"] = "{ discard?: boolean }",
   ["volume:stop options"] = "byre.StopOptions",
   ["volume:revert options"] = "{ discard?: boolean }",
   ["volume:resize options"] = "{ shrink?: boolean }",
   ["volume:rename options"] = "{ state?: byre.State }",
   ["volume:clone options"] = "{ state?: byre.State, revision?: string }",
   ["volume:remove options"] = "{ force?: boolean }",
   ["volume:export_file options"] = "{ revision?: string, state?: byre.State, format?: string }",
   ["volume:revisions options"] = "{ space?: boolean }",
   ["volume:diff options"] = "{ state?: byre.State }",
   ["volume:import_data_end options"] = "{ discard?: boolean }",
   ["volume:import_file options"] = "{ format?: string, size?: integer|string, discard?: boolean }",
   ["volume:import_volume options"] = "{ state?: byre.State, discard?: boolean }",
   ["group:stop options"] = "byre.StopOptions",
   ["group:remove options"] = "{ force?: boolean }",
   ["group:snapshot options"] = "byre.Notes",
   ["group:rename options"] = "{ state?: byre.State }",
   ["group:plan_rename options"] = "{ state?: byre.State }",
   ["group:revert options"] = "{ discard?: boolean }",
}

local results = {
   pool = "byre.Pool", volume = "byre.Volume", group = "byre.Group", revision = "byre.Revision", plan = "byre.Plan",
   adoption = "byre.Adoption", space = "byre.Space", difference = "byre.Difference",
   path = "string", integer = "integer", boolean = "boolean", ["true"] = "true",
   iterator = "fun(): byre.Volume", table = "table", list = "table[]",
}

local own_results = {
   ["byre.spawn"] = "byre.SpawnResult",
   ["pool:check"] = "byre.Finding[]",
   ["pool:trash"] = "fun(): byre.Trashed",
   ["volume:trash"] = "byre.Trashed[]",
   ["pool:empty_trash"] = "byre.Plan[]",
   ["pool:usage"] = "{ size: integer, used: integer, free: integer }",
   ["pool:start"] = "table<string, string>",
   ["pool:stop"] = "table<string, true>",
   ["pool:remove"] = "table<string, true>",
   ["pool:revert"] = "table<string, true>",
   ["pool:snapshot"] = "table<string, string>",
   ["volume:status"] = "byre.Status",
   ["volume:revisions"] = "byre.Revision[]",
   ["volume:files"] = "byre.File[]",
   ["group:volumes"] = "byre.Volume[]", ["group:require_volumes"] = "byre.Volume[]",
}

local classes = [[
---@meta byre
-- Made from doc/api.md by tools/meta.lua.

---@alias byre.State "committed"|"current"
---@alias byre.Kind "volatile"|"snapshot"|"origin"|"origin_snapshot"

---@class byre.OpenOptions
---@field log? fun(event: byre.Event)
---@field progress? fun(event: byre.Progress): boolean?
---@field lock_timeout? number
---@field hooks? table<string, fun(call: byre.HookCall)>
---@field hooks_file? boolean

---@class byre.HookCall
---@field hook string
---@field operation string
---@field pool byre.Pool
---@field volume? string
---@field plan? table
---@field config? table
---@field from? string
---@field to? string
---@field result? any

---@class byre.Spawn
---@field [integer] string
---@field timeout? number
---@field check? boolean
---@field stdin? userdata
---@field stdout? userdata

---@class byre.SpawnResult
---@field status? integer
---@field signal? integer
---@field timed_out? boolean
---@field stdout? string
---@field stderr string

---@class byre.CreateOptions: byre.OpenOptions
---@field revisions_to_keep? integer
---@field precache? boolean
---@field ephemeral_volatile? boolean
---@field setup_check? boolean
---@field trash? string|integer

---@class byre.AdoptionOptions: byre.CreateOptions
---@field qubes_xml? string
---@field qubes_pool? string

---@class byre.Settings
---@field size? integer|string
---@field save_on_stop? boolean
---@field snap_on_start? boolean
---@field source? string
---@field rw? boolean
---@field revisions_to_keep? integer
---@field ephemeral? boolean
---@field trash? string|integer

---@class byre.Changes
---@field revisions_to_keep? integer|false
---@field trash? string|integer|false
---@field rw? boolean
---@field ephemeral? boolean

---@class byre.Notes
---@field tag? string
---@field untag? string
---@field note? string|false
---@field hold_until? integer|boolean

---@class byre.StopOptions
---@field discard? boolean
---@field force? boolean

---@class byre.Event
---@field step string
---@field volume? string
---@field operation? string
---@field path? string
---@field from? string
---@field bytes? integer
---@field seconds? number
---@field why? string
---@field loop_devices? string[]
---@field message? string

---@class byre.Progress
---@field volume string
---@field operation string
---@field done integer
---@field total? integer

---@class byre.Revision
---@field id string
---@field seq integer
---@field time integer
---@field path string
---@field size integer
---@field tags table<string, true>
---@field note? string
---@field hold_until? integer|true
---@field allocated? integer
---@field shared? integer
---@field exclusive? integer

---@class byre.Trashed: byre.Revision
---@field volume string
---@field removed integer
---@field expires? integer

---@class byre.File
---@field role string
---@field path string
---@field size integer
---@field used integer
---@field time integer

---@class byre.Finding
---@field code string
---@field volume? string
---@field path? string
---@field message string
---@field repaired? boolean

---@class byre.Status
---@field vid string
---@field kind byre.Kind
---@field rw boolean
---@field ephemeral boolean
---@field source? string
---@field revisions_to_keep integer
---@field session boolean
---@field running boolean
---@field dirty boolean
---@field outdated boolean
---@field size? integer
---@field used integer
---@field committed_time? integer
---@field revision_count integer
---@field revision_time? integer
---@field path? string
---@field trash? string
---@field trash_count integer

---@class byre.Plan
---@field operation string
---@field volume? string
---@field commit integer
---@field phases table[]

---@class byre.Error
---@field code string
---@field object string
---@field message string
---@field errno? integer
---@field path? string
---@field volume? string
---@field hint? string
---@field pid? integer
---@field failures? { volume: string, error: byre.Error }[]
---@field done? string[]

---@class byre.Taken
---@field allocated? integer
---@field shared? integer
---@field exclusive? integer
---@field history? integer
---@field revision_count? integer
---@field vid? string
---@field images? table[]

---@class byre.Space
---@field size integer
---@field used integer
---@field free integer
---@field allocated? integer
---@field basis? "extents"|"fiemap"
---@field exact boolean
---@field reason? string
---@field failures byre.Error[]
---@field volumes fun(self: byre.Space): fun(): byre.Taken
---@field volume fun(self: byre.Space, vid: string): byre.Taken
---@field of fun(self: byre.Space, names: string[]): byre.Taken

---@class byre.Difference
---@field old_size integer
---@field new_size integer
---@field basis "extents"|"fiemap"|"data"
---@field ranges fun(self: byre.Difference): fun(): integer, integer
---@field close fun(self: byre.Difference)

---@class byre.Adoption
---@field volumes table[]
---@field left table[]
---@field plans fun(self: byre.Adoption): byre.Plan[]
---@field run fun(self: byre.Adoption): byre.Pool, table[]
---@field close fun(self: byre.Adoption)

---@class byre.Pool
---@field dir string
---@field config table
local pool = {}

---@class byre.Volume
---@field vid string
---@field name string
---@field pool byre.Pool
---@field kind byre.Kind
---@field rw boolean
---@field source? string
---@field revisions_to_keep integer
---@field ephemeral boolean
---@field config byre.Settings
local volume = {}

---@class byre.Group
---@field name string
local group = {}

---@class byre
---@field version string
local byre = {}
]]

local function parse_arguments(text)
   local list, depth = {}, 0
   for bracket, word in text:gmatch("([%[%]]*)[%s,]*([%w_.]*)") do
      depth = depth + select(2, bracket:gsub("%[", "")) - select(2, bracket:gsub("%]", ""))
      if word ~= "" then
         list[#list + 1] = { name = word, optional = depth > 0 }
      end
   end
   return list
end

-- "a:b(c[, d]), a:e(...) -> f": functions, each with its arguments and what it returns
local function parse_heading(heading)
   local list = {}
   local from, to, name, arguments = heading:find("([%w_]+[.:][%w_]+)(%b())")
   while from do
      list[#list + 1] = { name = name, arguments = parse_arguments(arguments:sub(2, -2)),
         result = heading:match("^ %-> ([%w_]+)", to + 1) }
      from, to, name, arguments = heading:find("([%w_]+[.:][%w_]+)(%b())", to + 1)
   end
   -- what is said once holds for all: "(...)" after the first, the result at the end
   local first, last = list[1], list[#list]
   for i, item in ipairs(list) do
      if i > 1 and #item.arguments == 1 and item.arguments[1].name == "..." then
         item.arguments = first.arguments
      end
      item.result = item.result or (not first.result and last.result)
   end
   return list
end

local function print_function(item, text)
   for _, line in ipairs(text) do
      print("---" .. line)
   end
   local names = {}
   for _, argument in ipairs(item.arguments) do
      local kind = own_types[item.name .. " " .. argument.name] or types[argument.name] or "unknown"
      print(("---@param %s%s %s"):format(argument.name, argument.optional and "?" or "", kind))
      names[#names + 1] = argument.name
   end
   local result = own_results[item.name] or item.result and (results[item.result] or "unknown")
   if result then
      print("---@return " .. result)
   end
   print(("function %s(%s) end\n"):format(item.name, table.concat(names, ", ")))
end

print(classes)
local functions, text
local function flush()
   for _, item in ipairs(functions or {}) do
      print_function(item, text)
   end
   functions = nil
end
for line in io.lines() do
   local marks, heading = line:match("^(#+) (.*)$")
   if marks then
      flush()
      functions, text = marks == "###" and parse_heading(heading) or nil, {}
   elseif line:find("^```") then
      flush()
   elseif functions and (line ~= "" or #text > 0) then
      -- links lead to other pages of the manual
      text[#text + 1] = line:gsub("%[([^%]]*)%]%(([^)]*)%)", "%1")
   end
end
flush()
print("return byre")
