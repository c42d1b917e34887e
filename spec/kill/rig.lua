--- Strike one operation at one point, recover, check.
-- @module spec.kill.rig
local core = require("byre.core")
local byre = require("byre")
local checker = require("spec.kill.checker")
local child = require("spec.kill.child")
local dkjson = require("dkjson")
local shell = require("spec.support.shell")
local trees = require("spec.kill.trees")

local rig = {}

-- the module that watches a child, built when it is first asked for
local function load_strike()
   local object = shell.root .. "/build/kill/strike.so"
   shell.must("make -s build/kill/strike.so", { dir = shell.root })
   return assert(package.loadlib(object, "luaopen_strike"))()
end

local methods = {}
local mt = { __index = methods }

--- A rig on a file system.
-- @param fs of `spec.support.filesystems`
-- @tparam[opt] table options of the pools
-- @tparam[opt] string place where the pools are that are worked on (default: beside the trees)
function rig.new(fs, options, place)
   local self = setmetatable({ options = options, reflink = fs.reflink, built = {}, strike = load_strike(),
      dir = fs:fresh() }, mt)
   place = place or self.dir
   self.work, self.twin = place .. "/work", place .. "/twin"
   return self
end

function methods:tree(name)
   if not self.built[name] then
      local dir = self.dir .. "/" .. name
      shell.must("mkdir " .. shell.quote(dir))
      trees.build(name, dir, self.options)
      self.built[name] = { dir = dir, look = checker.look(dir) }
   end
   return self.built[name]
end

-- a child at its operation in a new copy of the tree
function methods:begin(operation, options)
   trees.copy(self:tree(operation.tree).dir, self.work)
   return assert(self.strike.fork(function()
      child.run(self.strike, operation, self.work, options)
   end))
end

local function hear(text)
   local result = text and dkjson.decode(text)
   return result or error("the child says: " .. tostring(text), 0)
end

--- Run an operation undisturbed.
-- @treturn table `calls` (name and path of each), `before`, `after` (looks)
function methods:dry_run(operation, every)
   local process <close> = self:begin(operation, { every = every })
   local text, calls = process:watch({ log = true })
   local result = hear(text)
   assert(result.ok, operation.name .. " fails undisturbed: " .. tostring(result.text))
   return { calls = calls, before = self:tree(operation.tree).look, after = checker.look(self.work) }
end

-- run a function on the pool of a directory; what it raises comes back as a sentence
local function try(dir, fn)
   local ok, e = pcall(function()
      local pool <close> = byre.open_pool(dir .. "/pool", { lock_timeout = 2 })
      fn(pool)
   end)
   return not ok and tostring(e) or nil
end

