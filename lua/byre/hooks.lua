--- Hooks: functions of a pool's owner or of the program around byre, called before and after operations.
--
-- A `pre_` hook is called when the operation is decided, with its plan, and may refuse it by raising an error; it runs
-- under the operation's locks, so it may look at the pool but not change it. A `post_` hook is called when the
-- operation is done and its locks are released; what it raises is a warning.
--
-- The pool's own are in `.byre/hooks.lua`, which returns a table; the program around byre gives a table at
-- `byre.open_pool`. Both are code that runs as the user, with all that Lua offers, and in no sandbox. So the file must
-- be the user's own, and nobody else may be able to change it.
-- @module byre.hooks
local core = require("byre.core")

local failure = require("byre.failure")
local layout = require("byre.layout")
local plan = require("byre.plan")
local pool_directory = require("byre.pool_directory")
local read_only = require("byre.read_only")

local hooks = {}

local largest_file = 1024 * 1024
local others_may_write = tonumber("022", 8)

--- What there are hooks of.
hooks.operations = {
   "setup", "create", "adopt", "start", "stop", "snapshot", "revert", "annotate", "remove", "remove_revision",
   "restore", "empty_trash", "resize", "rename", "clone", "set", "import", "import_end", "export", "defrag", "prune",
   "policy", "space", "repair", "release",
}

-- operations that go by another name
local renamed = {
   init = "setup", import_data = "import", import_data_end = "import_end", import_file = "import",
   import_volume = "import", set_policy = "policy", unset_policy = "policy",
}

local known = {}
for _, name in ipairs(hooks.operations) do
   known["pre_" .. name], known["post_" .. name] = true, true
end

--- Refuse a table that is none of hooks: a name that is misspelt would guard nothing.
-- @tparam string object whose hooks these are
-- @param value
-- @treturn table
-- @raise `invalid`
function hooks.check(object, value)
   if type(value) ~= "table" then
      failure.raise("invalid", object,
         "hooks must be a table of functions: return { pre_stop = function(call) ... end }")
   end
   for name, fn in pairs(value) do
      if not known[name] then
         failure.raise("invalid", object, "there is no hook " .. failure.quote(tostring(name)),
            { hint = "there are pre_ and post_ of " .. table.concat(hooks.operations, ", ") })
      elseif type(fn) ~= "function" then
         failure.raise("invalid", object, ("%s must be a function, not a %s"):format(name, type(fn)))
      end
   end
   return value
end

local function refuse_file(path, message)
   failure.raise("denied", path, message .. "; hooks are code that runs as you", { path = path,
      hint = "look at what is in it before you make it yours; --no-hooks does without it" })
end

local function require_own(path, stat)
   if stat.uid ~= core.euid() then
      refuse_file(path, ("belongs to user %d, and byre runs as user %d"):format(stat.uid, core.euid()))
   elseif stat.mode & others_may_write ~= 0 then
      refuse_file(path, ("can be changed by others (mode %04o): chmod go-w"):format(stat.mode))
   end
end

local function read(pool, file, path)
   local stat = failure.check_path(path, file:stat())
   if stat.size > largest_file then
      failure.raise("invalid", path, "is larger than 1 MiB", { path = path })
   end
   -- who can write to the directory can put any file of ours there, such as an image that a guest has filled
   require_own(pool.dir .. "/" .. layout.home, pool.store:stat(layout.home))
   require_own(path, stat)
   return failure.check_path(path, file:read_all()), stat
end

-- What the file sees as its globals; what it sets stays in it.
local function environment()
   return setmetatable({ byre = require("byre") }, { __index = _G })
end

local function load_text(path, text)
   local chunk, message = load(text, "@hooks.lua", "t", environment())
   if not chunk then
      failure.raise("invalid", path, "does not load: " .. message, { path = path })
   end
   local ok, result = pcall(chunk)
   if not ok and result == failure.interrupted then
      error(result, 0)
   elseif not ok then
      failure.raise("invalid", path, "fails: " .. tostring(result), { path = path })
   end
   return hooks.check(path, result)
end

local function is_same_file(a, b)
   return a.ino == b.ino and a.dev == b.dev and a.size == b.size and a.ctime == b.ctime
      and a.ctime_nsec == b.ctime_nsec and a.mode == b.mode and a.uid == b.uid
end

