local duplicate_keys = require("byre.retention.duplicate_keys")

describe("a name that stands twice in one table", function()
   it("is found, with its line", function()
      for text, line in pairs({
         ["return policy { tz = 'UTC', keep.last(1), tz = 'CET' }"] = 1,
         ["return policy {\n keep.daily { n = 3,\n within = '2d',\n n = 4 } }"] = 4,
         ["x = { a = { b = 1 }, c = function() local b = 1 end; a = 2 }"] = 1,
         ["x = { f(1, 2), [3] = { a = 1 }, n = { a = 1 }, --[[ ]] n = 3 }"] = 1,
         ["x = { a = [[ } ]], s = '\\'}', a = 1 }"] = 1,
      }) do
         local what, where = duplicate_keys.find(text)
         assert.matches("^%w+ is given twice in one table$", what, text)
         assert.equal(line, where, text)
      end
   end)

   it("is not seen where there is none", function()
      for _, text in ipairs({
         "", "return policy { tz = 'UTC', keep.daily { n = 3 }, keep.weekly { n = 3 } }",
         "x = { a = 1, function(r) local b, a = 1, 2 a = 3 if a == b then a = 4 end return { a = a } end, b = 2 }",
         "x = { a = 1 } x = { a = 2 }", "x = { a = 1, -- a = 2\n b = 'a = 3, a = 4', c = a == 1, d = (a == 2) }",
         "x = { n = 1, --[==[ n = 2, ]] ]==] m = n }", "x = { f(a, { n = 1 }), n = 1, g{ n = 2 } }",
         "for i = 1, 2 do t = { i = 1 } end while x do y = { i = 1 } end repeat z = { i = 2 } until { i = 3 }",
         "x = { a = 1, [ a ] = 2, b.a, c[a] }", "unfinished = { a = '", "x = }}) end",
      }) do
         assert.is_nil(duplicate_keys.find(text), text)
      end
   end)
end)
