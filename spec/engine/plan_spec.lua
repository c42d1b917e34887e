local filesystems = require("spec.support.filesystems")
local plan = require("byre.plan")
local pools = require("spec.support.pools")

local function text(lines)
   return (lines:gsub("^\n", ""):gsub("\n%s*$", ""))
end

describe("a plan", function()
   it("leaves out phases in which nothing is done", function()
      local made = plan.new("op", "vm/disk", { {}, { plan.sync("vm/a") }, {} }, { {}, { plan.unlink("vm/b") } })
      assert.equal(2, #made.phases)
      assert.equal(1, made.commit)
      assert.is_nil(made.phases[1].cleanup)
      assert.is_true(made.phases[2].cleanup)
   end)

   it("has a barrier after each phase up to the commit point unless told otherwise, and none after it", function()
      local made = plan.new("op", "vm/disk", {
         plan.phase({}, plan.sync("a")), plan.phase({ sync = false }, plan.sync("b")),
      }, { plan.phase({}, plan.unlink("c")), plan.phase({ sync = true }, plan.unlink("d")) })
      local barriers = {}
      for i, phase in ipairs(made.phases) do
         barriers[i] = phase.sync
      end
      assert.same({ true, false, false, true }, barriers)
   end)

   it("takes steps, lists of steps and nothing", function()
      local phase = plan.phase({}, nil, plan.sync("a"), false, { plan.unlink("b"), plan.unlink("c") }, {}, nil)
      local ops = {}
      for i, step in ipairs(phase) do
         ops[i] = step.op .. " " .. step.path
      end
      assert.same({ "sync a", "unlink b", "unlink c" }, ops)
   end)

   it("is a text, with names as they are in the volume's directory", function()
      assert.equal(text([[
stop "appvms/work/private"
  1  sync       private-dirty.img
  2  link       private.img       -> private.img.4@2026-11-22T18:00:00Z
     rename     private-dirty.img -> private.img
  3  unlink     private.img.3@2026-11-21T09:00:00Z
     clone      private.img       -> private-precache.img]]),
         tostring(plan.new("stop", "appvms/work/private", {
            plan.phase({}, plan.sync("appvms/work/private-dirty.img")),
            plan.phase({}, plan.link("appvms/work/private.img", "appvms/work/private.img.4@2026-11-22T18:00:00Z"),
               plan.rename("appvms/work/private-dirty.img", "appvms/work/private.img")),
         }, {
            plan.phase({}, plan.unlink("appvms/work/private.img.3@2026-11-21T09:00:00Z"),
               plan.clone("appvms/work/private.img", "appvms/work/private-precache.img")),
         })))
   end)

   it("of nothing says so", function()
      assert.equal("start \"vm/disk\"\n  nothing to do", tostring(plan.new("start", "vm/disk", {})))
   end)
end)

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("the plan of", function()
      local pool, disk

      local function stamp(name)
         local stat = assert(pool.store:stat(name))
         return os.date("!%Y-%m-%dT%H:%M:%SZ", stat.mtime)
      end

      before_each(function()
         pool = pools.create(fs)
         disk = pools.origin(pool, "vm/disk")
      end)

      after_each(function() pool:close() end)

      -- with the precache where there is one
      local function expect(lines, made)
         assert.equal(text(lines), tostring(made))
      end

      it("create", function()
         expect([[
create "vm/new"
  1  make_dir   .byre/volume/vm
     write      .byre/volume/vm/new.removed
     make_dir   vm
  2  create     new.img (4096 bytes)
  3  write      .byre/volume/vm/new.json
  4  unlink     .byre/volume/vm/new.removed
     clone      new.img -> new-precache.img]],
            pool:plan_volume("vm/new", { size = 4096, save_on_stop = true }))
      end)

      it("start with a precache and without", function()
         if fs.reflink then
            expect([[
start "vm/disk"
  1  rename     disk-precache.img -> disk-dirty.img]], disk:plan("start"))
            pool.store:unlink("vm/disk-precache.img")
         end
         expect([[
start "vm/disk"
  1  clone      disk.img -> disk-dirty.img]], disk:plan("start"))
         disk:start()
         expect([[
start "vm/disk"
  nothing to do]], disk:plan("start"))
      end)

      it("stop", function()
         pools.session(disk, "one")
         disk:start()
         expect(([[
stop "vm/disk"
  1  sync       disk-dirty.img
  2  link       disk.img       -> disk.img.2@%s
     rename     disk-dirty.img -> disk.img
  3  unlink     %s
     clone      disk.img       -> disk-precache.img]]):format(stamp("vm/disk.img"),
            disk:revisions()[1].path:match("[^/]*$")), disk:plan("stop"))
      end)

      it("snapshot, revert and remove_revision", function()
         pools.session(disk, "one")
         local first = disk:revisions()[1].path:match("[^/]*$")
         expect(([[
snapshot "vm/disk"
  1  clone      disk.img -> disk.img.2@%s]]):format(stamp("vm/disk.img")), disk:plan("snapshot"))
         expect(([[
remove_revision "vm/disk"
  1  unlink     %s]]):format(first), disk:plan("remove_revision", "1"))
         local made = tostring(disk:plan("revert", "1"))
         assert.equal(text(([[
revert "vm/disk"
  1  link       disk.img                        -> disk.img.2@%s
     touch      %s
     rename     %s -> disk.img]]):format(stamp("vm/disk.img"), first, first)), made:match("^(.-)\n  2 "))
      end)

      it("every other operation, and changes nothing", function()
         pools.session(disk, "one")
         local before = pools.listing(pool.dir)
         for name, arguments in pairs({
            start = {}, stop = {}, remove = {}, revert = { nil, {} }, remove_revision = { "1" }, snapshot = {},
            resize = { "2M" }, set = { { rw = false } }, rename = { "vm/other" }, clone = { "vm/other" },
            import_data = { 4096 }, import_data_end = { false }, import_volume = { "vm/disk" },
         }) do
            local made = disk:plan(name, table.unpack(arguments, 1, 3))
            assert.equal(name, made.operation)
            assert.equal(name == "clone" and "vm/other" or "vm/disk", made.volume)
         end
         assert.equal(before, pools.listing(pool.dir))
      end)

      it("what there is none of is misuse", function()
         assert.error_matches(function() disk:plan("explode") end, "there is no operation explode")
      end)
   end)
end)

describe("the plan of a new pool", function()
   it("says what would be made, and makes nothing", function()
      local dir = os.tmpname()
      os.remove(dir)
      local made = tostring(require("byre").plan_pool(dir .. "/../x/"))
      assert.is_truthy(made:find("write      .byre/pool.json", 1, true), made)
      assert.is_false(pools.exists(dir))
   end)
end)
