#!/usr/bin/env lua5.4
--- A pool to try things on: templates, machines that start from them, months of history.
--
--    byre run sample-pool.lua DIR [COUNT]     about COUNT volumes (default 200)
--
-- Makes the pool DIR. It has templates (one made from another), and machines with a root disk from a template, a
-- private disk with a history and scratch space. Some run, some of these on a template that has changed since; some
-- revisions are tagged, noted and held; a policy is set, and has something to do. Each image has a few MiB at most, and
-- the times of writing are set back, so all of it takes little space and seconds.
local byre = require "byre"

local DAY <const> = 86400

local templates <const> = {
   { "debian-12/root" }, { "debian-12-office/root", "debian-12/root" }, { "debian-12-build/root", "debian-12/root" },
   { "fedora-40/root" }, { "fedora-40-media/root", "fedora-40/root" }, { "alpine/root" },
   { "alpine-ci/root", "alpine/root" }, { "windows-11/root" },
}
local names <const> = { "work", "mail", "web", "bank", "build", "media", "vault", "test" }
local days_ago <const> = { 90, 60, 45, 30, 21, 14, 10, 7, 5, 3, 2, 1 }

local dir, count = arg[1], math.tointeger(tonumber(arg[2] or 200))
if not dir or not count or count < 10 then
   io.stderr:write("usage: sample-pool.lua DIR [COUNT]     (COUNT: 10 or more)\n")
   os.exit(2)
end

-- random, and the same each time
local state = 1
local function random(n)
   state = (state * 16807) % 2147483647
   return state % n
end

local function quote(path)
   return "'" .. path:gsub("'", "'\\''") .. "'"
end

-- A session of each of these volumes, as if it had ended so long ago.
local function session(pool, vids, ago)
   local images, paths = pool:start(vids), {}
   for _, vid in ipairs(vids) do
      local image <close> = assert(io.open(images[vid], "r+b"))
      for _ = 1, 1 + random(6) do
         image:seek("set", random(64) * 65536)
         image:write((vid .. ago .. "\n"):rep(65536 // (#vid + 3)))
      end
      paths[#paths + 1] = quote(images[vid])
   end
   local time = os.time() - math.floor(ago * DAY)
   for i = 1, #paths, 50 do
      assert(os.execute(("touch -d @%d %s"):format(time, table.concat(paths, " ", i, math.min(i + 49, #paths)))))
   end
   pool:stop(vids)
end

-- Their first content; that they were empty before is not worth a revision.
local function fill(pool, vids)
   session(pool, vids, days_ago[1] + 1)
   for _, vid in ipairs(vids) do
      pool:volume(vid):remove_revision("1")
   end
end

local function make_templates(pool)
   local vids = {}
   for i, template in ipairs(templates) do
      local source = template[2] and "templates/" .. template[2]
      vids[i] = "templates/" .. template[1]
      pool:create_volume(vids[i], { size = "1G", save_on_stop = true, snap_on_start = source ~= nil, source = source })
   end
   fill(pool, vids)
   session(pool, { vids[1], vids[4] }, 40)
   return vids
end

local function make_machines(pool, sources, machines)
   local list = { root = {}, private = {}, volatile = {} }
   for i = 1, machines do
      local name = ("%s-%d"):format(names[(i - 1) % #names + 1], (i - 1) // #names + 1)
      for kind in pairs(list) do
         list[kind][i] = ("vm/%s/%s"):format(name, kind)
      end
      pool:create_volume(list.root[i], { snap_on_start = true, source = sources[(i - 1) % #sources + 1] })
   end
   pool:create_volumes(list.private, { size = "4M", save_on_stop = true })
   pool:create_volumes(list.volatile, { size = "256M" })
   fill(pool, list.private)
   return list
end

-- every second machine has been used on each of the days
local function live(pool, private)
   for round, ago in ipairs(days_ago) do
      local used = {}
      for i, vid in ipairs(private) do
         used[#used + 1] = (i + round) % 2 == 0 and vid or nil
      end
      session(pool, used, ago + random(10) / 24)
   end
end

local function annotate(pool, private)
   for i = 1, #private, 8 do
      local disk = pool:volume(private[i])
      local revisions = disk:revisions()
      if #revisions > 2 then
         disk:annotate(revisions[1].id, { tag = "installed", note = "as it was delivered", hold_until = true })
         disk:annotate(revisions[#revisions].id, { tag = { "before-upgrade" }, hold_until = os.time() + 30 * DAY })
      end
   end
end

-- every fifth machine runs; their templates have been upgraded since
local function run_some(pool, machines, upgraded)
   local running = {}
   for i = 1, #machines.root, 5 do
      table.move({ machines.root[i], machines.private[i], machines.volatile[i] }, 1, 3, #running + 1, running)
   end
   pool:start(running)
   session(pool, upgraded, 0)
end

local pool <close> = byre.create_pool(dir, { setup_check = false, revisions_to_keep = 20 })
local sources = make_templates(pool)
local machines = make_machines(pool, sources, math.max(1, (count - #sources) // 3))
live(pool, machines.private)
annotate(pool, machines.private)
run_some(pool, machines, { sources[1], sources[4] })
pool:set_policy("tidy", [[
return policy { keep.last(1), keep.weekly(3), keep.tagged "installed", floor = 2, min_age = 0 }
]])
