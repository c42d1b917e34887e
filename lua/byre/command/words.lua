--- Which words a verb takes, as data: what `parser` tells argparse, written down.
-- @module byre.command.words
local words = {}

-- What argparse can be told of an argument or an option, as far as it matters here.
local describe = {
   argname = function(item, text) item.value = text end,
   choices = function(item, list) item.values = list end,
   args = function(item, count) item.many = count == "*" or count == "+" end,
}

-- stands for the element while it is described, one method after the other
local function description_of(item)
   return setmetatable({}, { __index = function(self, name)
      return function(_, value)
         if describe[name] then
            describe[name](item, value)
         end
         return self
      end
   end })
end

local recorder = {}
recorder.__index = recorder

local function add(list, item)
   list[#list + 1] = item
   return description_of(item)
end

function recorder:argument(name, description)
   return add(self.arguments, { name = name, description = description })
end

function recorder:option(names, description)
   local item = { names = {}, description = description, value = "VALUE" }
   for name in names:gmatch("%S+") do
      table.insert(item.names, name)
   end
   return add(self.options, item)
end

function recorder:flag(names, description)
   local added = self:option(names, description)
   self.options[#self.options].value = nil
   return added
end

function recorder.mutex() end

--- What a function adds to a parser.
-- @tparam function parser such as the `parser` of a verb
-- @treturn table `arguments` (list of `name`, `description`, `many`: more of them may follow) and `options` (list of
-- `names`, `description`, `value`: how its value is called, nil for a flag; `values`: those it may have)
function words.of(parser)
   local record = setmetatable({ arguments = {}, options = {} }, recorder)
   parser(record)
   return record
end

return words
