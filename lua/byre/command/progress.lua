--- The line on a terminal that says how far a copy is.
-- @module byre.command.progress
local core = require("byre.core")
local units = require("byre.units")

local progress = {}

local methods = {}
local mt = { __name = "byre.command.progress", __index = methods }

-- seconds before the line appears, and between two of them
local patience, interval = 0.4, 0.1

--- Make a progress line.
-- @tparam[opt] table options `stream` (default: standard error), `clock`: function that returns seconds, `silent`:
-- show no line, only tell when asked
-- @treturn progress
function progress.new(options)
   options = options or {}
   return setmetatable({ stream = options.stream or io.stderr, clock = options.clock or core.clock,
      silent = options.silent }, mt)
end

local function duration(seconds)
   if seconds < 60 then
      return ("%d s"):format(math.ceil(seconds))
   elseif seconds < 3600 then
      return ("%d min %02d s"):format(seconds // 60, math.floor(seconds % 60))
   end
   return ("%d h %02d min"):format(seconds // 3600, math.floor(seconds % 3600 // 60))
end

--- The words of the line.
-- @tparam table event `volume`, `operation`, `done` and, if known, `total` bytes
-- @tparam number seconds since the beginning
-- @treturn string
function progress.describe(event, seconds)
   local total = event.total and event.total > 0 and event.total or nil
   local operation = event.operation:match("^%l+")      -- "import" of "import_file"
   local words = { ("%s %s: %s"):format(operation, event.volume, units.format_size(event.done)) }
   if total then
      words[1] = ("%s of %s (%d%%)"):format(words[1], units.format_size(total), event.done * 100.0 // total)
   end
   if seconds > 0 and event.done > 0 then
      local rate = event.done / seconds
      words[#words + 1] = units.format_size(math.floor(rate)) .. "/s"
      if total and event.done < total then
         words[#words + 1] = duration((total - event.done) / rate) .. " left"
      end
   end
   return table.concat(words, ", ")
end

local function belongs_to(self, event)
   return self.volume == event.volume and self.operation == event.operation and event.done >= self.done
end

--- Take an event of the library.
-- @tparam table event
function methods:update(event)
   local now = self.clock()
   if not self.began or not belongs_to(self, event) then
      self:clear()
      self.began, self.shown = now, now + patience - interval
      self.volume, self.operation = event.volume, event.operation
   end
   self.done, self.total = event.done, event.total
   if self.silent or now - self.shown < interval then
      return
   end
   self.shown = now
   local columns = math.tointeger(tonumber(os.getenv("COLUMNS") or "")) or 80
   self.stream:write("\r", progress.describe(event, now - self.began):sub(1, math.max(columns - 1, 20)), "\27[K")
   self.stream:flush()
   self.visible = true
end

--- How far is the copy?
-- @treturn ?string nil: nothing has been copied yet
function methods:tell()
   return self.began and progress.describe(self, self.clock() - self.began) or nil
end

--- Take the line away.
function methods:clear()
   if self.visible then
      self.stream:write("\r\27[K")
      self.visible = false
   end
end

return progress
