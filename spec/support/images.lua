--- Content of images, and two files to put it into.
local core = require("byre.core")
local assert = require("luassert")
local scratch = require("spec.core.scratch")

local images = {}

--- Bytes that differ from those of another seed at every place, none of them zero.
function images.pattern(size, seed)
   local word = ("byre %07d "):format(seed or 1)
   return word:rep(size // #word + 1):sub(1, size)
end

--- Give each example of the current block an empty directory on a file system with two
-- temporary files; remove it afterwards, and check that no descriptor is leaked.
-- @param set called with the path, the open directory and the two files
function images.each_example(fs, before_each, after_each, set)
   local path, dir, src, dst, count
   before_each(function()
      path = fs:fresh()
      count = scratch.descriptors()
      dir = assert(core.open_dir(path))
      src = assert(dir:tmpfile("src"))
      dst = assert(dir:tmpfile("dst"))
      set(path, dir, src, dst)
   end)
   after_each(function()
      core.inject_errors({})
      src:close()
      dst:close()
      dir:close()
      scratch.sh("rm -rf %s", path)
      set()
      assert.equal(count, scratch.descriptors())
   end)
end

return images
