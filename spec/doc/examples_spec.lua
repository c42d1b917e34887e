-- The programs of examples/ run, and do what they say.
local byre = require("byre")
local pools = require("spec.support.pools")
local shell = require("spec.support.shell")

describe("examples/", function()
   local dir, pool
   local covered = {}

   before_each(function()
      dir = shell.temporary_directory()
      pool = byre.create_pool(dir .. "/pool", { setup_check = false, revisions_to_keep = 3 })
   end)
   after_each(function()
      pool:close()
      shell.remove(dir)
   end)

   local function write_image(vid, text)
      local file <close> = assert(io.open(pool:volume(vid):path(), "r+b"))
      assert(file:write(text))
   end

   local function origin(vid, text)
      local volume = pool:create_volume(vid, { size = "1M", save_on_stop = true })
      volume:start()
      write_image(vid, text)
      return volume
   end

   -- an example with these words, as a user would run it
   local function run(name, words)
      covered[name] = true
      local how = name:find("%.lua$") and "byre run" or "sh"
      return shell.run(('eval "$(tools/env ${BYRE_BUILD:-build})"; %s examples/%s %s'):format(how, name,
         words:gsub("POOL", shell.quote(dir .. "/pool"))))
   end

   it("ci-runner.lua gives a job the template's content and throws it away", function()
      origin("template", "from the template"):stop()
      local result = run("ci-runner.lua", [[POOL template sh -c 'head -c 17 "$DISK"; echo x >"$DISK"; exit 3']])
      assert.same({ code = 3, out = "from the template", err = "" }, result)
      assert.equal("template", pools.vids(pool))
      result = run("ci-runner.lua", "POOL nothing true")
      assert.equal("", result.out)
      assert.not_equal(0, result.code)
   end)

   it("free-space.lua says which old revisions have to go for so much space", function()
      local volume = origin("db/data", ("1"):rep(1 << 20))
      volume:stop()
      for round = 2, 3 do
         volume:start()
         write_image("db/data", tostring(round):rep(1 << 20))
         volume:stop()
      end
      local result = run("free-space.lua", "POOL 1K")
      if result.code == 1 and result.err:find("does not tell") then
         return pending("needs a file system with maps")
      end
      assert.matches("^db/data@1\n", result.out)
      assert.equal(0, result.code)
      result = run("free-space.lua", "POOL 1T")
      assert.equal(1, result.code)
      assert.matches("^removing every revision but the newest frees no more than ", result.err)
      assert.equal("", result.out)
   end)

   it("database-branch.lua branches, compares, merges and drops", function()
      origin("db/data", "one")
      local result = run("database-branch.lua", "POOL branch db/data test")
      assert.same({ code = 0, out = dir .. "/pool/db/data-test-dirty.img\n", err = "" }, result)
      write_image("db/data-test", "two")
      assert.matches("^db/data%-test\tin use\t%d+\n$", run("database-branch.lua", "POOL list db/data").out)
      pool:volume("db/data"):stop()
      assert.equal("4096 bytes differ\n", run("database-branch.lua", "POOL compare db/data test").out)
      assert.equal(0, run("database-branch.lua", "POOL merge db/data test").code)
      assert.equal("two", shell.read(pool:volume("db/data"):export()):sub(1, 3))
      assert.equal("db/data", pools.vids(pool))
      run("database-branch.lua", "POOL branch db/data other")
      assert.equal(1, run("database-branch.lua", "POOL branch db/data other").code)
      run("database-branch.lua", "POOL drop db/data other")
      assert.equal("db/data", pools.vids(pool))
   end)

   it("nightly-snapshots.lua keeps the newest of its own", function()
      local volume = origin("vm/used", "x")
      origin("vm/idle", "y"):stop()
      for night = 1, 4 do
         local result = run("nightly-snapshots.lua", "POOL 2")
         assert.same({ code = 0, err = "", out = ("1 volumes in use, %d old revisions removed\n"):format(
            night > 2 and 1 or 0) }, result)
      end
      local nightly = 0
      for _, revision in ipairs(volume:revisions()) do
         nightly = nightly + (revision.tags.nightly and 1 or 0)
      end
      assert.equal(2, nightly)
      assert.equal(1, #pool:volume("vm/idle"):revisions())
   end)

   it("clone-many.lua makes, starts, stops and removes", function()
      origin("template", "x"):stop()
      local result = run("clone-many.lua", "POOL template 10")
      assert.equal("", result.err)
      assert.equal(5, select(2, result.out:gsub("\n", "")))
      assert.equal("template", pools.vids(pool))
   end)

   it("sample-pool.lua makes a pool with a history, and with something to see", function()
      covered["sample-pool.lua"] = true
      assert.same({ code = 0, out = "", err = "" }, shell.run(('eval "$(tools/env ${BYRE_BUILD:-build})"; '
         .. "byre run examples/sample-pool.lua %s/sample 32"):format(dir)))
      local sample <close> = byre.open_pool(dir .. "/sample")
      local count, outdated, held, going = 0, 0, 0, 0
      for volume in sample:volumes() do
         count = count + 1
         outdated = outdated + (volume:is_running() == false and volume:is_outdated() and 1 or 0)
         for _, revision in ipairs(volume:revisions()) do
            held = held + (revision.hold_until and 1 or 0)
         end
      end
      for _, volume in ipairs(sample:prune({ dry_run = true }).volumes) do
         going = going + #volume.removed
      end
      assert.equal(32, count)
      assert.is_true(outdated > 0 and held > 0 and going > 0)
      assert.same({}, sample:check())
   end)

   it("backup-stream.sh streams a running volume, and says when it fails", function()
      local volume = origin("vm/disk", "content")
      local before = #volume:revisions()
      local result = run("backup-stream.sh", ("POOL vm/disk >%s/out"):format(dir))
      assert.same({ code = 0, out = "", err = "" }, result)
      shell.must(("cd %s && { zstd -qdc out 2>/dev/null || gzip -dc <out; } >plain"):format(dir))
      local plain = shell.read(dir .. "/plain")
      assert.equal("content", plain:sub(1, 7))
      assert.equal(1048576, #plain)
      -- the content before the session stays as a revision, the backup's own does not
      assert.is_true(#volume:revisions() <= before + 1)
      result = run("backup-stream.sh", "POOL vm/nothing")
      assert.not_equal(0, result.code)
      assert.equal("", result.out)
   end)

   it("embed/ compiles and runs", function()
      covered.embed = true
      shell.must(("cp -r examples/embed %s && make -s -C %s/embed BYRE_CFLAGS=-I$PWD/csrc "
         .. "BYRE_LIBS=$PWD/build/libbyre.a"):format(dir, dir))
      assert.not_matches("liblua", shell.must(("ldd %s/embed/embed"):format(dir)))
      local program = ("cd %s && embed/embed "):format(dir)
      assert.same({ code = 0, err = "", out = "image: new/vm/disk-dirty.img\nnewest revision: 1\n" },
         shell.run(program .. "new vm/disk"))
      assert.equal("newest revision: 2\n", shell.must(program .. "new vm/disk | tail -n 1"))
      local result = shell.run(program .. "new vm//disk")
      assert.equal(1, result.code)
      assert.matches("^byre: volume id \"vm//disk\": [^\n]*\n$", result.err)
   end)

   it("hooks/ guard, prepare and tell", function()
      covered.hooks = true
      shell.must(("cp examples/hooks/hooks.lua %s/pool/.byre && chmod 600 %s/pool/.byre/hooks.lua"):format(dir, dir))
      shell.write(dir .. "/notify", '#!/bin/sh\necho "$@" >>' .. dir .. "/told\n")
      shell.must(("chmod 700 %s/notify"):format(dir))
      local byre_on = ('eval "$(tools/env ${BYRE_BUILD:-build})"; BYRE_NOTIFY=%s/notify byre -p %s/pool ')
         :format(dir, dir)
      shell.must(byre_on .. "create prod/web --size 1M")
      for round = 1, 2 do
         shell.must(byre_on .. "start prod/web")
         write_image("prod/web", ("%d"):format(round) .. ("\0"):rep(65536))
         assert.equal("", shell.run(byre_on .. "stop prod/web").err)
      end
      assert.equal("prod/web 1\nprod/web 2\n", shell.read(dir .. "/told"))
      local result = shell.run(byre_on .. "remove --yes prod/web")
      assert.equal("byre: prod/web: refused by pre_remove: it is in production and has a history; clone it first, "
         .. "or use --no-hooks\n", result.err)
      assert.equal(0, shell.run(byre_on .. "--no-hooks remove --yes prod/web").code)
   end)

   it("prune.service runs what its timer starts", function()
      covered["prune.service"], covered["prune.timer"] = true, true
      local words = shell.read("examples/prune.service"):match("\nExecStart=/usr/local/bin/byre ([^\n]*)")
      words = words:gsub("/srv/pool", shell.quote(dir .. "/pool")):gsub("%-%-syslog ", "")
      assert.equal(0, shell.run('eval "$(tools/env ${BYRE_BUILD:-build})"; byre ' .. words).code)
      assert.is_truthy(shell.read("examples/prune.timer"):find("\nOnCalendar=", 1, true))
   end)

   it("metrics.service writes what its timer asks for", function()
      covered["metrics.service"], covered["metrics.timer"] = true, true
      local words = shell.read("examples/metrics.service"):match("\nExecStart=/usr/local/bin/byre ([^\n]*)")
      words = words:gsub("/srv/pool", shell.quote(dir .. "/pool")):gsub("/var/lib/prometheus/node%-exporter", dir)
      assert.equal(0, shell.run('eval "$(tools/env ${BYRE_BUILD:-build})"; byre ' .. words).code)
      assert.matches("# EOF\n$", shell.read(dir .. "/byre.prom"))
      assert.is_truthy(shell.read("examples/metrics.timer"):find("\nOnUnitActiveSec=", 1, true))
   end)

   it("say how they are run", function()
      for name in shell.must("ls -p examples"):gmatch("[^\n]+") do
         local directory = name:match("^(.*)/$")
         if directory == "policies" then
            shell.must("test -e spec/retention/cookbook_spec.lua")
         elseif directory then
            -- those of other people's programs have specs in spec/hosts
            local host = ("spec/hosts/%s_host.lua"):format((directory:gsub("-", "_")))
            assert(covered[directory] or shell.run("test -e " .. host).code == 0, name .. " is not run by any spec")
         else
            assert(covered[name], name .. " is not run by this spec")
            local result = (name:find("%.lua$") or name:find("%.sh$")) and run(name, "")
            assert.is_true(not result or result.code == 2)
            assert.is_true(not result or result.err:find("usage: " .. name, 1, true) == 1)
         end
      end
   end)
end)
