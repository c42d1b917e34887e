--- Plans: what an operation is going to do, as data.
--
-- A plan is a list of *phases*, a phase a list of *steps*. All of a phase is
-- durable before the next phase begins (a barrier), unless the phase says
-- `sync = false`. Phases after the commit point (`cleanup = true`) run when
-- the operation is already done: what fails there is reported, not raised.
--
-- Within a phase files are filled first, under no name, and made durable; then
-- the names change, in the order of the steps. So a name never shows a file
-- whose content could vanish.
-- @module byre.plan
local layout = require("byre.layout")

local plan = {}

local mt = { __name = "byre.plan" }

--- Make a plan.
-- @tparam string operation
-- @tparam string volume a vid
-- @tparam {phase,...} phases up to the commit point; empty ones are left out
-- @tparam[opt] {phase,...} cleanup phases after it
-- @treturn plan `operation`, `volume`, `phases` (each a list of steps with the
-- fields `sync` and `cleanup`), `commit` (how many phases lead to the commit point)
function plan.new(operation, volume, phases, cleanup)
   local self = setmetatable({ operation = operation, volume = volume, phases = {}, commit = 0 }, mt)
   for _, phase in ipairs(phases) do
      if #phase > 0 then
         phase.sync = phase.sync ~= false
         self.phases[#self.phases + 1] = phase
         self.commit = self.commit + 1
      end
   end
   for _, phase in ipairs(cleanup or {}) do
      if #phase > 0 then
         phase.sync = phase.sync == true
         phase.cleanup = true
         self.phases[#self.phases + 1] = phase
      end
   end
   return self
end

--- Put phases before those of a plan.
-- @tparam {phase,...} phases
-- @tparam plan self
-- @treturn plan a new one, if there are any
function plan.after(phases, self)
   if #phases == 0 then
      return self
   end
   local leading, cleanup = table.move(phases, 1, #phases, 1, {}), {}
   table.move(self.phases, 1, self.commit, #leading + 1, leading)
   table.move(self.phases, self.commit + 1, #self.phases, 1, cleanup)
   local result = plan.new(self.operation, self.volume, leading, cleanup)
   result.cost = self.cost
   return result
end

--- A phase from steps, some of which may be nil or lists of steps.
-- @tparam[opt] table options `sync = false`: needs not to survive a power cut
-- @param ... steps
-- @treturn table
function plan.phase(options, ...)
   local phase = { sync = options.sync }
   for i = 1, select("#", ...) do
      local item = select(i, ...)
      if item and item.op then
         phase[#phase + 1] = item
      elseif item then
         table.move(item, 1, #item, #phase + 1, phase)
      end
   end
   return phase
end

-- a constructor of steps that have `from` and `to`
local function two_names(op)
   return function(from, to, options)
      local step = { op = op, from = from, to = to }
      for key, value in pairs(options or {}) do
         step[key] = value
      end
      return step
   end
end

--- Steps.
--
-- `clone` shares the blocks of `from`, or copies where the file system cannot;
-- `copy` reads from a handle `input`, or takes the file `file`, which has the
-- content already and no name yet. Options of both: `size` (of the result,
-- bytes), `keep_mtime`, `replace` (the name may exist), `volatile` (content
-- needs not to survive a power cut), `cache` (only if blocks can be shared).
-- `rewrite` takes the content of `from` over with its `ranges` (pairs of offsets)
-- written anew, in order, and shares the rest, or copies all of it where it cannot
-- (but with `share`); options `replace`, `keep_mtime`.
-- `link` and `rename` give names; `link` takes `replace` and `mode`.
-- @section steps
plan.clone = two_names("clone")
plan.copy = two_names("copy")
plan.rewrite = two_names("rewrite")
plan.link = two_names("link")
plan.rename = two_names("rename")

--- An empty image of a size; options `replace`, `volatile`.
function plan.create(path, size, options)
   local step = { op = "create", to = path, size = size }
   for key, value in pairs(options or {}) do
      step[key] = value
   end
   return step
end

--- An image as it was before the sessions whose exception stores are put over it, in this order. Options `stores`
-- (paths), `size` (bytes), `time` (of the last write, epoch), `replace`.
plan.restore = two_names("restore")

--- A small file with this text, in place of what the name had.
function plan.write(path, data)
   return { op = "write", to = path, data = data, replace = true }
end

--- Another size for an image, in place; loop devices on it follow. Option `volatile`.
function plan.resize(path, size, options)
   return { op = "resize", path = path, size = size, volatile = options and options.volatile or nil }
end

function plan.sync(path)
   return { op = "sync", path = path }
end

--- In what pieces the file system is to write shared blocks of a file anew: bytes, 0 for those of its own choice.
function plan.hint(path, bytes)
   return { op = "hint", path = path, size = bytes }
end

--- The time of the last write becomes now.
function plan.touch(path)
   return { op = "touch", path = path }
end

function plan.unlink(path)
   return { op = "unlink", path = path }
end

--- A directory and those above it that are missing.
function plan.make_dir(path)
   return { op = "make_dir", path = path }
end

--- The names in a directory become durable at the barrier of this phase, also if the steps change none:
-- an earlier operation may have taken some away without a sync.
function plan.sync_dir(path)
   return { op = "sync_dir", path = path }
end

--- Remove a directory if it is empty.
function plan.remove_dir(path)
   return { op = "remove_dir", path = path }
end

--- @section end

local step_keys = { "op", "from", "to", "path", "size" }

--- A plan as plain tables, which can be stored and shown: without handles.
-- @tparam plan self
-- @treturn table `operation`, `volume`, `commit`, `phases`: each `sync`, `cleanup` and a list of `steps`, with `op`,
-- `from`, `to`, `path`, `size`
function plan.record(self)
   local phases = {}
   for i, phase in ipairs(self.phases) do
      local steps = {}
      for j, step in ipairs(phase) do
         steps[j] = {}
         for _, key in ipairs(step_keys) do
            steps[j][key] = step[key]
         end
      end
      phases[i] = { sync = phase.sync == true, cleanup = phase.cleanup == true, steps = steps }
   end
   return { operation = self.operation, volume = self.volume, commit = self.commit, phases = phases }
end

local function describe(step, shorten)
   local text = {}
   if step.from or step.to then
      text[1] = shorten(step.from) or ""
      text[2] = step.from and "-> " .. shorten(step.to) or shorten(step.to)
   else
      text[1] = shorten(step.path)
   end
   local bytes = step.size or step.bytes
   if bytes then
      text[#text + 1] = ("(%d bytes)"):format(bytes)
   end
   return text
end

-- Images stand in the volume's directory and are named without it.
local function shortener(self)
   local prefix = layout.group_directory(self.volume) .. "/"
   return function(path)
      if path and path:sub(1, #prefix) == prefix then
         return path:sub(#prefix + 1)
      end
      return path
   end
end

--- The plan as text, one numbered phase after the other.
function mt.__tostring(self)
   local shorten = shortener(self)
   local width = 0
   for _, phase in ipairs(self.phases) do
      for _, step in ipairs(phase) do
         width = math.max(width, step.from and #shorten(step.from) or 0)
      end
   end
   local lines = { ("%s %q"):format(self.operation, self.volume) }
   for number, phase in ipairs(self.phases) do
      for index, step in ipairs(phase) do
         local words = describe(step, shorten)
         if step.from then
            words[1] = words[1] .. (" "):rep(width - #words[1])
         elseif words[1] == "" then
            table.remove(words, 1)
         end
         lines[#lines + 1] = ("  %-2s %-10s %s"):format(index == 1 and number or "", step.op, table.concat(words, " "))
      end
   end
   if #self.phases == 0 then
      lines[#lines + 1] = "  nothing to do"
   end
   return table.concat(lines, "\n")
end

return plan
