local command = require("byre.command")
local shell = require("spec.support.shell")

describe("the pages for man", function()
   if shell.run("command -v lowdown").code ~= 0 then
      assert(os.getenv("CI") ~= "true", "lowdown is not installed")
      return pending("needs lowdown")
   end

   setup(function()
      shell.must("make -s man")
   end)

   local function text_of(page)
      return shell.must("nroff -t -man build/man/" .. page .. " | col -bx")
   end

   it("are one for each verb, with its summary and every option", function()
      for _, group in ipairs(command.groups) do
         for _, verb in ipairs(group[2]) do
            local text = text_of("byre-" .. verb .. ".1")
            assert(text:find("byre-" .. verb .. " - ", 1, true), verb)
            for option in (command.help(verb):match("Options:\n(.*)Examples:") or ""):gmatch("\n%s+(%-%-[%w-]+)") do
               assert(text:find(option, 1, true), verb .. ": " .. option)
            end
            assert(text:find("\nEXAMPLES\n", 1, true), verb)
         end
      end
      local listed = shell.must("ls build/man/*.1 | wc -l")
      local count = 1
      for _, group in ipairs(command.groups) do
         count = count + #group[2]
      end
      assert.equal(count, tonumber(listed))
   end)

   it("are one for the command and one for the concepts", function()
      assert.is_truthy(text_of("byre.1"):find("BYRE(1)", 1, true))
      local concepts = text_of("byre.7")
      assert.is_truthy(concepts:find("BYRE(7)", 1, true))
      assert.is_truthy(concepts:find("volatile", 1, true))
      -- a table is drawn, not shown as it is written
      assert.is_nil(concepts:find("T{", 1, true))
   end)
end)
