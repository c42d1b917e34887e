local core = require("byre.core")
local executor = require("byre.executor")
local failure = require("byre.failure")
local filesystems = require("spec.support.filesystems")
local memory_store = require("spec.support.memory_store")
local plan = require("byre.plan")
local pools = require("spec.support.pools")

-- a store in memory that counts its syncs, and fails where it is told to
local function counting_store()
   local store = memory_store.new()
   store.count = { file = 0, directory = 0, all = 0 }
   local function sync(kind)
      return function(self)
         self.count[kind] = self.count[kind] + 1
         if self.failing == kind then
            failure.raise("io", "disk", "Input/output error", { errno = core.errno.EIO })
         end
      end
   end
   store.sync_file, store.sync_directory, store.sync_all = sync("file"), sync("directory"), sync("all")
   return store
end

local function run(store, plans, hooks)
   hooks = hooks or {}
   hooks.log = hooks.log or function() end
   return executor.run(store, plans, hooks)
end

local function commit(vid)
   return plan.new("stop", vid, {
      plan.phase({}, plan.sync(vid .. "-dirty.img")),
      plan.phase({}, plan.link(vid .. ".img", vid .. ".img.1"), plan.rename(vid .. "-dirty.img", vid .. ".img")),
   }, { plan.phase({}, plan.unlink(vid .. "-precache.img"),
      plan.clone(vid .. ".img", vid .. "-precache.img", { cache = true })) })
end

