--- Calendars of what a policy keeps: a page of HTML, or text for a terminal.
--
-- Made of the plain data of `simulate.run`, outside of the sandbox.
-- @module byre.retention.calendar
local civil = require("byre.retention.civil")
local drawing = require("byre.retention.calendar.drawing")
local page = require("byre.page")
local script = require("byre.retention.calendar.script")
local style = require("byre.retention.calendar.style")
local units = require("byre.units")
local weeks = require("byre.retention.calendar.weeks")

local calendar = {}

local escape = page.escape

local function js_string(text)
   return '"' .. text:gsub('[%c"\\<>&]', function(c)
      return ("\\u%04x"):format(c:byte())
   end) .. '"'
end

local function js_list(list)
   return "[" .. table.concat(list, ",") .. "]"
end

-- [made, removed, clock, slot, [at, rule, at, rule, ...]]
local function js_revision(model, r)
   local history = {}
   for _, change in ipairs(r.history) do
      history[#history + 1] = change.at
      history[#history + 1] = model.number[change.rule]
   end
   local slot = not r.removed_at and select(2, drawing.rule_text(r)):sub(2) or ""
   return js_list({ r.made_at, r.removed_at or 0, js_string(r.clock), js_string(slot), js_list(history) })
end

local function js_data(data, model)
   local days, samples, rules = {}, {}, {}
   for _, row in ipairs(model.rows) do
      for _, day in ipairs(row.days) do
         local list = {}
         for i, r in ipairs(day.revisions) do
            list[i] = js_revision(model, r)
         end
         days[#days + 1] = #list > 0 and ('"%d":%s'):format(day.day, js_list(list)) or nil
      end
   end
   for i, sample in ipairs(data.samples) do
      samples[i] = js_list({ sample.time, js_string(civil.date_text(sample.day)), sample.count,
         js_string(sample.bytes and units.format_size(sample.bytes) or "") })
   end
   for i, rule in ipairs(model.rules) do
      rules[i] = js_string(rule)
   end
   return ('{"from":%d,"to":%d,"rules":%s,"samples":%s,"days":{%s}}'):format(data.from, data.to, js_list(rules),
      js_list(samples), table.concat(days, ","))
end

local function legend(model)
   local items = {}
   for i, rule in ipairs(model.rules) do
      items[i] = ('<li><span class="%s">%s</span></li>'):format(drawing.class_of(model, rule), escape(rule))
   end
   return '<ul class="legend" aria-label="Rules">' .. table.concat(items) .. "<li><s>09:00</s> gone</li></ul>"
end

local function remaining(data)
   local list = {}
   for i = #data.revisions, 1, -1 do
      list[#list + 1] = not data.revisions[i].removed_at and data.revisions[i] or nil
   end
   return list
end

local function kept_table(list)
   local rows = {}
   for i, r in ipairs(list) do
      rows[i] = ("<tr><td>%s</td><td>%s</td><td>%s</td></tr>"):format(civil.date_text(r.day), r.clock,
         escape(drawing.reasons_text(r)))
   end
   return "<table><thead><tr><th>Day</th><th>Time</th><th>Kept for</th></tr></thead><tbody>\n"
      .. table.concat(rows, "\n") .. "\n</tbody></table>"
end

local function summary(data, kept)
   local last = data.samples[#data.samples]
   return ("Times are of the zone %s. %sOf %d revisions %d remain on %s%s."):format(data.tz,
      data.schedule and ("Revisions are made by the schedule %s. "):format(data.schedule) or "", #data.revisions,
      #kept, civil.date_text(last.day), last.bytes and ", together " .. units.format_size(last.bytes) or "")
end

local body = [[
<p>%s</p>
%s
<div id="slide"><label for="asof">As of</label> <output id="when" for="asof"></output>
<input id="asof" type="range" min="0" step="1"></div>
<h2>Revisions over time</h2>
%s
%s<h2>Weeks</h2>
%s
<h2>Worst gap by age</h2>
<p>How far the nearest revisions were apart, at worst, for somebody who wanted a state of that age.</p>
%s
<h2>What remains</h2>
%s]]

local scripts = [[
<script type="application/json" id="data">%s</script>
<script>
%s</script>]]

--- A page with the calendar: one file, readable without scripts.
-- @tparam table data of `simulate.run` or `simulate.now`
-- @tparam[opt] table words `title`
-- @treturn string HTML
function calendar.html(data, words)
   local model, kept = weeks.of(data), remaining(data)
   local title = words and words.title or "What the policy keeps"
   local bytes = ""
   if data.samples[1].bytes then
      bytes = "<h2>Bytes over time</h2>\n" .. drawing.curve(data, "Bytes", function(s) return s.bytes end,
         units.format_size) .. "\n"
   end
   return page.html(title, style, body:format(escape(summary(data, kept)), legend(model),
      drawing.curve(data, "Revisions", function(s) return s.count end, function(n) return ("%d"):format(n) end),
      bytes, drawing.weeks(data, model), drawing.gaps(data), kept_table(kept)), scripts:format(js_data(data, model),
      script))
end

-- a letter for each rule: its first one that is free
local function letters_of(rules)
   local used, letters = {}, {}
   for _, rule in ipairs(rules) do
      for letter in (rule:gsub("%W", "") .. "abcdefghijklmnopqrstuvwxyz0123456789"):gmatch(".") do
         if not letters[rule] and not used[letter:upper()] then
            letters[rule], used[letter:upper()] = letter:upper(), true
         end
      end
      letters[rule] = letters[rule] or "?"
   end
   return letters
end

local cell_width = 8

local function text_cell(letters, day, moment)
   local there, gone = weeks.at(day.revisions, moment)
   local text = ""
   for _, r in ipairs(there) do
      text = text .. letters[weeks.last_rule(r)]
   end
   if #text >= cell_width then
      text = text:sub(1, cell_width - 4) .. ("+%d"):format(#text - cell_width + 4)
   end
   return text == "" and (#gone > 0 and "." or "") or text
end

--- A calendar for a terminal: a letter for each revision that is kept, a dot
-- for a day that has lost all of its own.
-- @tparam table data of `simulate.run` or `simulate.now`
-- @treturn string
function calendar.text(data)
   local model = weeks.of(data)
   local letters = letters_of(model.rules)
   local lines = { ("%-10s%-8s%-8s%-8s%-8s%-8s%-8sSun"):format("", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat") }
   for _, row in ipairs(model.rows) do
      local text = ("%-10s"):format(row.label)
      for _, day in ipairs(row.days) do
         text = text .. ("%-" .. cell_width .. "s"):format(text_cell(letters, day, data.to))
      end
      lines[#lines + 1] = (text:gsub(" +$", ""))
   end
   local names = {}
   for i, rule in ipairs(model.rules) do
      names[i] = letters[rule] .. " " .. rule
   end
   lines[#lines + 1] = ""
   lines[#lines + 1] = table.concat(names, "  ") .. "  . gone"
   return table.concat(lines, "\n") .. "\n"
end

return calendar
