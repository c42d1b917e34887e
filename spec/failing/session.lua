-- What `byre run` runs: a whole session in one process; the command between start and stop is the guest's.
--    byre run session.lua POOL VID COMMAND
local byre = require("byre")

local pool <close> = byre.open_pool(arg[1])
local volume = pool:volume(arg[2])
volume:start()
assert(os.execute(arg[3]))
volume:stop()
