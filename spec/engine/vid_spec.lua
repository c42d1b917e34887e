local pools = require("spec.support.pools")
local vid = require("byre.vid")

local function refuses(text, reason)
   pools.fails("invalid", reason, vid.check, text)
end

describe("a volume id", function()
   it("is a path of one to eight components", function()
      for _, text in ipairs({ "a", "root", "appvms/work/private", "1/2/3/4/5/6/7/8", "A_b.c+d:e-f", "_", "+x", ":x",
         "x.", "x..y", "x-dirty/root", "img", "x.imag", ("n"):rep(100), "json/x.jsonl", "dirty", "a-dirty-b" }) do
         assert.equal(text, vid.check(text))
      end
   end)

   it("is not empty", function()
      refuses("", "byre: volume id \"\": is empty; a volume id is a path such as appvms/work/private")
   end)

   it("has no slash at its ends and no empty component", function()
      local reason = "byre: volume id %q: has an empty component; write it without a slash at either end and without //"
      for _, text in ipairs({ "/", "/a", "a/", "a//b", "//" }) do
         refuses(text, reason:format(text))
      end
   end)

   it("has no more than eight components", function()
      refuses("1/2/3/4/5/6/7/8/9", "byre: volume id \"1/2/3/4/5/6/7/8/9\": has 9 components; 8 are allowed")
   end)

   it("has components that leave room for the name of a revision", function()
      local long = ("n"):rep(101)
      refuses(long, ("byre: volume id \"%s\": has a component of 101 characters; 100 are allowed"):format(long))
      refuses("a/" .. long .. "/b",
         ("byre: volume id \"a/%s/b\": has a component of 101 characters; 100 are allowed"):format(long))
      refuses(("n"):rep(5000), ("byre: volume id \"%s...\": has a component of 5000 characters; 100 are "
         .. "allowed"):format(
         ("n"):rep(117)))
   end)

   it("has no component that starts with a dot or a dash", function()
      for _, text in ipairs({ ".", "..", "../x", "a/../b", ".byre/x", "a/.b", ".hidden" }) do
         refuses(text, ("byre: volume id %q: has a component that starts with .; components start with a letter, a "
            .. "digit, "
            .. "_, + or :"):format(text))
      end
      refuses("-n", "byre: volume id \"-n\": has a component that starts with -; components start with a letter, a "
         .. "digit, _, + or :")
   end)

   it("has no character that marks temporary files and revisions", function()
      for _, text in ipairs({ "a~b", "a@b", "a/b@1" }) do
         refuses(text, ("byre: volume id %q: contains ~ or @, which mark temporary files and revisions"):format(text))
      end
   end)

   it("has only letters, digits and _ . + : -", function()
      local cases = { ["a b"] = " ", ["a*"] = "*", ["a?b"] = "?", ["a%b"] = "%", ["\195\164"] = "\195",
         ["a\"b"] = "\\x22", ["a\\b"] = "\\x5c", ["a\nb"] = "\\x0a", ["a\0b"] = "\\x00" }
      for text, odd in pairs(cases) do
         local shown = text:gsub("[%c\"\\]", function(c) return ("\\x%02x"):format(c:byte()) end)
         refuses(text, ("byre: volume id \"%s\": contains \"%s\"; allowed are letters, digits and _ . + : -"):format(
            shown, odd))
      end
   end)

   it("does not look like an image", function()
      for _, text in ipairs({ "a.img", "a.img/b", "a.img.3", "x.imgx" }) do
         refuses(text, ("byre: volume id %q: contains .img, which marks image files"):format(text))
      end
   end)

   it("does not look like a file of the catalog", function()
      for _, text in ipairs({ "a.json", "a.json/b", "a.removed", "a.lost" }) do
         refuses(text, ("byre: volume id %q: has a component that ends in .json, .removed or .lost, which mark "
            .. "files of the "
            .. "catalog"):format(text))
      end
   end)

   it("does not share its files with another volume", function()
      refuses("vm/x-dirty", "byre: volume id \"vm/x-dirty\": ends in -dirty, which marks an image of the volume vm/x")
      refuses("x-precache", "byre: volume id \"x-precache\": ends in -precache, which marks an image of the volume x")
      refuses("x-import", "byre: volume id \"x-import\": ends in -import, which marks an image of the volume x")
   end)

   it("of another type is misuse", function()
      for _, value in ipairs({ 1, true, {} }) do
         assert.error_matches(function() vid.check(value) end, "a volume id is a string")
      end
      assert.error_matches(function() vid.check(nil) end, "a volume id is a string")
   end)

   it("has a group and a name", function()
      assert.equal("appvms/work", vid.group("appvms/work/root"))
      assert.equal("root", vid.name("appvms/work/root"))
      assert.equal("", vid.group("root"))
      assert.equal("root", vid.name("root"))
   end)
end)

describe("the name of a group", function()
   it("is empty for the volumes of one component", function()
      assert.equal("", vid.check_group(""))
      assert.equal("appvms/work", vid.check_group("appvms/work"))
   end)

   it("follows the rules of volume ids", function()
      pools.fails("invalid", "byre: group \"..\": has a component that starts with .; components start with a "
         .. "letter, a "
         .. "digit, _, + or :", vid.check_group, "..")
      pools.fails("invalid", "byre: group \"a/\": has an empty component; write it without a slash at either end and "
         .. "without //", vid.check_group, "a/")
      assert.error_matches(function() vid.check_group(1) end, "a group is a string")
   end)
end)
