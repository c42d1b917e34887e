-- examples/rpm: a package that goes back if it cannot be installed.
local byre = require("byre")
local needs = require("spec.hosts.needs")
local shell = require("spec.support.shell")

needs.describe_on_reflinks("examples/rpm", { rpmbuild = "rpm" }, function(fs)
   local dir, pool, disk

   local function content() return shell.read(disk:export()):sub(1, 6) end

   local function rpm(words)
      return shell.run(("rpm --dbpath %s/db %s"):format(dir, words))
   end

   before_each(function()
      dir = fs:fresh()
      pool = byre.create_pool(dir .. "/pool", { revisions_to_keep = 9 })
      disk = pool:create_volume("vm/data", { size = "1M", save_on_stop = true })
      shell.must(("printf before | dd of=%s conv=notrunc status=none"):format(disk:start()))
      disk:stop()
      shell.write(dir .. "/migrate", ([[#!/bin/sh
disk=$(%s/build/byre -p %s/pool start vm/data)
printf 'after ' | dd of="$disk" conv=notrunc status=none
[ ! -e %s/fail ] && %s/build/byre -p %s/pool stop vm/data
]]):format(shell.root, dir, dir, shell.root, dir))
      shell.must(("chmod +x %s/migrate"):format(dir))
      -- byre of the build tree instead of the package lua-byre
      shell.must(([[rpmbuild --quiet --load=examples/rpm/macros.byre -D '_topdir %s/top' -D 'pool %s/pool' \
         -D 'migrate %s/migrate' -D 'byre_lua_path %s/lua/?.lua;%s/lua/?/init.lua;/usr/share/lua/5.3/?.lua' \
         -D "byre_lua_cpath %s/build/lua/5.3/?.so;$(echo /usr/lib/*/lua/5.3)/?.so" -bb examples/rpm/example.spec]])
         :format(dir, dir, dir, shell.root, shell.root, shell.root))
   end)
   after_each(function() pool:close() end)

   local function install()
      return rpm(("-i --nodeps %s/top/RPMS/noarch/*.rpm"):format(dir))
   end

   it("takes a revision, and leaves what the migration made of the data", function()
      local result = install()
      assert.equal(0, result.code, result.err)
      assert.equal("after ", content())
      local tagged = {}
      for _, revision in ipairs(disk:revisions()) do
         tagged[#tagged + 1] = revision.tags["example-1-1"] and revision.note
      end
      assert.same({ "before example-1-1 was installed" }, tagged)
   end)

   it("reverts what a migration has half done when it fails", function()
      shell.write(dir .. "/fail", "")
      local result = install()
      assert.matches("migrate failed; vm/data is what it was before", result.err, 1, true)
      assert.equal("before", content())
      assert.is_false(disk:status().session)
   end)

   it("installs nothing where no revision can be had", function()
      disk:remove()
      local result = install()
      assert.equal(1, result.code)
      assert.matches("byre: vm/data: no such volume in this pool", result.err, 1, true)
      assert.equal(1, rpm("-q example").code)
   end)
end)
