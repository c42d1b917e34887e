--- Pools that operations are struck in: built once on a file system, copied for each strike.
--
-- A volume's images are four blocks of 4 KiB: a text, a hole, the text again, a
-- hole. So a copy takes several calls, and an image of two sessions can be told.
-- @module spec.kill.trees
local byre = require("byre")
local core = require("byre.core")
local shell = require("spec.support.shell")

local trees = {}

trees.block = 4096
trees.size = 4 * trees.block

--- Write into an image as a guest would.
function trees.guest(path, text)
   local file <close> = assert(io.open(path, "r+b"))
   for _, index in ipairs({ 0, 2 }) do
      assert(file:seek("set", index * trees.block))
      assert(file:write((text .. " "):rep(trees.block // (#text + 1) + 1):sub(1, trees.block)))
   end
end

local function origin(pool, vid, settings)
   local all = { size = trees.size, save_on_stop = true }
   for key, value in pairs(settings or {}) do
      all[key] = value
   end
   return pool:create_volume(vid, all)
end

-- a volume with this many sessions behind it: revisions 1..n hold "<vid> 0".. , committed is "<vid> n"
local function worked(volume, sessions)
   for i = 1, sessions do
      trees.guest(volume:start(), volume.vid .. " " .. i)
      volume:stop()
   end
   return volume
end

local function running(volume)
   trees.guest(volume:start(), volume.vid .. " now")
   return volume
end

local function snapshot_of(pool, vid, source, settings)
   local all = { snap_on_start = true, source = source }
   for key, value in pairs(settings or {}) do
      all[key] = value
   end
   return pool:create_volume(vid, all)
end

-- an image that nobody has registered
local function dropped_in(pool, vid)
   local path = pool.dir .. "/" .. vid .. ".img"
   local file <close> = assert(io.open(path, "wb"))
   assert(file:write(("dropped in "):rep(2000)))
end

local builders = {}

-- one volume of every kind, at rest below rest/ and with a session below busy/
function builders.kinds(pool)
   worked(origin(pool, "tpl/root"), 2)
   worked(origin(pool, "tpl/bare", { revisions_to_keep = -1 }), 1)
   for _, group in ipairs({ "rest", "busy" }) do
      local finish = group == "busy" and running or function(volume) return volume end
      local private = worked(origin(pool, group .. "/private"), 3)
      private:annotate("2", { tag = "kept", note = "a note" })
      finish(private)
      -- the first two of four revisions are in its trash
      local trash = worked(origin(pool, group .. "/trash", { trash = "9d" }), 4)
      trash:annotate("4", { tag = "kept", note = "a note" })
      finish(trash)
      finish(worked(origin(pool, group .. "/zero", { revisions_to_keep = 0 }), 1))
      finish(worked(origin(pool, group .. "/bare", { revisions_to_keep = -1 }), 1))
      local both = worked(snapshot_of(pool, group .. "/both", "tpl/root", { save_on_stop = true }), 2)
      -- so that what the session begins with is no revision yet
      worked(pool:volume("tpl/root"), 1)
      finish(both)
      finish(snapshot_of(pool, group .. "/root", "tpl/root"))
      finish(snapshot_of(pool, group .. "/twin", "tpl/bare"))
      finish(pool:create_volume(group .. "/swap", { size = trees.size }))
   end
   -- a session from before its source was written again
   worked(pool:volume("tpl/root"), 1)
   worked(origin(pool, "rest/cold"), 1)
   os.remove(pool.dir .. "/rest/cold-precache.img")
   trees.guest(worked(origin(pool, "rest/import"), 1):import_data(trees.size), "imported")
   dropped_in(pool, "rest/stranger")
   dropped_in(pool, "rest/past")
   shell.must("cp past.img past.img@2018-01-02T03:04:05Z && cp past.img past.img@2018-01-02T03:04:06Z",
      { dir = pool.dir .. "/rest" })
   -- more revisions than are to be kept, by a number and by a policy
   worked(origin(pool, "rest/many", { revisions_to_keep = 9 }), 4):set({ revisions_to_keep = 1 })
   pool:set_policy("two", "return policy { keep.last(2), floor = 1, min_age = 0 }", { unused = true })
   worked(origin(pool, "rest/policy", { revisions_to_keep = 9 }), 4)
      :set({ retention = "two", revisions_to_keep = false })
end

-- ten alike at rest and with a session, so that syncs are shared
function builders.many(pool)
   for i = 0, 9 do
      worked(origin(pool, "rest/v" .. i), 2)
      running(worked(origin(pool, "busy/v" .. i), 2))
   end
end

-- what operations leave that were cut short (a mark that names inodes means nothing in a copy)
function builders.torn(pool)
   local dir = pool.dir .. "/"
   for _, name in ipairs({ "half", "temporary", "gone", "alive" }) do
      worked(origin(pool, "torn/" .. name), 2)
   end
   shell.must("ln half.img half.img.3@2026-01-01T00:00:00Z && : >temporary-dirty.img~a1b2c3d4", { dir = dir .. "torn" })
   shell.must("mv gone.json gone.removed && : >temporary.json~a1b2c3d4", { dir = dir .. ".byre/volume/torn" })
   running(pool:volume("torn/alive"))
   core.inject_errors({ unlinkat = core.errno.EIO, renameat = core.errno.EIO })
   assert(not pcall(pool.revert, pool, { "torn/alive" }, { discard = true }))
   core.inject_errors({})
end

-- nothing at all
function builders.empty(pool)
   dropped_in(pool, "stranger")
end

--- Build one: a directory with `pool`, another pool `other` and a file `raw`.
-- @tparam string name of a builder
-- @tparam string dir a new directory
-- @tparam table options of the pool
function trees.build(name, dir, options)
   local all = { revisions_to_keep = 2, setup_check = false }
   for key, value in pairs(options or {}) do
      all[key] = value
   end
   local pool <close> = byre.create_pool(dir .. "/pool", all)
   builders[name](pool)
   local other <close> = byre.create_pool(dir .. "/other", all)
   worked(origin(other, "foreign"), 1)
   local file <close> = assert(io.open(dir .. "/raw", "wb"))
   assert(file:write(("from outside "):rep(1000)))
end

--- Copy one; links between its files stay, blocks are shared where they can be.
function trees.copy(from, to)
   shell.must(("rm -rf %s && cp -a --reflink=auto %s %s"):format(shell.quote(to), shell.quote(from), shell.quote(to)))
end

return trees
