local shell = require("spec.support.shell")

describe("on a terminal byre", function()
   local place
   before_each(function() place = shell.workplace() end)
   after_each(function() place.remove() end)

   it("asks before it destroys, and takes no for an answer", function()
      place:must("byre create vm/a --size 1M")
      for _, answer in ipairs({ "n\n", "\n", "yesterday\n" }) do
         local result = place:terminal("byre remove vm/a", answer)
         assert.equal("byre: remove vm/a, for good? [y/N] byre: remove: not confirmed; nothing was changed\n",
            result.out)
         assert.equal(1, result.code)
      end
      place:must("byre show vm/a")
   end)

   it("does it when the answer is yes", function()
      place:must("byre create vm/a --size 1M && byre create vm/b --size 1M")
      assert.equal(0, place:terminal("byre remove vm/a", "y\n").code)
      assert.equal(0, place:terminal("byre remove vm/b", "Yes\n").code)
      assert.equal("", place:must("byre list"))
   end)

   it("does not ask with --yes or -n", function()
      place:must("byre create vm/a --size 1M")
      assert.matches('^remove "vm/a"\n', place:terminal("byre remove -n vm/a", "").out)
      local result = place:terminal("byre remove --yes vm/a", "")
      assert.equal("", result.out)
      assert.equal(0, result.code)
   end)

   it("shows colours, unless NO_COLOR or a dumb terminal is there", function()
      place:must("byre create vm/a --size 1M && byre start vm/a")
      assert.matches("\27[33mdirty\27[0m", place:terminal("byre list").out, 1, true)
      assert.not_matches("\27", place:terminal("NO_COLOR=1 byre list").out, 1, true)
      assert.not_matches("\27", place:terminal("TERM=dumb byre list").out, 1, true)
      assert.not_matches("\27", place:terminal("byre list -H").out, 1, true)
      assert.not_matches("\27", place:terminal("byre list --json").out, 1, true)
   end)

   it("refuses to write an image onto it, or to read one from it", function()
      place:must("byre create vm/a --size 1M")
      local result = place:terminal("byre export vm/a -")
      assert.equal("byre: export: standard output is a terminal; send it to a file or a program\n", result.out)
      assert.equal(2, result.code)
      assert.equal(2, place:terminal("byre import vm/a -").code)
   end)

   it("shows how far a copy is, and takes the line away again", function()
      place:must("byre create vm/a --size 1M")
      local slow = "{ for i in 1 2 3 4 5 6; do head -c 20000000 /dev/zero; sleep 0.2; done; }"
      local result = place:terminal(slow .. " | byre import vm/a -")
      assert.matches("\rimport vm/a: [%d.]+M, [%d.]+[KMG]/s\27%[K", result.out)
      assert.matches("\r\27%[K$", result.out)
      assert.not_matches("import", place:terminal(slow .. " | byre -q import vm/a -").out, 1, true)
   end)
end)
