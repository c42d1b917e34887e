-- byre_sandbox: what a program that embeds byre lets strangers' scripts have.
local shell = require("spec.support.shell")

local libraries <const> = { ["5.4"] = "byre", ["5.3"] = "byre-lua5.3" }

-- keeps a policy in a pool, which loads it: tells the limit that stopped it, or that it is kept
local KEEP <const> = [[
   local byre = require("byre")
   local dir, text = %q, %q
   local pool = byre.create_pool(dir, { setup_check = false })
   local ok, e = pcall(pool.set_policy, pool, "p", text)
   print(ok and "kept" or e.limit or tostring(e))]]

-- asks in a sandbox which process it is in
local WHERE <const> = [[
   package.path = %q .. "/?.lua"
   local core = require("byre.core")
   local pid = require("byre.sandbox").run("spec.support.sandbox_asks", 1,
      { services = { double = core.pid }, child = %s })
   print(pid == core.pid() and "here" or math.type(pid) == "integer" and "child" or pid)]]

for _, lua in ipairs({ "5.4", "5.3" }) do
   describe("byre_sandbox with Lua " .. lua, function()
      local dir, count

      lazy_setup(function()
         dir, count = shell.temporary_directory(), 0
         shell.must(("gcc -Wall -Wextra -Werror -Icsrc $(pkg-config --cflags lua%s) -o %s/program "
            .. "spec/build/sandbox.c build/lib%s.a -l:liblua%s.a -lm"):format(lua, dir, libraries[lua], lua))
      end)
      lazy_teardown(function() shell.remove(dir) end)

      -- limits: memory, instructions, seconds, child; 0: not given
      local function run(limits, script)
         return shell.run(("%s/program %s %s"):format(dir, shell.quote(script), limits))
      end

      local function keep(limits, text)
         count = count + 1
         local result = run(limits, KEEP:format(("%s/%d"):format(dir, count), text))
         assert.same({ code = 0, err = "" }, { code = result.code, err = result.err })
         return result.out
      end

      it("lets a policy have as much as before where nothing is given", function()
         assert.equal("kept\n", keep("0 0 0 0", "return policy { keep.last(3) }"))
         assert.equal("kept\n", keep("0 0 0 0", "for i = 1, 100000 do local x = i end return policy { keep.last(3) }"))
      end)

      it("ends what takes more than the program allows", function()
         assert.equal("instructions\n", keep("0 1000000 0 0",
            "for i = 1, 10000000 do local x = i end return policy { keep.last(3) }"))
         assert.equal("memory\n", keep("4194304 0 0 0",
            "local t = {} for i = 1, 200000 do t[i] = { i } end return policy { keep.last(3) }"))
         assert.equal("time\n", keep("0 0 0.05 2", [[local a, b = string.rep("x", 1048576) .. "y",
            string.rep("x", 1048576) .. "z" while true do local same = a == b end]]))
      end)

      it("leaves 4 MiB enough for a policy", function()
         assert.equal("kept\n", keep("4194304 1000000 5 2", "return policy { tz = 'Europe/Berlin', keep.daily(3) }"))
      end)

      it("lowers limits and never raises them", function()
         assert.equal("instructions\n", keep("0 1000000000000 0 0", "while true do end"))
      end)

      it("decides whether there is a child process, whatever is asked for", function()
         for limits, expected in pairs({ ["0 0 0 0"] = { "here", "child" }, ["0 0 0 1"] = { "child", "child" },
            ["0 0 0 2"] = { "here", "here" } }) do
            for i, asked in ipairs({ "false", "true" }) do
               local result = run(limits, WHERE:format(shell.root, asked))
               assert.same({ out = expected[i] .. "\n", err = "" }, { out = result.out, err = result.err }, limits)
            end
         end
      end)

      it("refuses a limit below 0", function()
         local result = run("0 -1 0 0", "")
         assert.equal(1, result.code)
         assert.matches("instructions: a number above 0", result.err, 1, true)
      end)
   end)
end

describe("byre.sandbox.restrict", function()
   local sandbox = require("byre.sandbox")

   it("names what it does not know", function()
      assert.has_error(function() sandbox.restrict({ time = 3 }) end, "no such limit: time")
      assert.has_error(function() sandbox.restrict({ memory = "8M" }) end, "memory: a number above 0")
      assert.has_error(function() sandbox.restrict({ child = 1 }) end, "child: true or false")
   end)
end)
