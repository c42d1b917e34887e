--- Steps of the library, told to a person (-v) or to syslog.
-- @module byre.command.steps
local report = require("byre.command.report")
local units = require("byre.units")

local steps = {}

--- A step as one line.
-- @tparam table event `step`, `volume`, `path`, `from`, `bytes`, `seconds`, `why`; a warning has a `message`
-- @treturn string
function steps.describe(event)
   if event.step == "warning" then
      return report.one_line("warning: " .. event.message:gsub("^byre: ", ""))
   end
   if event.step == "failed" then
      return report.one_line("failed: " .. event.message:gsub("^byre: ", ""))
   end
   local names = {}
   for _, path in ipairs({ event.from or event.path, event.from and event.path }) do
      names[#names + 1] = path
   end
   local facts = {}
   if event.bytes then
      facts[#facts + 1] = units.format_size(event.bytes)
   end
   if event.seconds then
      facts[#facts + 1] = ("%.1f ms"):format(event.seconds * 1000)
   end
   if event.why then
      facts[#facts + 1] = event.why
   end
   local text = event.step .. " " .. (event.step == "done" and event.operation or table.concat(names, " -> "))
   if event.volume then
      text = event.volume .. ": " .. text
   end
   if #facts > 0 then
      text = ("%s (%s)"):format(text, table.concat(facts, ", "))
   end
   return report.one_line(text)
end

--- How much an event matters, as syslog counts.
-- @tparam table event
-- @treturn integer 3: an error; 4: a warning; 6: for information
function steps.priority(event)
   return event.step == "failed" and 3 or event.step == "warning" and 4 or 6
end

--- A function that takes events and sends them to syslog.
-- @treturn function
-- @raise `not_supported`: built without luaposix
function steps.syslog()
   local ok, syslog = pcall(require, "posix.syslog")
   if not ok then
      require("byre.failure").raise("not_supported", "--syslog", "this byre was built without luaposix")
   end
   syslog.openlog("byre", syslog.LOG_PID, syslog.LOG_USER)
   return function(event)
      syslog.syslog(steps.priority(event), steps.describe(event))
   end
end

return steps
