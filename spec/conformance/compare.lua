--- Compare what happened with what was recorded.
--
-- What must match: results, the state of the volumes, and of every path type, size, mode, content, of clean images
-- and precaches the time, and which paths are links to one file. The general exemptions are told at the top of
-- `spec.conformance.deviations`.
-- @module spec.conformance.compare
local core = require("byre.core")

local compare = {}

local function set(words)
   local s = {}
   for word in words:gmatch("%S+") do
      s[word] = true
   end
   return s
end

-- recorded class of an error -> codes of byre that say the same
local codes = {
   storage_pool = set "dirty running read_only not_supported no_space corrupt invalid no_such_volume no_such_pool",
   not_implemented = set "not_supported",
   no_such_key = set "no_such_revision no_such_volume",
   no_revision = set "no_such_revision no_such_volume",
   assert = set "invalid", ValueError = set "invalid", TypeError = set "invalid", QubesValueError = set "invalid",
   OverflowError = set "invalid no_space",
   ENOENT = set "no_such_volume no_such_revision no_such_pool corrupt", EEXIST = set "exists invalid",
   ENAMETOOLONG = set "invalid", EINVAL = set "invalid", EPERM = set "denied", EACCES = set "denied",
   ENOSPC = set "no_space", EFBIG = set "no_space invalid", EROFS = set "read_only", ENOTDIR = set "corrupt invalid",
   EISDIR = set "corrupt invalid", ELOOP = set "corrupt invalid", EBUSY = set "busy running", EIO = set "io",
   EXDEV = set "not_supported",
}

-- classes that byre answers with a plain error where the type of an argument is wrong
local misuse = set "TypeError ValueError QubesValueError assert no_such_key"

-- a plain error that was raised on purpose, not a nil that was indexed
local function is_refusal(message)
   return not message:find("attempt to", 1, true) and not message:find("stack overflow", 1, true)
      and not message:find("no such operation", 1, true)
end

--- Does an error say what the recording says?
-- @tparam string class
-- @tparam table e an error object of byre's, `{ class = }` or `{ misuse = message }`
-- @treturn boolean
function compare.accepts(class, e)
   if e.misuse then
      return misuse[class] == true and is_refusal(e.misuse)
   elseif e.class then
      return e.class == class
   elseif e.errno and e.errno == core.errno[class] then
      return true
   end
   return codes[class] ~= nil and codes[class][e.code] == true
end

--- An error in one line.
function compare.describe_error(e)
   if e.misuse then
      return "plain error " .. e.misuse
   end
   return ("%s (%s)"):format(e.class or e.code, e.message or tostring(e))
end

local function is_error(value)
   return type(value) == "table" and type(value.error) == "table"
end

-- Two values of a result or a state; nil and an absent key are the same.
local function same(expected, got)
   if type(expected) == "string" and expected:find("^<STATVFS_") then
      return math.type(got) == "integer"
   elseif type(expected) ~= "table" or type(got) ~= "table" then
      return expected == got
   elseif is_error(expected) or is_error(got) then
      return is_error(expected) and is_error(got) and compare.accepts(expected.error.class, got.error)
   end
   for key, value in pairs(expected) do
      if not same(value, got[key]) then
         return false
      end
   end
   for key in pairs(got) do
      if expected[key] == nil then
         return false
      end
   end
   return true
end

compare.same = same

local function sorted(list)
   local copy = { table.unpack(list) }
   table.sort(copy)
   return copy
end

-- operations whose value is another layer's, or not compared
local valueless = set "is_running state_file loop_attach usage"

local function same_result(op, expected, got)
   if op.op == "parallel" and expected.ok and got.ok then
      for i, each in ipairs(op.ops) do
         if not same_result(each, expected.ok[i], got.ok[i]) then
            return false
         end
      end
      return true
   elseif expected.error or got.error then
      return same(expected, got)
   elseif valueless[op.op] then
      return op.op ~= "usage" or math.type(got.ok) == "integer"
   elseif op.op == "pool_list_volumes" then
      return same(sorted(expected.ok), sorted(got.ok))
   end
   return same(expected.ok, got.ok)
end

-- Something done by hand to a precache that byre does not make.
local function is_missing_cache(context, op, expected, got)
   return op.op:find("^fs_") and not expected.error and got.error and got.error.class == "ENOENT"
      and context.is_optional(op.file)
end

local function is_revision(path)
   return path:find("%.img%.[^/]*@[^/]*$") or path:find("%.img@[^/]*$")
