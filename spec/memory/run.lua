-- The whole of what memory_spec.lua samples:
--
--     lua5.4 spec/memory/run.lua allocations        every allocation of every case, in every mode and Lua;
--                                                   or every STEP-th: allocations STEP
--     lua5.4 spec/memory/run.lua threads 8 20       8 threads with 20 states each
local cases = require("spec.memory.cases")
local programs = require("spec.memory.programs")

local function tell(what, started, result)
   print(("%s: %s, %d s"):format(what, result.code == 0 and "in order" or "FAILED", os.time() - started))
   io.write(result.out, result.err)
   return result.code == 0
end

local runs = {}

-- to load the scripts is nothing but work of Lua's own: a tenth of that is enough
function runs.allocations(step)
   local ok = true
   step = tonumber(step or 1)
   for _, version in ipairs(programs.versions()) do
      for _, mode in ipairs(programs.modes) do
         for names, every in pairs({ loading = 10 * step, [cases.list()] = step }) do
            local started = os.time()
            ok = tell(("Lua %s, %s"):format(version, mode), started,
               programs.allocations(version, mode, 1, every, names)) and ok
         end
      end
   end
   return ok
end

function runs.threads(threads, states)
   local started = os.time()
   return tell(("%s threads, %s states each"):format(threads, states), started,
      programs.threads(tonumber(threads), tonumber(states)))
end

os.exit(runs[arg[1]](table.unpack(arg, 2)))
