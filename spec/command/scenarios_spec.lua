local scenarios = require("spec.command.scenarios")
local shell = require("spec.support.shell")

local function check(step, what, text)
   if not scenarios.matches(step[what], text) then
      error(("%s\n%s expected:\n%s\ngot:\n%s"):format(step.run, what, step[what], text), 0)
   end
end

local function play(scenario)
   local place = shell.workplace(scenario.pool ~= "none" and (scenario.pool or ""))
   finally(place.remove)
   for _, step in ipairs(scenario.steps) do
      if step.file then
         shell.write(place.dir .. "/" .. step.file, step.text)
      else
         local result = place:run(step.run, step.STDIN)
         check(step, "STDERR", result.err)
         check(step, "STDOUT", result.out)
         assert.equal(step.EXIT, result.code, step.run)
      end
   end
end

for _, path in ipairs(scenarios.files("spec/command/scenarios")) do
   describe(path:match("([^/]*)%.txt$"), function()
      for _, scenario in ipairs(scenarios.read(path)) do
         it(scenario.name, function()
            play(scenario)
         end)
      end
   end)
end
