--- Figures in the text format of OpenMetrics.
--
-- What is written here is also Prometheus' older text format, which is what the textfile collector of node_exporter
-- reads: there are gauges only, and the line at the end is a comment there.
-- @module byre.command.open_metrics
local report = require("byre.command.report")

local open_metrics = {}

local methods = {}
local mt = { __name = "byre.command.open_metrics", __index = methods }

--- Make an empty set of figures.
-- @tparam table labels of all of them
-- @treturn figures with `families`: a list of `name`, `help`, `samples` (a list of `labels`, `value`)
function open_metrics.new(labels)
   return setmetatable({ labels = labels, families = {}, by_name = {} }, mt)
end

--- Begin a family of figures.
-- @tparam string name `byre_pool_size_bytes`
-- @tparam string help
function methods:family(name, help)
   local family = { name = name, help = help, type = "gauge", samples = {} }
   self.families[#self.families + 1] = family
   self.by_name[name] = family
end

--- Add a figure to a family that was begun. What is not known is left out.
-- @tparam string name
-- @param value number or boolean (0 or 1); nil: not known
-- @tparam[opt] table labels besides those of all
function methods:add(name, value, labels)
   if value == nil then
      return
   elseif type(value) == "boolean" then
      value = value and 1 or 0
   end
   local all = {}
   for _, from in ipairs({ self.labels, labels or {} }) do
      for key, text in pairs(from) do
         all[key] = text
      end
   end
   table.insert(self.by_name[name].samples, { labels = all, value = value })
end

local escapes = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }

local function escape(text, characters)
   return (report.valid_text(text):gsub(characters, escapes))
end

local function label_text(labels)
   local list = {}
   for key, text in pairs(labels) do
      list[#list + 1] = ('%s="%s"'):format(key, escape(text, '[\\"\n]'))
   end
   table.sort(list)
   return #list > 0 and "{" .. table.concat(list, ",") .. "}" or ""
end

local function number_text(value)
   return math.type(value) == "integer" and tostring(value) or ("%.17g"):format(value)
end

--- The figures as text. Families without figures are left out.
-- @treturn string
function methods:text()
   local lines = {}
   for _, family in ipairs(self.families) do
      if #family.samples > 0 then
         lines[#lines + 1] = ("# HELP %s %s"):format(family.name, escape(family.help, "[\\\n]"))
         lines[#lines + 1] = ("# TYPE %s %s"):format(family.name, family.type)
      end
      for _, sample in ipairs(family.samples) do
         lines[#lines + 1] = ("%s%s %s"):format(family.name, label_text(sample.labels), number_text(sample.value))
      end
   end
   lines[#lines + 1] = "# EOF\n"
   return table.concat(lines, "\n")
end

return open_metrics
