--- The page of bar charts that `make bench-report` writes: one file, nothing loaded from elsewhere.
local figures = require("bench.figures")

local report = {}

local label_width, bar_width, bar_height, gap = 360, 420, 14, 3
local row_height = 2 * bar_height + 16
local width = label_width + bar_width + 220

local style = [[
body { font: 14px/1.45 system-ui, sans-serif; max-width: 1040px; margin: 2em auto; padding: 0 1em; color: #222 }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }
svg { max-width: 100%; height: auto } text { font: 12px system-ui, sans-serif; fill: #222 }
.byre { fill: #2f6f4f } .rival { fill: #b9b2a3 } .minor { fill: #666 } .missed { fill: #a33; font-weight: bold }
p.key span { padding: 0 .6em; margin-right: .3em } p.key .b { background: #2f6f4f } p.key .r { background: #b9b2a3 }
@media (prefers-color-scheme: dark) { body { background: #1c1c1c; color: #ddd } text { fill: #ddd }
  .minor { fill: #999 } .byre { fill: #6cbf93 } p.key .b { background: #6cbf93 } .missed { fill: #f77 } }
]]

local function escape(text)
   return (tostring(text):gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

local function text(x, y, class, words, anchor)
   return ('<text x="%d" y="%d" class="%s"%s>%s</text>'):format(x, y, class,
      anchor and (' text-anchor="%s"'):format(anchor) or "", escape(words))
end

local function bar(y, class, share, words)
   local length = math.max(1, share * bar_width)
   return ('<rect x="%d" y="%d" width="%.1f" height="%d" class="%s"/>'):format(label_width, y, length, bar_height,
      class) .. text(label_width + math.floor(length) + 6, y + bar_height - 3, "minor", words)
end

-- what stands beside the bars
local function verdict(result, y)
   local good, wanted = figures.judge(result)
   local words = wanted and wanted .. (good and "" or ": missed") or ""
   return text(label_width - 10, y + 2 * bar_height, good == false and "missed" or "minor", words, "end")
end

-- the two bars of a measure, the longer one over the whole width
local function compared(result, y)
   local most = math.max(result.byre, result.rival)
   return bar(y, "byre", result.byre / most, ("%s, %.2f x (%.2f to %.2f, %d pairs)"):format(
      figures.value(result.byre, result.unit), result.ratio, result.min, result.max, result.pairs))
      .. bar(y + bar_height + gap, "rival", result.rival / most, ("%s, %s"):format(
         figures.value(result.rival, result.unit), result.rival_name))
end

local function row(result, y)
   local bars = result.ratio and compared(result, y)
      or text(label_width, y + bar_height - 3, "", figures.value(result.byre, result.unit))
   return text(label_width - 10, y + bar_height - 3, "", result.name, "end") .. bars .. verdict(result, y)
end

local function chart(results)
   local rows = {}
   for i, result in ipairs(results) do
      rows[i] = row(result, (i - 1) * row_height + 4)
   end
   return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" role="img">%s</svg>'):format(
      width, #results * row_height, width, table.concat(rows, "\n"))
end

-- results of each file system, in the order in which those come first
local function by_file_system(results)
   local groups = {}
   for _, result in ipairs(results) do
      if not groups[result.fs] then
         groups[result.fs] = {}
         groups[#groups + 1] = result.fs
      end
      table.insert(groups[result.fs], result)
   end
   return groups
end

--- Draw the results of a run.
-- @tparam table document `about` and `results`, as `bench/run.lua --json` writes them
-- @treturn string HTML
function report.html(document)
   local about, parts = document.about, {}
   local groups = by_file_system(document.results)
   for _, name in ipairs(groups) do
      parts[#parts + 1] = ("<h2>%s</h2>\n%s"):format(name == "-" and "any file system" or escape(name),
         chart(groups[name]))
   end
   return ([[<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>byre beside its rivals</title><style>%s</style></head><body>
<h1>byre %s beside its rivals</h1>
<p>%s, %s, %d processors, load %.1f, %s%s</p>
<p class="key"><span class="b"></span>byre <span class="r"></span>rival. Shorter is better. The factor is the median,
over pairs of runs, of the rival's figure by byre's.</p>
%s
</body></html>
]]):format(style, escape(about.version), escape(about.kernel), escape(about.processor), about.processors, about.load,
      escape(about.time), about.quick and ". A quick run: it shows that everything works and measures nothing" or "",
      table.concat(parts, "\n"))
end

return report
