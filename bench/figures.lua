--- Figures in words.
local figures = {}

--- The middle one of some numbers.
function figures.median(list)
   local sorted = table.move(list, 1, #list, 1, {})
   table.sort(sorted)
   local middle = #sorted // 2
   return #sorted % 2 == 1 and sorted[middle + 1] or (sorted[middle] + sorted[middle + 1]) / 2
end

-- three digits that count: 1.23, 12.3, 123
local function short(number)
   return ("%." .. (number < 10 and 2 or number < 100 and 1 or 0) .. "f"):format(number)
end

local function scaled(number, base, names)
   local i = 1
   while i < #names and number >= base do
      number, i = number / base, i + 1
   end
   return short(number) .. " " .. names[i]
end

local formats = {
   s = function(value) return scaled(value * 1e6, 1000, { "us", "ms", "s" }) end,
   B = function(value) return scaled(value, 1024, { "B", "KiB", "MiB", "GiB" }) end,
   count = function(value) return ("%.0f"):format(value) end,
   ratio = function(value) return ("%.2f"):format(value) end,
}

--- A value with its unit.
function figures.value(value, unit)
   return formats[unit](value)
end

--- Does a result reach what is wanted of it? nil: nothing is.
-- @treturn ?boolean
-- @treturn ?string what is wanted
function figures.judge(result)
   if result.target then
      return result.ratio >= result.target, ("at least %.2f"):format(result.target)
   elseif result.limit then
      return result.byre <= result.limit, "at most " .. figures.value(result.limit, result.unit)
   elseif result.least then
      return result.byre >= result.least, "at least " .. figures.value(result.least, result.unit)
   end
end

local row = "%-46s  %-11s  %9s  %9s  %6s  %-14s  %s"

--- What stands above the lines.
figures.head = row:format("name", "fs", "byre", "rival", "ratio", "min..max", "wanted")

--- One result in one line.
function figures.line(result)
   local good, wanted = figures.judge(result)
   local verdict = wanted and wanted .. (good and "" or ": MISSED") or ""
   local ratio = result.ratio
   return (row:format(result.name, result.fs, figures.value(result.byre, result.unit),
      ratio and figures.value(result.rival, result.unit) or "", ratio and ("%.2f"):format(ratio) or "",
      ratio and ("%.2f..%.2f"):format(result.min, result.max) or "", verdict):gsub("%s+$", ""))
end

return figures
