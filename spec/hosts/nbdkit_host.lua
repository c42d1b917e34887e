-- examples/nbdkit: volumes as network block devices.
local byre = require("byre")
local needs = require("spec.hosts.needs")
local shell = require("spec.support.shell")

local PLUGIN <const> = shell.root .. "/examples/nbdkit/byre.lua"
local PROGRAMS <const> = { nbdkit = "nbdkit", nbdcopy = "libnbd-bin", ["qemu-io"] = "qemu-utils", fio = "fio",
   ["/usr/lib/*/nbdkit/plugins/nbdkit-lua-plugin.so"] = "nbdkit-plugin-lua" }

needs.describe_on_reflinks("examples/nbdkit", PROGRAMS, function(fs)
   local dir, pool, disk

   -- nbdkit for as long as the command runs; $uri is its address
   local function serve(words, command, before)
      return shell.run(('eval "$(tools/env)"; timeout 60 nbdkit -U - %s lua %s pool=%s/pool %s --run %s'):format(
         before or "", PLUGIN, dir, words, shell.quote(command)))
   end

   local function served(...)
      local result = serve(...)
      assert(result.code == 0, result.out .. result.err)
      return result.out
   end

   local function allocated(path)
      return tonumber((shell.must("du -k " .. shell.quote(path)):match("^%d+")))
   end

   before_each(function()
      dir = fs:fresh()
      pool = byre.create_pool(dir .. "/pool", { revisions_to_keep = 9 })
      disk = pool:create_volume("vm/disk", { size = "32M", save_on_stop = true })
      -- 2 MiB of data at 8 MiB
      shell.must(("qemu-io -f raw -c 'write -P 1 8M 2M' %s"):format(disk:start()))
      disk:stop()
      disk:snapshot()
      shell.must(("qemu-io -f raw -c 'write -P 2 20M 1M' %s"):format(disk:start()))
      disk:stop()
   end)
   after_each(function() pool:close() end)

   it("serves a revision, read-only", function()
      local old = disk:revisions()[#disk:revisions()]
      local words = "volume=vm/disk@" .. old.id
      assert.matches('"is_read_only": true', served(words, 'nbdinfo --json "$uri"'), 1, true)
      assert.equal("Images are identical.\n",
         served(words, ('qemu-img compare -f raw -F raw "$uri" %s'):format(old.path)))
      assert.not_equal(0, serve(words, 'qemu-io -f raw -c "write 0 4k" "$uri"').code)
      assert.equal(0, serve(words, 'qemu-io -r -f raw -c "read -P 0 20M 1M" "$uri"').code)
   end)

   it("serves the committed content, and a revision made now of a session", function()
      assert.matches("Images are identical",
         served("volume=vm/disk", ('qemu-img compare -f raw -F raw "$uri" %s'):format(disk:export())))
      shell.must(("qemu-io -f raw -c 'write -P 3 0 64k' %s"):format(disk:start()))
      served("volume=vm/disk snapshot=yes", 'qemu-io -r -f raw -c "read -P 3 0 64k" "$uri"')
      served("volume=vm/disk", 'qemu-io -r -f raw -c "read -P 0 0 64k" "$uri"')
      assert.is_true(disk:is_dirty())
      disk:stop()
      local notes = {}
      for _, revision in ipairs(disk:revisions()) do
         notes[#notes + 1] = revision.note
      end
      assert.same({ "served by nbdkit" }, notes)
   end)

   it("tells the extent map of a revision, so that copies are as sparse", function()
      local words = ("volume=vm/disk@%s map=%s/map extentlist=%s/map"):format(disk:revision().id, dir, dir)
      local out = served(words, ('nbdinfo --map "$uri"; nbdcopy "$uri" %s/copy.img'):format(dir),
         "-r --filter=extentlist")
      assert.same({ "0 8388608 3 hole,zero", "8388608 2097152 0 data", "10485760 23068672 3 hole,zero" },
         (function(lines)
            for line in out:gmatch("[^\n]+") do
               lines[#lines + 1] = line:gsub("^%s+", ""):gsub("%s+", " ")
            end
            return lines
         end)({}))
      assert.equal(2048, allocated(dir .. "/copy.img"))
      shell.must(("cmp %s/copy.img %s"):format(dir, disk:revision().path))
   end)

   it("commits what was written, with holes where the client trimmed", function()
      local before, count = disk:export(), #disk:revisions()
      local content = shell.must("sha256sum <" .. before)
      served("volume=vm/disk write=keep", [[qemu-io -f raw -c "write -P 0xab 1M 64k" -c flush -c "discard 8M 1M" \
         -c "write -z -u 9M 512k" -c "write -z 24M 1M" "$uri"]])
      assert.equal(count + 1, #disk:revisions())
      assert.equal(content, shell.must("sha256sum <" .. disk:revision().path))
      shell.must(([[qemu-io -r -f raw -c "read -P 0xab 1M 64k" -c "read -P 0 8M 1536k" -c "read -P 1 9728k 512k" \
         -c "read -P 2 20M 1M" -c "read -P 0 24M 1M" %s]]):format(disk:export()))
      -- 64 KiB, 512 KiB left of 2 MiB, 1 MiB; and 1 MiB of zeros that were not to be trimmed
      local used = allocated(disk:export())
      assert.is_true(used <= 64 + 512 + 1024 + 1024 and used >= 64 + 512 + 1024, used)
   end)

   it("takes a sparse image in without writing its holes", function()
      shell.must(("truncate -s 32M %s/in.img && qemu-io -f raw -c 'write -P 7 16M 1M' %s/in.img"):format(dir, dir))
      served("volume=vm/disk write=keep", ('nbdcopy %s/in.img "$uri"'):format(dir))
      shell.must(("cmp %s/in.img %s"):format(dir, disk:export()))
      assert.equal(1024, disk:usage() >> 10)
   end)

   it("bears a load of writes, and throws all of them away", function()
      local content, count = shell.must("sha256sum <" .. disk:export()), #disk:revisions()
      served("volume=vm/disk write=drop", (([[
         for i in $(seq 40); do echo "aio_write -P $i $((i * 700))k 64k"; done >%s/load; echo "aio_flush" >>%s/load
         qemu-io -f raw "$uri" <%s/load >/dev/null && qemu-io -r -f raw -c 'read -P 40 28000k 64k' "$uri"]])
         :gsub("%%s", dir)))
      assert.same({ content, count, false }, { shell.must("sha256sum <" .. disk:export()), #disk:revisions(),
         disk:status().session })
   end)

   it("keeps all of a load of writes, read back while it serves and afterwards", function()
      local count = #disk:revisions()
      local load = [[cd %s && fio --name=load --ioengine=nbd --uri="$uri" --rw=randwrite --bs=16k \
         --size=24M --iodepth=8 --verify=crc32c --verify_fatal=1 --fsync=32 --output-format=terse]]
      served("volume=vm/disk write=keep", load:format(dir))
      assert.equal(count + 1, #disk:revisions())
      assert.is_false(disk:status().session)
      -- the same blocks, of the committed image
      served("volume=vm/disk", load:gsub("randwrite", "randread"):format(dir), "-r")
   end)

   it("says what is wrong before it serves anything", function()
      local function refused(words, sentence)
         local result = serve(words, "true")
         assert.equal(1, result.code)
         assert.matches(sentence, result.err, 1, true)
      end
      refused("volume=vm/disk@77", 'byre: vm/disk: no revision "77"')
      refused("volume=vm/no", "byre: vm/no: no such volume in this pool")
      refused("volume=vm/disk@1 write=keep", "a revision is never written to")
      refused("volume=vm/disk write=yes", "write=yes: expected keep or drop")
      refused("volume=vm/disk map=/tmp/x", "map=... wants what never changes")
      refused("", "pool=DIRECTORY and volume=VOLUME are needed")
      disk:start()
      assert.matches("vm/disk: in use, or not stopped after a crash",
         serve("volume=vm/disk write=drop", 'nbdinfo "$uri"').err, 1, true)
   end)
end)
