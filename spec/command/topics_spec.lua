local command = require("byre.command")
local shell = require("spec.support.shell")
local topics = require("byre.command.topics")

describe("byre help TOPIC", function()
   it("shows each topic on one screen, and byre --help lists them", function()
      local overview = shell.must("build/byre --help")
      for _, topic in ipairs(topics.list) do
         local text = shell.must("build/byre help " .. topic.name)
         assert.equal(topic.text .. "\n", text)
         assert.is_true(select(2, text:gsub("\n", "")) <= 24, topic.name)
         for line in text:gmatch("[^\n]+") do
            assert.is_true(utf8.len(line) <= 88, line)
         end
         assert(overview:find(("   %-12s %s"):format(topic.name, topic.summary), 1, true), topic.name)
      end
   end)

   it("takes no verb's name, and names only verbs and options that there are", function()
      for _, topic in ipairs(topics.list) do
         assert.is_false(command.is_verb(topic.name), topic.name)
         for words in topic.text:gmatch("byre (%l[^\n]*)") do
            local verb = words:match("^%l+")
            assert(verb == "help" or command.is_verb(verb), words)
            local help = verb ~= "help" and shell.must("build/byre help " .. verb) .. shell.must("build/byre --help")
               .. shell.must("build/byre policy simulate --help; build/byre policy set --help")
            for option in words:gmatch("%-%-%l+") do
               assert(help:find(option, 1, true), words .. ": " .. option)
            end
         end
      end
   end)
end)