end

local function is_dirty(path)
   return path:find("-dirty%.img$")
end

local function has_time(path)
   return path:find("%.img$") and not is_dirty(path) and not path:find("-import%.img$")
end

local function fields_of(path, kind)
   if kind == "l" then
      return { "target" }
   elseif kind == "d" then
      return { "mode" }
   end
   return { "size", "mode", "sha256", has_time(path) and "mtime" or nil }
end

local function keys(...)
   local list, seen = {}, {}
   for _, map in ipairs({ ... }) do
      for key in pairs(map) do
         if not seen[key] then
            seen[key] = true
            list[#list + 1] = key
         end
      end
   end
   table.sort(list)
   return list
end

local function compare_paths(context, expected, got, report)
   for _, path in ipairs(keys(expected, got)) do
      local e, g = expected[path], got[path]
      if not e or not g then
         if g or not context.is_optional(path) then
            report("tree", path, "there", e and e.type or "nothing", g and g.type or "nothing")
         end
      elseif e.type ~= g.type then
         report("tree", path, "type", e.type, g.type)
      else
         for _, field in ipairs(fields_of(path, e.type)) do
            if e[field] ~= g[field] then
               report("tree", path, field, e[field], g[field])
            end
         end
      end
   end
end

-- The first path that is a link to the same file, for every path on both sides that is no revision.
local function first_links(tree, other)
   local first, by_inode = {}, {}
   for _, path in ipairs(keys(tree)) do
      local ino = tree[path].ino
      if ino and other[path] and other[path].ino and not is_revision(path) then
         by_inode[ino] = by_inode[ino] or path
         first[path] = by_inode[ino]
      end
   end
   return first
end

local function compare_links(expected, got, report)
   local e, g = first_links(expected, got), first_links(got, expected)
   for _, path in ipairs(keys(e)) do
      if e[path] ~= g[path] then
         report("links", path, "the same file as", e[path], g[path])
      end
   end
   -- what a machine writes to belongs to nobody else, revisions included
   for _, path in ipairs(keys(got)) do
      for _, other in ipairs(is_dirty(path) and got[path].ino and keys(got) or {}) do
         if other ~= path and got[other].ino == got[path].ino and e[path] ~= (e[other] or other) then
            report("links", path, "the same file as", "nothing", other)
         end
      end
   end
end

local function compare_state(context, expected, got, report)
   for _, id in ipairs(keys(expected, got)) do
      local e, g = expected[id] or {}, got[id] or {}
      for _, field in ipairs({ "dirty", "outdated", "revisions", "size", "precache_fresh" }) do
         local left_out = field == "precache_fresh" and g[field] == nil
            and context.is_optional("@" .. id .. ":precache")
         if not left_out and not same(e[field], g[field]) then
            report("state", id, field, e[field], g[field])
         end
      end
   end
end

--- Compare a step.
-- @tparam table context `is_optional(path)`: is this a precache that need not be there?
-- @tparam table expected the recorded step
-- @tparam table got `result`, `state`, `tree`
-- @treturn {table,...} differences: `kind` (`result`, `state`, `tree`, `links`), `where`, `field`, `expected`, `got`
function compare.step(context, expected, got)
   local differences = {}
   local function report(kind, where, field, wanted, is)
      differences[#differences + 1] = { kind = kind, where = where, field = field, expected = wanted, got = is }
   end
   if not same_result(expected.op, expected.result, got.result)
      and not is_missing_cache(context, expected.op, expected.result, got.result) then
      report("result", expected.op.op, "result", expected.result, got.result)
   end
   compare_state(context, expected.state, got.state, report)
   compare_paths(context, expected.tree, got.tree, report)
   compare_links(expected.tree, got.tree, report)
   return differences
end

local function show(value)
   if type(value) ~= "table" then
      return type(value) == "string" and ("%q"):format(value) or tostring(value)
   elseif is_error(value) then
      return "error " .. compare.describe_error(value.error)
   end
   local parts = {}
   for _, key in ipairs(keys(value)) do
      parts[#parts + 1] = (math.type(key) and "" or tostring(key) .. "=") .. show(value[key])
   end
   return "{" .. table.concat(parts, " ") .. "}"
end

--- A difference in one line.
function compare.describe(d)
   return ("%s %s %s: expected %s, got %s"):format(d.kind, d.where, d.field, show(d.expected), show(d.got))
end

return compare
