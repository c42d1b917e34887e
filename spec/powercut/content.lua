--- Content that tells what it is: every block of an image names the volume and
-- the version it was written with, and its own number.
--
-- An image is described by a text of one word for each block: `3.7` is what
-- volume number 3 wrote as its version 7, `0` a block of zeros. What was read
-- is `?` where a block is torn, mixed or unknown, `3.7@5` where block 5 stands
-- in the wrong place.
-- @module spec.powercut.content
local content = {}

content.block = 4096

local zeros = ("\0"):rep(content.block)
local cache = setmetatable({}, { __mode = "v" })

--- The bytes of a block: its name over and over, so that any part of it can be told.
function content.bytes(word, index)
   if word == "0" then
      return zeros
   end
   local name = word .. "#" .. index
   local bytes = cache[name]
   if not bytes then
      bytes = ("%-32s"):format(name):rep(content.block // 32)
      cache[name] = bytes
   end
   return bytes
end

local function word_of(bytes, index)
   if bytes == zeros then
      return "0"
   end
   local word, number = bytes:match("^(%d+%.%d+)#(%d+) ")
   if not word or bytes ~= content.bytes(word, math.tointeger(number)) then
      return "?"
   end
   return math.tointeger(number) == index and word or word .. "@" .. number
end

--- Description of an image of nothing but zeros.
function content.empty(blocks)
   return ("0 "):rep(blocks):sub(1, -2)
end

function content.split(text)
   local words = {}
   for word in text:gmatch("%S+") do
      words[#words + 1] = word
   end
   return words
end

function content.count(text)
   return select(2, text:gsub("%S+", ""))
end

--- The same image with another number of blocks.
function content.resized(text, blocks)
   local words = content.split(text)
   for i = #words + 1, blocks do
      words[i] = "0"
   end
   return table.concat(words, " ", 1, blocks)
end

--- Some of the blocks of an image, at random.
-- @tparam integer count how many it has
-- @tparam integer most how many at most
-- @treturn {[integer]=true}
function content.some(count, most)
   local indexes = {}
   for _ = 1, math.random(most) do
      indexes[math.random(0, count - 1)] = true
   end
   return indexes
end

--- The same image after some blocks were written.
-- @tparam {[integer]=true} indexes counted from 0
function content.written(text, indexes, word)
   local words = content.split(text)
   for index in pairs(indexes) do
      words[index + 1] = word
   end
   return table.concat(words, " ")
end

--- Read an image.
-- @treturn ?string its description; nil: there is none
function content.read(path)
   local file <close> = io.open(path, "rb")
   if not file then
      return nil
   end
   local bytes = file:read("a")
   if not bytes then
      return "unreadable"
   end
   local words, size = {}, content.block
   for position = 1, #bytes, size do
      words[#words + 1] = word_of(bytes:sub(position, position + size - 1), (position - 1) // size)
   end
   return #words > 0 and table.concat(words, " ") or "nothing"
end

--- Write blocks into an image as a guest would.
function content.write(path, indexes, word)
   local file <close> = assert(io.open(path, "r+b"))
   for index in pairs(indexes) do
      assert(file:seek("set", index * content.block))
      assert(file:write(content.bytes(word, index)))
   end
   assert(file:flush())
end

--- Whole content of an image with this description.
function content.image(text)
   local parts = {}
   for i, word in ipairs(content.split(text)) do
      parts[i] = content.bytes(word, i - 1)
   end
   return table.concat(parts)
end

return content
