-- copy.lua - a long copy beside an event loop, which goes on turning
--
--    lua5.4 copy.lua POOL VID FILE
--
-- Fills a volume from a file or a pipe.  The copy runs in a thread with a Lua state and a pool
-- object of its own: byre shares nothing between states, and its locks hold between them as
-- they do between processes.  What it has to say comes through a handle that wakes the loop.
--
-- Debian: lua5.4, lua-luv, lua-byre.

local uv = require("luv")

local dir, vid, path = ...
if not path then
   io.stderr:write("usage: copy.lua POOL VID FILE\n")
   os.exit(2)
end

-- Runs in the thread: nothing of the outside is there but the arguments.
local function copy(pool_dir, volume_id, file, report)
   local byre = require("byre")
   local pool
   local ok, e = pcall(function()
      pool = byre.open_pool(pool_dir, { progress = function(event) report:send(event.done) end })
      pool:volume(volume_id):import_file(file)
   end)
   if pool then
      pool:close()
   end
   -- an error object cannot leave its state, its text can
   report:send(false, not ok and tostring(e) or nil)
end

local status = 0
local timer, report, thread = uv.new_timer(), nil, nil

report = uv.new_async(function(done, failed)
   if done then
      print(("%d bytes are copied"):format(done))
      return
   end
   if failed then
      io.stderr:write(failed, "\n")
      status = 1
   end
   thread:join()
   report:close()
   timer:close()
end)
thread = uv.new_thread(copy, dir, vid, path, report)

-- whatever else the program does
local turns = 0
timer:start(10, 10, function() turns = turns + 1 end)

uv.run()
print(("the loop turned %d times meanwhile"):format(turns))
os.exit(status)
