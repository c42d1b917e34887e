-- Every known defect has its spec, and `make test` shows the list.
local defects = require("spec.defects.table")

local directory = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")

-- id -> names of the files with a spec of this id
local function find_specs()
   local found = {}
   local pipe = assert(io.popen(("ls '%s'/*_spec.lua"):format(directory)))
   for path in pipe:lines() do
      for line in io.lines(path) do
         local id = line:match('^%s*it%("([CRB]%d+) ') or line:match('^%s*describe%("([CRB]%d+) ')
         if id then
            found[id] = found[id] or {}
            table.insert(found[id], path:match("[^/]*$"))
         end
      end
   end
   pipe:close()
   return found
end

describe("the known defects of file-reflink", function()
   it("are all there", function()
      local expected, ids = {}, {}
      for _, group in ipairs({ { "C", 9 }, { "R", 9 }, { "B", 28 } }) do
         for i = 1, group[2] do
            expected[#expected + 1] = group[1] .. i
         end
      end
      for i, defect in ipairs(defects) do
         ids[i] = defect[1]
         assert.is_true(#defect[2] > 0 and #defect[2] <= 80, defect[1])
      end
      assert.same(expected, ids)
   end)

   it("have one spec each", function()
      local found = find_specs()
      local lines = { "", "Known defects of file-reflink, and the specs that show that byre has none of them:" }
      for _, defect in ipairs(defects) do
         local id, title = table.unpack(defect)
         local files = found[id] or {}
         found[id] = nil
         assert.equal(1, #files, ("%s is in %s"):format(id, table.concat(files, ", ")))
         lines[#lines + 1] = ("  %-4s%-80s %s"):format(id, title, files[1])
      end
      assert.is_nil(next(found))
      print(table.concat(lines, "\n"))
   end)
end)
