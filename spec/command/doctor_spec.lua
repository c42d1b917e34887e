-- What byre doctor tells of a directory: on real file systems, and with calls made to fail.
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")
local shell = require("spec.support.shell")
local trials = require("byre.command.trials")

-- name -> state, name -> what was found
local function examined(dir, pool)
   local states, found = {}, {}
   for _, finding in ipairs(trials.run(dir, pool)) do
      states[finding.name], found[finding.name] = finding.state, finding.found
      assert.is_true(#finding.meaning > 20)
   end
   return states, found
end

local function nothing_left(dir)
   assert.equal("", scratch.sh("ls -A %s", dir))
end

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("byre doctor", function()
      after_each(function() core.inject_errors({}) end)

      it("finds what the file system can do, and leaves nothing behind", function()
         local dir = fs:fresh()
         local states, found = examined(dir)
         assert.equal(fs.name, found["file system"])
         assert.equal(fs.reflink and "ok" or "limited", states.reflinks)
         for _, name in ipairs({ "kernel", "file system", "files without a name", "maps of blocks", "holes",
            "rename without replacing", "openat2", "leases", "locks", "copy on write" }) do
            assert.equal("ok", states[name], name)
         end
         assert.equal(fs.name == "btrfs" and "ok" or nil, states["space for metadata"])
         nothing_left(dir)
      end)

      it("finds what it cannot do", function()
         local dir, errno = fs:fresh(), core.errno
         for name, errors in pairs({
            reflinks = { ficlone = errno.EOPNOTSUPP },
            ["files without a name"] = { tmpfile = errno.EOPNOTSUPP },
            ["rename without replacing"] = { renameat2 = errno.EINVAL },
            openat2 = { openat2 = errno.ENOSYS },
            leases = { setlease = errno.EINVAL },
            locks = { setlk = errno.ENOLCK },
         }) do
            core.inject_errors(errors)
            assert.equal(name == "locks" and "problem" or "limited", (examined(dir))[name], name)
         end
         core.inject_errors({})
         nothing_left(dir)
      end)
   end)
end)

describe("byre doctor on tmpfs", function()
   it("says that nothing is shared, and nothing survives", function()
      local fs, reason = filesystems.tmpfs("8m")
      if not fs then
         return pending(reason)
      end
      finally(function() fs:unmount() end)
      local states, found = examined(fs.dir)
      assert.equal("tmpfs", found["file system"])
      assert.same({ "limited", "limited", "limited" }, { states["file system"], states.reflinks,
         states["maps of blocks"] })
   end)
end)

describe("byre doctor on btrfs", function()
   local fs, reason = filesystems.get("btrfs")
   if not fs then
      return pending(reason)
   end

   it("tells of images that were made before it was set on their directory", function()
      local pool = pools.create(fs)
      pools.session(pools.origin(pool, "vm/old"), "content")
      assert.equal("ok", (examined(pool.dir, pool))["copy on write"])
      scratch.sh("chattr +C %s/vm", pool.dir)
      assert.equal("problem", (examined(pool.dir, pool))["copy on write"])
      local result = shell.run("build/byre doctor " .. pool.dir)
      assert.equal(1, result.code)
      assert.matches("copy on write +problem +mixed +3 images were made before the no%-copy%-on%-write attribute",
         result.out)
      -- what it says is true, and what it advises helps
      local events = {}
      local again = pools.reopen(pool, { log = function(event) events[event.step] = true end })
      again:volume("vm/old"):clone("vm/copy")
      assert.is_true(events.copied)
      again:volume("vm/old"):remove()
      assert.equal("ok", (examined(pool.dir, again))["copy on write"])
   end)

   it("looks at another user's directory, though not at another's pool", function()
      local dir = fs:fresh()
      scratch.sh("chown 1234 %s", dir)
      assert.equal(0, shell.run("build/byre doctor " .. dir).code)
      local pool = pools.create(fs)
      scratch.sh("chown 1234 %s", pool.dir)
      assert.matches("belongs to user 1234", shell.run("build/byre doctor " .. pool.dir).err)
   end)

   it("tells of a directory that has it", function()
      local dir = fs:fresh()
      scratch.sh("chattr +C %s", dir)
      local states = examined(dir)
      assert.equal("limited", states["copy on write"])
      assert.equal("ok", states.reflinks)
   end)
end)

describe("space for metadata", function()
   it("is a problem when nothing is left to take it from", function()
      local size = 100 << 30
      local function state(metadata, used, unallocated)
         return (trials.judge_metadata({ metadata = metadata << 20, metadata_used = used << 20,
            unallocated = unallocated << 20 }, size))
      end
      assert.equal("ok", state(1024, 500, 0))
      assert.equal("ok", state(1024, 1000, 5000))
      assert.equal("problem", state(1024, 1000, 0))
      assert.equal("problem", state(1024, 1100, 100))
   end)
end)

describe("byre doctor", function()
   it("takes the pool of -p, or the directory where one is", function()
      local place = shell.workplace()
      finally(place.remove)
      assert.equal(0, place:run("byre doctor").code)
      assert.equal(0, place:run("unset BYRE_POOL; byre doctor --json").code)
      assert.same({ code = 10, out = "", err = "byre: nowhere: there is no such directory\n" },
         place:run("byre doctor nowhere"))
      assert.matches('"name":"locks","state":"ok","found":"yes"', place:must("byre doctor --json pool"))
   end)
end)
