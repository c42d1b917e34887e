--- Volume ids: which are allowed, and what they are made of.
--
-- A vid is a path of 1 to 8 components; the last one is the volume's name, the
-- ones before it name its group.
-- @module byre.vid
local failure = require("byre.failure")

local vid = {}

local max_components = 8
local max_length = 100

-- what byre and file-reflink put behind a volume's name: `x-dirty.img` would
-- be the image of a volume "x-dirty" and the dirty image of a volume "x"
local reserved_endings = { "%-dirty$", "%-precache$", "%-import$" }

-- the first rule that a component breaks, as the rest of a sentence
local function broken_rule(component)
   if component == "" then
      return "has an empty component; write it without a slash at either end and without //"
   elseif #component > max_length then
      return ("has a component of %d characters; %d are allowed"):format(#component, max_length)
   end
   local first = component:sub(1, 1)
   if first == "." or first == "-" then
      return "has a component that starts with " .. first .. "; components start with a letter, a digit, _, + or :"
   elseif component:find("[~@]") then
      return "contains ~ or @, which mark temporary files and revisions"
   end
   local odd = component:match("[^A-Za-z0-9_.+:-]")
   if odd then
      return "contains " .. failure.quote(odd) .. "; allowed are letters, digits and _ . + : -"
   elseif component:find(".img", 1, true) then
      return "contains .img, which marks image files"
   elseif component:find("%.json$") or component:find("%.removed$") or component:find("%.lost$") then
      return "has a component that ends in .json, .removed or .lost, which mark files of the catalog"
   end
end

local function components(text)
   local list = {}
   for component in (text .. "/"):gmatch("([^/]*)/") do
      list[#list + 1] = component
   end
   return list
end

-- Nothing that any rule is about: most vids are such, and each is checked more than once.
local function is_plain(text)
   return #text <= max_length and text:find("^[A-Za-z0-9_+:][A-Za-z0-9_+:/]*$") and text:sub(-1) ~= "/"
      and not text:find("//", 1, true) and select(2, text:gsub("/", "")) < max_components
end

--- Check a vid.
-- @tparam string text
-- @treturn string the vid
-- @raise `invalid`: the rule that it breaks
function vid.check(text)
   assert(type(text) == "string", "a volume id is a string")
   if is_plain(text) then
      return text
   end
   local function refuse(reason)
      failure.raise("invalid", "volume id " .. failure.quote(text), reason)
   end
   if text == "" then
      refuse("is empty; a volume id is a path such as appvms/work/private")
   end
   local list = components(text)
   if #list > max_components then
      refuse(("has %d components; %d are allowed"):format(#list, max_components))
   end
   for _, component in ipairs(list) do
      local reason = broken_rule(component)
      if reason then
         refuse(reason)
      end
   end
   for _, ending in ipairs(reserved_endings) do
      if list[#list]:find(ending) then
         local owner = text:gsub(ending, "")
         refuse(("ends in %s, which marks an image of the volume %s"):format(ending:sub(2, -2), owner))
      end
   end
   return text
end

--- The group of a volume: its vid without the last component.
-- @tparam string text a vid
-- @treturn string `""` for a vid of one component
function vid.group(text)
   return text:match("^(.*)/[^/]*$") or ""
end

--- The name of a volume: the last component of its vid.
-- @tparam string text a vid
-- @treturn string
function vid.name(text)
   return text:match("[^/]*$")
end

--- A pattern of vids as a Lua pattern.
-- @tparam string pattern such as `"appvms/*/root"`: `*` stands for anything, `?` for one character
-- @treturn string
function vid.glob(pattern)
   local lua = pattern:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".")
   return "^" .. lua .. "$"
end

--- Check the name of a group.
-- @tparam string text `""` stands for the volumes of one component
-- @treturn string
-- @raise `invalid`
function vid.check_group(text)
   assert(type(text) == "string", "a group is a string")
   for _, component in ipairs(text == "" and {} or components(text)) do
      local reason = broken_rule(component)
      if reason then
         failure.raise("invalid", "group " .. failure.quote(text), reason)
      end
   end
   return text
end

return vid
