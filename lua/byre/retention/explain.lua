--- Verdicts in words, and when a revision will go if nothing changes.
-- @module byre.retention.explain
local simulate = require("byre.retention.simulate")

local format = string.format

local explain = {}

--- A reason in words: `daily 3/7 of 2026-11-20`.
-- @tparam table reason of `evaluate.judge`
-- @treturn string
function explain.reason(reason)
   local text = reason.rule
   if reason.of then
      text = format("%s %d/%d", text, reason.slot, reason.of)
   elseif reason.slot then
      text = format("%s #%d", text, reason.slot)
   end
   if reason.period then
      text = format("%s of %s", text, reason.period)
   end
   return reason.why and format("%s (%s)", text, reason.why) or text
end

local function loss(entry)
   if entry.winner then
      return format("%s of %s is %s", entry.rule, entry.period, entry.winner)
   elseif entry.period then
      return format("%s of %s is beyond the rule", entry.rule, entry.period)
   end
   return entry.rule .. " does not reach it"
end

--- Why a revision is kept, or what it has lost to, in words.
-- @tparam table judged a revision of `evaluate.judge`, with `delta` where that was asked for
-- @treturn string
function explain.verdict(judged)
   local list = {}
   for i, reason in ipairs(judged.reasons) do
      list[i] = explain.reason(reason)
   end
   if #list == 0 then
      for i, entry in ipairs(judged.lost_to) do
         list[i] = loss(entry)
      end
   end
   if #list == 0 then
      list[1] = judged.verdict == "abstain" and "the policy says nothing about it" or "no rule wants it"
   end
   if #judged.reasons == 0 and judged.delta then
      list[#list + 1] = format("%d bytes changed", judged.delta)
   end
   return table.concat(list, "; ")
end

-- the usual time between revisions: half of the times are shorter
local function usual_interval(revisions)
   local gaps = {}
   for i = 2, #revisions do
      gaps[i - 1] = math.max(1, revisions[i].time - revisions[i - 1].time)
   end
   table.sort(gaps)
   return gaps[(#gaps + 1) // 2]
end

local schedules = { { "hourly", 3600 }, { "0/6:00", 6 * 3600 }, { "daily", 86400 }, { "weekly", 7 * 86400 } }

-- a schedule that comes near, and its seconds: hourly, four times a day, daily or weekly
local function usual_schedule(revisions)
   local interval = usual_interval(revisions) or 86400
   return table.unpack(schedules[interval <= 2 * 3600 and 1 or interval <= 12 * 3600 and 2
      or interval <= 3 * 86400 and 3 or 4])
end

-- how many revisions are looked ahead where nobody says how long
local revisions_ahead = 400

--- When each revision will go if revisions are made as often as until now and nothing else changes.
-- @tparam table policy of `language.finish`
-- @tparam table input of `evaluate.judge`
-- @tparam ?integer seconds how far to look ahead; nil: 400 revisions
-- @tparam[opt] function objection guards, as for `simulate.run`
-- @treturn table by id: seconds since the epoch; nothing for those that stay so long
function explain.forecast(policy, input, seconds, objection)
   local schedule, step = usual_schedule(input.revisions)
   local data = simulate.run(policy, { schedule = schedule, from = input.now,
      to = input.now + (seconds or revisions_ahead * step), start_revisions = input.revisions,
      objection = objection, volume = input.volume, pool = input.pool })
   local result = {}
   for i in ipairs(input.revisions) do
      result[data.revisions[i].id] = data.revisions[i].removed_at
   end
   return result
end

return explain
