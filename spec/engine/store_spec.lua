-- What the store says of files that went away while somebody looked.
local core = require("byre.core")
local files = require("byre.store.files")
local scratch = require("spec.core.scratch")

describe("the store", function()
   local store
   scratch.each_example(before_each, after_each, function() store:close() end)
   before_each(function()
      store = files.new(assert(core.open_dir(scratch.path)), "pool")
      scratch.file("there", "content")
   end)

   it("knows of no writer of a file that is gone", function()
      assert.is_nil(store:find_writer("gone"))
      assert.is_nil(store:find_writer("there"))
   end)

   it("knows of no blocks of a file that is gone", function()
      assert.is_false(store:same_extents("there", "gone"))
      assert.is_false(store:same_extents("gone", "there"))
   end)

   it("compares two files by what is in them", function()
      scratch.file("again", "content")
      scratch.file("other", "c0ntent")
      scratch.file("longer", "content\0")
      assert.is_true(store:same_content("there", "again"))
      assert.is_false(store:same_content("there", "other"))
      assert.is_false(store:same_content("there", "longer"))
      assert.has_error(function() store:same_content("there", "gone") end)
   end)

   it("still refuses what is no file", function()
      assert(store.dir:make_dir("dir", 448))
      assert.has_error(function() store:find_writer("dir") end)
      assert.has_error(function() store:same_extents("there", "dir") end)
   end)
end)
