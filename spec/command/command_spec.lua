local dkjson = require("dkjson")

local command = require("byre.command")
local shell = require("spec.support.shell")

local function all_verbs()
   local list = {}
   for _, group in ipairs(command.groups) do
      table.move(group[2], 1, #group[2], #list + 1, list)
   end
   return list
end

describe("the verbs", function()
   it("say what they are, with an example that runs byre", function()
      for _, name in ipairs(all_verbs()) do
         local verb = command.load(name)
         assert.matches("^%u.*%.$", verb.summary, 1, false, name)
         assert.is_true(#verb.summary <= 60, name)
         assert.equal("function", type(verb.parser), name)
         assert.equal("function", type(verb.run), name)
         assert.is_true(#verb.examples >= 1, name)
         for _, example in ipairs(verb.examples) do
            assert.matches("byre ", example[1], 1, true)
         end
      end
   end)

   it("have help of at most 80 columns", function()
      for _, name in ipairs(all_verbs()) do
         for line in shell.must("build/byre --help " .. name):gmatch("[^\n]+") do
            assert.is_true(#line <= 80, name .. ": " .. line)
         end
      end
   end)

   it("are all in the parser that help and completions are made from", function()
      local help = command.full_parser():get_help()
      for _, name in ipairs(all_verbs()) do
         assert.matches("\n   " .. name .. " ", help, 1, true)
      end
   end)
end)

describe("a start of byre", function()
   local function modules_after(arguments)
      local script = ([[
         require("byre.main").run({ %s })
         for name in pairs(package.loaded) do io.stderr:write(name, "\n") end]]):format(arguments)
      local result = shell.run("build/byre run -", { stdin = "for name in pairs(package.loaded) do "
         .. "if name ~= '_G' and name ~= 'package' then package.loaded[name] = nil end end\n" .. script })
      return "\n" .. result.err
   end

   it("that shows the version loads neither argparse nor the engine", function()
      local loaded = modules_after('"--version"')
      assert.matches("\nbyre.core\n", loaded, 1, true)
      assert.not_matches("\nargparse\n", loaded, 1, true)
      assert.not_matches("\nbyre\n", loaded, 1, true)
   end)

   it("loads the verb it is asked for and no other", function()
      local loaded = modules_after('"-p", "/nonexistent", "list"')
      assert.matches("\nbyre.command.list\n", loaded, 1, true)
      for _, name in ipairs(all_verbs()) do
         if name ~= "list" then
            assert.not_matches("\n" .. command.module_of(name) .. "\n", loaded, 1, true)
         end
      end
   end)
end)

describe("--json", function()
   local place
   before_each(function() place = shell.workplace() end)
   after_each(function() place.remove() end)

   local function json(words)
      local out = place:must("byre --json " .. words)
      local value, position, message = dkjson.decode(out, 1, nil)
      assert.is_nil(message)
      assert.equal("\n", out:sub(position), words)
      return value
   end

   it("is JSON whatever the verb", function()
      json("create vm/a --size 1M --keep 5")
      json("create vm/s --source vm/a")
      json("start vm/a vm/s")
      json("list")
      json("show vm/a")
      json("stop vm/a vm/s")
      json("snapshot vm/a --tag x --note 'a \"b\"'")
      json("revisions vm/a")
      json("revert vm/a 1")
      json("resize vm/a 2M")
      json("clone vm/a vm/b")
      json("rename vm/b vm/c")
      json("set vm/c keep=2")
      json("export vm/c out.img")
      json("import vm/c out.img")
      json("import --create vm/d out.img")
      json("usage")
      json("usage vm/a")
      json("check")
      json("remove --yes vm/c vm/a@2")
      for _, verb in ipairs({ "start vm/a", "stop vm/a", "remove vm/s", "revert vm/a", "resize vm/a 4M",
         "snapshot vm/a", "set vm/a keep=1", "rename vm/d x", "clone vm/a x", "create x --size 1M" }) do
         local plans = json("-n " .. verb)
         assert.equal("table", type(plans[1].phases), verb)
      end
   end)

   it("has sizes that are exact to the last byte", function()
      json("create a --volatile --size 9223372036854775807")
      assert.equal(math.maxinteger, json("show a").size)
      assert.equal(math.maxinteger, json("list")[1].size)
   end)

   it("has the same keys for each volume, null where there is nothing to say", function()
      json("create a --size 1M")
      json("create b --source a")
      local out = place:must("byre list --json")
      local keys = {}
      for line in out:gmatch("{[^\n]*}") do
         local list = {}
         for key in line:gmatch('"([%l_]+)":') do list[#list + 1] = key end
         keys[#keys + 1] = table.concat(list, " ")
      end
      assert.equal(2, #keys)
      assert.equal(keys[1], keys[2])
   end)

   it("stays JSON when names of files are not text", function()
      json("create a --size 1M")
      place:must([[touch "$(printf 'pool/a.img.\377\033@x')"]])
      local result = place:run("byre check --json")
      local findings = assert(dkjson.decode(result.out))
      assert.equal("a.img.\\xff\27@x", findings[1].path)
      assert.equal(1, result.code)
      assert.not_matches("[\27\255]", place:run("byre check").out)
   end)
end)

describe("images of other formats", function()
   it("come in and go out through qemu-img", function()
      if shell.run("command -v qemu-img").code ~= 0 then
         return pending("needs qemu-img (package qemu-utils)")
      end
      local place = shell.workplace()
      finally(place.remove)
      place:must("printf content >in.img && truncate -s 3M in.img && byre import --create vm/a in.img")
      place:must("byre export vm/a out.qcow2 && byre import --create vm/b out.qcow2 && cmp in.img pool/vm/b.img")
      place:must("byre export --format vmdk vm/a out && byre import --create --format vmdk vm/c out")
      place:must("cmp in.img pool/vm/c.img")
      assert.equal(0, #dkjson.decode(place:must("byre revisions --json vm/c")))
   end)
end)

describe("a long list", function()
   it("has one header, and columns that fit the first rows", function()
      local place = shell.workplace()
      finally(place.remove)
      shell.write(place.dir .. "/make.lua", [[
         local pool <close> = byre.open_pool(os.getenv("BYRE_POOL"))
         for i = 1, 150 do
            pool:create_volume(("v%03d"):format(i), { size = i * 2^20 // 1 | 0 })
         end]])
      place:must("byre run make.lua")
      local out = place:must("byre list")
      local lines = 0
      for line in out:gmatch("[^\n]+") do
         lines = lines + 1
         assert.equal(#out:match("^[^\n]+") - #"SOURCE" + 1, #line - (lines == 1 and #"SOURCE" - 1 or 0))
      end
      assert.equal(151, lines)
      local parsed = dkjson.decode(place:must("byre list --json"))
      assert.equal(150, #parsed)
      assert.equal("v150", parsed[150].vid)
   end)
end)

describe("exit codes:", function()
   local place
   before_each(function() place = shell.workplace() end)
   after_each(function() place.remove() end)

   it("11 when another process works on the same group, and who it is", function()
      place:must("byre create vm/a --size 1M")
      shell.write(place.dir .. "/hold.lua", [[
         local core = require("byre.core")
         local dir = assert(core.open_dir(arg[1]))
         local lock = assert(dir:lock(".byre/lock/vm/.lock", "exclusive", 0))
         io.stdout:write(core.pid(), "\n")
         io.stdout:flush()
         io.read()]])
      local result = place:run([[
         mkfifo end
         { byre run hold.lua pool <end >pid & } 2>/dev/null
         exec 9>end
         while ! [ -s pid ]; do sleep 0.02; done
         byre --lock-timeout 0.1 start vm/a; code=$?
         grep -c "$(cat pid)" pid
         echo >&9; wait
         exit $code]])
      assert.equal(11, result.code)
      assert.matches("^byre: .*%d+", result.err)
   end)

   it("1 and a traceback for a defect of byre's own, but only with -v", function()
      shell.write(place.dir .. "/break.lua", [[
         package.loaded["byre.command.list"] = {
            summary = "", examples = {}, parser = function() end, run = function() error("broken\ninside") end,
         }
         os.exit(require("byre.command").main(arg))]])
      local result = place:run("byre run break.lua list")
      assert.equal(1, result.code)
      assert.equal("byre: internal error: break.lua:2: broken\n"
         .. "hint: this is a bug of byre; run it again with -v for a traceback\n", result.err)
      assert.matches("stack traceback", place:run("byre run break.lua list -v").err, 1, true)
   end)

   it("0 for an import that was asked by SIGUSR1 how far it is, and said so", function()
      place:must("byre create a --size 1M")
      local result = place:run([[
         mkfifo pipe
         byre -q import a - <pipe 2>told & byre=$!
         exec 3>pipe
         head -c 4000000 /dev/zero >&3           # it reads, so it is ready
         for i in $(seq 200); do
            kill -USR1 $byre
            head -c 400000 /dev/zero >&3
            grep -q "import a" told && break
            sleep 0.02
         done
         exec 3>&-
         wait $byre; code=$?
         grep "import a" told | head -n 1
         exit $code]])
      assert.equal(0, result.code)
      assert.matches("^byre: import a: [%d.]+M, [%d.]+[KMG]/s\n$", result.out)
   end)

   it("0 for a conversion that was asked by SIGUSR1 how far it is, and said so", function()
      if shell.run("command -v qemu-img").code ~= 0 then
         return pending("needs qemu-img (package qemu-utils)")
      end
      place:must("byre create a --size 1M; truncate -s 1M raw; qemu-img convert -O qcow2 raw image.qcow2")
      -- one that is slow enough to be asked
      place:must([[
         mkdir slow
         cat >slow/qemu-img <<'END'
#!/bin/sh
test "$1" = info && exec $(PATH=$OTHERS command -v qemu-img) "$@"
printf '    (25.00/100%%)\r'
while ! test -e go; do sleep 0.02; done
END
         chmod +x slow/qemu-img]])
      local result = place:run([[
         OTHERS=$PATH PATH=$PWD/slow:$PATH byre -q import a image.qcow2 2>told & byre=$!
         for i in $(seq 200); do
            sleep 0.05
            test -e slow/qemu-img && kill -USR1 $byre 2>/dev/null
            grep -q "import a" told && break
         done
         : >go
         wait $byre; code=$?
         grep "import a" told | head -n 1
         exit $code]])
      assert.equal(0, result.code, result.err)
      assert.matches("^byre: import a: 256K of 1M %(25%%%), [%d.]+[KMG]?/s, %d+ s left\n$", result.out)
   end)

   it("130 for an interrupted import, which leaves nothing behind", function()
      place:must("byre create a --size 1M")
      local result = place:run([[
         mkfifo pipe
         (sleep 0.2; exec head -c 40000000 /dev/zero; sleep 5) >pipe &
         timeout --preserve-status -s INT 0.8 byre import a - <pipe
         code=$?
         wait
         byre check
         ls pool
         exit $code]])
      assert.is_true(result.code == 130 or result.code == 0, result.err)
      assert.matches("a.img\n", result.out, 1, true)
      assert.not_matches("~", result.out, 1, true)
   end)
end)
