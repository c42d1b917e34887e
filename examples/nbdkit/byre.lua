-- byre.lua - a volume of a byre pool as a network block device, by nbdkit's Lua plugin
--
--    nbdkit lua byre.lua pool=/srv/pool volume=appvms/work/private@3
--        revision 3, read-only
--    nbdkit lua byre.lua pool=/srv/pool volume=appvms/work/private
--        the committed content as it is when a client connects, read-only
--    nbdkit lua byre.lua pool=/srv/pool volume=appvms/work/private snapshot=yes
--        a new revision, also of a volume that is in use; read-only
--    nbdkit lua byre.lua pool=/srv/pool volume=appvms/work/private write=keep
--        a session of the volume, to be written to: committed when nbdkit ends, what was
--        committed before becomes a revision
--    nbdkit lua byre.lua pool=/srv/pool volume=appvms/work/private write=drop
--        the same, thrown away when nbdkit ends
--
-- A client's trims become holes, its zeros take no writing.  The extent map of what never
-- changes (a revision, a snapshot) goes through a file to nbdkit's filter "extentlist":
--
--    nbdkit -r --filter=extentlist lua byre.lua pool=/srv/pool volume=appvms/work/private@3 \
--        map=/run/private.map extentlist=/run/private.map
--
-- Paths are absolute: nbdkit changes its directory.  If nbdkit is killed, what was written is
-- still in the session: `byre stop` commits it, `byre stop --discard` drops it.
--
-- Debian: nbdkit, nbdkit-plugin-lua, lua-byre.

local byre = require("byre")
local core = require("byre.core")

local settings = {}

local checks = {
   pool = function(value) return value:find("^/"), "an absolute path" end,
   volume = function(value) return value ~= "", "a volume, or VOLUME@REVISION" end,
   snapshot = function(value) return value == "yes" or value == "no", "yes or no" end,
   write = function(value) return value == "keep" or value == "drop", "keep or drop" end,
   map = function(value) return value:find("^/"), "an absolute path" end,
}

-- nbdkit shows strings only, and byre raises objects
local function plainly(fn)
   return function(...)
      local results = table.pack(pcall(fn, ...))
      if not results[1] then
         error(tostring(results[2]), 0)
      end
      return table.unpack(results, 2, results.n)
   end
end

local function check(ok, message)
   if ok == nil then
      error(message, 0)
   end
   return ok
end

-- Call a function with the volume, in a pool that is open only so long: nbdkit forks.
local function with_volume(fn)
   local pool = byre.open_pool(settings.pool)
   local ok, result = pcall(function() return fn(pool:volume(settings.vid)) end)
   pool:close()
   if not ok then
      error(result, 0)
   end
   return result
end

-- What takes space in an image, a line for each range.
local function write_map(path, image)
   local file = check(core.open(image, "r"))
   local lines = {}
   local from, to = file:next_data(0)
   while from do
      lines[#lines + 1] = ("%d %d\n"):format(from, to - from)
      from, to = file:next_data(to)
   end
   file:close()
   -- a map of nothing is a hole as large as the image
   local output = assert(io.open(path, "w"))
   assert(output:write(lines[1] and table.concat(lines) or "0 1 hole,zero\n"))
   assert(output:close())
end

function config(key, value)
   local valid = checks[key]
   if not valid then
      error("unknown parameter " .. key, 0)
   end
   local ok, wanted = valid(value)
   if not ok then
      error(("%s=%s: expected %s"):format(key, value, wanted), 0)
   end
   settings[key] = value
end

config_complete = plainly(function()
   if not settings.pool or not settings.volume then
      error("pool=DIRECTORY and volume=VOLUME are needed", 0)
   end
   settings.vid, settings.revision = settings.volume:match("^([^@]*)@(.*)$")
   settings.vid = settings.vid or settings.volume
   local fixed = settings.revision or settings.snapshot == "yes"
   if settings.write and fixed then
      error("a revision is never written to: write=... is for the volume itself", 0)
   elseif settings.map and not fixed then
      error("map=... wants what never changes: a revision, or snapshot=yes", 0)
   end
   with_volume(function(volume)
      if settings.snapshot == "yes" then
         settings.revision = volume:snapshot({ note = "served by nbdkit" }).id
      end
      -- also to say now that there is no such revision
      local image = settings.revision and volume:revision(settings.revision).path
      if settings.map then
         write_map(settings.map, image)
      end
   end)
end)

-- The session that all connections share; it ends when nbdkit closes the Lua state.
local session

local function end_session(self)
   self.file:close()
   local ok, e = pcall(self.volume.stop, self.volume, { discard = settings.write == "drop" })
   if not ok then
      io.stderr:write(tostring(e), "\n")
   end
   self.pool:close()
end

local function begin_session()
   local pool = byre.open_pool(settings.pool)
   local volume = pool:volume(settings.vid)
   if volume:status().session then
      pool:close()
      error(settings.vid .. ": in use, or not stopped after a crash (see byre stop)", 0)
   end
   local directory = check(core.open_dir(pool.dir))
   local file = check(directory:open(volume:start():sub(#pool.dir + 2), "rw"))
   directory:close()
   session = setmetatable({ pool = pool, volume = volume, file = file }, { __gc = end_session })
end

local function open_committed(volume)
   local path = volume:export()
   local file = check(core.open(path, "r"))
   volume:export_end(path)
   return file
end

local function open_revision(volume)
   return check(core.open(volume:revision(settings.revision).path, "r"))
end

open = plainly(function(readonly)
   if settings.write then
      if not session then
         begin_session()
      end
      return { file = session.file, writable = not readonly }
   end
   return { file = with_volume(settings.revision and open_revision or open_committed), own = true }
end)

function close(handle)
   if handle.own then
      handle.file:close()
   end
end

function get_size(handle)
   return check(handle.file:stat()).size
end

function can_write(handle)
   return handle.writable or false
end

can_trim = can_write
can_flush = can_write

function is_rotational()
   return false
end

function pread(handle, count, offset)
   return check(handle.file:read(count, offset))
end

function pwrite(handle, data, offset)
   check(handle.file:write(data, offset))
end

function flush(handle)
   check(handle.file:sync())
end

function trim(handle, count, offset)
   check(handle.file:punch(offset, count))
end

function zero(handle, count, offset, may_trim)
   check(handle.file:punch(offset, count))
   if not may_trim then
      check(handle.file:allocate(offset, count))
   end
end
