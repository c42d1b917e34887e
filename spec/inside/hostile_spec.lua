-- What stands in a pool may have been put there by anybody: files of the catalog, names, images.
local byre = require("byre")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
   describe("a catalog entry made by somebody hostile", function()
      local pool, volume

      before_each(function()
         pool = pools.create(fs)
         volume = pools.origin(pool, "vm/disk", { revisions_to_keep = 2 })
         pools.session(volume, "one")
         volume:start()
      end)

      after_each(function() pool:close() end)

      -- every operation says what is wrong with the file, and none changes anything
      local function refuses(text, reason)
         pools.write(pools.path(pool, ".byre/volume/vm/disk.json"), text)
         local message = "byre: .byre/volume/vm/disk.json: " .. reason
            .. "; restore it from a backup or mend it by hand"
         for _, attempt in ipairs({ volume.start, volume.stop, volume.remove, volume.status, volume.snapshot }) do
            local ok, e = pcall(attempt, volume)
            assert.is_false(ok, text)
            assert.is_true(byre.is_error(e), tostring(e))
            assert.equal("corrupt", e.code)
            assert.equal(message, tostring(e))
         end
         assert.equal("unreadable", pool:check({ repair = true })[1].code)
         assert.equal("disk-dirty.img disk.img", (pools.names(pool, "vm"):gsub(" disk.img.1@%S+", "")
            :gsub("disk%-precache.img ?", "")))
      end

      it("whose flags are not those of its kind makes no other volume of it", function()
         refuses('{"kind":"origin","save_on_stpo":true,"rw":true,"size":4096}',
            "kind: must be volatile, which the flags say")
         refuses('{"kind":"origin","save_on_stop":true,"snap_on_start":true,"source":"vm/x"}',
            "kind: must be origin_snapshot, which the flags say")
         refuses('{"kind":7,"save_on_stop":true}', "kind: must be origin, which the flags say")
      end)

      it("that lacks a sign is not read as something else", function()
         refuses('{"save_on_stop" true}', "is not JSON: an object or a list is not whole")
         refuses('{"save_on_stop":true,"x":["a":1]}', "is not JSON: an object or a list is not whole")
         refuses('{"save_on_stop":true,"x":{"y":{1,2}}}', "is not JSON: an object or a list is not whole")
      end)

      it("that leads elsewhere is refused", function()
         for _, source in ipairs({ "../../etc/passwd", "/etc/passwd", ".byre/pool", "vm/x.img" }) do
            pools.write(pools.path(pool, ".byre/volume/vm/disk.json"),
               ('{"snap_on_start":true,"source":%q}'):format(source))
            local ok, e = pcall(volume.start, volume)
            assert.is_false(ok)
            assert.equal("corrupt", e.code, tostring(e))
         end
      end)

      it("with notes that cannot be understood holds no revision and gives none away", function()
         local entry = '{"save_on_stop":true,"revisions":{"1@2026-11-22T18:00:00Z":%s}}'
         local name = 'revisions: 1@2026-11-22T18:00:00Z: '
         for notes, reason in pairs({
            ['"x"'] = 'revisions: 1@2026-11-22T18:00:00Z: must be an object',
            ['{"hold_until":"soon"}'] = name .. "hold_until: must be a whole number of seconds, or true",
            ['{"hold_until":1e300}'] = name .. "hold_until: must be a whole number of seconds, or true",
            ['{"hold_until":false}'] = name .. "hold_until: must be a whole number of seconds, or true",
            ['{"note":5}'] = name .. "note: must be text",
            ['{"tags":"x"}'] = name .. "tags: must be a list of texts",
            ['{"tags":["x",{}]}'] = name .. "tags: must be a list of texts",
         }) do
            refuses(entry:format(notes), reason)
         end
         refuses('{"save_on_stop":true,"revisions":7}', "revisions: must be an object")
      end)

      it("however deep or long it is, is an error and no more", function()
         for _, text in ipairs({
            '{"x":' .. ("["):rep(300000), '{"x":' .. ('{"x":'):rep(300000), ("\0"):rep(1000000),
            '{"size":' .. ("9"):rep(100000) .. "}", '"' .. ("x"):rep(1000000),
         }) do
            pools.write(pools.path(pool, ".byre/volume/vm/disk.json"), text)
            local ok, e = pcall(volume.stop, volume)
            assert.is_false(ok)
            assert.equal("corrupt", e.code)
            assert.is_true(#tostring(e) < 1000)
            assert.is_nil(tostring(e):find("[%c]"))
         end
      end)
   end)

   describe("names that nobody would give", function()
      it("are no revisions, and are left alone", function()
         local pool = pools.create(fs)
         local volume = pools.origin(pool, "disk", { revisions_to_keep = 1 })
         pools.session(volume, "one")
         local odd = {
            "disk.img.2@2026-11-22T18:00:00Z\n", "disk.img.2@\nZ", "disk.img.2@2026-11-22T18:00:00Z.Z",
            "disk.img.99999999999999999999@2026-11-22T18:00:00Z", "disk.img.1e3@2026-11-22T18:00:00Z",
            "disk.img.0x9@2026-11-22T18:00:00Z", "disk.img.-1@2026-11-22T18:00:00Z", "disk.img.%s@%nZ",
            "disk.img.2@9999-99-99T99:99:99Z", "disk.img.2@" .. ("9"):rep(200) .. "Z", "disk.img.\255@\254Z",
         }
         for _, name in ipairs(odd) do
            pools.write(pools.path(pool, name), "left alone")
         end
         local special = { "disk.img.7@2026-11-22T18:00:00Z", "disk.img.8@2026-11-22T18:00:00Z",
            "disk.img.9@2026-11-22T18:00:00Z" }
         scratch.sh("cd %s && mkdir %s && mkfifo %s && ln -s /etc/passwd %s", pool.dir, table.unpack(special))
         for i = 1, 4 do
            pools.session(volume, tostring(i))
         end
         assert.same({ "3" }, pools.history(volume))
         for _, name in ipairs(odd) do
            assert.equal("left alone", pools.get(pools.path(pool, name)), name)
         end
         pool:check({ repair = true })
         volume:revert()
         assert.equal("3", pools.committed(volume))
         assert.equal("directory fifo symbolic link", scratch.sh("cd %s && stat -c %%F %s %s %s | xargs", pool.dir,
            table.unpack(special)))
         pool:close()
      end)
   end)

   describe("an image that looks like another format", function()
      it("is bytes, like any other", function()
         local pool = pools.create(fs)
         local volume = pools.origin(pool, "disk")
         -- a qcow2 header whose backing file is one of this machine
         local header = ("QFI\xfb" .. string.pack(">I4I8I4I4I8", 3, 104, 11, 16, 1048576)):sub(1, 104)
         pools.put(volume:start(), header .. ("\0"):rep(104 - #header) .. "/etc/passwd")
         volume:stop()
         local copy = fs:fresh() .. "/copy"
         volume:export_file(copy)
         assert.equal("identical", scratch.sh("cmp %s %s && echo identical", copy, pools.path(pool, "disk.img")))
         pools.origin(pool, "other"):import_file(copy)
         assert.equal("identical", scratch.sh("cmp %s %s && echo identical", copy, pools.path(pool, "other.img")))
         local ok, e = pcall(volume.import_file, volume, copy, { format = "qcow2" })
         assert.is_false(ok)
         assert.is_true(e.code == "invalid" or e.code == "io", tostring(e))
         assert.equal("identical", scratch.sh("cmp %s %s && echo identical", copy, pools.path(pool, "disk.img")))
         volume:export_file(copy .. ".qcow2")
         assert.equal("nothing", scratch.sh("qemu-img info %s | grep backing || echo nothing", copy .. ".qcow2"))
         pool:close()
      end)
   end)
end)
