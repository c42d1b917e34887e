--- What was done in a pool, kept in the pool: a line of JSON for each step and each operation.
--
-- They are kept where the file `.byre/events.jsonl` is. Lines are appended, and never synced: a power cut may lose the
-- last ones, and leave one that is torn, which readers skip. A file that has grown is put aside in place of the one
-- that was put aside before, so both together have a bound.
-- @module byre.events
local core = require("byre.core")
local dkjson = require("dkjson")

local failure = require("byre.failure")
local layout = require("byre.layout")
local units = require("byre.units")

local events = {}

--- From this size on a file is put aside.
events.largest = 1024 * 1024

local private = tonumber("600", 8)

local keys = {
   "time", "pid", "step", "operation", "volume", "from", "path", "bytes", "seconds", "why", "code", "message",
}

local function line_of(event)
   local record = { time = units.format_time(core.now()), pid = core.pid() }
   for _, key in ipairs(keys) do
      record[key] = record[key] or event[key]
   end
   return dkjson.encode(record, { keyorder = keys }) .. "\n"
end

local function new_file(store)
   local file = store:new_file(layout.events)
   local ok, e = pcall(function()
      failure.check_path(layout.events, file:chmod(private))
      failure.check_path(layout.events, file:publish(layout.events, true))
   end)
   file:close()
   if not ok then
      error(e, 0)
   end
end

-- Put a file aside that has grown. The name is never gone: without it events would be kept no more.
local function rotate(store, grown)
   local ok, lock = failure.catch(store.lock, store, layout.events_lock, "exclusive", 0)
   if not ok then
      return       -- somebody else does it
   end
   local done, e = pcall(function()
      local now = store:stat(layout.events)
      if now and now.ino == grown.ino then
         store:link(layout.events, layout.old_events, true)
         new_file(store)
      end
   end)
   lock:release()
   if not done then
      error(e, 0)
   end
end

local function write(store, file, event)
   local stat = failure.check_path(layout.events, file:stat())
   local text = line_of(event)
   -- what a power cut has torn must not take the next line with it
   if stat.size > 0 and file:read(1, stat.size - 1) ~= "\n" then
      text = "\n" .. text
   end
   failure.check_path(layout.events, file:write(text))
   if stat.size + #text > events.largest then
      rotate(store, stat)
   end
end

--- Keep an event, where events are kept.
-- @tparam store store
-- @tparam table event as the log gets it
-- @raise `no_space`, `io`, ...: it is not kept
function events.append(store, event)
   local file = store:open_to_append(layout.events)
   if not file then
      return
   end
   local ok, e = pcall(write, store, file, event)
   file:close()
   if not ok then
      error(e, 0)
   end
end

--- A log that hands events on and keeps them, if the pool's `keeps_events` says so. Where they cannot be kept it says
-- so once; nothing fails by it.
-- @tparam pool pool
-- @tparam function log
-- @treturn function
function events.keeping(pool, log)
   local warned = false
   return function(event)
      local ok, e = true, nil
      if pool.keeps_events then
         ok, e = failure.catch(events.append, pool.store, event)
      end
      if not ok and not warned then
         warned = true
         log({ step = "warning", volume = event.volume, operation = event.operation, path = layout.events, seconds = 0,
            message = "byre: events are not kept: " .. e.message })
      end
      log(event)
   end
end

--- Are events kept?
-- @tparam pool pool
-- @treturn boolean
function events.are_kept(pool)
   return pool.store:stat(layout.events) ~= nil
end

--- Keep events from now on, or no more; what was kept goes then.
-- @tparam pool pool
-- @tparam boolean wanted
-- @raise `denied`, `no_space`, `read_only`, `io`
function events.keep(pool, wanted)
   if not wanted then
      pool.store:unlink(layout.events)
      pool.store:unlink(layout.old_events)
   elseif not events.are_kept(pool) then
      new_file(pool.store)
   end
   pool.keeps_events = wanted
end

--- The events in a text, oldest first. What is torn is skipped.
-- @tparam string text
-- @tparam[opt] string part only of lines that have this in them
-- @treturn function iterator of tables
function events.parse(text, part)
   local next_line = text:gmatch("([^\n]*)\n")
   return function()
      for line in next_line do
         local ok, event = false, nil
         if not part or line:find(part, 1, true) then
            ok, event = pcall(dkjson.decode, line, 1, nil)
         end
         if ok and type(event) == "table" and type(event.step) == "string" then
            return event
         end
      end
   end
end

--- The events that a pool has kept, oldest first.
-- @tparam pool pool
-- @tparam[opt] string part as for `parse`
-- @treturn {table,...} what `log` got, with `time` (RFC 3339) and `pid`
function events.list(pool, part)
   local list = {}
   for _, path in ipairs({ layout.old_events, layout.events }) do
      for event in events.parse(pool.store:read(path) or "", part) do
         list[#list + 1] = event
      end
   end
   return list
end

--- When was an operation last done on each volume, as far as events were kept?
-- @tparam pool pool
-- @tparam string operation
-- @treturn table vid -> epoch
function events.last_done(pool, operation)
   local times = {}
   for _, event in ipairs(events.list(pool, ('"step":"done","operation":%q'):format(operation))) do
      times[event.volume] = units.parse_time(event.time)
   end
   return times
end

--- What is appended from now on.
-- @tparam pool pool
-- @treturn function that returns the text since it was called last; nil: events are kept no more
function events.follower(pool)
   local store = pool.store
   local file = store:open_if_there(layout.events)
   local position = file and file:stat().size
   local rest = ""
   local function read_on()
      local size = failure.check_path(layout.events, file:stat()).size
      local text = size > position and failure.check_path(layout.events, file:read(size - position, position)) or ""
      position = position + #text
      return text
   end
   return function()
      if not file then
         return nil
      end
      local text = rest .. read_on()
      local now = store:stat(layout.events)
      if not now or now.ino ~= file:stat().ino then
         text = text .. read_on()
         file:close()
         file, position = store:open_if_there(layout.events), 0
         text = file and text .. read_on() or text
      end
      local whole = text:match("^.*\n") or ""
      rest = text:sub(#whole + 1)
      return whole
   end
end

return events
