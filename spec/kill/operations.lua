--- Operations that are struck: every one of the API on every kind of volume.
--
-- Each has a `name`, the `tree` it runs in, `run(pool, dir[, vids])` (of a batch
-- only these volumes), and `units`: lists of vids that are as before or as after
-- together (a renamed volume has two).
-- `tells_inodes`: what it leaves when it is cut short means nothing in a copy of the pool, where inodes are others.
-- `keeps` names what a strike may leave halfway, and why:
--
--    session    of a volume with a source, or one that keeps nothing: one image is
--               of this session, the other of the one before; the session is
--               whole, and the next start makes both anew
--    twice      the committed image of an origin_snapshot may stand among its
--               revisions as well: the name that it was about to have
-- @module spec.kill.operations
local failure = require("byre.failure")
local trees = require("spec.kill.trees")

local operations = {}

local function add(name, tree, units, run, keeps)
   local operation = { name = name, tree = tree, units = units, run = run, keeps = keeps or {} }
   operations[#operations + 1] = operation
   return operation
end

-- an operation on one volume, by its method
local function on(vid, title, method, ...)
   local args = table.pack(...)
   local keeps = {}
   if type(args[args.n]) == "table" and args[args.n].keeps then
      keeps = args[args.n].keeps
      args.n = args.n - 1
   end
   return add(title .. " " .. vid, "kinds", { { vid } }, function(pool)
      local volume = pool:volume(vid)
      return volume[method](volume, table.unpack(args, 1, args.n))
   end, keeps)
end

local session = { keeps = { session = true } }

local function create(kind, settings)
   add("create " .. kind, "kinds", { { "new/disk" } }, function(pool)
      pool:create_volume("new/disk", settings)
   end)
end

create("origin", { size = trees.size, save_on_stop = true })
create("bare", { size = trees.size, save_on_stop = true, revisions_to_keep = -1 })
create("volatile", { size = trees.size })
create("snapshot", { snap_on_start = true, source = "tpl/root" })
create("origin_snapshot", { snap_on_start = true, save_on_stop = true, source = "tpl/root" })
add("create in an empty pool", "empty", { { "a/b/disk" } }, function(pool)
   pool:create_volume("a/b/disk", { size = trees.size, save_on_stop = true })
end)
add("adopt", "kinds", { { "rest/stranger" } }, function(pool)
   pool:adopt_volume("rest/stranger", { save_on_stop = true })
end)

add("adopt all that is there", "kinds", { { "rest/stranger" }, { "rest/past" } }, function(pool)
   local adoption <close> = require("byre").propose_adoption(pool.dir)
   -- an image that somebody has open, or of which the kernel does not say who has, is left, and said to be
   for _, item in ipairs(adoption.left) do
      if item.path == "rest/stranger" or item.path == "rest/past" then
         failure.raise("running", item.path, item.reason)
      end
   end
   local _, failures = adoption:run()
   assert(#failures == 0, failures[1] and failures[1].error)
end)
add("create from a file", "kinds", { { "new/disk" } }, function(pool, dir)
   pool:create_volume_from("new/disk", { save_on_stop = true }, dir .. "/raw", { format = "raw" })
end)

for _, name in ipairs({ "private", "cold", "zero", "bare" }) do
   on("rest/" .. name, "start", "start")
end
on("rest/both", "start", "start", session)
on("rest/root", "start", "start", session)
on("rest/twin", "start", "start", session)
on("rest/swap", "start", "start", session)
on("busy/root", "start anew", "start", session)
on("busy/twin", "start anew", "start", session)
on("busy/swap", "start anew", "start", session)

for _, name in ipairs({ "private", "zero", "bare" }) do
   on("busy/" .. name, "stop", "stop")
end
on("busy/both", "stop", "stop", { keeps = { twice = true } })
on("busy/root", "stop", "stop", session)
on("busy/twin", "stop", "stop", session)
on("busy/swap", "stop", "stop", session)
for _, name in ipairs({ "private", "zero", "both" }) do
   on("busy/" .. name, "discard", "stop", { discard = true })
end

on("rest/private", "revert", "revert")
on("rest/private", "revert to the oldest", "revert", "2")
on("rest/private", "revert to one without notes", "revert", "3")
on("tpl/root", "revert", "revert")
on("busy/private", "revert, discard", "revert", "3", { discard = true }).tells_inodes = true
on("busy/private", "revert to one with notes, discard", "revert", "2", { discard = true }).tells_inodes = true

on("rest/private", "grow", "resize", 2 * trees.size)
on("rest/private", "shrink", "resize", trees.block, { shrink = true })
on("rest/bare", "grow", "resize", 2 * trees.size)
on("busy/private", "grow", "resize", 2 * trees.size)
on("busy/private", "shrink", "resize", trees.block, { shrink = true })
on("busy/swap", "grow", "resize", 2 * trees.size, { keeps = { session = true } })
on("rest/swap", "grow", "resize", 2 * trees.size)

on("rest/private", "defrag", "defrag")
on("rest/private", "defrag within a budget", "defrag", { budget = trees.size }).needs_reflink = true
on("rest/bare", "defrag", "defrag")

on("rest/private", "snapshot", "snapshot")
on("busy/private", "snapshot", "snapshot")
on("rest/both", "snapshot", "snapshot")
on("rest/private", "snapshot with a note", "snapshot", { note = "of now" })
on("busy/private", "snapshot with a tag", "snapshot", { tag = "now", hold_until = true })
on("rest/private", "annotate", "annotate", "2", { tag = "other", note = false, hold_until = true })
on("rest/private", "remove_revision", "remove_revision", "2")
on("rest/private", "remove the newest revision", "remove_revision", "3")

on("busy/trash", "stop", "stop")
on("rest/trash", "remove_revision", "remove_revision", "3")
on("rest/trash", "remove one with notes", "remove_revision", "4")
on("rest/trash", "remove past the trash", "remove_revision", "4", { trash = false })
on("rest/trash", "restore", "restore", "2")
add("empty the trash rest/trash", "kinds", { { "rest/trash" } }, function(pool)
   pool:empty_trash({ volumes = { "rest/trash" } })
end)

on("rest/private", "set", "set", { revisions_to_keep = 0 })
on("busy/private", "set", "set", { revisions_to_keep = -1 })
on("rest/swap", "set", "set", { rw = false })

add("set of the pool", "kinds", {}, function(pool)
   pool:set({ revisions_to_keep = 7, precache = false })
end)

on("rest/private", "import_data", "import_data", trees.size)
on("rest/import", "import_data again", "import_data", trees.size)
on("rest/import", "import_data_end", "import_data_end", true)
on("rest/import", "import_data_end, discard", "import_data_end", true, { discard = true })
on("rest/import", "import_data_end, dropped", "import_data_end", false)
local function import_file(vid)
   add("import_file " .. vid, "kinds", { { vid } }, function(pool, dir)
      pool:volume(vid):import_file(dir .. "/raw", { format = "raw" })
   end)
end
import_file("rest/private")
import_file("rest/zero")
add("import_volume rest/private", "kinds", { { "rest/private" } }, function(pool)
   pool:volume("rest/private"):import_volume(pool:volume("tpl/root"))
end)
add("import_volume of another pool", "kinds", { { "rest/private" } }, function(pool, dir)
   local other <close> = require("byre").open_pool(dir .. "/other")
   pool:volume("rest/private"):import_volume(other:volume("foreign"))
end)

add("export_file rest/private", "kinds", { { "rest/private" } }, function(pool, dir)
   pool:volume("rest/private"):export_file(dir .. "/exported", { revision = "2", format = "raw" })
end)
-- what goes is shown first, and agreed to
local function prune(vid)
   add("prune " .. vid, "kinds", { { vid } }, function(pool)
      local hash = pool:prune({ volumes = { vid }, dry_run = true }).hash
      local result = pool:prune({ volumes = { vid }, confirm = hash })
      if result.failures[1] then
         error(result.failures[1].error, 0)
      end
   end)
end
prune("rest/many")
prune("rest/trash")
prune("rest/policy")

local function clone(vid, title, options)
   add(title .. " " .. vid, "kinds", { { "new/disk" } }, function(pool)
      pool:volume(vid):clone("new/disk", options)
   end)
end
clone("rest/private", "clone")
clone("busy/private", "clone the session of", { state = "current" })
clone("rest/private", "clone a revision of", { revision = "2" })
clone("rest/root", "clone")
clone("rest/both", "clone")

local function rename(vid, title, options)
   add(title .. " " .. vid, "kinds", { { vid, "new/disk" } }, function(pool)
      pool:volume(vid):rename("new/disk", options)
   end)
end
rename("rest/private", "rename")
rename("rest/trash", "rename")
rename("rest/bare", "rename")
rename("rest/swap", "rename")
rename("rest/both", "rename")
rename("busy/private", "rename the session of", { state = "current" })
rename("busy/private", "rename, committed", { state = "committed" })

local function rename_group(group, title, options)
   local units = {}
   for i = 0, 9 do
      units[i + 1] = { ("%s/v%d"):format(group, i), "new/v" .. i }
   end
   add(title .. " a group of 10", "many", units, function(pool)
      pool:group(group):rename("new", options)
   end)
end
rename_group("rest", "rename")
rename_group("busy", "rename the sessions of", { state = "current" })

for _, name in ipairs({ "private", "bare", "both", "root", "swap" }) do
   on("rest/" .. name, "remove", "remove")
end
on("busy/private", "remove", "remove")
on("busy/root", "remove", "remove")

local torn = {}
for i, name in ipairs({ "half", "temporary", "gone", "alive" }) do
   torn[i] = { "torn/" .. name }
end
add("repair", "torn", torn, function(pool) pool:check({ repair = true }) end)
add("stop of what is torn", "torn", torn, function(pool, _, remaining)
   pool:stop(remaining or { "torn/half", "torn/temporary", "torn/alive" })
end)

local function batch(method, group, count)
   local vids, units = {}, {}
   for i = 0, count - 1 do
      vids[#vids + 1] = ("%s/v%d"):format(group, i)
      units[#units + 1] = { vids[#vids] }
   end
   add(("%s of %d volumes"):format(method, count), "many", units, function(pool, _, remaining)
      pool[method](pool, remaining or vids)
   end)
end

for _, count in ipairs({ 2, 8 }) do
   batch("start", "rest", count)
   batch("stop", "busy", count)
   batch("snapshot", "busy", count)
   batch("revert", "rest", count)
   batch("remove", "rest", count)
end

return operations
