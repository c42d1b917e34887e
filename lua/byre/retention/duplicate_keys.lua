--- Names that stand twice in one table of a policy's text: Lua would keep the
-- last one without a word.
-- @module byre.retention.duplicate_keys
local find, format, gsub, match, sub = string.find, string.format, string.gsub, string.match, string.sub

local duplicate_keys = {}

local opens = { ["function"] = true, ["if"] = true, ["do"] = true, ["repeat"] = true }
local closes = { ["end"] = true, ["until"] = true }

-- where a long bracket that begins here ends; nil when there is none
local function long_bracket(text, at)
   local level = match(text, "^%[(=*)%[", at)
   if level then
      local _, stop = find(text, "]" .. level .. "]", at, true)
      return stop or #text
   end
end

-- where a text in quotes ends
local function quoted(text, at)
   local quote, i = sub(text, at, at), at + 1
   while i <= #text and sub(text, i, i) ~= quote do
      i = i + (sub(text, i, i) == "\\" and 2 or 1)
   end
   return i
end

-- the next word or sign at or after a place, without comments and spaces: kind, text, first and last place
local function next_token(text, at)
   while true do
      at = find(text, "%S", at)
      if not at then
         return nil
      elseif sub(text, at, at + 1) ~= "--" then
         break
      end
      local stop = long_bracket(text, at + 2) or find(text, "\n", at, true) or #text
      at = stop + 1
   end
   local name = match(text, "^[%a_][%w_]*", at)
   local first = sub(text, at, at)
   if name then
      return "name", name, at, at + #name - 1
   elseif first == '"' or first == "'" then
      return "text", nil, at, quoted(text, at)
   elseif first == "[" and long_bracket(text, at) then
      return "text", nil, at, long_bracket(text, at)
   elseif match(text, "^[=~<>]=", at) then
      return "sign", sub(text, at, at + 1), at, at + 1
   end
   return "sign", first, at, at
end

local function line_of(text, at)
   local _, breaks = gsub(sub(text, 1, at), "\n", "")
   return breaks + 1
end

-- what a word or sign does to the nesting of tables and blocks
local function nest(stack, kind, token)
   if kind == "sign" and token == "{" then
      stack[#stack + 1] = { table = true, names = {}, at_start = true }
   elseif kind == "sign" and (token == "}" or token == ")") or kind == "name" and closes[token] then
      stack[#stack] = nil
   elseif kind == "sign" and token == "(" or kind == "name" and opens[token] then
      stack[#stack + 1] = { names = {} }
   else
      return false
   end
   return true
end

--- Look for a name that is given twice in one table.
-- @tparam string text of a policy file that Lua can read
-- @treturn ?string what stands twice; nil: nothing
-- @treturn ?integer its line
function duplicate_keys.find(text)
   local stack, at = {}, 1
   while true do
      local kind, token, first, last = next_token(text, at)
      if not kind then
         return nil
      end
      local inner = stack[#stack]
      local entry = inner and inner.table and inner.at_start
      if inner then
         inner.at_start = kind == "sign" and (token == "," or token == ";")
      end
      if not nest(stack, kind, token) and kind == "name" and entry then
         local _, following = next_token(text, last + 1)
         if following == "=" then
            if inner.names[token] then
               return format("%s is given twice in one table", token), line_of(text, first)
            end
            inner.names[token] = true
         end
      end
      at = last + 1
   end
end

return duplicate_keys
