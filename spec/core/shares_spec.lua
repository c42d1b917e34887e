local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local images = require("spec.support.images")
local scratch = require("spec.core.scratch")

local KIB <const> = 1 << 10

local fails, pattern = scratch.fails, images.pattern

describe("byre.core shares", function()
   filesystems.each({ "btrfs", "xfs" }, function(fs)
      local a, b

      images.each_example(fs, before_each, after_each, function(_, _, ...)
         a, b = ...
      end)

      it("are told by the best that the file system has", function()
         assert.same({ fs.name == "btrfs" and "extents" or "fiemap", fs.name }, { core.basis(a) })
      end)

      it("count what files have, alone and together", function()
         assert(a:write(pattern(64 * KIB), 0))
         assert(b:clone_from(a))
         -- not at the end, where XFS would hold more blocks ready
         assert(b:truncate(1024 * KIB))
         assert(b:write(pattern(64 * KIB), 64 * KIB))
         local shares = assert(core.shares((core.basis(a))))
         assert.equal(1, shares:add(a))
         assert.equal(2, shares:add(b))
         assert.is_true(shares:settle())
         assert.is_false(shares:is_snapshotted())
         assert.equal(128 * KIB, shares:total())
         assert.equal(64 * KIB, shares:allocated(1))
         assert.equal(128 * KIB, shares:allocated(2))
         assert.equal(0, shares:exclusive(1))
         assert.equal(64 * KIB, shares:exclusive(2))
         assert.equal(128 * KIB, shares:union({ 1, 2, 1 }))
         assert.equal(64 * KIB, shares:union({ 1 }))
         assert.equal(0, shares:union({}))
         assert.equal(0, shares:freed())
         shares:take(2)
         shares:take(2)
         assert.equal(64 * KIB, shares:freed())
         shares:take(1)
         assert.equal(128 * KIB, shares:freed())
         shares:put_back(2)
         assert.equal(0, shares:freed())
         shares:put_back(2)
         shares:put_back(1)
         shares:take(2)
         assert.equal(64 * KIB, shares:freed())
         shares:close()
         shares:close()
      end)

      it("are those of one file system only", function()
         local other = assert(core.open("/proc/self/status", "r"))
         local shares = assert(core.shares("fiemap"))
         assert(shares:add(a))
         fails("extents: Invalid cross-device link", "EXDEV", shares:add(other))
         shares:close()
         other:close()
      end)

      it("are asked in their order", function()
         local shares = assert(core.shares("fiemap"))
         assert.error_matches(function() shares:total() end, "they have not settled")
         assert(shares:add(a))
         assert(shares:settle())
         assert.error_matches(function() shares:add(b) end, "they have settled")
         assert.error_matches(function() shares:settle() end, "they have settled")
         for _, method in ipairs({ "allocated", "exclusive", "take", "put_back" }) do
            for _, number in ipairs({ 0, 2, -1 }) do
               assert.error_matches(function() shares[method](shares, number) end, "no such file")
            end
            assert.error_matches(function() shares[method](shares, "x") end, "number expected, got string")
         end
         assert.error_matches(function() shares:union({ 2 }) end, "no such file")
         assert.error_matches(function() shares:union(1) end, "table expected, got number")
         shares:close()
         for _, method in ipairs({ "add", "settle", "total", "freed", "union", "is_snapshotted" }) do
            assert.error_matches(function() shares[method](shares, a) end, "closed shares")
         end
      end)
   end)

   describe("of wrong arguments", function()
      scratch.each_example(before_each, after_each)

      it("raise", function()
         local file, closed = assert(scratch.dir:tmpfile("file")), assert(scratch.dir:tmpfile("closed"))
         closed:close()
         assert.error_matches(function() core.shares("data") end, "it does not tell who shares what")
         assert.error_matches(function() core.shares("magic") end, "invalid option 'magic'")
         assert.error_matches(function() core.basis(1) end, "byre.file expected, got number")
         assert.error_matches(function() core.basis(closed) end, "closed file")
         assert.error_matches(function() core.shares("fiemap"):add(closed) end, "closed file")
         assert.error_matches(function() core.difference(file, closed, "data") end, "closed file")
         assert.error_matches(function() core.difference(file, file) end, "string expected, got no value")
         assert.error_matches(function() core.difference(file, 1, "data") end, "byre.file expected, got number")
         local difference = assert(core.difference(file, file, "data"))
         file:close()
         assert.error_matches(function() difference:next() end, "closed file")
         difference:close()
         assert.error_matches(function() difference:next() end, "closed difference")
      end)
   end)
end)
