-- Policies and histories for the specs of retention.
local evaluate = require("byre.retention.evaluate")
local language = require("byre.retention.language")
local units = require("byre.units")
local vectors = require("spec.retention.vectors")

local support = {}

-- what a sandbox leaves of Lua, near enough for specs
local lua = { ipairs = ipairs, pairs = pairs, next = next, tostring = tostring, tonumber = tonumber, type = type,
   error = error, pcall = pcall, select = select, math = math, table = table, string = string }

--- Load the text of a policy file; raises what is wrong with it.
function support.policy(text, outside)
   local env = language.environment({
      read_zone = vectors.read_zone,
      freed = outside and outside.freed, log = outside and outside.log,
   })
   for _, more in ipairs({ lua, outside and outside.env }) do
      for name, value in pairs(more) do
         env[name] = value
      end
   end
   local chunk = assert(load(text, "=policy.lua", "t", env))
   language.check_text(text, "policy.lua")
   return language.finish(chunk())
end

--- What the text of a policy file is refused with.
function support.refusal(text)
   local ok, why = pcall(support.policy, text)
   assert(not ok, "was accepted")
   return why
end

--- "2026-11-22T18:00:00" as seconds since the epoch, UTC.
function support.time(text)
   return assert(units.parse_time(text), text)
end

--- Revisions of these times (texts or seconds), oldest first; `id` is the place.
function support.revisions(times)
   local list = {}
   for i, time in ipairs(times) do
      list[i] = { id = tostring(i), seq = i, time = type(time) == "string" and support.time(time) or time, tags = {} }
   end
   return list
end

--- Times from one to another, every so many seconds.
function support.every(seconds, from, to)
   local list = {}
   for time = support.time(from), support.time(to), seconds do
      list[#list + 1] = time
   end
   return list
end

--- Judge by the text of a policy.
function support.judge(text, revisions, fields)
   local input = { now = revisions[#revisions] and revisions[#revisions].time + 1 or 0, revisions = revisions,
      volume = "work/root", pool = { free = 30 << 30, total = 100 << 30 } }
   for key, value in pairs(fields or {}) do
      input[key] = value
   end
   return evaluate.judge(support.policy(text, fields), input)
end

--- The ids a verdict was given to, in order, as one text.
function support.ids(judged, verdict)
   local list = {}
   for _, r in ipairs(judged.revisions) do
      if r.verdict == (verdict or "keep") then
         list[#list + 1] = r.id
      end
   end
   return table.concat(list, " ")
end

--- The times of the kept ones, as texts.
function support.kept_times(judged, revisions)
   local list = {}
   for i, r in ipairs(judged.revisions) do
      if r.verdict == "keep" then
         list[#list + 1] = (units.format_stamp(revisions[i].time):gsub(":00$", ""))
      end
   end
   return list
end

return support
