local scratch = require("spec.core.scratch")

local BLOCK <const> = 4096

-- A block of zeros is what a copy leaves out: byre.core does not show the test itself.
describe("byre.core zero test", function()
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

   local function written(content)
      assert(src:truncate(0))
      assert(src:write(content, 0))
      local count = assert(dst:copy_from(src))
      assert.is_true(content == dst:read_all())
      return count
   end

   it("finds one bit anywhere in a block", function()
      local parts = {}
      for position = 0, BLOCK - 1 do
         parts[#parts + 1] = ("\0"):rep(position) .. string.char(1 << position % 8) .. ("\0"):rep(BLOCK - 1 - position)
      end
      assert.equal(BLOCK * BLOCK, written(table.concat(parts)))
   end)

   it("finds it in a last block of any length", function()
      for length = 1, 40 do
         for position = 0, length - 1 do
            local last = ("\0"):rep(position) .. "x" .. ("\0"):rep(length - 1 - position)
            assert.equal(length, written(("\0"):rep(BLOCK) .. last))
         end
      end
   end)

   it("finds zeros of any length", function()
      for length = 1, 40 do
         assert.equal(0, written(("\0"):rep(length)))
         assert.equal(BLOCK, written(("x"):rep(BLOCK) .. ("\0"):rep(length)))
      end
      assert.equal(0, written(("\0"):rep(1000 * BLOCK + 1)))
   end)

   it("leaves out zeros between data, block by block", function()
      for seed = 1, 50 do
         math.randomseed(seed)
         local parts, blocks = {}, 0
         for i = 1, math.random(1, 200) do
            local data = math.random(2) == 1
            parts[i] = (data and "x" or "\0"):rep(BLOCK)
            blocks = blocks + (data and 1 or 0)
         end
         assert.equal(blocks * BLOCK, written(table.concat(parts)), "seed " .. seed)
      end
   end)
end)
