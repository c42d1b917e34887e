--- The drawings of a calendar page, as SVG.
-- @module byre.retention.calendar.drawing
local civil = require("byre.retention.civil")
local explain = require("byre.retention.explain")
local page = require("byre.page")
local units = require("byre.units")
local weeks = require("byre.retention.calendar.weeks")

local drawing = {}

local label_width, cell_width, line = 78, 132, 16
local width = label_width + 7 * cell_width

local escape = page.escape

local function class_of(model, rule)
   return "c" .. math.min(model.number[rule] or 8, 8)
end
drawing.class_of = class_of

-- "daily 3/7"
local function rule_text(r)
   local reason = r.reasons[1] or {}
   local slot = reason.of and (" %d/%d"):format(reason.slot, reason.of) or ""
   return (weeks.last_rule(r) or "") .. slot, slot
end
drawing.rule_text = rule_text

--- All reasons of a revision, in words.
function drawing.reasons_text(r)
   local list = {}
   for i, reason in ipairs(r.reasons or {}) do
      list[i] = explain.reason(reason)
   end
   return table.concat(list, "; ")
end

local function slot(x, y, class, words, text_class, title)
   local rect = ('<rect x="%d" y="%d" width="%d" height="%d" rx="3" class="%s"/>'):format(x, y, cell_width - 6,
      line - 2, class)
   return ('<g>%s%s<text x="%d" y="%d" class="%s">%s</text></g>'):format(
      title and "<title>" .. escape(title) .. "</title>" or "", rect, x + 4, y + 11, text_class or "", escape(words))
end

local function revision_slot(model, x, y, r, gone)
   if gone then
      return slot(x, y, "none", r.clock, "gone")
   end
   return slot(x, y, class_of(model, weeks.last_rule(r)), r.clock .. " " .. rule_text(r), nil,
      civil.date_text(r.day) .. " " .. r.clock .. ": " .. drawing.reasons_text(r))
end