-- Kinds of units: what each is, or the reason that one is nothing known.
local function classify(operation, now, states)
   local kinds, remaining = {}, {}
   for i, unit in ipairs(operation.units) do
      local kind, why = checker.classify(unit, now, states, operation.keeps)
      if not kind then
         return nil, why
      end
      kinds[i] = kind
      if kind ~= "after" then
         remaining[#remaining + 1] = unit[1]
      end
   end
   return kinds, remaining
end

-- a session that goes on is not made again
local function only_after(operation, dir, states, what)
   local kinds, why = classify(operation, checker.look(dir), states)
   if not kinds then
      return what .. ": " .. why
   end
   for i, kind in ipairs(kinds) do
      if kind == "before" or kind == "between" and not operation.keeps.session then
         return ("%s: %s is %s"):format(what, operation.units[i][1], kind)
      end
   end
end

-- the next thing that users do: a session of every volume that is there
local function cycle(operation, dir)
   return try(dir, function(pool)
      for _, unit in ipairs(operation.units) do
         for _, vid in ipairs(unit) do
            if pcall(pool.volume, pool, vid) then
               pool:volume(vid):start()
               pool:volume(vid):stop()
            end
         end
      end
   end)
end

local function repair(dir, states)
   local why = try(dir, function(pool) pool:check({ repair = true }) end)
   if why then
      return "repair: " .. why
   end
   local now = checker.look(dir)
   local found = checker.new_finding(now, states)
   return found and "after repair " .. found, now
end

-- the operation again where it was not done, a session, then a repair
local function recover_by_doing(operation, dir, states, remaining)
   local why = #remaining > 0 and try(dir, function(pool) operation.run(pool, dir, remaining) end)
   if why then
      return "again: " .. why
   end
   why = only_after(operation, dir, states, "again")
   if why then
      return why
   end
   local now
   why, now = repair(dir, states)
   why = why or checker.leftover(now, states) or checker.strangers(now, states, operation.units)
   if why then
      return "again, repair: " .. why
   end
   why = cycle(operation, dir)
   return why and "session: " .. why
end

-- a repair first; then the operation or a session
local function recover_by_repair(operation, dir, states)
   local why, now = repair(dir, states)
   why = why or checker.leftover(now, states) or checker.strangers(now, states, operation.units)
   if why then
      return "repair first: " .. why
   end
   local kinds, remaining = classify(operation, now, states)
   if not kinds then
      return "repair first: " .. remaining
   end
   why = #remaining > 0 and try(dir, function(pool) operation.run(pool, dir, remaining) end)
      or only_after(operation, dir, states, "repair first, again") or cycle(operation, dir)
   return why and "repair first: " .. why
end

--- Kill an operation before a call, recover.
-- @tparam table operation
-- @tparam table states of `dry_run`
-- @tparam integer number of the call; one more than there are: after the last
-- @tparam table options `repair_first`: `"only"`, `"no"` (the operation again, then a repair), `"both"`; `during`: kill
-- it once the call has begun
-- @treturn ?string what is wrong; nil: nothing
function methods:kill(operation, states, number, options)
   if options.repair_first == "both" and operation.tells_inodes then
      return self:kill(operation, states, number, { repair_first = "no", during = options.during })
         or self:kill(operation, states, number, { repair_first = "only", during = options.during })
   end
   local process <close> = self:begin(operation, {})
   local text, _, signal = process:watch({ number = number, during = options.during })
   process:close()
   if number <= #states.calls and not options.during and (text or signal ~= 9) then
      return "call not reached"
   end
   local now = checker.look(self.work)
   local kinds, remaining = classify(operation, now, states)
   if not kinds then
      return remaining
   end
   local why = checker.strangers(now, states, operation.units)
   if why then
      return why
   end
   local twin = self.work
   if options.repair_first == "both" then
      twin = self.twin
      trees.copy(self.work, twin)
   end
   return options.repair_first ~= "only" and recover_by_doing(operation, self.work, states, remaining)
      or options.repair_first ~= "no" and recover_by_repair(operation, twin, states) or nil
end

-- an error that a user can do something with
local function unclear(result)
   local known = {}
   for _, code in ipairs(require("byre.failure").codes) do
      known[code] = true
   end
   if not result.object then
      return "not an error object: " .. result.text
   elseif not known[result.code] then
      return "unknown code " .. tostring(result.code)
   elseif not result.text:find("^byre: .+: .+") or result.text:find("nil", 1, true) then
      return "unclear: " .. result.text
   end
end

-- The kernel tells once that a session's data is lost: byre has to remember it.
local function forgotten_loss(operation, result, remaining)
   local session = result.call.path:find("%-dirty%.img$") or result.call.path:find("%-import%.img$")
   local sync = result.call.name == "fsync" and session and not result.call.path:find("swap", 1, true)
      or result.call.name == "syncfs" and operation.name:find("^stop")
   if sync and #remaining > 0 and #result.lost == 0 then
      return "a failed sync of a session is not remembered"
   end
end

local function order(process, verb, vids)
   assert(process:reply(dkjson.encode({ verb = verb, vids = vids })))
   return hear((process:watch({})))
end

-- what was lost is not committed by a second try, but when the user insists
local function insist(process, operation, result, verb, vids)
   local again = order(process, verb, vids)
   if again.ok or again.code ~= "io" then
      return "lost data was committed by a second try"
   end
   again = order(process, "force", result.lost)
   return not again.ok and operation.name .. " by force: " .. again.text or nil
end

-- after a failure: the operation again, in the same process
local function try_again(process, operation, dir, states, result, remaining)
   local commits = operation.name:find("^stop") or operation.name:find("^import_data_end")
   local why
   if #remaining > 0 and #result.lost > 0 and commits then
      why = insist(process, operation, result, "again", remaining)
   elseif #remaining > 0 then
      local again = order(process, "again", remaining)
      why = not again.ok and "second try: " .. again.text
   end
   why = why or only_after(operation, dir, states, "second try")
   if not why and #result.lost > 0 and not commits then
      result.went_on = true
      why = insist(process, operation, result, "stop", result.lost)
   end
   return why
end

local function after_failure(operation, states, now, result)
   local kinds, remaining = classify(operation, now, states)
   if not kinds then
      return remaining
   end
   local why = checker.strangers(now, states, operation.units)
      or checker.leftover(now, states, now.findings)
   if result.ok and #remaining > 0 then
      return ("success, but %s is not as after"):format(remaining[1])
   end
   return why, kinds, remaining
end

--- Let a call fail.
-- @tparam table operation
-- @tparam table states of `dry_run`
-- @tparam table point `number` of the call, `errno` (a name), `sticky`: and all calls after it, `every`: the number
-- counts calls that change nothing as well
-- @treturn ?string what is wrong
-- @treturn table what the operation said: `ok`, `code`, `text`, `kinds`, `call`
function methods:fail(operation, states, point)
   local process <close> = self:begin(operation, { every = point.every })
   local text, calls, extra = process:watch({ number = point.number, errno = core.errno[point.errno],
      sticky = point.sticky })
   if not text then
      return ("the child was %s (%d)"):format(calls, extra), {}
   elseif not calls[1] then
      return "call not reached", {}
   end
   local result = hear(text)
   result.call = calls[1]
   local why, remaining
   why, result.kinds, remaining = after_failure(operation, states, checker.look(self.work), result)
   why = why or not result.ok and (unclear(result) or forgotten_loss(operation, result, remaining))
      or result.leaked ~= 0 and ("%d descriptors leaked"):format(result.leaked)
      or not result.ok and try_again(process, operation, self.work, states, result, remaining)
   if why then
      return why, result
   end
   local ended = order(process, "end")
   if ended.leaked ~= 0 then
      return ("%d descriptors leaked at the end"):format(ended.leaked), result
   end
   local problem, now = repair(self.work, states)
   problem = problem or not result.went_on and checker.leftover(now, states) or cycle(operation, self.work)
   return problem, result
end

--- Run an operation against an obstacle, and again without it.
-- @tparam table operation
-- @tparam string code of the error that it gives, if any
-- @tparam function put the obstacle; gets the directory, returns what takes it away
-- @treturn ?string what is wrong
-- @treturn boolean whether the operation failed
function methods:obstruct(operation, code, put)
   local states = self:dry_run(operation)
   local process <close> = self:begin(operation, { wait = true })
   hear((process:watch({})))
   local take_away = put(self.work)
   local ran, result, now = pcall(function()
      return order(process, "begin"), checker.look(self.work)
   end)
   take_away()
   if not ran then
      return tostring(result)
   end
   local why, _, remaining = after_failure(operation, states, now, result)
   if not why and not result.ok then
      why = unclear(result) or result.code ~= code and ("code %s: %s"):format(result.code, result.text)
         or result.leaked ~= 0 and "descriptors leaked"
         or try_again(process, operation, self.work, states, result, remaining)
   end
   if why then
      return why, not result.ok
   end
   local problem
   problem, now = repair(self.work, states)
   problem = problem or not result.went_on and checker.leftover(now, states) or cycle(operation, self.work)
   return problem, not result.ok
end

return rig