-- the hooks of the pool's own file, loaded anew when it is another one; nil: there is none
local function own(pool)
   local seen = pool.store:stat(layout.hooks)
   if not seen then
      pool.hooks_loaded = nil
      return nil
   elseif pool.hooks_loaded and is_same_file(seen, pool.hooks_loaded.stat) then
      return pool.hooks_loaded.hooks
   end
   local path = pool.dir .. "/" .. layout.hooks
   if seen.type ~= "file" then
      failure.raise("invalid", path, ("is a %s, not a plain file"):format(seen.type), { path = path })
   end
   local file = pool.store:open_if_there(layout.hooks)
   if not file then
      return nil
   end
   local ok, text, stat = pcall(read, pool, file, path)
   file:close()
   if not ok then
      error(text, 0)
   end
   pool.hooks_loaded = { stat = stat, hooks = load_text(path, text) }
   return pool.hooks_loaded.hooks
end

--- The hooks of a pool, those of the program around byre first.
-- @tparam pool pool
-- @treturn {table,...}
-- @raise `invalid`: the file does not load; `denied`: others can change it
function hooks.of(pool)
   local list = { pool.hooks }
   list[#list + 1] = pool.hooks_file and own(pool) or nil
   return list
end

-- coroutine -> the hooks it is in, as a chain: `pool`, `name`, `fn`, `locked` (a `pre_` hook), `outer`
local within = setmetatable({}, { __mode = "k" })

--- Refuse to wait for locks that the operation has whose `pre_` hook is asking.
-- @tparam pool pool
-- @raise `not_supported`
function hooks.require_outside(pool)
   local frame = within[coroutine.running()]
   while frame do
      if frame.locked and pool_directory.is_same(frame.pool.store, pool.store) then
         failure.raise("not_supported", frame.name, "a pre_ hook may look at its pool but not change it",
            { hint = "do it in a post_ hook" })
      end
      frame = frame.outer
   end
end

-- a hook that changes the pool is not called for what it does itself, or it might never end
local function is_entered(fn)
   local frame = within[coroutine.running()]
   while frame and frame.fn ~= fn do
      frame = frame.outer
   end
   return frame ~= nil
end

local function call_one(frame, call)
   local thread = coroutine.running()
   frame.outer = within[thread]
   within[thread] = frame
   local ok, e = pcall(frame.fn, call)
   within[thread] = frame.outer
   if not ok and e == failure.interrupted then
      error(e, 0)
   end
   return ok, e
end

local function reason_of(e)
   if e == nil then
      return "no reason given"
   end
   -- what a program has printed ends with a line's end
   return (tostring(e):gsub("^byre: ", ""):gsub("%s+$", ""))
end

local function object_of(pool, call)
   return call.volume or pool.dir
end

local function call_all(pool, list, when, call, failed)
   local name = when .. (renamed[call.operation] or call.operation)
   for _, table_of_hooks in ipairs(list) do
      local fn = table_of_hooks[name]
      if fn and not is_entered(fn) then
         local started = core.clock()
         call.hook = name
         local ok, e = call_one({ pool = pool, name = name, fn = fn, locked = when == "pre_" }, read_only(call))
         pool.log({ step = "called", volume = call.volume, operation = call.operation, path = name,
            seconds = core.clock() - started })
         if not ok then
            failed(name, e)
         end
      end
   end
end

-- what hooks get of a plan: what `--dry-run --json` shows
local function describe(pool, call)
   local described = { pool = pool }
   for key, value in pairs(call) do
      described[key] = value
   end
   described.plan = call.plan and read_only(plan.record(call.plan), tostring(call.plan))
   return described
end

--- Call the `pre_` hooks of an operation.
-- @tparam pool pool
-- @tparam {table,...} list of `hooks.of`
-- @tparam table call `operation`, and of `volume`, `plan`, `config`, `from`, `to` what there is
-- @raise `policy`: a hook refuses
function hooks.before(pool, list, call)
   if #list == 0 then
      return
   end
   call_all(pool, list, "pre_", describe(pool, call), function(name, reason)
      failure.raise("policy", object_of(pool, call), ("refused by %s: %s"):format(name, reason_of(reason)),
         { volume = call.volume, hook = name })
   end)
end

--- Call the `post_` hooks of an operation that is done. What they raise is a warning in the log.
-- @tparam pool pool
-- @tparam {table,...} list of `hooks.of`
-- @tparam table call as for `before`, and `result`
function hooks.after(pool, list, call)
   if #list == 0 then
      return
   end
   call_all(pool, list, "post_", describe(pool, call), function(name, reason)
      pool.log({ step = "warning", volume = call.volume, operation = call.operation, path = name, seconds = 0,
         message = ("byre: %s: %s failed: %s"):format(object_of(pool, call), name, reason_of(reason)) })
   end)
end

--- Call a function between the hooks of an operation that has no plan.
-- @tparam pool pool
-- @tparam table call as for `before`
-- @tparam function fn
-- @return what it returns
function hooks.around(pool, call, fn)
   local list = hooks.of(pool)
   hooks.before(pool, list, call)
   local result = fn()
   hooks.after(pool, list, call)
   return result
end

return hooks
