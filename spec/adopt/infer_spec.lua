local infer = require("byre.adopt.infer")
local tree = require("byre.adopt.tree")

local function never()
   return false
end

local function vids(volumes)
   local list = {}
   for id in pairs(volumes) do
      list[#list + 1] = id
   end
   table.sort(list)
   return list
end

describe("files of a tree", function()
   it("belong to the volume that their names tell", function()
      local volumes = tree.volumes({
         "a/p.img", "a/p-dirty.img", "a/p-precache.img", "a/p-import.img", "a/p-cow.img", "a/p-cow.img.old",
         "a/p.img.1@2020-01-01T00:00:00Z", "a/p.img@2018-01-01T00:00:00Z", "a/p.img~abcdefgh", "notes.txt",
         "disk.qcow2", "old.RAW",
      }, never)
      assert.same({ "a/p", "disk", "old" }, vids(volumes))
      assert.same({ clean = "a/p.img", dirty = "a/p-dirty.img", precache = "a/p-precache.img",
         import = "a/p-import.img", cow = "a/p-cow.img", cow_old = "a/p-cow.img.old" }, volumes["a/p"].files)
      assert.equal(1, volumes["a/p"].revisions)
      assert.equal(1, volumes["a/p"].old_revisions)
      assert.same({ { path = "disk.qcow2", format = "qcow2" } }, volumes.disk.foreign)
      assert.same({ { path = "old.RAW", format = "raw" } }, volumes.old.foreign)
   end)

   it("called -cow are images of their own unless they are stores", function()
      assert.same({ "holy-cow" }, vids(tree.volumes({ "holy-cow.img" }, never)))
      assert.same({ "holy" }, vids(tree.volumes({ "holy-cow.img" }, function() return true end)))
      assert.same({ "holy" }, vids(tree.volumes({ "holy.img", "holy-cow.img" }, never)))
   end)
end)

describe("what a volume is", function()
   local function settings_of(paths, stats, known)
      local all = {}
      for i, path in ipairs(paths) do
         all[path] = stats and stats[path] or { ino = i, dev = 1, nlink = 1 }
      end
      local inferred = infer.settings(tree.volumes(paths, never), all, known)
      local result = {}
      for id, item in pairs(inferred) do
         result[id] = item.settings or item.why
      end
      return result
   end

   it("is read off its files", function()
      local got = settings_of({ "a/private.img", "a/volatile.img", "a/used-dirty.img", "b.qcow2", "c-import.img" })
      assert.same({ snap_on_start = false, save_on_stop = true, rw = true }, got["a/private"])
      assert.same({ snap_on_start = false, save_on_stop = false, rw = true }, got["a/volatile"])
      assert.same({ snap_on_start = false, save_on_stop = true, rw = true, revisions_to_keep = -1 }, got["a/used"])
      assert.same({ snap_on_start = false, save_on_stop = true, rw = true }, got.b)
      assert.equal("it has neither an image nor a session", got.c)
   end)

   it("is a snapshot where its image is a link to that of a template", function()
      local link = { ino = 1, dev = 1, nlink = 2 }
      local got = settings_of({ "a/root.img", "a/root-dirty.img", "vm-templates/t/root.img" },
         { ["a/root.img"] = link, ["vm-templates/t/root.img"] = link })
      assert.same({ snap_on_start = true, save_on_stop = false, source = "vm-templates/t/root", rw = true },
         got["a/root"])
      assert.is_true(got["vm-templates/t/root"].save_on_stop)
   end)

   it("is what is known for sure, also without any files", function()
      local known = { snap_on_start = true, save_on_stop = false, source = "t", rw = false }
      local got = settings_of({ "a/private.img" }, nil, { ["a/private"] = known, ["a/root"] = known })
      assert.equal(known, got["a/private"])
      assert.equal(known, got["a/root"])
   end)
end)
