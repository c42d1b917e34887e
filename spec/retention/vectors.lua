-- Runs recorded decisions of other tools through `compat.…`:
--
--    lua5.4 spec/retention/vectors.lua FILE…
--
-- FILE is a JSON list of vectors, plain or compressed by gzip or xz.  Each that
-- fails is told, the last line is "N passed, N failed"; exit 1 when any failed.
local root = arg and arg[0] and arg[0]:match("^(.*)spec/retention/vectors%.lua$")
if root then
   package.path = root .. "lua/?.lua;" .. package.path
end
local json = require("dkjson")
local evaluate = require("byre.retention.evaluate")
local language = require("byre.retention.language")

local vectors = {}

local zoneinfo = "/usr/share/zoneinfo/"

--- The bytes of a zone, as `language.environment` wants them.
function vectors.read_zone(name)
   local file, why = io.open(zoneinfo .. name, "rb")
   if not file then
      return nil, why
   end
   local bytes = file:read("a")
   file:close()
   return bytes
end

local env = language.environment({ read_zone = vectors.read_zone })

--- Read a file of vectors.
function vectors.read(name)
   local program = name:match("%.gz$") and "gzip" or name:match("%.xz$") and "xz" or nil
   local file
   if program then
      file = assert(io.popen(("%s -dc '%s'"):format(program, name:gsub("'", "'\\''"))))
   else
      file = assert(io.open(name))
   end
   local text = file:read("a")
   assert(file:close())
   local list, _, why = json.decode(text)
   return assert(list, why)
end

-- null in JSON, which dkjson may give as a value of its own
local function given(value)
   if value ~= json.null then
      return value
   end
end

local function revisions_of(vector)
   local list = {}
   local function at(field, i)
      local column = given(vector[field])
      return column and given(column[i])
   end
   for i, time in ipairs(vector.snapshots) do
      local flags, tags = at("flags", i) or "", {}
      for _, tag in ipairs(at("tags", i) or {}) do
         tags[tag] = true
      end
      list[i] = { id = tostring(i), seq = i, time = time, offset = at("offsets", i), host = at("hosts", i),
         paths = at("paths", i), tags = tags, pinned = flags:find("p", 1, true) ~= nil,
         unfinished = flags:find("u", 1, true) ~= nil }
   end
   return list
end

local function policy_of(vector)
   local options = { version = vector.version }
   for key, value in pairs(vector.policy) do
      options[key] = value
   end
   -- the bare function of restic does not refuse to remove all, its command does
   if vector.tool == "restic" and vector.via == "unit" then
      options["unsafe-allow-remove-all"] = true
   end
   return language.finish(env.policy({ tz = vector.tz, env.compat[vector.tool](options) }))
end

-- what the tool says about a revision, as text
local function reason_text(tool, reasons)
   local list = {}
   for _, reason in ipairs(reasons) do
      list[#list + 1] = reason.why
   end
   if #list == 0 then
      return "none"
   end
   return tool == "restic" and json.encode(list) or list[1]
end

local function expected_text(reason)
   reason = given(reason)
   return reason == nil and "none" or type(reason) == "table" and json.encode(reason) or reason
end

-- "epoch reason" of each kept revision, sorted: a multiset
local function sorted_lines(list)
   table.sort(list)
   return table.concat(list, "\n")
end

--- Does byre decide as the tool did?
-- @treturn boolean
-- @treturn string what differs
function vectors.check(vector)
   local revisions = revisions_of(vector)
   local now = given(vector.now) or (revisions[#revisions] and revisions[#revisions].time or 0)
   local ok, judged = pcall(function()
      return evaluate.judge(policy_of(vector), { now = now, revisions = revisions })
   end)
   if not ok then
      return false, tostring(judged)
   end
   local reasons = given(vector.reasons)
   local found, expected = {}, {}
   for i, r in ipairs(judged.revisions) do
      if r.verdict == "keep" then
         found[#found + 1] = revisions[i].time .. (reasons and " " .. reason_text(vector.tool, r.reasons) or "")
      end
   end
   for i, time in ipairs(vector.keep) do
      expected[i] = time .. (reasons and " " .. expected_text(reasons[i]) or "")
   end
   local a, b = sorted_lines(expected), sorted_lines(found)
   return a == b, ("expected %d:\n%s\nfound %d:\n%s"):format(#expected, a, #found, b)
end

local tools = { restic = true, borg = true, pbs = true }

--- Is there a preset for the tool and version that recorded a vector?
function vectors.known(vector)
   return tools[vector.tool] and not (vector.tool == "borg" and vector.version:find("^2%."))
end

local function main(names)
   local passed, failed = 0, 0
   for _, name in ipairs(names) do
      for _, vector in ipairs(vectors.read(name)) do
         local ok, why
         if vectors.known(vector) then
            ok, why = vectors.check(vector)
            passed, failed = passed + (ok and 1 or 0), failed + (ok and 0 or 1)
         else
            why = "passed over, byre has no preset for it"
         end
         if not ok then
            print(("%s (%s %s): %s"):format(vector.name, vector.tool, vector.version, why))
         end
      end
   end
   print(("%d passed, %d failed"):format(passed, failed))
   os.exit(failed == 0)
end

if root and #arg > 0 then
   main(arg)
end
return vectors
