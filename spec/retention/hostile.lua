--- Scripts that want more than to judge, and what has to end each of them:
-- `limit`, or `message` for what is an error like any other.
return {
   -- endless loops
   { "a loop", "while true do end", limit = "instructions" },
   { "a loop with goto", "::again:: goto again", limit = "instructions" },
   { "a loop counting to infinity", "for i = 1, math.huge do end", limit = "instructions" },
   { "a loop of calls", "local function f() end repeat f() until false", limit = "instructions" },
   { "endless tail calls", "local function f() return f() end return f()", limit = "instructions" },
   { "a loop inside pcall", "pcall(function() while true do end end) return {}", limit = "instructions" },
   { "a loop that catches its own end", "while true do pcall(function() while true do end end) end",
      limit = "instructions" },
   { "nested pcalls that go on after the end", [[
      local function again(n)
         if n > 0 then pcall(again, n - 1) end
         while true do end
      end
      again(150)]], limit = "instructions" },
   { "branching recursion", "local function f() pcall(f) pcall(f) end f()", limit = "instructions" },
   { "a loop in a coroutine", "coroutine.wrap(function() while true do end end)()", limit = "instructions" },
   { "a loop of coroutines", [[
      while true do
         coroutine.resume(coroutine.create(function() for i = 1, 900 do end end))
      end]], limit = "instructions" },
   { "a coroutine resumed after the end", [[
      local thread = coroutine.create(function() while true do coroutine.yield() end end)
      pcall(function() while true do end end)
      while true do coroutine.resume(thread) end]], limit = "instructions" },
   { "a loop in a coroutine inside pcall in a coroutine", [[
      local wrap = coroutine.wrap
      wrap(function() pcall(wrap(function() while true do end end)) while true do end end)() ]],
      limit = "instructions" },
   { "a loop in a comparison of sort", "table.sort({ 1, 2, 3 }, function() while true do end end)",
      limit = "instructions" },
   { "an endless iterator", "for _ in function() return 1 end do end", limit = "instructions" },
   { "a loop after the result is known", [[
      local done = pcall(function() while true do end end)
      return { verdict = "expire" }]], limit = "instructions" },
   { "sorting over and over", [[
      local list = {}
      for i = 1, 60000 do list[i] = (i * 7919) % 60013 end
      while true do table.sort(list) table.sort(list, function(a, b) return a > b end) end]],
      limit = "either" },
   { "comparing long texts over and over", [[
      local a = string.rep("x", 1048576)
      local b, c = a .. "y", a .. "z"
      while true do local same = b == c, b < c end]], limit = "either" },
   { "searching over and over", [[
      local text = string.rep("a", 60000)
      local wanted = string.rep("a", 250) .. "b"
      while true do string.find(text, wanted) end]], limit = "either" },

   -- memory
   { "a table without end", "local t, i = {}, 0 while true do i = i + 1 t[i] = { i } end", limit = "memory" },
   { "a text that doubles", "local s = 'x' while true do s = s .. s end", limit = "memory" },
   { "a text that doubles inside pcall", [[
      local s = "x"
      while true do pcall(function() s = s .. s end) end]], limit = "memory" },
   { "a table without end in a coroutine inside pcall", [[
      pcall(coroutine.wrap(function() local t = {} for i = 1, math.huge do t[i] = "n" .. i end end))
      return {}]], limit = "memory" },
   { "texts without end", "local t = {} for i = 1, math.huge do t[i] = string.rep('x', 100000) .. i end",
      limit = "memory" },
   { "coroutines without end", [[
      local t = {}
      for i = 1, math.huge do t[i] = coroutine.create(function() end) end]], limit = "memory" },
   { "closures without end", "local f for i = 1, math.huge do local g = f f = function() return g end end",
      limit = "memory" },
   { "string.rep of a gigabyte", "return string.rep('x', 1 << 30)", message = "would be longer than 1048576 bytes" },
   { "string.rep of nothing, for ever", "string.rep('', math.maxinteger) while true do end", limit = "instructions" },
   { "string.rep with a long separator", "return string.rep('', 1 << 40, 'abc')",
      message = "would be longer than 1048576 bytes" },
   { "string.format with a vast width", "return string.format('%99999999d', 1)", message = "invalid" },
   { "string.format with a long template", "return string.format(string.rep('%99d', 2000), 1)",
      message = "longer than 4096 bytes" },
   { "table.concat over a huge range", "return table.concat({}, 'x', 1, 1 << 53)", message = false },
   { "table.unpack over a huge range", "return table.unpack({}, 1, 1 << 40)", message = false },
   { "table.insert into a list with a border at infinity", [[
      local t = {}
      for i = 0, 62 do t[1 << i] = true end
      table.insert(t, 1, 0) while true do end]], limit = "either" },
   { "table.remove from a list with a border at infinity", [[
      local t = { 1, 2, 3, 4 }
      for i = 2, 62 do t[1 << i] = true end
      table.remove(t, 1) while true do end]], limit = "either" },
   { "select from the far end", "return select(math.mininteger, 1)", message = "out of range" },
   { "a list of too many entries to walk", [[
      local t = {}
      for i = 1, 70000 do t["k" .. i] = true end
      for _ in pairs(t) do end]], message = "more than 65536 entries" },
   { "too many results", "local t = {} for i = 1, 60000 do t[i] = i end return string.char(table.unpack(t))",
      message = "out of range" },

   -- the stack
   { "deep recursion", "local function f() return 1 + f() end return f()", limit = "memory" },
   { "deep recursion inside pcall", [[
      local function f() return 1 + f() end
      while true do pcall(f) end]], limit = "memory" },
   { "recursion through sort", [[
      local function f() table.sort({ 1, 2 }, f) end
      f()]], limit = "stack" },
   { "a script nested too deeply", "return " .. ("("):rep(300) .. "1" .. (")"):rep(300), limit = "stack" },
   { "more constants than fit", "local t = {" .. ("1.5,"):rep(200000) .. "} while true do end", limit = "either" },

   -- error objects
   { "an error that is a table", "error({})", message = "the error object is a table" },
   { "an error that is a function", "error(function() while true do end end)",
      message = "the error object is a function" },
   { "an error that is nil", "error(nil)", message = "the error object is a nil" },
   { "an error of a megabyte", "error(string.rep('x', 1000000))", message = "xxx" },
   { "an error in another error's place", "error('line\\nbreak\\27[31m')", message = "line" },

   -- ways out
   { "bytecode", string.dump(function() return {} end), message = "attempt to load a binary chunk" },
   { "load", "return load('return 1')", message = "global 'load'" },
   { "require", "return require('byre.core')", message = "global 'require'" },
   { "io", "return io.open('/etc/passwd')", message = "global 'io'" },
   { "os", "os.execute('true')", message = "global 'os'" },
   { "debug", "return debug.getregistry()", message = "global 'debug'" },
   { "package", "return package.loadlib", message = "global 'package'" },
   { "dofile", "return dofile('/etc/passwd')", message = "global 'dofile'" },
   { "collectgarbage", "return collectgarbage('stop')", message = "global 'collectgarbage'" },
   { "the metatable of strings", "return getmetatable('').__index", message = "global 'getmetatable'" },
   { "patterns through a method of a string", "return ('x'):match('.')", message = "method 'match'" },
   { "string.dump through a method of a string", "return ('x'):dump()", message = "method 'dump'" },
   { "a new method for all strings", "(('').rep).x = 1", message = "attempt to index" },
   { "the string library, spoilt for others", "string.rep = nil string = nil return ('x'):rep(1 << 40)",
      message = "would be longer" },
   { "a finalizer", "setmetatable({}, { __gc = function() while true do end end })",
      message = "global 'setmetatable'" },
   { "a closing value", "local x <close> = { 1 }", message = "got a non-closable value", lua = "Lua 5.4" },
   { "xpcall with a loop as its handler", [[
      xpcall(function() while true do end end, function() while true do end end)]], message = "global 'xpcall'" },
   { "rawset", "rawset({}, 1, 1)", message = "global 'rawset'" },
   { "table.move over a huge range", "table.move({}, 1, 1 << 60, 2)", message = "field 'move'" },
   { "string.gsub", "return string.gsub('x', '.-', 'y')", message = "field 'gsub'" },
   { "string.pack", "return string.pack('s', 'x')", message = "field 'pack'" },
   { "an address", "return string.format('%p', {})", message = "there is no %p here" },
   { "randomness", "return math.random()", message = "field 'random'" },
   { "a result that is a function", "return function() end", message = "only nil, booleans, numbers" },
   { "a result that holds itself", "local t = {} t.t = t return t", message = "in itself" },
   { "a result that is too deep", "local t = {} for i = 1, 100 do t = { t } end return t", message = "too deeply" },
   { "our modules, by a global of theirs", "return _G or _ENV.require or byre or language.x",
      message = "global 'language'" },
}
