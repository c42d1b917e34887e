-- The fuzzers of spec/fuzz/fuzz.c without a fuzzer: the corpus, and seeded mutations of it, for a few seconds.
local core = require("byre.core")
local shell = require("spec.support.shell")
local targets = require("spec.fuzz.targets")

-- inputs of a target in the source tree
local function corpus(name)
   local list = {}
   for path in shell.must("ls spec/fuzz/corpus/" .. name .. "/*"):gmatch("[^\n]+") do
      list[#list + 1] = shell.read(path)
   end
   return list
end

local function dictionary()
   local words = {}
   for word in shell.read("spec/fuzz/dictionary"):gmatch("[^\n]+") do
      words[#words + 1] = load("return " .. word)()
   end
   return words
end

local words = dictionary()

local mutations = {
   function(text, at) return text:sub(1, at) .. string.char(math.random(0, 255)) .. text:sub(at + 2) end,
   function(text, at) return text:sub(1, at) .. text:sub(at + math.random(8)) end,
   function(text, at) return text:sub(1, at) .. words[math.random(#words)] .. text:sub(at + 1) end,
   function(text, at) return text:sub(1, at) .. text:sub(math.random(0, #text)):sub(1, 40) .. text:sub(at + 1) end,
   function(text, at)
      return text:sub(1, at) .. text:sub(at + 1):gsub("%d+", tostring(math.random(math.mininteger, math.maxinteger)), 1)
   end,
}

local function mutate(text)
   for _ = 1, math.random(4) do
      text = mutations[math.random(#mutations)](text, math.random(0, #text)):sub(1, 1024)
   end
   return text
end

describe("the parser of", function()
   local names = {}
   for name in pairs(targets) do
      names[#names + 1] = name
   end
   table.sort(names)

   for _, name in ipairs(names) do
      it("a " .. name .. " keeps its promises, whatever it gets", function()
         local inputs = corpus(name)
         for _, text in ipairs(inputs) do
            targets[name](text)
         end
         local first = core.now() * 1000
         local deadline = core.clock() + 1
         local seed = first
         while core.clock() < deadline do
            seed = seed + 1
            math.randomseed(seed)
            local text = inputs[math.random(#inputs)]
            for _ = 1, 20 do
               text = math.random(5) == 1 and inputs[math.random(#inputs)] or mutate(text)
               local ok, e = pcall(targets[name], text)
               assert(ok, ("seed %d: %q: %s"):format(seed, text, e))
            end
         end
      end)
   end
end)
