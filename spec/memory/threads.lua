--- What one of many states does: operations on volumes of its own and on volumes that all of them have.
-- Gets the directory, the number of its thread, and its own number. Thread 0 makes the pool, and at the end
-- it looks at it.
local byre = require("byre")
local core = require("byre.core")

local dir, thread, number = ...
local size = 64 * 1024

math.randomseed(1000 * thread + number)

local function open(timeout)
   return byre.open_pool(dir .. "/pool", { lock_timeout = timeout })
end

local function make()
   local pool = byre.create_pool(dir .. "/pool", { setup_check = false })
   for i = 1, 3 do
      -- a revision that is reported must not have been pruned by then
      local settings = { size = size, save_on_stop = true, revisions_to_keep = 1000 }
      pool:create_volume("shared/disk" .. i, settings):snapshot()
   end
   pool:close()
end

local function look()
   local pool = open(0)
   for _, finding in ipairs(pool:check()) do
      error(("%s: %s"):format(finding.path, finding.message))
   end
   for volume in pool:volumes() do
      volume:verify()
   end
   pool:close()
end

-- busy is what others may make of an operation
local function unless_busy(fn, ...)
   local ok, e = pcall(fn, ...)
   if not ok and not (byre.is_error(e) and e.code == "busy") then
      error(e, 0)
   end
end

local function put(path, text)
   local file = assert(io.open(path, "r+b"))
   assert(file:write(text, ("\0"):rep(64 - #text)))
   file:close()
end

local function get(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read(64)
   file:close()
   return (text:gsub("\0+$", ""))
end

-- in its own group nobody comes in between, not even a busy one
local function use_own(pool)
   local group = "own" .. thread
   local disk = pool:create_volume(group .. "/disk", { size = size, save_on_stop = true })
   local root = pool:create_volume(group .. "/root", { snap_on_start = true, source = disk.vid })
   local text = ("%d in %d"):format(number, thread)
   put(disk:start(), text)
   disk:stop()
   assert(get(disk:export()) == text)
   assert(get(root:start()) == text)
   root:stop()
   disk:snapshot({ tag = "kept" })
   disk:clone(group .. "/copy"):import_volume(disk)
   assert(get(pool:volume(group .. "/copy"):export()) == text)
   disk:revert()
   tostring(disk:plan("start"))
   pool:remove({ root, disk, group .. "/copy" })
end

local shared = {
   function(disk) disk:start() end,
   function(disk) disk:stop() end,
   function(disk) disk:snapshot() end,
   function(disk) disk:revert(nil, { discard = true }) end,
   function(disk) disk:status() end,
   function(disk) disk.pool:group("shared"):start() end,
   function(disk)
      local new = ("own%d/of_shared%d"):format(thread, number)
      disk:clone(new, { state = "committed" }):remove()
   end,
}

local function use_shared(pool)
   for _ = 1, 4 do
      local disk = pool:volume("shared/disk" .. math.random(3))
      unless_busy(shared[math.random(#shared)], disk)
   end
   for volume in pool:volumes("shared/*") do
      volume:status()
   end
end

-- what a state shares with others in the library itself, if anything: errors, programs, looks at /proc and /sys
local function use_core()
   local d = assert(core.open_dir(dir, { follow = true }))
   local name = "file" .. thread
   local file = assert(d:tmpfile(name))
   assert(file:write(name))
   assert(file:publish(name, true))
   file:close()
   file = assert(d:open(name))
   assert(core.spawn({ "cat" }, { stdin = file }).stdout == name)
   assert(file:has_writers() == false)
   assert(core.loop_devices(file))
   core.find_writer(file)
   file:close()
   assert(core.random_name() ~= core.random_name())
   local _, message = d:open("missing")
   assert(message == "missing: No such file or directory")
   assert(d:lock("lock" .. thread, "exclusive", 0)):release()
   core.reflink_supported(d)
   assert(d:unlink(name))
   d:close()
end

if thread == 0 then
   return number == 0 and make() or number > 0 and look()
end
local pool = open(number % 2 == 0 and 0.05 or 60)
pool.lock_timeout = 60
use_own(pool)
use_core()
pool.lock_timeout = number % 2 == 0 and 0.05 or 60
use_shared(pool)
pool:close()
