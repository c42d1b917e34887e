-- Known defects B1, B2, B14, B15, B17, B21, B23, B26, B27: wrong answers and wrong failures.
local byre = require("byre")
local child = require("spec.defects.child")
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local images = require("spec.support.images")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")
local shell = require("spec.support.shell")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   after_each(function() core.inject_errors({}) end)

   it("B1 whether blocks can be shared is tried with data that is on the disk, and the copy is read", function()
      local dir = fs:fresh()
      local trace = dir .. "/trace"
      local answer = scratch.sh([[strace -o %s -e trace=write,pwrite64,fsync,ioctl,pread64 %%lua -e %s 2>&1]], trace,
         ("io.write(tostring(require('byre').reflink_supported(%q)))"):format(dir))
      assert.equal(tostring(fs.reflink), answer)
      local calls, sizes = {}, {}
      for line in io.lines(trace) do
         local call, fd = line:match("^(%w+)%((%d+)")
         if call == "ioctl" and line:find("FICLONE", 1, true) then
            table.insert(calls, "clone " .. line:match("FICLONE, (%d+)"))
         elseif call and call:find("write") and tonumber(fd) > 2 then
            sizes[fd] = (sizes[fd] or 0) + tonumber(line:match("= (%d+)$"))
         elseif call == "fsync" then
            table.insert(calls, call .. " " .. fd)
         elseif call == "pread64" and #calls == 2 then
            table.insert(calls, call)
         end
      end
      local source = calls[1]:match("%d+")
      assert.is_true(sizes[source] >= 4096)
      assert.same({ "fsync " .. source, "clone " .. source, fs.reflink and "pread64" or nil }, calls)
   end)

   it("B14 an import that cannot be kept leaves nothing", function()
      local pool = pools.create(fs)
      local outside = fs:fresh() .. "/image"
      pools.write(outside, "image")
      local gone = pools.origin(pool, "vm/gone")
      gone:remove()
      local source = pools.origin(pool, "tpl/root")
      for _, call in ipairs({
         function() gone:import_data(4096) end,
         function() gone:import_file(outside) end,
         function() gone:import_volume(source) end,
      }) do
         pools.refuses(pool, "no_such_volume", "byre: vm/gone: no such volume in this pool", call)
      end
      local before = pools.listing(pool.dir, { directory_times = false })
      local ok, e = child.with_errors({ write = "EIO", fsync = "EIO" }, source.import_file, source, outside)
      assert.equal("io", not ok and e.code)
      assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
      pool:close()
   end)

   it("B15 whatever fails raises one kind of error, with a code and a sentence", function()
      local pool = pools.create(fs)
      local volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 0 })
      local snapshot = pool:create_volume("vm/root", { snap_on_start = true, source = "vm/disk" })
      pools.fails("no_such_revision", "byre: vm/disk: it has no revisions", volume.revert, volume)
      pools.fails("no_such_revision", "byre: vm/disk: no revision \"9\"", volume.revert, volume, "9")
      pools.fails("no_such_volume", "byre: vm/none: no such volume in this pool", pool.volume, pool, "vm/none")
      pools.fails("no_such_volume", "byre: vm/new: its source other/disk is not in this pool", pool.create_volume, pool,
         "vm/new", { snap_on_start = true, source = "other/disk" })
      pools.fails("not_supported", "byre: vm/root: cannot export a snapshot volume: it keeps nothing when it stops",
         snapshot.export, snapshot)
      local ok, e = child.with_errors({ tmpfile = "ENOSPC" }, snapshot.start, snapshot)
      assert.is_true(not ok and byre.is_error(e))
      assert.same({ "no_space", core.errno.ENOSPC }, { e.code, e.errno })
      pool:close()
   end)

   it("B17 every file of a volume is counted, and a kept revision costs no copy", function()
      local pool = pools.create(fs)
      local volume = pools.origin(pool, "vm/disk")
      for seed = 1, 2 do
         pools.put(volume:start(), images.pattern(pools.size, seed))
         volume:stop()
      end
      local roles, used = {}, 0
      for _, file in ipairs(volume:files()) do
         roles[#roles + 1] = file.role
         used = used + file.used
         assert.is_true(file.used >= pools.size, file.role)
      end
      table.sort(roles)
      assert.same(fs.reflink and { "clean", "precache", "revision" } or { "clean", "revision" }, roles)
      local real = 0
      for blocks in scratch.sh("find %s -type f -printf '%%b\\n'", pools.path(pool, "vm")):gmatch("%d+") do
         real = real + blocks * 512
      end
      assert.equal(real, used)
      pool:close()
   end)

   it("B21 a clone that fails half-way takes everything back and says what went wrong", function()
      local is_full = false
      local pool = pools.create(fs, { log = function(event)
         -- the entry in the catalog is there, the image is not
         if is_full and event.step == "written" then
            core.inject_errors({ linkat = core.errno.ENOSPC, linkat_empty_path = core.errno.ENOSPC })
         end
      end })
      local volume = pools.origin(pool, "vm/disk")
      pools.session(volume, "one")
      local before = pools.listing(pool.dir, { directory_times = false })
      is_full = true
      local ok, e = pcall(volume.clone, volume, "new/disk")
      is_full = false
      core.inject_errors({})
      assert.is_false(ok)
      assert.equal("no_space", e.code)
      assert.is_truthy(tostring(e):find("^byre: new/disk.*: No space left on device$"), tostring(e))
      assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
      assert.equal("one", pools.committed(volume:clone("new/disk")))
      pool:close()
   end)

   it("B23 the tables that byre is given stay as they were", function()
      local options = { revisions_to_keep = 2, setup_check = fs.reflink }
      local pool = byre.create_pool(fs:fresh() .. "/pool", options)
      local settings = { size = "1M", save_on_stop = true }
      local volume = pool:create_volume("vm/disk", settings)
      pool:create_volume("vm/other", settings)
      local changes = { revisions_to_keep = 5 }
      volume:set(changes)
      volume:start()
      assert.same({ revisions_to_keep = 2, setup_check = fs.reflink }, options)
      assert.same({ size = "1M", save_on_stop = true }, settings)
      assert.same({ revisions_to_keep = 5 }, changes)
      pool:close()
   end)

   it("B27 a snapshot volume is removed whether it is stopped, runs or never ran", function()
      local pool = pools.create(fs)
      pools.session(pools.origin(pool, "tpl/root"), "one")
      for _, prepare in ipairs({
         function() end,
         function(volume) volume:start() end,
         function(volume) volume:start() volume:stop() end,
      }) do
         local volume = pool:create_volume("vm/root", { snap_on_start = true, source = "tpl/root" })
         prepare(volume)
         volume:remove()
         assert.equal(".byre tpl", pools.names(pool))
      end
      assert.same({}, pool:check())
      pool:close()
   end)
end)

