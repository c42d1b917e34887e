--- What the plans of a workload look like: written down by the process that
-- runs them, read by who makes wrong variants of them.
-- @module spec.powercut.plans
local dkjson = require("dkjson")

local executor = require("byre.executor")

local plans = {}

local roles = {
   { "~dropping$", "dropped" }, { "%-dirty%.img$", "dirty" }, { "%-precache%.img$", "precache" },
   { "%-import%.img$", "import" }, { "%.img%.%d+@", "revision" }, { "%.img$", "clean" }, { "%.json$", "entry" },
   { "%.removed$", "mark" }, { "%.lost$", "lost" }, { "%.img@", "old_revision" },
}

local function role(path)
   for _, pair in ipairs(roles) do
      if path:find(pair[1]) then
         return pair[2]
      end
   end
   return "other"
end

local fills = { create = true, clone = true, copy = true, write = true, rewrite = true, restore = true }

--- What a step does, without names of files.
function plans.item(step)
   if step.op == "rename" then
      return ("rename:%s>%s"):format(role(step.from), role(step.to))
   elseif fills[step.op] then
      return step.op .. ":" .. role(step.to)
   elseif step.op == "unlink" and (role(step.path) == "mark" or role(step.path) == "entry") then
      return "unlink:" .. role(step.path)
   end
   return step.op
end

-- not worth telling plans apart: directories are there as a rule, times matter to nobody here
local minor = { make_dir = true, touch = true, hint = true }

local function label(phase)
   local known, items = {}, {}
   for _, step in ipairs(phase) do
      local item = plans.item(step)
      if not known[item] and not minor[step.op] then
         known[item] = true
         items[#items + 1] = item
      end
   end
   return (phase.cleanup and "~" or "") .. (#items > 0 and table.concat(items, "+") or "nothing")
end

--- What the phases of a plan do: a label for each, all of them different.
-- @tparam plan plan
-- @treturn {string,...}
function plans.labels(plan)
   local labels, count = {}, {}
   for i, phase in ipairs(plan.phases) do
      local text = label(phase)
      count[text] = (count[text] or 0) + 1
      labels[i] = count[text] > 1 and text .. "#" .. count[text] or text
   end
   return labels
end

--- The number of the phase with a label.
function plans.find(labels, wanted)
   for i, text in ipairs(labels) do
      if text == wanted then
         return i
      end
   end
end

local function describe(plan)
   local described = { operation = plan.operation, phases = {} }
   for i, text in ipairs(plans.labels(plan)) do
      local phase, items = plan.phases[i], {}
      for k, step in ipairs(phase) do
         items[k] = { label = plans.item(step), durable = fills[step.op] and not step.volatile or nil }
      end
      described.phases[i] = { label = text, sync = phase.sync or nil, items = items }
   end
   return described
end

--- Have every plan that this process runs written down.
-- @tparam string path of a file that gets a line for each
function plans.record(path)
   local run = executor.run
   function executor.run(store, list, hooks)
      local file <close> = assert(io.open(path, "a"))
      for _, plan in ipairs(list) do
         file:write(dkjson.encode(describe(plan)), "\n")
      end
      return run(store, list, hooks)
   end
end

--- Read what was written down.
-- @treturn {table,...} `operation`, `phases` (each `label`, `sync`, `items`: `label`, `durable`)
function plans.read(path)
   local list, known = {}, {}
   for line in io.lines(path) do
      if not known[line] then
         known[line] = true
         list[#list + 1] = assert(dkjson.decode(line))
      end
   end
   return list
end

return plans
