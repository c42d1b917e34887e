--- Results on standard output: as aligned columns, as lines with tabs, as JSON.
--
-- One list of fields drives all three. A field is a table: `key` in the record
-- and in JSON, `title` of the column, `right` to align numbers, and `text`, a
-- function that turns a value into words for people.
-- @module byre.command.output
local dkjson = require("dkjson")

local failure = require("byre.failure")
local report = require("byre.command.report")
local terminal = require("byre.command.terminal")

local output = {}

local methods = {}
local mt = { __name = "byre.command.output", __index = methods }

-- columns are as wide as the widest cell of this many rows
local rows_measured = 64

--- Make an output.
-- @tparam table options `json`, `tabs` (no header, tabs, exact numbers)
-- @tparam[opt] file stream default: standard output
-- @treturn output with the field `before_write`, a function to be called each time
function output.new(options, stream)
   local format = options.json and "json" or options.tabs and "tabs" or "text"
   return setmetatable({
      format = format,
      stream = stream or io.stdout,
      colour = format == "text" and not stream and terminal.has_colour(),
   }, mt)
end

-- the host says so when it closes standard output
local function check_written(ok, message, errno)
   if not ok then
      failure.raise("io", "standard output", message, { errno = errno, quiet = true })
   end
end

--- Write text as it is.
-- @tparam string ...
-- @raise `io`: standard output is full or closed
function methods:write(...)
   if self.before_write then
      self.before_write()
   end
   check_written(self.stream:write(...))
end

local function sorted_keys(value)
   local keys = {}
   for key in pairs(value) do
      keys[#keys + 1] = tostring(key)
   end
   table.sort(keys)
   return keys
end

-- a copy that dkjson writes the same way every time
local function for_json(value)
   if type(value) == "string" then
      return report.valid_text(value)
   elseif type(value) ~= "table" or value == dkjson.null then
      return value
   end
   local copy = {}
   for key, item in pairs(value) do
      copy[key] = for_json(item)
   end
   local is_object = #value == 0 and (next(value) ~= nil or (getmetatable(value) or {}).__jsontype == "object")
   return setmetatable(copy, is_object and { __jsontype = "object", __jsonorder = sorted_keys(value) }
      or { __jsontype = "array" })
end

local function encode_record(fields, record)
   local copy, order = {}, {}
   for i, field in ipairs(fields) do
      local value = record[field.key]
      copy[field.key] = value == nil and dkjson.null or for_json(value)
      order[i] = field.key
   end
   return dkjson.encode(setmetatable(copy, { __jsontype = "object", __jsonorder = order }))
end

--- Write a value as a line of JSON.
-- @param value anything of strings, numbers, booleans and tables of them
function methods:json(value)
   self:write(dkjson.encode(for_json(value)), "\n")
end

-- a value on one line, exact, for programs
local function plain(value)
   if value == nil then
      return "-"
   elseif type(value) ~= "table" then
      return report.one_line(tostring(value))
   end
   local list = {}
   for i, item in ipairs(value) do
      list[i] = plain(item)
   end
   return #list > 0 and table.concat(list, ",") or "-"
end

-- the same for people
local function words(field, record)
   local value = record[field.key]
   if value ~= nil and field.text then
      value = field.text(value, record)
   end
   return plain(value)
end

local function width_of(text)
   return utf8.len(text) or #text
end

local rows_methods = {}
local rows_mt = { __name = "byre.command.rows", __index = rows_methods }

--- Begin a list of records, written as they come.
-- @tparam table fields
-- @treturn rows with the methods `add(record)` and `finish()`
function methods:rows(fields)
   return setmetatable({ out = self, fields = fields, count = 0, held = {}, widths = {} }, rows_mt)
end

local function write_cells(self, cells, paint)
   local last = #self.fields
   local line = {}
   for i, field in ipairs(self.fields) do
      local text = cells[i]
      local gap = (" "):rep(self.widths[i] - width_of(text))
      local style = paint and paint(i) or field.style and self.out.colour and field.style(text)
      text = style and terminal.paint(style, text) or text
      line[i] = field.right and gap .. text or i == last and text or text .. gap
   end
   self.out:write(table.concat(line, "  "), "\n")
end

local function write_header(self)
   local titles = {}
   for i, field in ipairs(self.fields) do
      titles[i] = field.title
   end
   write_cells(self, titles, self.out.colour and function() return "bold" end)
end

local function measure(self, cells)
   for i, cell in ipairs(cells) do
      self.widths[i] = math.max(self.widths[i] or width_of(self.fields[i].title), width_of(cell))
   end
end

-- the first rows are held back until the columns have a width
local function release(self)
   for _, cells in ipairs(self.held) do
      measure(self, cells)
   end
   write_header(self)
   for _, cells in ipairs(self.held) do
      write_cells(self, cells)
   end
   self.held = nil
end

local add = {}

function add.json(self, record)
   self.out:write(self.count == 1 and "[\n" or ",\n", encode_record(self.fields, record))
end

function add.tabs(self, record)
   local cells = {}
   for i, field in ipairs(self.fields) do
      cells[i] = plain(record[field.key])
   end
   self.out:write(table.concat(cells, "\t"), "\n")
end

function add.text(self, record)
   local cells = {}
   for i, field in ipairs(self.fields) do
      cells[i] = words(field, record)
   end
   if not self.held then
      measure(self, cells)
      return write_cells(self, cells)
   end
   self.held[#self.held + 1] = cells
   if #self.held == rows_measured then
      release(self)
   end
end

--- Add a record to a list.
-- @tparam table record
function rows_methods:add(record)
   self.count = self.count + 1
   add[self.out.format](self, record)
end

--- End a list. One without records is `[]` in JSON and nothing otherwise.
function rows_methods:finish()
   if self.out.format == "json" then
      self.out:write(self.count == 0 and "[]\n" or "\n]\n")
   elseif self.held and self.count > 0 and self.out.format == "text" then
      release(self)
   end
end

--- Write one record: a line for each field, or a JSON object.
-- @tparam table fields
-- @tparam table record
function methods:record(fields, record)
   if self.format == "json" then
      return self:write(encode_record(fields, record), "\n")
   end
   local width = 0
   for _, field in ipairs(fields) do
      width = math.max(width, #(field.title or ""))
   end
   for _, field in ipairs(fields) do
      if self.format == "tabs" and type(record[field.key]) ~= "table" then
         self:write(field.key, "\t", plain(record[field.key]), "\n")
      elseif self.format == "text" and field.title and record[field.key] ~= nil then
         local text = words(field, record)
         local style = self.colour and field.style and field.style(text)
         self:write(self.colour and terminal.paint("bold", field.title) or field.title,
            (" "):rep(width - #field.title + 2), style and terminal.paint(style, text) or text, "\n")
      end
   end
end

--- Records for a field of another one: JSON tells all of their fields.
-- @tparam table fields
-- @tparam {table,...} records
-- @treturn {table,...}
function output.nested(fields, records)
   local list = {}
   for i, record in ipairs(records) do
      list[i] = {}
      for _, field in ipairs(fields) do
         local value = record[field.key]
         list[i][field.key] = value == nil and dkjson.null or value
      end
   end
   return list
end

--- Write many records that are known already.
-- @tparam table fields
-- @tparam {table,...} records
function methods:list(fields, records)
   local rows = self:rows(fields)
   for _, record in ipairs(records) do
      rows:add(record)
   end
   rows:finish()
end

return output
