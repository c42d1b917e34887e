local family = require("byre.command.family")

-- "a<b": a has the source b
local function drawn(...)
   local records = {}
   for i, text in ipairs({ ... }) do
      local vid, source = text:match("^(%w+)<?(%w*)$")
      records[i] = { vid = vid, source = source ~= "" and source or nil }
   end
   local lines = {}
   for i, node in ipairs(family.walk(records)) do
      lines[i] = family.branch(node) .. node.record.vid
   end
   return table.concat(lines, "\n")
end

describe("the family of volumes", function()
   it("has each volume below its source, wherever their names stand", function()
      assert.equal("b\n|- a\n|  `- c\n`- d\n   |- e\n   `- f\ng", drawn("a<b", "b", "c<a", "d<b", "e<d", "f<d", "g"))
   end)

   it("begins with those whose source is not there", function()
      assert.equal("a\nb\n`- c", drawn("a<gone", "b", "c<b"))
   end)

   it("has every volume once, also in a damaged pool", function()
      assert.equal("x\na\n|- b\n`- c", drawn("a<b", "b<a", "c<a", "x"))
      assert.equal("a", drawn("a<a"))
   end)

   it("counts children", function()
      local nodes = family.walk({ { vid = "a" }, { vid = "b", source = "a" }, { vid = "c", source = "a" } })
      assert.same({ 2, 0, 0 }, { nodes[1].children, nodes[2].children, nodes[3].children })
      assert.same({ 0, 1, 1 }, { nodes[1].depth, nodes[2].depth, nodes[3].depth })
   end)
end)
