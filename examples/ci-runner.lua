#!/usr/bin/env lua5.4
--- A fresh root disk for each job: a snapshot of a template, thrown away at the end.
--
--    byre run ci-runner.lua POOL TEMPLATE COMMAND [ARG...]
--
-- runs the command with the path of the disk in $DISK and ends with its exit code:
--
--    byre run ci-runner.lua /srv/pool templates/debian sh -c 'debugfs -R "ls -p /" "$DISK"'
--
-- Any number of jobs may run at once.  The template keeps what it has, and may be
-- committed anew in the meantime: a job sees what was there when it began.
local byre = require "byre"

local dir, template = arg[1], arg[2]
if not (dir and template and arg[3]) then
   io.stderr:write("usage: ci-runner.lua POOL TEMPLATE COMMAND [ARG...]\n")
   os.exit(2)
end

local function quote(word)
   return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- a name that no other job has
local function new_job(pool)
   local core = require "byre.core"
   local vid = ("jobs/%s/root"):format(core.random_name())
   return pool:create_volume(vid, { snap_on_start = true, source = template })
end

local function run(volume)
   local words = { "DISK=" .. quote(volume:start()) }
   for i = 3, #arg do
      words[#words + 1] = quote(arg[i])
   end
   -- DISK is for the command, not for the shell that starts it
   local _, _, code = os.execute("env " .. table.concat(words, " "))
   return code
end

local function main()
   local pool <close> = byre.open_pool(dir)
   local volume = new_job(pool)
   -- also when the job's command cannot be run at all
   local ok, result = pcall(run, volume)
   -- what the job has left running may write on: nobody is going to read it
   volume:stop { force = true }
   volume:remove()
   if not ok then
      error(result, 0)
   end
   return result
end

os.exit(main())