describe("B2 the directory of a volume may be", function()
   -- volumes of two groups of which one is somewhere else, and all that goes from one to the other
   local function lives(pool)
      local source = pools.origin(pool, "tpl/root", { revisions_to_keep = 2 })
      pools.session(source, "one")
      for _, saves in ipairs({ false, true }) do
         local snapshot = pool:create_volume("vm/root", { snap_on_start = true, save_on_stop = saves,
            source = "tpl/root" })
         assert.equal("one", pools.get(snapshot:start()))
         assert.is_false(snapshot:is_outdated())
         pools.session(source, "two")
         assert.is_true(snapshot:is_outdated())
         pools.put(snapshot:path(), "mine")
         snapshot:stop()
         assert.equal("two", pools.get(snapshot:start()))
         pools.session(source, "one")
         snapshot:remove()
      end
      local disk = pools.origin(pool, "vm/disk", { revisions_to_keep = 2 })
      pools.session(disk, "three")
      pools.put(disk:start(), "extra")
      disk:rename("tpl/disk", { state = "current" })
      assert.same({ "three", "extra", "" }, { pools.committed(disk), pools.get(disk:start()), pools.history(disk)[1] })
      disk:rename("vm/disk", { state = "current" })
      disk:stop()
      assert.equal("extra", pools.committed(disk))
      assert.same({ "", "three" }, pools.history(disk))
      assert.equal("extra", pools.committed(disk:clone("tpl/copy")))
      pool:start({ "vm/disk", "tpl/copy", "tpl/root" })
      pool:stop({ "vm/disk", "tpl/copy", "tpl/root" })
      pool:remove({ "vm/disk", "tpl/copy", "tpl/root" })
      assert.same({}, pool:check())
   end

   local function sharing(fs)
      local copied = {}
      return pools.create(fs, { log = function(event)
         copied[#copied + 1] = event.step == "copied" and event.path or nil
      end }), copied
   end

   filesystems.each({ "btrfs" }, function(fs)
      it("a subvolume", function()
         local pool, copied = sharing(fs)
         scratch.sh("btrfs -q subvolume create %s", pools.path(pool, "vm"))
         lives(pool)
         assert.same({}, copied)
         pool:close()
      end)
   end)

   filesystems.each({ "btrfs", "xfs" }, function(fs)
      it("another mount of the same file system", function()
         local pool, copied = sharing(fs)
         local mounted = pools.path(pool, "vm")
         scratch.sh("mkdir %s && mount --bind %s %s", mounted, fs:fresh(), mounted)
         local ok, e = pcall(lives, pool)
         pool:close()
         collectgarbage()
         scratch.sh("umount %s", mounted)
         assert.is_true(ok, tostring(e))
         assert.same({}, copied)
      end)
   end)
end)

describe("B26 the number of the clone request", function()
   local dir

   before_each(function() dir = shell.temporary_directory() end)
   after_each(function() shell.remove(dir) end)

   -- What clone.c calls where requests are numbered as `ioctl_h` says.
   local function number(ioctl_h)
      shell.must(("mkdir -p %s/asm"):format(dir))
      shell.write(dir .. "/asm/ioctl.h", ioctl_h .. "\n#include <asm-generic/ioctl.h>\n")
      local text = shell.must(("cc -E -P -D_GNU_SOURCE -isystem %s -Icsrc csrc/clone.c"):format(dir))
      local request = text:match("ioctl%(dst, (.-), src%)")
      shell.write(dir .. "/number.c", ('#include <stdio.h>\nint main(void) { printf("%%#lx", (unsigned long)(%s)); }\n')
         :format(request))
      return shell.must(("cc -w -o %s/number %s/number.c && %s/number"):format(dir, dir, dir))
   end

   it("is the kernel's on every architecture, not one of a list of machines", function()
      -- x86, ARM, RISC-V, s390 and most others; then PowerPC, MIPS, SPARC, Alpha
      assert.equal("0x40049409", number(""))
      assert.equal("0x80049409", number("#define _IOC_SIZEBITS 13\n#define _IOC_DIRBITS 3\n#define _IOC_NONE 1U\n"
         .. "#define _IOC_READ 2U\n#define _IOC_WRITE 4U"))
      local named = shell.run("grep -rniE '40049409|80049409|x86_64|aarch64|ppc64|powerpc|uname' csrc lua")
      assert.equal("", named.out)
   end)
end)
