--- What a calendar shows: weeks of days of revisions, and the rules that kept them.
-- @module byre.retention.calendar.weeks
local civil = require("byre.retention.civil")

local weeks = {}

-- rules come in this order, then all others as they appear
local usual_order = { "last", "within", "secondly", "minutely", "hourly", "daily", "weekly", "monthly", "quarterly",
   "yearly" }

--- The most revisions of one day that are drawn one by one.
weeks.most_of_a_day = 6

local function rules_of(data)
   local seen, list, number = {}, {}, {}
   local others = {}
   for _, r in ipairs(data.revisions) do
      for _, change in ipairs(r.history) do
         if not seen[change.rule] then
            seen[change.rule] = true
            others[#others + 1] = change.rule
         end
      end
   end
   for _, names in ipairs({ usual_order, others }) do
      for _, name in ipairs(names) do
         if seen[name] then
            list[#list + 1], seen[name], number[name] = name, nil, #list + 1
         end
      end
   end
   return list, number
end

local function revisions_by_day(data)
   local days = {}
   for _, r in ipairs(data.revisions) do
      days[r.day] = days[r.day] or {}
      table.insert(days[r.day], r)
   end
   return days
end

local function week_row(first, days)
   local row = { first = first, slots = 1, days = {},
      label = ("%04d-W%02d"):format(civil.iso_week(first)) }
   for i = 0, 6 do
      local list = days[first + i] or {}
      row.days[i + 1] = { day = first + i, revisions = list }
      row.slots = math.max(row.slots, math.min(#list, weeks.most_of_a_day))
   end
   return row
end

--- Lay a simulation out.
-- @tparam table data of `simulate.run`
-- @treturn table `{rules = names in order, number = place by name, rows = weeks, newest first}`; a row has
--   `first` (its Monday, days since 1970-01-01), `label`, `slots` (lines it needs), `days` (seven of
--   `{day, revisions}`)
function weeks.of(data)
   local model, days = { rows = {} }, revisions_by_day(data)
   model.rules, model.number = rules_of(data)
   local first, last = math.maxinteger, math.mininteger
   for day in pairs(days) do
      first, last = math.min(first, day), math.max(last, day)
   end
   if first <= last then
      for monday = last - civil.weekday(last) + 1, first - civil.weekday(first) + 1, -7 do
         model.rows[#model.rows + 1] = week_row(monday, days)
      end
   end
   return model
end

--- The revisions of a day at a moment: what is there, then what is gone.
-- @tparam table revisions
-- @tparam integer moment
-- @treturn table those that are there
-- @treturn table those that were
function weeks.at(revisions, moment)
   local there, gone = {}, {}
   for _, r in ipairs(revisions) do
      if r.made_at <= moment then
         local list = r.removed_at and r.removed_at <= moment and gone or there
         list[#list + 1] = r
      end
   end
   return there, gone
end

--- The rule that keeps a revision in the end.
function weeks.last_rule(r)
   local last = r.history[#r.history]
   return last and last.rule
end

return weeks
