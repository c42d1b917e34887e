local layout = require("byre.layout")

describe("the names of images", function()
   it("are those of file-reflink", function()
      assert.equal("vm/work/private.img", layout.image("vm/work/private", "clean"))
      assert.equal("vm/work/private-dirty.img", layout.image("vm/work/private", "dirty"))
      assert.equal("vm/work/private-precache.img", layout.image("vm/work/private", "precache"))
      assert.equal("vm/work/private-import.img", layout.image("vm/work/private", "import"))
      assert.equal("vm/work/private.img.4@2026-11-22T18:00:00Z", layout.revision("vm/work/private", 4, 1795370400))
   end)

   it("fit into a directory whatever the volume and the number", function()
      local path = layout.revision(("n"):rep(100), math.maxinteger, math.maxinteger)
      assert.is_true(#path + #"~12345678" <= 255)
   end)

   it("are told apart", function()
      local cases = {
         ["disk.img"] = "clean", ["disk-dirty.img"] = "dirty", ["disk-precache.img"] = "precache",
         ["disk-import.img"] = "import",
         ["disk.img.1@2026-11-22T18:00:00Z"] = "revision", ["disk.img.0@2026-11-22T18:00:00Z"] = "revision",
         ["disk.img@2018-01-01T00:00:00Z"] = "old_revision",
         ["disk.img~a1b2c3d4"] = "temporary", ["disk-dirty.img~a1b2c3d4"] = "temporary",
         ["disk.img.1@2026-11-22T18:00:00Z~a_b2c3d4"] = "temporary",
         ["disk.img.x@2026-11-22T18:00:00Z"] = "stray", ["disk.img.1@2026-11-22T18:00:00"] = "stray",
         ["disk.img.1@2026-02-30T18:00:00Z"] = "stray", ["disk.img.1@2@2026-11-22T18:00:00Z"] = "stray",
         ["disk.img.-1@2026-11-22T18:00:00Z"] = "stray", ["disk.img.1@2026-11-22T18:00:00+00:00Z"] = "stray",
         ["disk.img.99999999999999999999@2026-11-22T18:00:00Z"] = "stray",
         ["disk.img.@2026-11-22T18:00:00Z"] = "stray",
      }
      for name, role in pairs(cases) do
         assert.equal(role, (layout.parse("vm/disk", name)), name)
      end
   end)

   it("of other volumes and of nobody are none of a volume's", function()
      for _, name in ipairs({ "disk2.img", "disk-x.img", "disk2-dirty.img", "disk2.img~a1b2c3d4", "disk", "dis.img",
         "disk.img.bak", "disk.img~", "disk.img~1", "disk.img~ABCDEFGH", "disk.img.orig~a1b2c3d4", "disk.image",
         "disk.img.x@y~a1b2c3d4", "adisk.img" }) do
         assert.is_nil((layout.parse("vm/disk", name)), name)
      end
   end)

   it("of revisions say number and time", function()
      local revisions, others = layout.find_revisions("vm/disk", { "disk.img.012@2026-11-22T18:00:00Z", "disk.img",
         "disk.img.9@2000-02-29T00:00:00Z", "disk.img.12@2026-11-22T18:00:01Z", "x" })
      assert.same({
         { id = "9", seq = 9, time = 951782400, path = "vm/disk.img.9@2000-02-29T00:00:00Z" },
         { id = "012", seq = 12, time = 1795370400, path = "vm/disk.img.012@2026-11-22T18:00:00Z" },
         { id = "12", seq = 12, time = 1795370401, path = "vm/disk.img.12@2026-11-22T18:00:01Z" },
      }, { revisions[1], revisions[2], revisions[3], revisions[4] })
      assert.same({ "disk.img", "x" }, others)
      assert.equal("disk.img.1@2026-11-22T18:00:00Z",
         layout.find_revisions("disk", { "disk.img.1@2026-11-22T18:00:00Z" })[1].path)
   end)
end)

describe("the catalog", function()
   it("has a file and a lock that no volume of another name shares", function()
      assert.equal(".byre/volume/vm/disk.json", layout.entry("vm/disk"))
      assert.equal(".byre/volume/vm/disk.removed", layout.removed("vm/disk"))
      assert.equal(".byre/lock/vm/.lock", layout.lock("vm"))
      assert.equal(".byre/lock/.lock", layout.lock(""))
   end)
end)

describe("a path", function()
   it("has a directory and a last component", function()
      local cases = { ["a/b/c"] = { "a/b", "c" }, ["c"] = { ".", "c" }, ["/c"] = { "/", "c" }, ["/a/c"] = { "/a",
         "c" } }
      for path, expected in pairs(cases) do
         assert.same(expected, { layout.directory(path), layout.basename(path) })
      end
   end)
end)
