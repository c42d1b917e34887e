local shell = require("spec.support.shell")

describe("tools/setup", function()
   local dir

   --- A command in a directory that replaces PATH.
   local function command(name, text)
      if text then
         shell.write(dir .. "/bin/" .. name, "#!/bin/sh\n" .. text)
         shell.must(("chmod +x %s/bin/%s"):format(dir, name))
      else
         shell.must(("ln -s $(command -v %s) %s/bin/%s"):format(name, dir, name))
      end
   end

   -- sbin is on no user's PATH, so setup looks there by itself
   local function setup_with(words)
      return shell.run(("PATH=%s/bin %s/tools/setup %s"):format(dir, dir, words))
   end

   before_each(function()
      dir = shell.temporary_directory()
      shell.must(("mkdir -p %s/bin %s/build/deps/luaposix && cp -a tools %s"):format(dir, dir, dir))
      shell.must(("touch %s/build/deps/luaposix/complete"):format(dir))
      for _, name in ipairs({ "cc", "g++", "make", "pkg-config", "lua5.4", "lua5.3", "busted", "qemu-img", "unshare",
         "xz", "chromium", "fusermount3", "zsh", "fish", "lowdown", "bash", "fincore", "promtool",
         "dirname", "mkdir", "env", "cat", "tail", "chmod" }) do
         command(name)
      end
   end)
   after_each(function() shell.remove(dir) end)

   it("says and does nothing where nothing is missing", function()
      command("strace")
      command("apt-get", "exit 9")
      local result = setup_with("test")
      assert.same({ code = 0, out = "", err = "" }, result)
   end)

   it("installs as root, without asking, and says what for", function()
      command("id", "echo 0\n")
      command("apt-get", ([[
         echo "$DEBIAN_FRONTEND $*" >>%s/calls
         case "$*" in *install*) printf '#!/bin/sh\n' >%s/bin/strace; chmod +x %s/bin/strace ;; esac]])
         :gsub("%%s", dir))
      local result = setup_with("test")
      assert.same({ code = 0, out = "installing: strace (needed to test byre)\n", err = "" }, result)
      local calls = shell.read(dir .. "/calls")
      assert.matches("^noninteractive %S.* update\nnoninteractive .* install %S+ strace\n$", calls)
      assert.same({ code = 0, out = "", err = "" }, setup_with("test"))
   end)

   it("installs through sudo where that asks nothing", function()
      command("id", "echo 1000\n")
      command("sudo", '[ "$1" = -n ] || exit 1; shift; exec "$@"')
      command("true", "exit 0")
      command("apt-get", ("printf '#!/bin/sh\\n' >%s/bin/strace; chmod +x %s/bin/strace"):format(dir, dir))
      assert.same({ code = 0, out = "installing: strace (needed to test byre)\n", err = "" }, setup_with("test"))
   end)

   it("names commands and packages where it may not install", function()
      command("id", "echo 1000\n")
      command("apt-get", "exit 9")
      command("sudo", "echo asked; exit 1")
      os.remove(dir .. "/bin/busted")
      local result = setup_with("test")
      assert.same({ code = 1, out = "", err = "byre: missing, and needed to test byre: busted strace\n" ..
         "byre: As root: apt-get install lua-busted strace\n" }, result)
   end)

   it("says so where there is no apt", function()
      command("id", "echo 0\n")
      local result = setup_with("test")
      assert.same({ code = 1, out = "", err = "byre: missing, and needed to test byre: strace\n" ..
         "byre: There is no apt-get here: install what has them (on Debian: strace)\n" }, result)
   end)

   it("shows what apt said when that fails", function()
      command("id", "echo 0\n")
      command("apt-get", "echo 'E: no such mirror' >&2; exit 100")
      local result = setup_with("test")
      assert.equal(1, result.code)
      assert.matches("E: no such mirror", result.err, 1, true)
      assert.matches("apt-get could not install strace", result.err, 1, true)
   end)

   it("only looks with -n", function()
      command("id", "echo 0\n")
      command("apt-get", "echo called")
      local result = setup_with("-n test")
      assert.equal(1, result.code)
      assert.not_matches("called", result.out .. result.err)
   end)

   it("says which luaposix it could not get, and what to do", function()
      shell.remove(dir .. "/build/deps/luaposix")
      for _, name in ipairs({ "rm", "mktemp", "basename", "awk", "mv" }) do command(name) end
      command("apt-config", "echo \"list='/none' parts='/none'\"")
      command("apt-get", "exit 100")
      if shell.run("ls /usr/lib/*/liblua5.4-posix-unistd.a").code == 0 then
         pending("this machine has a luaposix of its own")
         return
      end
      local result = setup_with("build")
      assert.equal(1, result.code)
      assert.matches("luaposix for Lua 5.4 could not be had", result.err, 1, true)
      assert.matches("build/deps", result.err, 1, true)
   end)

   it("knows its sets only", function()
      assert.matches("^byre: usage: tools/setup", setup_with("everything").err)
   end)

   describe("asks the machine's own sources for another suite:", function()
      local function other_suite(format, text)
         shell.write(dir .. "/sources", text)
         shell.must(("awk -v format=%s -v ours='bookworm stable' -v suite=later -v out=%s/out"):format(format, dir)
            .. (" -f tools/other-suite.awk %s/sources"):format(dir))
         return shell.must(("cat %s/out-* 2>/dev/null || true"):format(dir))
      end

      it("lines, with their options", function()
         assert.equal("deb [signed-by=/k.gpg arch=amd64] http://mirror/debian later main\n" ..
            "deb http://second/ later main\n", other_suite("list", table.concat({
               "# deb http://comment/ bookworm main",
               "deb [signed-by=/k.gpg arch=amd64] http://mirror/debian bookworm main contrib # ours",
               "deb-src http://mirror/debian bookworm main",
               "deb http://mirror/debian bookworm-updates main",
               "deb http://mirror/debian-security bookworm-security main",
               "deb cdrom:[Debian] bookworm main",
               "deb http://other/ bookworm nonfree",
               "deb   http://second/   stable main",
            }, "\n")))
      end)

      it("paragraphs, with their other fields", function()
         assert.equal(table.concat({
            "Types: deb", "Suites: later", "Components: main",
            "URIs: http://mirror/debian", "Signed-By:", " -----BEGIN", " .", " key", "",
         }, "\n"), other_suite("sources", table.concat({
            "# a comment", "Types: deb deb-src", "URIs: http://mirror/debian", "Suites: bookworm bookworm-updates",
            "# another", "Components: main", " contrib", "Signed-By:", " -----BEGIN", " .", " key", "",
            "Types: deb", "URIs: http://mirror/debian-security", "Suites: bookworm-security", "Components: main", "",
            "Types: deb", "URIs: http://off/", "Suites: bookworm", "Components: main", "Enabled: no", "",
            "Types: deb-src", "URIs: http://source/", "Suites: bookworm", "Components: main", "",
         }, "\n")))
      end)
   end)
end)
