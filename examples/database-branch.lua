#!/usr/bin/env lua5.4
--- Branches of a data image: try something on a copy, look at it, keep or drop it.
--
--    byre run database-branch.lua POOL branch VID NAME    makes VID-NAME, prints its image
--    byre run database-branch.lua POOL list VID           the branches and what they take
--    byre run database-branch.lua POOL compare VID NAME   bytes that differ, by 4 KiB blocks
--    byre run database-branch.lua POOL merge VID NAME     the branch's content becomes VID's
--    byre run database-branch.lua POOL drop VID NAME
--
-- VID may be in use: a branch of a running volume is what a power cut would leave,
-- and databases recover from that.  compare and merge commit what was written to the
-- branch; merge wants VID to be stopped, and its old content becomes a revision.
local byre = require "byre"

local BLOCK <const> = 4096

local commands = {}

local function branch_of(volume, name)
   return volume.pool:volume(volume.vid .. "-" .. name)
end

function commands.branch(volume, name)
   local branch = volume:clone(volume.vid .. "-" .. name, { state = "current" })
   print(branch:start())
end

function commands.list(volume)
   for branch in volume.pool:volumes(volume.vid .. "-*") do
      print(branch.vid, branch:is_dirty() and "in use" or "idle", branch:usage())
   end
end

-- A committed image never changes, so it can be read without a lock.
function commands.compare(volume, name)
   local branch = branch_of(volume, name)
   branch:stop()
   local a <close> = assert(io.open(volume:export(), "rb"))
   local b <close> = assert(io.open(branch:export(), "rb"))
   local blocks = 0
   repeat
      local x, y = a:read(BLOCK), b:read(BLOCK)
      if x ~= y then
         blocks = blocks + 1
      end
   until not x and not y
   print(("%d bytes differ"):format(blocks * BLOCK))
end

function commands.merge(volume, name)
   local branch = branch_of(volume, name)
   branch:stop()
   volume:import_volume(branch)
   branch:remove()
end

function commands.drop(volume, name)
   branch_of(volume, name):remove()
end

local dir, command, vid, name = table.unpack(arg)
if not commands[command] or not vid or not (name or command == "list") then
   io.stderr:write("usage: database-branch.lua POOL branch|list|compare|merge|drop VID [NAME]\n")
   os.exit(2)
end
local pool <close> = byre.open_pool(dir)
commands[command](pool:volume(vid), name)
