--- What stands outside of the catalog: files that were exported, images that are
-- going to be adopted, and those of a pool that was released.
-- @module spec.powercut.outside
local byre = require("byre")
local core = require("byre.core")

local compare = require("spec.powercut.compare")
local content = require("spec.powercut.content")
local observe = require("spec.powercut.observe")
local process = require("spec.powercut.process")
local pools = require("byre.pool")

local outside = {}

local function exports_of(pool_dir)
   return pool_dir:match("^(.*)/") .. "/exports"
end

--- Path of a file that is exported: beside the pool, on the same disk.
function outside.export_path(pool_dir, name)
   return exports_of(pool_dir) .. "/" .. name
end

local function sync_directory(path)
   local directory = assert(core.open_dir(path))
   assert(directory:sync())
   directory:close()
end

--- Make the directory for them, durably.
function outside.make_exports(pool)
   process.must("mkdir -p %s", exports_of(pool.dir))
   sync_directory((pool.dir:match("^(.*)/")))
end

--- Make the group of a volume to be a btrfs subvolume, durably, if it is not there.
function outside.make_subvolume(pool, vid)
   local group = pool.dir .. "/" .. vid:match("^(.*)/")
   process.must("test -d %s || btrfs -q subvolume create %s", group, group)
   assert(pool.store.dir:sync_filesystem())
end

-- a name as the driver of 2018 gave it; the revisions are seconds apart
local function old_name(vid, index)
   return ("%s.img@2018-03-04T05:06:%02dZ"):format(vid, index)
end

--- Put images where they are going to be adopted, durably: the committed one and
-- revisions as they were named in 2018.
-- @tparam pool pool
-- @tparam table op `vids`, `v`, `older`
function outside.drop_in(pool, op)
   local vid = op.vids[1]
   local function write(name, text)
      local path = pool.dir .. "/" .. name
      local file <close> = assert(io.open(path, "wb"))
      assert(file:write(content.image(text)))
      file:close()
      local handle = assert(core.open(path, "r"))
      assert(handle:sync())
      handle:close()
   end
   for i, text in ipairs(op.older) do
      write(old_name(vid, i), text)
   end
   write(vid .. ".img", op.v)
   sync_directory(pool.dir .. "/" .. vid:match("^(.*)/"))
end

--- Is this the name of a volume that is adopted?
function outside.is_adopted(vid)
   return vid:find("/adopted%d+$") ~= nil
end

-- what an exported file may be now: as reported, or as an export under way makes it
local function allowed_exports(model)
   local allowed = {}
   for name, text in pairs(model.exports) do
      allowed[name] = { text }
   end
   for _, pending in pairs(model.pending) do
      if pending.op.name == "export_file" then
         local before = allowed[pending.op.file] and allowed[pending.op.file][1]
         allowed[pending.op.file] = { before, pending.content, missing = not before }
      end
   end
   return allowed
end

local function export_differs(path, allowed)
   local seen = content.read(path)
   if not seen then
      return not allowed.missing and "is gone" or nil
   end
   for _, text in pairs(allowed) do
      if text == seen then
         return nil
      end
   end
   return ("is [%s]"):format(seen)
end

--- What the exported files are now that a model knows of: name -> description.
function outside.exports(pool, model)
   local found = {}
   for name in pairs(allowed_exports(model)) do
      found[name] = content.read(outside.export_path(pool.dir, name))
   end
   return found
end

--- How an exported file differs from what was reported; nil: none does.
function outside.differs(pool, model)
   for name, allowed in pairs(allowed_exports(model)) do
      local why = export_differs(outside.export_path(pool.dir, name), allowed)
      if why then
         return ("the exported file %s %s"):format(name, why)
      end
   end
end

--- How the images of a pool that is none any more differ from those it had.
-- @tparam string dir
-- @tparam model model
-- @treturn {string,...}
function outside.released_differs(dir, model)
   local list = {}
   local pool <close> = pools.open_or_imagine(dir, {})
   for vid, volume in pairs(model.volumes) do
      local seen = observe.images(pool, vid)
      local why = compare.images(seen, volume)
         or model.pool == "released" and seen.in_trash > 0 and "what was in the trash is there, and nobody knows of it"
      if why then
         list[#list + 1] = ("%s, released: %s"):format(vid, why)
      end
   end
   list[#list + 1] = outside.differs(pool, model)
   if model.pool == "released" and pool.store:stat(".byre/pool.json") then
      list[#list + 1] = "the pool was released, and is one again"
   end
   return list
end

--- Finish a release that was cut short, as its user does: once more. Nothing of byre's own is left.
function outside.finish_release(dir)
   local ok, e = pcall(byre.release_pool, dir, { lock_timeout = 1 })
   if not ok and e.code ~= "no_such_pool" then
      error(e, 0)
   end
   local handle <close> = assert(core.open_dir(dir))
   if handle:stat(".byre") then
      error("something of the pool is left in .byre: " .. process.must("find %s/.byre", dir), 0)
   end
end

return outside
