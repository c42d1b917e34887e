--- Pools of copy-on-write disk images.
--
--    local byre = require "byre"
--    local pool <close> = byre.open_pool "/srv/pool"
--    local path = pool:volume("appvms/work/private"):start()
--
-- Errors of an operation are raised as objects, see `byre.failure`; wrong
-- types of arguments raise plain errors.
-- @module byre
local adopt = require("byre.adopt")
local core = require("byre.core")
local failure = require("byre.failure")
local pool = require("byre.pool")
local release = require("byre.release")
local spawn = require("byre.spawn")

local byre = {}

--- Version of the library.
byre.version = core.version

--- Make a pool.
-- @function create_pool
-- @tparam string dir its parent must exist; the directory itself may
-- @tparam[opt] table options `revisions_to_keep` (default 1; -1: no snapshots), `setup_check` (true: refuse a file
-- system without reflinks), `precache` (true: have the next start's image ready), `ephemeral_volatile` (false); and
-- what `open_pool` takes
-- @treturn pool
-- @raise `exists`, `not_supported` (no reflinks), `invalid`, `denied`, `no_space`, `read_only`
byre.create_pool = pool.create

--- The plan that `create_pool` would carry out; nothing is changed.
-- @function plan_pool
-- @tparam string dir
-- @tparam[opt] table options as for `create_pool`
-- @treturn plan
byre.plan_pool = pool.plan_create

--- Open a pool.
-- @function open_pool
-- @tparam string dir
-- @tparam[opt] table options `log` (function that gets a table for every step done), `progress` (function that gets a
-- table with `volume`, `operation`, `done`, `total` in bytes; returning false cancels), `lock_timeout` (seconds, 60),
-- `hooks` (a table of functions, see `byre.hooks`), `hooks_file` (false: without those of the pool's own file)
-- @treturn pool
-- @raise `no_such_pool`, `corrupt`, `denied` (also: the directory is another user's)
byre.open_pool = pool.open

--- See what a directory of images holds, and what would become of it as a pool. Nothing is changed before `run` of
-- what is returned.
-- @function propose_adoption
-- @tparam string dir
-- @tparam[opt] table options `qubes_xml`, `qubes_pool`, and what `create_pool` takes
-- @treturn adoption see `byre.adopt`
-- @raise `no_such_pool`, `denied`, `io`, `corrupt`, `invalid` and `not_supported` (the qubes.xml)
byre.propose_adoption = adopt.propose

--- Give a pool back as a plain tree of images, as the Qubes driver `file-reflink` keeps it: what is in `.byre` goes,
-- with kinds, settings, notes and holds. Interrupted, it can be run again.
-- @function release_pool
-- @tparam string dir
-- @tparam[opt] table options what `open_pool` takes
-- @raise `no_such_pool`, `not_supported` (something in it was cut short), `busy`, `denied`, `corrupt`, `io`
byre.release_pool = release.pool

--- The plan that `release_pool` would carry out; nothing is changed.
-- @function plan_release
-- @tparam string dir
-- @treturn plan
byre.plan_release = release.plan

--- Can files in this directory share blocks? Tried out with real data.
-- @tparam string dir
-- @treturn boolean
-- @raise `no_such_pool` (no such directory), `io`, `no_space`, `denied`
function byre.reflink_supported(dir)
   assert(type(dir) == "string", "a directory is a string")
   local handle = failure.check_path(dir, core.open_dir(dir, { follow = true }))
   local supported, message, errno = core.reflink_supported(handle)
   handle:close()
   return (failure.check_path(dir, supported, message, errno))
end

--- Run another program and wait for it; never through a shell.
-- @function spawn
-- @tparam table command the program, its arguments, and options, see `byre.spawn`
-- @treturn table `status` or `signal`, `timed_out`, `stdout`, `stderr`
-- @raise `not_supported`, `denied`, `io`
byre.spawn = spawn

--- Is this an error object of byre's?
-- @function is_error
-- @param value anything
-- @treturn boolean
byre.is_error = failure.is

return byre
