--- What a scenario has made of the world: the tree of files, and what the volumes say.
--
-- Files are looked at with find and sha256sum, not with `byre.core`.
-- @module spec.conformance.observe
local disk = require("spec.conformance.disk")

local observe = {}

local day = 24 * 60 * 60

-- days from the civil calendar to the epoch
local function epoch_of(year, month, day_of_month, hour, minute, second)
   year, month, day_of_month = tonumber(year), tonumber(month), tonumber(day_of_month)
   local y = month <= 2 and year - 1 or year
   local shifted = (month + 9) % 12
   local of_year = (153 * shifted + 2) // 5 + day_of_month - 1
   local days = 365 * y + y // 4 - y // 100 + y // 400 + of_year - 719468
   return days * day + tonumber(hour) * 3600 + tonumber(minute) * 60 + tonumber(second)
end

local time_pattern = "(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)"

--- "2018-01-02T03:04:05" -> seconds since the epoch, or nil.
function observe.parse_time(text)
   if text:find("^" .. time_pattern .. "$") then
      return epoch_of(text:match(time_pattern))
   end
end

--- Is this moment so close that its exact value says nothing?
-- @tparam integer seconds since the epoch
-- @treturn boolean
function observe.is_now(seconds)
   return math.abs(seconds - os.time()) < day
end

--- Text as the recordings have it: roots, dates of today and random suffixes are replaced.
-- @tparam string text
-- @tparam table roots letter -> path
-- @treturn string
function observe.normalise(text, roots)
   for letter, path in pairs(roots) do
      -- roots are numbered: /mnt/1 is no part of /mnt/12
      text = text:gsub(path:gsub("%p", "%%%0") .. "%f[^%w]", "{" .. letter .. "}")
      text = text:gsub(path:gsub("%p", "%%%0") .. "$", "{" .. letter .. "}")
   end
   text = text:gsub("(" .. time_pattern .. ")", function(whole, ...)
      return observe.is_now(epoch_of(...)) and "<NOW>" or whole
   end)
   local class = ("[a-z0-9_]"):rep(8)
   return (text:gsub("~" .. class .. "$", "~<RND>"):gsub("~" .. class .. "/", "~<RND>/"))
end

--- A value with all its strings normalised.
function observe.normalise_value(value, roots)
   if type(value) == "string" then
      return observe.normalise(value, roots)
   elseif type(value) ~= "table" then
      return value
   end
   local copy = {}
   for key, item in pairs(value) do
      copy[key] = observe.normalise_value(item, roots)
   end
   return setmetatable(copy, getmetatable(value))
end

-- "1514862245.0000000000" -> nanoseconds as text, which has no end in the year 2262, and seconds;
-- find prints whole seconds and what is to be added to them
local function split_time(text)
   local seconds, fraction = text:match("^(-?%d+)%.(%d%d%d%d%d%d%d%d%d)")
   local whole = math.tointeger(tonumber(seconds))
   if whole < 0 then
      return tostring(whole * 1000000000 + math.tointeger(tonumber(fraction))), whole
   end
   return ((seconds .. fraction):gsub("^0+(%d)", "%1")), whole
end

local prune = "-mindepth 1 -name .byre -prune -o"

local function script(roots)
   local lines = {}
   for letter, path in pairs(roots) do
      lines[#lines + 1] = ("find %s %s -printf '%s\\0%%y\\0%%s\\0%%m\\0%%D:%%i\\0%%T@\\0%%l\\0%%P\\0'"):format(
         disk.quote(path), prune, letter)
   end
   lines[#lines + 1] = "printf 'END\\0'"
   for _, path in pairs(roots) do
      lines[#lines + 1] = ("find %s %s -type f -print0 | xargs -0 -r sha256sum -z --"):format(disk.quote(path), prune)
   end
   return "exec 2>&1\n" .. table.concat(lines, "\n")
end

local function entry(roots, fields)
   local kind, size, mode, inode, time, target = table.unpack(fields)
   local e = { type = kind }
   if kind == "l" then
      e.target = observe.normalise(target, roots)
      return e
   end
   e.mode = ("0"):rep(4 - #mode) .. mode
   if kind == "f" then
      e.size = math.tointeger(tonumber(size))
      e.ino = inode
      local seconds
      e.mtime_ns, seconds = split_time(time)
      e.mtime = observe.is_now(seconds) and "now" or e.mtime_ns
   end
   return e
end

--- Every path below the roots, without what is in `.byre`.
-- @tparam table roots letter -> path
-- @treturn table `"A/pool/x.img"` -> type, mode, size, ino, mtime, sha256, target as in the recordings
function observe.tree(roots)
   local pipe = assert(io.popen(script(roots)))
   local output = pipe:read("a")
   pipe:close()
   local tree, by_path = {}, {}
   local words = output:gmatch("([^\0]*)\0")
   for letter in words do
      if letter == "END" then
         break
      end
      local fields = {}
      for i = 1, 6 do
         fields[i] = words()
      end
      local name = words()
      local e = entry(roots, fields)
      tree[observe.normalise(letter .. "/" .. name, {})] = e
      by_path[roots[letter] .. "/" .. name] = e
   end
   for line in words do
      local hash, path = line:match("^(%x+)  (.*)$")
      assert(by_path[path], "cannot hash: " .. line)
      by_path[path].sha256 = hash
   end
   return tree
end

-- what a path of the tree stands for, symbolic links followed
local function follow(tree, key)
   local e = tree[key]
   return e and e.type == "l" and tree[e.target:gsub("^{(%a)}", "%1")] or e
end

-- the time and size of a precache are those of the image that it is a copy of
local function precache_fresh(tree, clean, precache)
   clean, precache = follow(tree, clean), follow(tree, precache)
   if not clean or not precache or clean.type ~= "f" or precache.type ~= "f" then
      return nil
   end
   return clean.mtime_ns == precache.mtime_ns and clean.size == precache.size
end

--- What every volume says of itself.
-- @tparam world world of `spec.conformance.shim`
-- @tparam table tree of `observe.tree`
-- @treturn table id -> dirty, outdated, revisions, size, precache_fresh; in place of a value an error has
-- `{ error = }`
function observe.state(world, tree)
   local state = {}
   for id in pairs(world.volumes) do
      local function ask(name)
         local result = world:call({ op = name, vol = id })
         if result.error then
            return { error = result.error }
         end
         return observe.normalise_value(result.ok, world.roots)
      end
      local function key(role)
         return (observe.normalise(world:resolve("@" .. id .. ":" .. role), world.roots):gsub("^{(%a)}", "%1"))
      end
      state[id] = {
         dirty = ask("is_dirty"),
         outdated = ask("is_outdated"),
         revisions = ask("revision_list"),
         size = ask("size"),
         precache_fresh = precache_fresh(tree, key("clean"), key("precache")),
      }
   end
   return state
end

return observe
