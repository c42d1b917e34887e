-- What a copy costs the machine besides time: memory of its own, and what it leaves in the page cache.
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local images = require("spec.support.images")
local scratch = require("spec.core.scratch")
local shell = require("spec.support.shell")

local MIB <const> = 1 << 20

-- bytes of a file that are in memory
local function cached(path)
   return tonumber((shell.must("fincore --bytes --noheadings --output RES " .. shell.quote(path))))
end

-- take a file out of memory, once it is on the disk
local function make_cold(path)
   shell.must(("sync %s && dd if=%s iflag=nocache count=0 status=none"):format(shell.quote(path), shell.quote(path)))
end

local function count_calls(trace, pattern)
   local count = 0
   for line in io.lines(trace) do
      count = count + (line:find(pattern) and 1 or 0)
   end
   return count
end

describe("byre.core copy", function()
   filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
      local path, src, dst

      images.each_example(fs, before_each, after_each, function(...)
         local _
         path, _, src, dst = ...
      end)

      -- the two files with names, so that other programs find them
      local function image(megabytes)
         for i = 0, megabytes - 1 do
            assert(src:write(images.pattern(MIB, i), i * MIB))
         end
         assert(src:publish("src"))
         assert(dst:publish("dst"))
         return path .. "/src", path .. "/dst"
      end

      it("takes what it brought into memory out again, and nothing else", function()
         local from = image(64)
         make_cold(from)
         assert(src:read(2 * MIB, 40 * MIB))
         local before = cached(from)
         assert.is_true(before >= 2 * MIB and before < 64 * MIB)
         assert(dst:copy_from(src))
         assert.is_true(cached(from) <= before)
         assert.is_true(cached(from) >= 2 * MIB)
         assert.is_true(dst:read(MIB, 63 * MIB) == images.pattern(MIB, 63))
      end)

      it("leaves little of a copy in memory that is going to be synced", function()
         local _, to = image(96)
         assert(dst:copy_from(src, { durable = true }))
         assert.is_true(cached(to) <= 48 * MIB)
         assert(dst:copy_from(src))
         assert.is_true(cached(to) >= 90 * MIB)
      end)

      it("asks nothing of the memory where the source is in it, and reads large pieces", function()
         local from, to = image(32)
         assert(src:read(32 * MIB, 0))
         local trace, script = os.tmpname(), os.tmpname()
         shell.write(script, [[
            local core = require("byre.core")
            local from, to = core.open(arg[1], "r"), core.open(arg[2], "w")
            assert(to:copy_from(from))
         ]])
         -- LeakSanitizer cannot work in what is traced
         shell.must(("strace -E ASAN_OPTIONS=detect_leaks=0 -f -o %s -e trace=fadvise64,pread64,pwrite64 %s %s %s %s")
            :format(trace, scratch.lua(), script, from, to))
         assert.equal(0, count_calls(trace, "fadvise64%("))
         assert.equal(128, count_calls(trace, "pread64%(.*= 262144$"))
         assert.equal(128, count_calls(trace, "pwrite64%("))
         os.remove(trace)
         os.remove(script)
      end)
   end)

   it("needs the same little memory whatever the size", function()
      local fs, reason = filesystems.get("ext4")
      if not fs then return pending(reason) end
      local path = fs:fresh()
      shell.must(("truncate -s 64G %s/src"):format(path))
      local dir = assert(core.open_dir(path))
      local src = assert(dir:open("src", "rw"))
      for i = 0, 255 do
         assert(src:write(images.pattern(MIB // 2), i * 256 * MIB))
      end
      src:close()
      dir:close()
      local process = scratch.process([[
         local core = require("byre.core")
         local from, to = core.open(arg[1] .. "/src", "r"), core.open(arg[1] .. "/dst", "w")
         assert(to:copy_from(from, { durable = true }))
         for line in io.lines("/proc/self/status") do
            local peak = line:match("^VmHWM:%s*(%d+) kB")
            if peak then print(peak) end
         end
      ]], path)
      local peak = tonumber(process.line)
      process.finish()
      assert.is_true(peak < 16 * 1024, peak .. " KiB")
      scratch.sh("rm -r %s", path)
   end)
end)
