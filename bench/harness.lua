--- What measures use: rivals run side by side, and the file systems and programs they run on.
--
--     return function(bench)
--        for _, fs in ipairs(bench:filesystems{ "btrfs", "xfs" }) do
--           bench:compare{ name = "start", fs = fs, target = 1, rival_name = "cycle_peer",
--              byre = function() ... end, rival = function() ... end }
--
-- All times are seconds, unless a measure says `unit`.
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local figures = require("bench.figures")
local shell = require("spec.support.shell")

local harness = {}

local methods = {}
local mt = { __name = "byre.bench", __index = methods }

local default_pairs = 7

--- @tparam table options `pairs`: how often each rival runs, in place of what the measures say; `quick`: everything
-- once and small, to see that it works; `only`: `"FILES"` or `"FILES/NAMES"`, Lua patterns
-- @tparam function print called with each line
function harness.new(options, print)
   local files, names = (options.only or ""):match("^([^/]*)/?(.*)$")
   return setmetatable({
      quick = options.quick, pairs = options.quick and 1 or options.pairs,
      only_files = files, only_names = names, print = print, results = {}, skipped = {},
   }, mt)
end

--- Is this file of measures wanted?
function methods:wants_file(name)
   return name:find(self.only_files) ~= nil
end

--- Is this measure wanted? To be asked before what takes long to set up; `compare` and `record` ask themselves.
function methods:wants(name)
   return name:find(self.only_names) ~= nil
end

--- Empty file systems of our own.
-- @tparam {string,...} names of `btrfs`, `xfs`, `ext4`, with `place` ("disk", the default, or "memory": loop images in
-- a tmpfs) and `size` of their images
-- @treturn {fs,...} those that can be had here, as `spec.support.filesystems` makes them
function methods:filesystems(names)
   local list = {}
   for _, name in ipairs(names) do
      local fs, reason = filesystems.get(name, { place = names.place or "disk", size = names.size })
      list[#list + 1] = fs
      if not fs and not self.skipped[name] then
         self.skipped[name] = reason
         self.print(("%s is left out: %s"):format(name, reason))
      end
   end
   return list
end

--- Path of a program of `bench/NAME.c`, built.
function methods:program(name)
   local path = ("%s/bench/%s"):format(os.getenv("BYRE_BUILD") or "build", name)
   self.run("make -s %s", path)
   return shell.root .. "/" .. path
end

--- Run a shell command that has to succeed; arguments are put in as quoted words.
-- @treturn string what it printed
function methods.run(format, ...)
   local words = table.pack(...)
   for i = 1, words.n do
      words[i] = shell.quote(tostring(words[i]))
   end
   return shell.must(format:format(table.unpack(words, 1, words.n)))
end

--- What a program printed, as numbers.
function methods.numbers(text)
   local list = {}
   for word in text:gmatch("%S+") do
      list[#list + 1] = tonumber(word)
   end
   return table.unpack(list)
end

-- What a run took, a number for each part: as it says, or from its beginning to its end. Garbage of one run is not
-- another's.
local function time(fn)
   collectgarbage()
   local started = core.clock()
   local own = table.pack(fn())
   return own.n > 0 and own[1] and own or { core.clock() - started }
end

-- The first of a pair may find a cache cold or warm it for the other, so each is the first in turn.
local function run_pair(spec, number)
   local byre, rival
   if number % 2 == 1 then
      byre = time(spec.byre)
      rival = time(spec.rival)
   else
      rival = time(spec.rival)
      byre = time(spec.byre)
   end
   return byre, rival
end

local function place_name(fs)
   return fs and fs.name .. (fs.place == "memory" and "/tmpfs" or "") or "-"
end

function methods:add(result)
   if #self.results == 0 then
      self.print(figures.head)
   end
   table.insert(self.results, result)
   self.print(figures.line(result))
end

-- what the runs say of one part
local function compared(spec, part, byre, rival)
   local ratios = {}
   for i = 1, #byre do
      ratios[i] = rival[i] / byre[i]
   end
   table.sort(ratios)
   return {
      name = spec.name .. (part.name and " " .. part.name or ""), fs = place_name(spec.fs), unit = spec.unit or "s",
      byre = figures.median(byre), rival = figures.median(rival), rival_name = spec.rival_name, pairs = #ratios,
      ratio = figures.median(ratios), min = ratios[1], max = ratios[#ratios], target = part.target,
   }
end

--- Measure byre beside a rival: both run alternately, and each pair gives a ratio (rival / byre).
-- @tparam table spec `name`; `fs`; `byre`, `rival`: functions that return seconds, or nil to be timed whole;
-- `rival_name`; `pairs`: how many (default 7); `target`: the least ratio wanted; `unit` (default `"s"`): what the
-- functions return, where it is not seconds: `"B"` or `"count"`; `parts`: a list of {`name`, `target`}, if they
-- return one number for each of these
function methods:compare(spec)
   if not self:wants(spec.name) then
      return
   end
   local parts, byre, rival = spec.parts or { { target = spec.target } }, {}, {}
   for i = 1, self.pairs or spec.pairs or default_pairs do
      local ours, theirs = run_pair(spec, i)
      for part = 1, #parts do
         byre[part], rival[part] = byre[part] or {}, rival[part] or {}
         byre[part][i], rival[part][i] = ours[part], theirs[part]
      end
   end
   for i, part in ipairs(parts) do
      self:add(compared(spec, part, byre[i], rival[i]))
   end
end

--- Note a figure that has no rival.
-- @tparam table spec `name`; `fs`; `value`; `unit`: `"s"`, `"B"`, `"count"` or `"ratio"`; `limit`: the most it should
-- be; `least`: the least
function methods:record(spec)
   if self:wants(spec.name) then
      self:add({ name = spec.name, fs = place_name(spec.fs), unit = spec.unit or "s", byre = spec.value,
         limit = spec.limit, least = spec.least })
   end
end

return harness