-- The slots of a day; what has no room is counted in the last one.
local function cell(model, row, day, x, y, moment)
   local there, gone = weeks.at(day.revisions, moment)
   local parts = { ('<g class="cell" data-day="%d">'):format(day.day) }
   local count, shown = #there + #gone, math.min(row.slots, #day.revisions)
   for i = 1, shown do
      local r = there[i] or gone[i - #there]
      local more = count - shown + 1
      if i == shown and more > 1 then
         local kept = math.max(0, #there - i + 1)
         parts[#parts + 1] = slot(x, y, "none", kept > 0 and ("+%d, %d kept"):format(more, kept)
            or ("+%d gone"):format(more), "faint")
      else
         parts[#parts + 1] = r and revision_slot(model, x, y, r, i > #there) or slot(x, y, "none", "")
      end
      y = y + line
   end
   parts[#parts + 1] = "</g>"
   return table.concat(parts)
end

local function clock_changes_by_day(data)
   local days = {}
   for _, change in ipairs(data.clock_changes) do
      days[(change.time + change.by) // 86400] = ("clock %+d min"):format(change.by // 60)
   end
   return days
end

local function svg(height, title, parts)
   return ('<div class="wide" tabindex="0" role="region" aria-label="%s"><svg viewBox="0 0 %d %d" role="img" ' ..
      'aria-label="%s">\n%s\n</svg></div>'):format(escape(title), width, height, escape(title),
         table.concat(parts, "\n"))
end

local function text(x, y, class, words)
   return ('<text x="%d" y="%d" class="%s">%s</text>'):format(x, y, class, escape(words))
end

--- The weeks, newest first.
-- @tparam table data of `simulate.run`
-- @tparam table model of `weeks.of`
-- @treturn string
function drawing.weeks(data, model)
   local parts, y, changes = {}, 16, clock_changes_by_day(data)
   for i, name in ipairs({ "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" }) do
      parts[#parts + 1] = text(label_width + (i - 1) * cell_width, y, "faint", name)
   end
   y = y + 8
   for _, row in ipairs(model.rows) do
      parts[#parts + 1] = ('<line x1="0" y1="%d" x2="%d" y2="%d" class="rule"/>'):format(y, width, y)
      parts[#parts + 1] = text(0, y + 14, "", row.label)
      for i, day in ipairs(row.days) do
         local x = label_width + (i - 1) * cell_width
         local mark = changes[day.day]
         parts[#parts + 1] = text(x, y + 14, "faint", civil.date_text(day.day):sub(6) .. (mark and " " .. mark or ""))
         parts[#parts + 1] = cell(model, row, day, x, y + 18, data.to)
      end
      y = y + 22 + row.slots * line
   end
   return svg(y, "Calendar, newest week first", parts)
end

local left, right, chart_height = 78, 12, 120

local function place(data, time)
   return left + (width - left - right) * (time - data.from) / math.max(1, data.to - data.from)
end

--- A figure over time.
-- @tparam table data of `simulate.run`
-- @tparam string title
-- @tparam function value of a sample
-- @tparam function format a value as text
-- @treturn string
function drawing.curve(data, title, value, format)
   local highest, points, parts = 1, {}, {}
   for _, sample in ipairs(data.samples) do
      highest = math.max(highest, value(sample))
   end
   local function height(v)
      return 14 + (chart_height - 34) * (1 - v / highest)
   end
   for i, sample in ipairs(data.samples) do
      points[i] = ("%.1f,%.1f"):format(place(data, sample.time), height(value(sample)))
   end
   for _, v in ipairs({ 0, highest }) do
      parts[#parts + 1] = ('<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" class="rule"/>'):format(left, height(v),
         width - right, height(v))
      parts[#parts + 1] = text(0, height(v) + 4, "faint", format(v))
   end
   for _, change in ipairs(data.clock_changes) do
      local x = place(data, change.time)
      parts[#parts + 1] = ('<line x1="%.1f" y1="8" x2="%.1f" y2="%d" class="change"><title>%s</title></line>'):format(
         x, x, chart_height - 20, ("the clock changes by %+d min"):format(change.by // 60))
   end
   parts[#parts + 1] = ('<polyline class="curve" points="%s"/>'):format(table.concat(points, " "))
   parts[#parts + 1] = ('<line class="now" x1="%d" y1="8" x2="%d" y2="%d" data-left="%d" data-width="%d"/>'):format(
      width - right, width - right, chart_height - 20, left, width - left - right)
   parts[#parts + 1] = text(left, chart_height - 4, "faint", units.format_time(data.from):sub(1, 10))
   parts[#parts + 1] = text(width - right - 66, chart_height - 4, "faint", units.format_time(data.to):sub(1, 10))
   return svg(chart_height, ("%s over time, at most %s"):format(title, format(highest)), parts)
end

--- Seconds for people: "2 d 15 h".
function drawing.span(seconds)
   local parts = {}
   for _, unit in ipairs({ { 86400, "d" }, { 3600, "h" }, { 60, "min" } }) do
      if seconds >= unit[1] and #parts < 2 then
         parts[#parts + 1] = ("%d %s"):format(seconds // unit[1], unit[2])
         seconds = seconds % unit[1]
      end
   end
   return #parts > 0 and table.concat(parts, " ") or seconds .. " s"
end

--- The worst gap between revisions, by their age.
function drawing.gaps(data)
   local parts, worst = {}, 1
   for _, range in ipairs(data.restore_gaps) do
      worst = math.max(worst, range.worst)
   end
   for i, range in ipairs(data.restore_gaps) do
      local y = (i - 1) * 22 + 4
      parts[#parts + 1] = text(0, y + 12, "", range.name)
      -- a gap of hours must be seen beside one of months
      local length = range.worst > 0 and math.log(1 + range.worst / 60) / math.log(1 + worst / 60) * 640 or 0
      parts[#parts + 1] = ('<rect x="110" y="%d" width="%.1f" height="14" class="bar"/>'):format(y + 1, length)
      parts[#parts + 1] = text(116 + math.floor(length), y + 12, "", range.worst > 0 and drawing.span(range.worst)
         or "none")
   end
   return svg(#data.restore_gaps * 22 + 8, "Worst gap between revisions by age", parts)
end

return drawing
