--- A directory beside a pool that nothing may touch, made so that following a link into it would work.
local assert = require("luassert")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local outside = {}

local methods = {}
local mt = { __index = methods }

--- Copy a pool as it stands to a place outside of it.
-- @param fs
-- @param pool
-- @return an object with `dir`, `:path(name)`, `:untouched()`
function outside.new(fs, pool)
   local dir = fs:fresh()
   scratch.sh("cp -a %s/. %s && echo secret >%s", pool.dir, dir, dir .. "/secret")
   return setmetatable({ dir = dir, before = pools.listing(dir) }, mt)
end

--- Path of what stands there for a file of the pool.
function methods:path(name)
   return self.dir .. "/" .. name
end

--- Assert that it is as it was made.
-- @tparam string context
function methods:untouched(context)
   assert(self.before == pools.listing(self.dir), context)
end

-- a guest's write, by the open directory: a name would lead the spec itself outside
local function write(volume)
   local file = volume.pool.store:open(volume.vid .. "-dirty.img", "rw")
   file:write("from inside", 0)
   file:close()
end

--- Everything that an engine can do to the volumes "vm/disk" and "vm/root" of a pool, by name.
-- Each may fail; the last ones bring the pool back to where it was.
outside.operations = {
   { "start", function(pool) pool:volume("vm/disk"):start() end },
   { "write", function(pool) write(pool:volume("vm/disk")) end },
   { "resize while running", function(pool) pool:volume("vm/disk"):resize("2M") end },
   { "stop", function(pool) pool:volume("vm/disk"):stop() end },
   { "snapshot", function(pool) pool:volume("vm/disk"):snapshot({ tag = "x" }) end },
   { "annotate", function(pool) pool:volume("vm/disk"):annotate("1", { note = "x" }) end },
   { "revert", function(pool) pool:volume("vm/disk"):revert() end },
   { "resize", function(pool) pool:volume("vm/disk"):resize("3M") end },
   { "set", function(pool) pool:volume("vm/disk"):set({ revisions_to_keep = 3 }) end },
   { "set of the pool", function(pool) pool:set({ revisions_to_keep = 3 }) end },
   { "import_data", function(pool) pool:volume("vm/disk"):import_data(4096) end },
   { "import_data_end", function(pool) pool:volume("vm/disk"):import_data_end(true) end },
   { "import_file", function(pool) pool:volume("vm/disk"):import_file("/etc/os-release") end },
   { "start a batch", function(pool) pool:start({ "vm/disk", "vm/root" }) end },
   { "stop a batch", function(pool) pool:stop({ "vm/disk", "vm/root" }, { discard = true }) end },
   { "clone", function(pool) pool:volume("vm/disk"):clone("vm/clone") end },
   { "import_volume", function(pool) pool:volume("vm/clone"):import_volume(pool:volume("vm/disk")) end },
   { "rename", function(pool) pool:volume("vm/clone"):rename("vm/deep/clone") end },
   { "remove", function(pool) pool:volume("vm/deep/clone"):remove() end },
   { "create", function(pool) pools.origin(pool, "vm/new/disk") end },
   { "look", function(pool)
      for volume in pool:volumes() do
         volume:status()
         volume:files()
         volume:revisions()
      end
   end },
   { "check", function(pool) pool:check({ repair = true }) end },
   { "remove rests", function(pool) pool:remove({ "vm/clone", "vm/deep/clone", "vm/new/disk" }) end },
}

--- A pool with something in every kind of file.
function outside.pool(fs)
   local pool = pools.create(fs, { revisions_to_keep = 3, lock_timeout = 1 })
   local disk = pools.origin(pool, "vm/disk")
   pools.session(disk, "one")
   pools.session(disk, "two")
   disk:annotate("1", { tag = "kept" })
   pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
   return pool
end

return outside
