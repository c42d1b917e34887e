-- The Debian packages, installed and used where nothing else is.
local filesystems = require("spec.support.filesystems")
local needs = require("spec.hosts.needs")
local shell = require("spec.support.shell")

local PACKAGES <const> = shell.root .. "/build/deb"
local BASE <const> = shell.root .. "/build/deps/base.tar.gz"

local SCRIPT <const> = [[
   local byre = require("byre")
   local pool = byre.create_pool("/tmp/" .. _VERSION:gsub(" ", ""), { setup_check = false })
   local disk = pool:create_volume("vm/disk", { size = "1M", save_on_stop = true })
   local file = assert(io.open(disk:start(), "r+b"))
   file:write("content")
   file:close()
   disk:stop()
   assert(io.open(disk:export(), "rb"):read(7) == "content")
   print(_VERSION, byre.version)]]

needs.describe("make deb", { dh = "debhelper", lintian = "lintian", debootstrap = "debootstrap", [BASE] = "tar" },
   function()
   local version = require("byre").version

   lazy_setup(function() shell.must("make -s deb") end)

   it("makes the three packages, with the version of the library", function()
      for _, name in ipairs({ "byre", "lua-byre", "libbyre-dev" }) do
         assert.equal(version .. "\n",
            shell.must(("dpkg-deb -f %s/%s_%s_*.deb Version"):format(PACKAGES, name, version)))
      end
   end)

   it("makes packages that lintian has nothing to say of", function()
      local result = shell.run(("lintian --allow-root --fail-on=error,warning %s/*.changes"):format(PACKAGES))
      assert.same({ code = 0, out = "" }, { code = result.code, out = result.out })
   end)

   local fs, reason = filesystems.tmpfs("1g")
   if not fs then
      return pending(reason)
   end

   describe("makes packages that, in a system with nothing else,", function()
      local root = fs:fresh()

      -- its /proc is gone with the command
      local function inside(command)
         return shell.run(("unshare --mount sh -c %s sh %s %s"):format(
            shell.quote('mount -t proc proc "$1/proc" && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C ' ..
               'chroot "$1" sh -c "$2"'), root, shell.quote(command)))
      end

      local function must(command)
         local result = inside(command)
         assert(result.code == 0, result.out .. result.err)
         return result.out
      end

      lazy_setup(function()
         shell.must(("tar -xzf %s -C %s && cp %s/*.deb %s/tmp && rm %s/tmp/*-dbgsym_*"):format(
            BASE, root, PACKAGES, root, root))
      end)
      lazy_teardown(function() fs:unmount() end)

      it("can be installed", function()
         assert.equal(127, inside("byre --version").code)
         must("dpkg -i /tmp/*.deb")
         assert.equal("", must("dpkg --audit"))
      end)

      it("give Lua 5.4 and 5.3 the library", function()
         for _, lua in ipairs({ "5.4", "5.3" }) do
            assert.equal(("Lua %s\t%s\n"):format(lua, version), must(("lua%s -e %s"):format(lua, shell.quote(SCRIPT))))
         end
      end)

      it("have the command, and its manual", function()
         assert.equal("byre " .. version .. "\n", must("byre --version"))
         must("byre init -q --no-setup-check /tmp/pool && byre -p /tmp/pool create vm/disk --size 1M")
         assert.matches("^vm/disk\t", must("byre -p /tmp/pool list -H"))
         -- a minimal system leaves documents out, but lists them
         assert.matches("/usr/share/man/man1/byre.1.gz\n", must("dpkg -L byre"), 1, true)
      end)

      it("have what a C program is linked with", function()
         -- the compiler is ours, everything else theirs
         local pc = ("PKG_CONFIG_SYSROOT_DIR=%s PKG_CONFIG_LIBDIR=$(echo %s/usr/lib/*/pkgconfig) pkg-config")
            :format(root, root)
         shell.must(("gcc -o %s/tmp/embed spec/build/embed.c $(%s --cflags byre) "
            .. "$(echo %s/usr/lib/*/libbyre.a %s/usr/lib/*/liblua5.4.a) -lm -ldl"):format(root, pc, root, root))
         assert.equal(version .. "\n", must("/tmp/embed 'print(require(\"byre\").version)'"))
      end)

      it("go without a trace", function()
         must("dpkg --purge byre lua-byre libbyre-dev")
         assert.equal("", must("find / -xdev -path /proc -prune -o -path /tmp -prune -o "
            .. "-path /var/log -prune -o -path '/var/lib/dpkg/*-old' -prune -o -iname '*byre*' -print"))
      end)
   end)
end)
