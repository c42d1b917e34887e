local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local images = require("spec.support.images")
local scratch = require("spec.core.scratch")

local KIB <const>, MIB <const>, GIB <const> = 1 << 10, 1 << 20, 1 << 30
local BLOCK <const> = 4 * KIB

local fails, pattern = scratch.fails, images.pattern

-- An image of random data, allocated zeros and holes: its content, and how many blocks hold data.
local function random_image(file)
   local size = math.random(0, 300) * BLOCK + (math.random(2) == 1 and math.random(0, BLOCK - 1) or 0)
   local parts, blocks, position = {}, 0, 0
   assert(file:truncate(0))
   while position < size do
      local run = math.min(size - position, math.random(1, 40) * BLOCK)
      local what = math.random(3)
      if what == 1 then
         parts[#parts + 1] = pattern(run, math.random(1000))
         blocks = blocks + (run + BLOCK - 1) // BLOCK
      else
         parts[#parts + 1] = ("\0"):rep(run)
      end
      if what < 3 then assert(file:write(parts[#parts], position)) end
      position = position + run
   end
   assert(file:truncate(size))
   return table.concat(parts), blocks
end

-- What a copy reports of its progress.
local function recorder()
   local calls = {}
   return function(done, total)
      calls[#calls + 1] = { done, total }
   end, calls
end

describe("byre.core copy", function()
   filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
      local path, dir, src, dst

      images.each_example(fs, before_each, after_each, function(...)
         path, dir, src, dst = ...
      end)

      it("copies any image exactly, with a block for each block of data and no more", function()
         for seed = 1, 60 do
            math.randomseed(seed)
            local content, blocks = random_image(src)
            -- over an older image, larger or smaller
            if math.random(2) == 1 then random_image(dst) end
            local written = assert(dst:copy_from(src))
            assert.equal(#content, dst:stat().size, "seed " .. seed)
            assert.is_true(content == dst:read_all(), "seed " .. seed)
            assert.is_true(written <= blocks * BLOCK and written > (blocks - 1) * BLOCK - 1, "seed " .. seed)
            local extents = dst:extents()
            -- btrfs keeps tiny files inside its metadata, others allocate beyond the end
            if #content > 64 * KIB then
               assert.is_true(extents.allocated - extents.unwritten <= blocks * BLOCK, "seed " .. seed)
            end
         end
      end)

      it("copies an empty image over a full one", function()
         assert(dst:write(pattern(MIB), 0))
         assert.equal(0, dst:copy_from(src))
         assert.equal(0, dst:stat().size)
      end)

      it("keeps a hole at the end, and one that is everything", function()
         assert(src:truncate(3 * GIB + 1))
         assert.equal(0, dst:copy_from(src))
         assert.equal(3 * GIB + 1, dst:stat().size)
         assert(src:write("data", 4096))
         assert.equal(4096, dst:copy_from(src))
         assert.equal(3 * GIB + 1, dst:stat().size)
         assert.equal("data", dst:read(4, 4096))
      end)

      it("copies far beyond 4 GiB", function()
         for _, offset in ipairs({ 0, (1 << 31) - 3, (1 << 32) - 3, 5 * GIB + 4095, (1 << 41) + 1 }) do
            assert(src:write(pattern(10, offset % 1000), offset))
         end
         assert(dst:copy_from(src))
         assert.equal((1 << 41) + 11, dst:stat().size)
         assert.equal(pattern(10, (1 << 32) % 1000 - 3), dst:read(10, (1 << 32) - 3))
         assert.equal(pattern(10, ((1 << 41) + 1) % 1000), dst:read(10, (1 << 41) + 1))
         assert.is_true(dst:stat().blocks * 512 <= 8 * BLOCK)
      end)

      it("takes what was reserved but never written for zeros", function()
         assert(src:allocate(0, MIB))
         assert(src:write(pattern(BLOCK), 512 * KIB))
         assert.equal(BLOCK, dst:copy_from(src))
         assert.equal(MIB, dst:stat().size)
         assert.equal(pattern(BLOCK), dst:read(BLOCK, 512 * KIB))
      end)

      it("reports every 16 MiB and the end", function()
         assert(src:write(pattern(MIB), 0))
         assert(src:write(pattern(40 * MIB), GIB))
         assert(src:truncate(2 * GIB))
         local progress, calls = recorder()
         assert(dst:copy_from(src, { progress = progress }))
         assert.same({ 2 * GIB, 2 * GIB }, calls[#calls])
         for i, call in ipairs(calls) do
            assert.equal(2 * GIB, call[2])
            assert.is_true(i == 1 or i == #calls or call[1] - calls[i - 1][1] >= 16 * MIB)
         end
         assert.is_true(#calls >= 4 and #calls <= 6)
         progress, calls = recorder()
         assert(src:truncate(0))
         assert(dst:copy_from(src, { progress = progress }))
         assert.same({ { 0, 0 } }, calls)
      end)

      it("stops when progress returns false", function()
         assert(src:write(pattern(40 * MIB), 0))
         local calls = 0
         fails("copy: Operation canceled", "ECANCELED", dst:copy_from(src, {
            progress = function()
               calls = calls + 1
               return false
            end,
         }))
         assert.equal(1, calls)
         fails("copy: Operation canceled", "ECANCELED",
            dst:fill_from(src, { reflink = "never", progress = function() return false end }))
      end)

      it("goes on when progress returns nothing or nil", function()
         assert(src:write(pattern(20 * MIB), 0))
         assert.equal(20 * MIB, dst:copy_from(src, { progress = function() end }))
         assert.equal(20 * MIB, dst:copy_from(src, { progress = function() return nil end }))
      end)

      it("passes on an error of progress as it is, and leaks nothing", function()
         assert(src:write(pattern(20 * MIB), 0))
         local trouble = {}
         for _ = 1, 10 do
            local ok, raised = pcall(dst.copy_from, dst, src, { progress = function() error(trouble) end })
            assert.is_false(ok)
            assert.equal(trouble, raised)
         end
      end)

      it("lets progress yield, from a file, a pipe, and where blocks cannot be shared", function()
         assert(src:write(pattern(40 * MIB), 0))
         local function positions(start)
            local list, thread = {}, coroutine.create(start)
            while true do
               local result = table.pack(coroutine.resume(thread))
               assert(result[1], result[2])
               if coroutine.status(thread) == "dead" then
                  return list, table.unpack(result, 2)
               end
               collectgarbage()
               list[#list + 1] = { result[2], result[3] }
            end
         end
         local total = 40 * MIB
         local expected = { { 16 * MIB, total }, { 32 * MIB, total }, { total, total } }
         local list, written = positions(function() return dst:copy_from(src, { progress = coroutine.yield }) end)
         assert.same({ expected, total }, { list, written })
         assert.is_true(pattern(total) == dst:read_all())
         local how, why
         list, how, why = positions(function()
            return dst:fill_from(src, { reflink = "never", progress = coroutine.yield })
         end)
         assert.same({ expected, "copied", "reflinks were not wanted" }, { list, how, why })

         assert(src:publish("content"))
         scratch.sh("mkfifo %s", path .. "/fifo")
         local writer = assert(io.popen(("cat '%s/content' >'%s/fifo'"):format(path, path)))
         local pipe = assert(core.open(path .. "/fifo", "r"))
         list, written = positions(function() return dst:copy_from(pipe, { progress = coroutine.yield }) end)
         pipe:close()
         writer:close()
         assert.same({ { { 16 * MIB }, { 32 * MIB }, { total } }, total }, { list, written })
         assert.is_true(pattern(total) == dst:read_all())
      end)

      it("asks what progress answers after it has yielded", function()
         assert(src:write(pattern(40 * MIB), 0))
         local thread = coroutine.wrap(function() return dst:copy_from(src, { progress = coroutine.yield }) end)
         assert.equal(16 * MIB, thread())
         assert.equal(32 * MIB, thread(true))
         fails("copy: Operation canceled", "ECANCELED", thread(false))

         local trouble = {}
         thread = coroutine.create(function()
            return dst:copy_from(src, { progress = function() coroutine.yield() error(trouble) end })
         end)
         assert.is_true(coroutine.resume(thread))
         assert.same({ false, trouble }, { coroutine.resume(thread) })

         local other = assert(dir:tmpfile("other"))
         thread = coroutine.wrap(function() return other:copy_from(src, { progress = coroutine.yield }) end)
         thread()
         other:close()
         fails("copy: Bad file descriptor", "EBADF", thread())
      end)

      it("leaks nothing where nobody goes on", function()
         assert(src:write(pattern(20 * MIB), 0))
         for _ = 1, 10 do
            coroutine.wrap(function() return dst:copy_from(src, { progress = coroutine.yield }) end)()
         end
         collectgarbage()
         assert.equal(16 * MIB, #dst:read_all():gsub("%z+$", ""))
      end)

      it("fails when asking for an option closes one of the files", function()
         local other = assert(dir:tmpfile("other"))
         assert(other:write("content"))
         local stranger
         local options = setmetatable({}, { __index = function()
            other:close()
            stranger = stranger or assert(dir:tmpfile("stranger"))
         end })
         fails("read: Bad file descriptor", "EBADF", dst:copy_from(other, options))
         stranger:close()
      end)

      it("stops when progress closes one of the files", function()
         assert(src:write(pattern(20 * MIB), 0))
         local other = assert(dir:tmpfile("other"))
         fails("copy: Bad file descriptor", "EBADF",
            other:copy_from(src, { progress = function() other:close() end }))
         other = assert(dir:tmpfile("other"))
         assert(other:write(pattern(20 * MIB), 0))
         fails("copy: Bad file descriptor", "EBADF",
            dst:copy_from(other, { progress = function() other:close() end }))
      end)

      it("does not follow a source that grows", function()
         assert(src:write(pattern(20 * MIB), 0))
         assert.equal(20 * MIB, dst:copy_from(src, {
            progress = function() assert(src:write(pattern(20 * MIB), src:stat().size)) end,
         }))
         assert.equal(20 * MIB, dst:stat().size)
         assert.is_true(pattern(20 * MIB) == dst:read_all())
      end)

      it("reports a source that shrinks", function()
         for _, size in ipairs({ 0, 17 * MIB, 39 * MIB }) do
            assert(src:truncate(0))
            assert(src:write(pattern(40 * MIB), 0))
            fails("source became shorter while it was read: Input/output error", "EIO",
               dst:copy_from(src, { progress = function() assert(src:truncate(size)) end }))
         end
      end)

      it("reports what the destination refuses", function()
         assert(src:write(pattern(MIB), 0))
         for _, errno in ipairs({ "ENOSPC", "EDQUOT", "EIO" }) do
            core.inject_errors({ write = core.errno[errno] })
            local written, message, err = dst:copy_from(src)
            assert.is_nil(written)
            assert.matches("^write: ", message)
            assert.equal(core.errno[errno], err)
         end
      end)

      it("refuses to copy a file onto itself", function()
         assert(src:write("content", 0))
         assert(src:publish("src"))
         local again = assert(dir:open("src", "rw"))
         fails("source and destination are the same: Invalid argument", "EINVAL", again:copy_from(src))
         assert.equal("content", src:read_all())
         again:close()
      end)

      it("reads a pipe to its end and makes holes of its zeros", function()
         local content = pattern(100 * KIB) .. ("\0"):rep(MIB) .. pattern(300 * KIB + 1) .. ("\0"):rep(70 * KIB)
         local file = assert(io.open(path .. "/content", "wb"))
         assert(file:write(content))
         file:close()
         assert(dst:write(pattern(3 * MIB), 0))
         local progress, calls = recorder()
         scratch.sh("mkfifo %s", path .. "/fifo")
         local writer = assert(io.popen(("{ head -c 777; cat; } <'%s/content' >'%s/fifo'"):format(path, path)))
         local pipe = assert(core.open(path .. "/fifo", "r"))
         assert.is_true(dst:copy_from(pipe, { progress = progress }) <= 408 * KIB)
         pipe:close()
         writer:close()
         assert.is_true(content == dst:read_all())
         assert.equal(#content, dst:stat().size)
         assert.is_true(dst:extents().allocated < MIB)
         assert.same({ { #content } }, calls)
      end)

      it("writes everything to a pipe, zeros too", function()
         local content = random_image(src) .. pattern(MIB)
         assert(src:write(pattern(MIB), #content - MIB))
         assert(src:truncate(#content + 200 * KIB))
         scratch.sh("mkfifo %s", path .. "/fifo")
         local reader = assert(io.popen(("cat '%s/fifo' >'%s/out'"):format(path, path), "r"))
         local pipe = assert(core.open(path .. "/fifo", "w"))
         assert.equal(#content + 200 * KIB, pipe:copy_from(src))
         pipe:close()
         reader:close()
         local out = assert(dir:open("out", "r"))
         assert.is_true(content .. ("\0"):rep(200 * KIB) == out:read_all())
         out:close()
      end)

      it("copies to and from block devices", function()
         local content = random_image(src) .. pattern(BLOCK)
         content = content .. ("\0"):rep(-#content % BLOCK)
         assert(src:truncate(0))
         assert(src:write(content, 0))
         assert(src:publish("src"))
         assert(dst:write(pattern(#content + 8 * MIB, 7), 0))
         assert(dst:publish("dst"))
         local from = filesystems.attach(path .. "/src", "--read-only")
         local to = filesystems.attach(path .. "/dst")
         local input, output = assert(core.open(from, "r")), assert(core.open(to, "w"))

         assert(output:copy_from(input))
         assert.equal(0, core.spawn({ "cmp", "-n", tostring(#content), from, to }).status)
         -- what lies behind the copy stays
         assert.is_true(output:sync())
         assert.is_true(pattern(#content + 8 * MIB, 7):sub(#content + 1) == dst:read(8 * MIB, #content))
         assert(output:close())

         assert(dst:truncate(0))
         assert(dst:copy_from(input))
         assert.is_true(content == dst:read_all())
         input:close()
         filesystems.detach(from)
         filesystems.detach(to)
      end)

      it("leaves nothing of what was on a block device where the image has holes", function()
         assert(src:truncate(200 * MIB + 1))
         assert(src:write(pattern(MIB), 100 * MIB))
         assert(dst:write(pattern(3 * MIB), 0))
         assert(dst:write(pattern(MIB), 199 * MIB + BLOCK))
         assert(dst:truncate(200 * MIB + BLOCK))
         assert(dst:publish("dst"))
         local device = filesystems.attach(path .. "/dst")
         local output = assert(core.open(device, "w"))
         local progress, calls = recorder()
         assert.is_true(output:copy_from(src, { progress = progress }) <= MIB + BLOCK)
         assert.same({ 200 * MIB + 1, 200 * MIB + 1 }, calls[#calls])
         assert.is_true(#calls >= 4)
         assert(output:sync())
         output:close()
         assert.is_true(("\0"):rep(3 * MIB) == dst:read(3 * MIB, 0))
         assert.is_true(pattern(MIB) == dst:read(MIB, 100 * MIB))
         assert.is_true(("\0"):rep(MIB) .. "\0" == dst:read(MIB + 1, 199 * MIB))
         -- and the space is given back
         assert.is_true(dst:extents().allocated <= 2 * MIB)
         filesystems.detach(device)
      end)

      it("refuses a block device that is too small before it writes to it", function()
         assert(src:write(pattern(2 * MIB), 0))
         assert(dst:write(pattern(MIB, 2), 0))
         assert(dst:publish("dst"))
         local device = filesystems.attach(path .. "/dst")
         local output = assert(core.open(device, "w"))
         fails("destination is smaller than the source: No space left on device", "ENOSPC", output:copy_from(src))
         output:close()
         filesystems.detach(device)
         assert.is_true(pattern(MIB, 2) == dst:read_all())
      end)

      it("reports a block device that a pipe overflows", function()
         assert(dst:truncate(MIB))
         assert(dst:publish("dst"))
         local device = filesystems.attach(path .. "/dst")
         scratch.sh("mkfifo %s", path .. "/fifo")
         local writer = assert(io.popen(("head -c 3M /dev/urandom 2>/dev/null >'%s/fifo'"):format(path), "r"))
         local pipe, output = assert(core.open(path .. "/fifo", "r")), assert(core.open(device, "w"))
         fails("write: No space left on device", "ENOSPC", output:copy_from(pipe))
         pipe:close()
         output:close()
         writer:close()
         filesystems.detach(device)
      end)
   end)

   describe("at the edges", function()
      local src, dst

      after_each(function()
         src:close()
         dst:close()
      end)

      scratch.each_example(before_each, after_each)

      before_each(function()
         src = assert(scratch.dir:tmpfile("src"))
         dst = assert(scratch.dir:tmpfile("dst"))
      end)

      it("reports a full disk", function()
         local fs, reason = filesystems.tmpfs("1m")
         if not fs then return pending(reason) end
         local dir = assert(core.open_dir(fs.dir))
         local small = assert(dir:tmpfile("small"))
         assert(src:write(pattern(2 * MIB), 0))
         fails("write: No space left on device", "ENOSPC", small:copy_from(src))
         small:close()
         dir:close()
         fs:unmount()
      end)

      it("appends to an inherited file that was opened for appending", function()
         assert(src:write(pattern(BLOCK), BLOCK))
         assert(src:truncate(3 * BLOCK))
         assert(src:publish("src"))
         scratch.file("out", "before")
         scratch.file("script", [[
            local core = require("byre.core")
            assert(assert(core.open("-", "w")):copy_from(assert(core.open(arg[1], "r"))))
         ]])
         scratch.sh(scratch.lua() .. " %s %s >>%s", scratch.path .. "/script", scratch.path .. "/src",
            scratch.path .. "/out")
         local hole = ("\0"):rep(BLOCK)
         assert.is_true("before" .. hole .. pattern(BLOCK) .. hole == scratch.content("out"))
      end)

      it("takes /dev/null for an empty stream", function()
         local null = assert(core.open("/dev/null", "r"))
         assert(dst:write("content", 0))
         assert.equal(0, dst:copy_from(null))
         assert.equal(0, dst:stat().size)
         null:close()
      end)

      it("reports a destination that is not open for writing", function()
         scratch.file("file", "content")
         local file = assert(scratch.dir:open("file", "r"))
         assert(src:write("other", 0))
         fails("empty: Invalid argument", "EINVAL", file:copy_from(src))
         assert.equal("content", scratch.content("file"))
         file:close()
      end)

      it("raises for wrong arguments and closed files", function()
         assert.error_matches(function() dst:copy_from() end, "byre.file expected, got no value")
         assert.error_matches(function() dst:copy_from(scratch.dir) end, "byre.file expected")
         assert.error_matches(function() dst:copy_from(src, 1) end, "table expected, got number")
         assert.error_matches(function() dst:copy_from(src, { progress = {} }) end,
            "progress: function expected, got table")
         local closed = assert(scratch.dir:tmpfile("closed"))
         closed:close()
         assert.error_matches(function() dst:copy_from(closed) end, "closed file")
         assert.error_matches(function() closed:copy_from(src) end, "closed file")
      end)
   end)
end)
