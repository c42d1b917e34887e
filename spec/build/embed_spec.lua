local shell = require("spec.support.shell")

describe("tools/embed.lua", function()
   local dir

   before_each(function()
      dir = shell.temporary_directory()
      shell.must(("mkdir -p %s/byre"):format(dir))
   end)
   after_each(function() shell.remove(dir) end)

   --- The embedded scripts as a C compiler sees them: name, chunk name, text.
   local function embedded(words)
      shell.must(("lua5.4 tools/embed.lua %s >%s/scripts.c"):format(words, dir))
      shell.write(dir .. "/main.c", [[
#include <stdio.h>
#include "preload.h"
int main(void)
{
	const struct byre_script *s;
	for (s = byre_scripts; s->name; s++) {
		printf("%s %s %zu %d\n", s->name, s->chunk, s->size, s->stand_back);
		fwrite(s->data, 1, s->size, stdout);
	}
	return 0;
}
]])
      shell.must(("gcc -Wall -Wextra -Werror -Icsrc -o %s/main %s/main.c %s/scripts.c"):format(dir, dir, dir))
      return shell.must(dir .. "/main")
   end

   it("keeps every byte", function()
      local bytes = {}
      for i = 0, 255 do bytes[#bytes + 1] = string.char(i) .. "7" end   -- a digit after each octal escape
      local text = "return [==[" .. table.concat(bytes) .. "??/ \\n \"]==]\n"
      shell.write(dir .. "/byre/all.lua", text)
      assert.equal(("byre.all @byre/all.lua %d 0\n%s"):format(#text, text),
         embedded(("%s %s/byre/all.lua"):format(dir, dir)))
   end)

   it("names modules as require does, in order", function()
      shell.write(dir .. "/byre/init.lua", "return 1")
      shell.write(dir .. "/byre/b.lua", "return 2")
      assert.equal("byre @byre/init.lua 8 0\nreturn 1byre.b @byre/b.lua 8 0\nreturn 2",
         embedded(("%s %s/byre/b.lua %s/byre/init.lua"):format(dir, dir, dir)))
   end)

   it("marks a module that stands back", function()
      assert.matches("^dkjson @dkjson.lua %d+ 1\n", embedded(("-f dkjson %s"):format(dir)))
      assert.matches("^dkjson @dkjson.lua %d+ 0\n", embedded(("-m dkjson %s"):format(dir)))
   end)

   it("precompiles with -c, and tracebacks still name the file", function()
      shell.write(dir .. "/byre/bad.lua", "\nerror('here')")
      local text = embedded(("-c %s %s/byre/bad.lua"):format(dir, dir)):match("\n(.*)$")
      local _, message = pcall(assert(load(text, "?", "b")))
      assert.equal("byre/bad.lua:2: here", message)
   end)

   it("fails on what is not there", function()
      local result = shell.run(("lua5.4 tools/embed.lua -m no_such_module %s"):format(dir))
      assert.equal(1, result.code)
      assert.matches("^embed: no_such_module:", result.err)
   end)
end)
