local shell = require("spec.support.shell")

describe("debian/changelog", function()
   it("begins with the version of the library", function()
      assert.equal(require("byre").version, shell.read("debian/changelog"):match("^byre %(([^)]+)%)"))
   end)
end)