local function names(store)
   local list = {}
   for name, ino in pairs(store.names) do
      if not name:find("^%.byre/") then
         list[#list + 1] = name .. "=" .. store.inodes[ino].content
      end
   end
   table.sort(list)
   return table.concat(list, " ")
end

describe("running plans", function()
   local store

   before_each(function()
      store = counting_store()
      for i = 1, 20 do
         store:put(("vm/v%02d.img"):format(i), "clean")
         store:put(("vm/v%02d-dirty.img"):format(i), "dirty")
      end
   end)

   it("syncs the directory that a name has left before the one that it has come to", function()
      local order = {}
      store.sync_directory = function(_, path) order[#order + 1] = path end
      store:put("c/file", "entry")
      run(store, { plan.new("rename", "vm/v01", { plan.phase({}, plan.link("vm/v01.img", "b/v01.img"),
         plan.rename("c/file", "a/file")) }) })
      assert.same({ "c", "a", "b" }, order)
   end)

   local function commits(count)
      local plans = {}
      for i = 1, count do
         plans[i] = commit(("vm/v%02d"):format(i))
      end
      return plans
   end

   it("does the steps in their order and returns no error", function()
      local steps = {}
      local the_plan = commit("vm/v01")
      local errors = run(store, { the_plan }, { log = function(event)
         steps[#steps + 1] = event.step .. " " .. event.path
         assert.equal("vm/v01", event.volume)
         assert.equal("stop", event.operation)
         assert.equal("number", type(event.seconds))
      end })
      assert.is_nil(errors[the_plan])
      assert.same({ "synced vm/v01-dirty.img", "linked vm/v01.img.1", "renamed vm/v01.img",
         "reflinked vm/v01-precache.img" }, steps)
      assert.equal("dirty", store:inode("vm/v01.img").content)
      assert.equal("clean", store:inode("vm/v01.img.1").content)
   end)

   it("syncs each directory once for all plans of a batch", function()
      run(store, commits(5))
      assert.same({ file = 5, directory = 1, all = 0 }, store.count)
   end)

   it("syncs the file system instead of many files", function()
      run(store, commits(20))
      assert.equal(0, store.count.file)
      assert.equal(1, store.count.directory)
      assert.is_true(store.count.all <= 2)
   end)

   it("syncs what is on another file system one by one, and what is not together", function()
      for i = 1, 9 do
         store:put(("far/v%02d.img"):format(i), "clean")
         store:put(("far/v%02d-dirty.img"):format(i), "dirty")
      end
      function store.sync_all_covers(_, path) return path ~= "far" end
      local plans = commits(8)
      for i = 1, 9 do
         plans[8 + i] = commit(("far/v%02d"):format(i))
      end
      run(store, plans)
      -- the images; two directories
      assert.equal(9, store.count.file)
      assert.equal(2, store.count.directory)
      store.failing = "all"
      local far = plans[9]
      store:put("far/v01-dirty.img", "again")
      store:unlink("far/v01.img.1")
      local again = { far }
      for i = 9, 16 do
         again[#again + 1] = commit(("vm/v%02d"):format(i))
      end
      local errors = run(store, again)
      assert.is_nil(errors[far])
      assert.equal("io", errors[again[2]].code)
      assert.equal("io", errors[again[9]].code)
   end)

   it("stops the plan that fails and lets the others go on", function()
      store:unlink("vm/v02-dirty.img")
      local plans = commits(3)
      local errors = run(store, plans)
      assert.is_nil(errors[plans[1]])
      assert.equal("corrupt", errors[plans[2]].code)
      assert.equal("vm/v02", errors[plans[2]].volume)
      assert.is_nil(errors[plans[3]])
      assert.equal("clean", store:inode("vm/v02.img").content)
      assert.is_nil(store.names["vm/v02.img.1"])
      assert.equal("dirty", store:inode("vm/v03.img").content)
   end)

   it("takes back what a plan has done, over all of its phases", function()
      local the_plan = plan.new("op", "vm/v01", {
         plan.phase({}, plan.make_dir("vm"), plan.create("vm/new.img", 5), plan.link("vm/v01.img", "vm/link.img")),
         plan.phase({}, plan.rename("vm/v01-dirty.img", "vm/moved.img")),
         plan.phase({}, plan.rename("vm/none", "vm/nowhere")),
      })
      local before = names(store)
      assert.equal("corrupt", run(store, { the_plan })[the_plan].code)
      assert.equal(before, names(store))
   end)

   it("takes nothing back once a name was given to something else", function()
      local the_plan = plan.new("op", "vm/v01", {
         plan.phase({}, plan.link("vm/v01.img", "vm/v01.img.1"), plan.rename("vm/v01-dirty.img", "vm/v01.img")),
         plan.phase({}, plan.rename("vm/none", "vm/nowhere")),
      })
      assert.equal("corrupt", run(store, { the_plan })[the_plan].code)
      assert.equal("clean", store:inode("vm/v01.img.1").content)
      assert.equal("dirty", store:inode("vm/v01.img").content)
   end)

   describe("of which all are to be done or none", function()
      local function renaming(i, from)
         local vid, new = ("vm/v%02d"):format(i), ("new/v%02d"):format(i)
         return plan.new("rename", vid, {
            plan.phase({}, plan.make_dir("new"), plan.write(new .. ".mark", "")),
            plan.phase({}, plan.link(from or vid .. ".img", new .. ".img")),
            plan.phase({}, plan.rename(vid .. "-dirty.img", new .. "-dirty.img")),
         }, { plan.phase({}, plan.unlink(vid .. ".img")) })
      end

      it("undoes all where one fails before the first commit point", function()
         local before, plans = names(store), { renaming(1), renaming(2, "vm/none"), renaming(3) }
         local errors = run(store, plans, { all_or_none = true })
         assert.equal(before, names(store))
         for _, the_plan in ipairs(plans) do
            assert.equal("vm/v02", errors[the_plan].volume)
            assert.equal(tostring(errors[plans[2]]), tostring(errors[the_plan]))
         end
         assert.is_nil(store:stat("new"))
      end)

      it("does the others where one fails later: their new names may be durable", function()
         local plans = { renaming(1), renaming(2), renaming(3) }
         store:unlink("vm/v02-dirty.img")
         local errors = run(store, plans, { all_or_none = true })
         assert.is_nil(errors[plans[1]])
         assert.equal("vm/v02", errors[plans[2]].volume)
         assert.is_nil(errors[plans[3]])
         assert.equal("clean", store:inode("vm/v02.img").content)
         assert.is_nil(store.names["new/v02.img"])
         assert.equal("clean", store:inode("new/v03.img").content)
         assert.is_nil(store.names["vm/v03.img"])
      end)

      it("undoes nothing once the shortest plan has reached its commit point", function()
         local short, long = commit("vm/v01"), renaming(2)
         table.insert(long.phases, 3, plan.phase({}, plan.link("vm/none", "new/none")))
         long.commit = long.commit + 1
         local errors = run(store, { short, long }, { all_or_none = true })
         assert.is_nil(errors[short])
         assert.equal("dirty", store:inode("vm/v01.img").content)
         assert.equal("corrupt", errors[long].code)
      end)
   end)

   it("fails all that a failed sync was for, and does not try again", function()
      store.failing = "directory"
      local plans = commits(3)
      local errors = run(store, plans)
      for _, the_plan in ipairs(plans) do
         assert.equal("byre: disk: Input/output error", tostring(errors[the_plan]))
         assert.equal("io", errors[the_plan].code)
      end
      assert.equal(1, store.count.directory)
      -- names that may be on the disk stay as they are
      assert.equal("clean", store:inode("vm/v01.img.1").content)
   end)

   it("changes no name if the content could not be made durable", function()
      for _, case in ipairs({ { "file", 3 }, { "all", 20 } }) do
         store.failing = case[1]
         local before = names(store)
         local plans = commits(case[2])
         local errors = run(store, plans)
         for _, the_plan in ipairs(plans) do
            assert.equal("io", errors[the_plan].code)
         end
         assert.equal(before, names(store))
      end
   end)

   it("calls what fails after the commit point a warning", function()
      local warnings = {}
      function store.new_file()
         failure.raise("no_space", "vm/v01-precache.img", "No space left on device")
      end
      local the_plan = commit("vm/v01")
      local errors = run(store, { the_plan }, { log = function(event)
         if event.step == "warning" then
            warnings[#warnings + 1] = event
         end
      end })
      assert.is_nil(errors[the_plan])
      assert.equal(1, #warnings)
      assert.equal("byre: vm/v01-precache.img: No space left on device", warnings[1].message)
      assert.equal("vm/v01", warnings[1].volume)
      assert.equal("dirty", store:inode("vm/v01.img").content)
   end)

   it("says nothing of a cache that the file system cannot have", function()
      local events = {}
      local new_file = store.new_file
      function store:new_file(...)
         local made = new_file(self, ...)
         -- no reflinks: a copy would do, and is not wanted of a cache
         function made.fill_from()
            return nil, "Operation not supported", core.errno.EOPNOTSUPP, true
         end
         return made
      end
      run(store, { commit("vm/v01") }, { log = function(event) events[#events + 1] = event.step end })
      assert.same({ "synced", "linked", "renamed" }, events)
   end)

   -- an error of the log that is raised at the n-th step
   local function log_that_fails(n)
      return function()
         n = n - 1
         if n == 0 then
            error("the log is full", 0)
         end
      end
   end

   local function quiet(of)
      local fresh = of:snapshot()
      fresh.sync_file, fresh.sync_directory, fresh.sync_all = function() end, function() end, function() end
      return fresh
   end

   -- both contents are there, as before the commit or as after it
   local function check_whole(fresh, label)
      local now = names(fresh)
      local as_before = now:find("vm/v01-dirty.img=dirty", 1, true) and now:find("vm/v01.img=clean", 1, true)
      local as_after = now:find("vm/v01.img=dirty", 1, true) and now:find("vm/v01.img.1=clean", 1, true)
      assert.is_truthy(as_before or as_after, label .. ": " .. now)
   end

   it("loses nothing by an interrupt right after any change of a name, or right before it", function()
      for _, method in ipairs({ "link", "rename", "unlink" }) do
         for _, after in ipairs({ false, true }) do
            local fresh = quiet(store)
            fresh:put("vm/v01-precache.img", "old")
            fresh[method] = function(self, ...)
               fresh[method] = nil
               if after then
                  fresh[method](self, ...)
               end
               error("interrupted", 0)
            end
            local ok, e = pcall(run, fresh, { commit("vm/v01") })
            assert.is_false(ok)
            assert.equal("interrupted", e)
            check_whole(fresh, method)
         end
      end
   end)

   it("raises an error of the log as it is, and loses nothing by it", function()
      for n = 1, 4 do
         local fresh = quiet(store)
         local ok, e = pcall(run, fresh, { commit("vm/v01") }, { log = log_that_fails(n) })
         assert.is_false(ok)
         assert.equal("the log is full", e)
         check_whole(fresh, tostring(n))
      end
   end)
end)

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("a failing system call", function()
      local pool, disk

      before_each(function()
         pool = pools.create(fs)
         disk = pools.origin(pool, "vm/disk", { revisions_to_keep = 2 })
         pools.session(disk, "one")
         pools.put(disk:start(), "two")
      end)

      after_each(function()
         core.inject_errors({})
         pool:close()
      end)

      local function failing(errors, fn, ...)
         core.inject_errors(errors)
         local ok, e = pcall(fn, ...)
         core.inject_errors({})
         assert.is_false(ok, "it succeeded")
         assert.is_true(failure.is(e), tostring(e))
         return e
      end

      local function as_before(calls, code, operation)
         local before = pools.listing(pool.dir, { directory_times = false })
         for _, call in ipairs(calls) do
            local e = failing({ [call] = core.errno[code] }, operation)
            assert.equal(core.errno[code], e.errno, call)
            assert.equal(before, pools.listing(pool.dir, { directory_times = false }), call)
         end
      end

      it("in a commit leaves everything as before, and the next commit is a whole one", function()
         as_before({ "linkat", "renameat" }, "EIO", function() disk:stop() end)
         disk:stop()
         assert.equal("two", pools.committed(disk))
         assert.same({ "", "one" }, pools.history(disk))
         assert.same({ 1, 2 }, pools.numbers(disk))
      end)

      it("that loses data of a session is remembered, and the session is not committed by trying again", function()
         local images = pools.names(pool, "vm")
         local e = failing({ fsync = core.errno.EIO }, disk.stop, disk)
         assert.equal("io", e.code)
         assert.equal(images, pools.names(pool, "vm"))
         e = pools.fails("io", "byre: vm/disk: data written to it could not be brought to the disk and may be missing",
            disk.stop, disk)
         assert.is_truthy(e.hint:find("--discard", 1, true))
         assert.equal("one", pools.committed(disk))
         disk:stop({ force = true })
         assert.equal("two", pools.committed(disk))
         assert.same({ "", "one" }, pools.history(disk))
         pools.session(disk, "three")
         assert.same({}, pool:check())
      end)

      it("that loses data is remembered where its mark cannot be written either, until the session goes", function()
         failing({ fsync = core.errno.EIO, tmpfile = core.errno.EIO }, disk.stop, disk)
         assert.is_false(pools.exists(pools.path(pool, ".byre/volume/vm/disk.lost")))
         pools.fails("io", "byre: vm/disk: data written to it could not be brought to the disk and may be missing",
            disk.stop, disk)
         disk:stop({ discard = true })
         pools.session(disk, "three")
         assert.equal("three", pools.committed(disk))
      end)

      it("in a commit says what it was, of which volume", function()
         local e = failing({ renameat = core.errno.EIO }, disk.stop, disk)
         assert.equal("byre: vm/disk-dirty.img: vm/disk-dirty.img -> vm/disk.img: Input/output error", tostring(e))
         assert.equal("io", e.code)
         assert.equal("vm/disk", e.volume)
      end)

      it("in making a volume leaves nothing of it", function()
         as_before({ "fsync", "write", "linkat", "tmpfile" }, "ENOSPC", function()
            pools.origin(pool, "other/group/disk")
         end)
         assert.is_false(pools.exists(pool.dir .. "/other"))
         pools.origin(pool, "other/group/disk"):verify()
      end)

      it("in an import leaves everything as before", function()
         disk:stop()
         local path = fs:fresh() .. "/image"
         pools.write(path, ("x"):rep(8192))
         as_before({ "fsync", "linkat", "write" }, "EIO", function() disk:import_file(path) end)
      end)

      it("in a clone leaves nothing of the new volume", function()
         disk:stop()
         as_before({ "fsync", "linkat" }, "EIO", function() disk:clone("vm/copy") end)
         local listed = {}
         for volume in pool:volumes() do
            listed[#listed + 1] = volume.vid
         end
         assert.same({ "vm/disk" }, listed)
      end)

      it("in a rename leaves the old name", function()
         as_before({ "linkat", "renameat", "fsync" }, "EIO", function() disk:rename("other/disk",
            { state = "current" }) end)
         assert.equal("two", pools.get(disk:path()))
      end)

      it("after the commit point is a warning", function()
         local warnings = {}
         local logged = pools.reopen(pool, { log = function(event)
            if event.step == "warning" then
               warnings[#warnings + 1] = event.message
            end
         end })
         core.inject_errors({ unlinkat = core.errno.EIO })
         logged:volume("vm/disk"):set({ revisions_to_keep = 1 })
         logged:volume("vm/disk"):stop()
         core.inject_errors({})
         logged:close()
         assert.is_true(#warnings >= 1)
         assert.equal("two", pools.committed(disk))
         assert.same({ "", "one" }, pools.history(disk))
         -- the next commit prunes what was left
         pools.session(disk, "three")
         assert.same({ "two" }, pools.history(disk))
      end)
   end)
end)
