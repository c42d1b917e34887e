-- Hooks: what is called when, what they may do, and who may write them.
local byre = require("byre")
local filesystems = require("spec.support.filesystems")
local hooks = require("byre.hooks")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

describe("hooks", function()
   local fs, pool, called, scratch_dir

   before_each(function()
      fs = filesystems.get("btrfs") or filesystems.get("ext4")
      if not fs then
         pending("needs root, to mount a file system")
      end
      called = {}
      pool = pools.create(fs)
      scratch_dir = fs:fresh()
   end)
   after_each(function()
      if pool then
         pool:close()
      end
   end)

   local function file_path()
      return pools.path(pool, ".byre/hooks.lua")
   end

   local function install(text)
      pools.write(file_path(), text)
      scratch.sh("chmod 600 %s", file_path())
   end

   -- open the pool with these hooks
   local function with(given, options)
      local all = { lock_timeout = 5, hooks = given }
      for key, value in pairs(options or {}) do
         all[key] = value
      end
      pool:close()
      pool = byre.open_pool(pool.dir, all)
   end

   -- hooks that note their names and volumes
   local function recorders()
      local list = {}
      for _, name in ipairs(hooks.operations) do
         for _, when in ipairs({ "pre_", "post_" }) do
            list[when .. name] = function(call)
               called[#called + 1] = call.hook .. " " .. (call.volume or "-")
            end
         end
      end
      return list
   end

   local function take_called()
      local text = table.concat(called, ", ")
      called = {}
      return text
   end

   it("are called around every operation", function()
      with(recorders())
      local function calls(expected, fn, ...)
         local results = table.pack(fn(...))
         assert.equal(expected, take_called())
         return table.unpack(results, 1, results.n)
      end
      local function around(name, vid)
         return ("pre_%s %s, post_%s %s"):format(name, vid, name, vid)
      end
      local disk = calls(around("create", "vm/a"), pools.origin, pool, "vm/a", { revisions_to_keep = 9 })
      calls(around("start", "vm/a"), disk.start, disk)
      calls("", disk.start, disk)
      calls(around("stop", "vm/a"), disk.stop, disk)
      calls("", disk.stop, disk)
      calls(around("snapshot", "vm/a"), disk.snapshot, disk)
      calls(around("annotate", "vm/a"), disk.annotate, disk, "1", { tag = "x" })
      calls(around("revert", "vm/a"), disk.revert, disk, "1")
      calls(around("remove_revision", "vm/a"), disk.remove_revision, disk, "2")
      calls(around("resize", "vm/a"), disk.resize, disk, "2M")
      calls(around("set", "vm/a"), disk.set, disk, { revisions_to_keep = 5 })
      calls(around("clone", "vm/b"), disk.clone, disk, "vm/b")
      calls(around("rename", "vm/b"), pool:volume("vm/b").rename, pool:volume("vm/b"), "vm/c")
      calls(around("clone", "pair/a"), disk.clone, disk, "pair/a")
      calls(around("clone", "pair/b"), disk.clone, disk, "pair/b")
      local pair = pool:group("pair")
      calls("pre_rename pair/a, pre_rename pair/b, post_rename pair/a, post_rename pair/b", pair.rename, pair, "two")
      local other = pool:volume("vm/c")
      calls(around("import", "vm/c"), other.import_volume, other, disk)
      local path = calls(around("import", "vm/c"), other.import_data, other, "1M")
      pools.write(path, "content")
      calls(around("import_end", "vm/c"), other.import_data_end, other, true)
      pools.write(scratch_dir .. "/image", "content")
      calls(around("import", "vm/c"), other.import_file, other, scratch_dir .. "/image")
      calls(around("export", "vm/c"), other.export_file, other, scratch_dir .. "/exported")
      path = calls("pre_export vm/c", other.export, other)
      calls("post_export vm/c", other.export_end, other, path)
      calls(around("remove", "vm/c"), other.remove, other)
      calls(around("space", "-"), pool.space, pool)
      calls(around("set", "-"), pool.set, pool, { precache = false })
      calls(around("policy", "-"), pool.set_policy, pool, "few", "return policy { keep.last(1) }", { unused = true })
      calls("", pool.prune, pool)
      pools.session(disk, "one")
      pools.session(disk, "two")
      take_called()
      disk:set({ revisions_to_keep = 0 })
      take_called()
      calls(around("prune", "vm/a"), pool.prune, pool)
      pools.write(pools.path(pool, "vm/a.img~abcdefgh"), "left over")
      calls(around("repair", "vm/a"), pool.check, pool, { repair = true })
      pools.write(pools.path(pool, "vm/z.img"), "content")
      calls(around("adopt", "vm/z"), pool.adopt_volume, pool, "vm/z", { save_on_stop = true })
      calls("", disk.plan, disk, "start")
   end)

   it("are called around defrag, once for a volume that is in many pieces", function()
      with(recorders())
      local disk = pools.origin(pool, "vm/a", { size = 4 << 20 })
      for round = 0, 1 do
         local path = disk:start()
         for block = round, 1023, round + 1 do
            pools.put(path, ("%d of %d "):format(block, round):rep(400):sub(1, 4096), block * 4096)
         end
         disk:stop()
      end
      if #disk:plan("defrag").phases == 0 then
         pending("needs a file system that shares blocks")
         return
      end
      take_called()
      disk:defrag()
      assert.equal("pre_defrag vm/a, post_defrag vm/a", take_called())
      disk:defrag()
      assert.equal("", take_called())
      with({ pre_defrag = function(call) error("not " .. call.plan.operation .. " of " .. call.volume, 0) end })
      for block = 0, 1023, 2 do
         pools.put(pool:volume("vm/a"):start(), "again", block * 4096)
      end
      pool:volume("vm/a"):stop()
      local before = pools.listing(pool.dir, { directory_times = false })
      pools.fails("policy", "byre: vm/a: refused by pre_defrag: not defrag of vm/a", disk.defrag, pool:volume("vm/a"))
      assert.equal(before, pools.listing(pool.dir, { directory_times = false }))
   end)

   it("are called for the pool itself", function()
      local dir = fs:fresh() .. "/pool"
      local made = byre.create_pool(dir, { setup_check = false, hooks = recorders() })
      assert.equal("pre_setup -, post_setup -", take_called())
      made:close()
      byre.release_pool(dir, { hooks = recorders() })
      assert.equal("pre_release -, post_release -", take_called())
      local e = pools.fails("policy", "byre: " .. dir .. "2: refused by pre_setup: no", byre.create_pool, dir .. "2",
         { setup_check = false, hooks = { pre_setup = function() error("no", 0) end } })
      assert.equal("pre_setup", e.hook)
      assert.is_false(pools.exists(dir .. "2"))
   end)

   it("that refuse leave everything as it was", function()
      local disk = pools.origin(pool, "vm/a")
      pools.session(disk, "one")
      disk:start()
      local refuse = {}
      for _, name in ipairs(hooks.operations) do
         refuse["pre_" .. name] = function() error("not today", 0) end
      end
      with(refuse)
      disk = pool:volume("vm/a")
      local function refused(name, fn, ...)
         local e = pools.refuses(pool, "policy", ("byre: %s: refused by pre_%s: not today"):format(
            name:match("^(%S+) ") or "vm/a", name:match("%S+$")), fn, ...)
         assert.equal("pre_" .. name:match("%S+$"), e.hook)
      end
      refused("stop", disk.stop, disk)
      refused("snapshot", disk.snapshot, disk)
      refused("annotate", disk.annotate, disk, "1", { tag = "x" })
      refused("remove_revision", disk.remove_revision, disk, "1")
      refused("revert", disk.revert, disk, "1", { discard = true })
      refused("resize", disk.resize, disk, "2M")
      refused("set", disk.set, disk, { rw = false })
      refused("rename", disk.rename, disk, "vm/c", { state = "current" })
      refused("vm/c clone", disk.clone, disk, "vm/c", { state = "current" })
      refused("vm/n create", pools.origin, pool, "vm/n")
      refused("export", disk.export, disk)
      refused("export", disk.export_file, disk, scratch_dir .. "/never")
      assert.is_false(pools.exists(scratch_dir .. "/never"))
      refused(pool.dir .. " space", pool.space, pool)
      refused(pool.dir .. " policy", pool.set_policy, pool, "few", "return policy { keep.last(1) }")
      refused("remove", disk.remove, disk)
      assert.equal("vm/a", disk.vid)
   end)

   it("after an operation cannot undo it: what they raise is a warning", function()
      local events = {}
      with({ post_create = function() error("too late\n", 0) end },
         { log = function(event) events[#events + 1] = event end })
      pools.origin(pool, "vm/a")
      local last = events[#events]
      assert.equal("warning", last.step)
      assert.equal("byre: vm/a: post_create failed: too late", last.message)
      assert.equal("called", events[#events - 1].step)
      assert.equal("post_create", events[#events - 1].path)
      assert.equal("vm/a", pool:volume("vm/a").vid)
   end)

   it("are not called after an operation that failed", function()
      with(recorders())
      pools.origin(pool, "vm/a")
      take_called()
      pools.fails("exists", "byre: vm/a: there is a volume of this name", pools.origin, pool, "vm/a")
      assert.equal("", take_called())
   end)

   it("see what is going to be done, and cannot change it", function()
      local seen
      local disk = pools.origin(pool, "vm/a")
      with({ pre_start = function(call)
         seen = { text = tostring(call.plan), operation = call.operation, kind = call.config.kind, steps = {},
            pool = call.pool.dir, missing = call.result }
         for _, phase in ipairs(call.plan.phases) do
            for i = 1, #phase.steps do
               seen.steps[#seen.steps + 1] = phase.steps[i].op
            end
         end
         for key in pairs(call) do
            seen[key] = seen[key] or true
         end
         seen.errors = { select(2, pcall(function() call.volume = "vm/b" end)),
            select(2, pcall(function() call.plan.phases[1].steps[1].path = "x" end)),
            select(2, pcall(function() call.config.kind = "volatile" end)) }
      end, post_start = function(call) seen.result = call.result end })
      local text = tostring(pool:volume("vm/a"):plan("start"))
      local path = pool:volume("vm/a"):start()
      assert.equal(text, seen.text)
      assert.equal("start", seen.operation)
      assert.equal("origin", seen.kind)
      assert.equal(pool.dir, seen.pool)
      assert.is_true(#seen.steps > 0)
      assert.is_true(seen.hook and seen.volume)
      assert.is_nil(seen.missing)
      assert.equal(path, seen.result)
      assert.equal(3, #seen.errors)
      for _, e in ipairs(seen.errors) do
         assert.matches("this table is read%-only$", e)
      end
      assert.equal("vm/a", disk.vid)
   end)

   it("tell where a clone comes from and where a rename goes", function()
      local seen = {}
      pools.origin(pool, "vm/a")
      with({ pre_clone = function(call) seen.clone = call.from .. " " .. call.volume end,
         post_rename = function(call) seen.rename = call.volume .. " " .. call.to end })
      pool:volume("vm/a"):clone("vm/b"):rename("vm/c")
      assert.same({ clone = "vm/a vm/b", rename = "vm/b vm/c" }, seen)
   end)

   it("refuse one volume of a batch, and the others go on", function()
      pools.origin(pool, "vm/a")
      pools.origin(pool, "vm/b")
      pools.origin(pool, "vm/c")
      local list = recorders()
      list.pre_start = function(call)
         called[#called + 1] = call.hook .. " " .. call.volume
         assert(call.volume ~= "vm/b", "not this one")
      end
      with(list)
      local ok, e = pcall(pool.start, pool, { "vm/a", "vm/b", "vm/c" })
      assert.is_false(ok)
      assert.same({ "vm/a", "vm/c" }, e.done)
      assert.equal("byre: vm/b: refused by pre_start: not this one", (tostring(e.failures[1].error):gsub(
         "refused by pre_start: .*: not", "refused by pre_start: not")))
      assert.equal("pre_start vm/a, pre_start vm/b, pre_start vm/c, post_start vm/a, post_start vm/c", take_called())
   end)

   it("before an operation look at the pool but do not change it, however they open it", function()
      pools.origin(pool, "vm/a")
      pools.origin(pool, "other/b")
      local elsewhere = pools.create(fs)
      local results = {}
      local message = "byre: pre_start: a pre_ hook may look at its pool but not change it"
      with({ pre_start = function(call)
         results.size = call.pool:volume(call.volume):size()
         results.plan = tostring(call.pool:volume("other/b"):plan("start"))
         results.same = tostring(select(2, pcall(function() call.pool:volume("other/b"):start() end)))
         local again = byre.open_pool(call.pool.dir)
         results.again = tostring(select(2, pcall(function() again:volume("other/b"):start() end)))
         again:close()
         results.export = tostring(select(2, pcall(function()
            call.pool:volume("vm/a"):export_file(scratch_dir .. "/x")
         end)))
         results.elsewhere = pools.origin(elsewhere, "vm/x").vid
      end })
      pool:volume("vm/a"):start()
      elsewhere:close()
      assert.equal(pools.size, results.size)
      assert.matches('^start "other/b"', results.plan)
      assert.equal(message, results.same)
      assert.equal(message, results.again)
      assert.equal(message, results.export)
      assert.equal("vm/x", results.elsewhere)
      with(nil)
      pool:volume("other/b"):start()
   end)

   it("after an operation use the pool, and are not called for what they do themselves", function()
      pools.origin(pool, "vm/a", { revisions_to_keep = 9 })
      with({
         post_stop = function(call)
            called[#called + 1] = "post_stop"
            local disk = call.pool:volume(call.volume)
            disk:start()
            disk:stop()
         end,
         pre_start = function() called[#called + 1] = "pre_start" end,
      })
      local disk = pool:volume("vm/a")
      disk:start()
      disk:stop()
      assert.equal("pre_start, post_stop, pre_start", take_called())
      assert.equal(2, #disk:revisions())
   end)

   it("let what asks the program to end through", function()
      pools.origin(pool, "vm/a")
      with({ pre_start = function() error("interrupted", 0) end, post_stop = function() error("interrupted", 0) end })
      local disk = pool:volume("vm/a")
      local ok, e = pcall(disk.start, disk)
      assert.same({ false, "interrupted" }, { ok, e })
      with({})
      pool:volume("vm/a"):start()
   end)

   describe("of the file of the pool", function()
      it("are called after those of the program, and loaded anew when they change", function()
         install([[return { pre_create = function(call) error("by the file, with " .. type(byre.spawn), 0) end }]])
         pools.refuses(pool, "policy", "byre: vm/a: refused by pre_create: by the file, with function", pools.origin,
            pool, "vm/a")
         with({ pre_create = function() error("by the program", 0) end })
         pools.refuses(pool, "policy", "byre: vm/a: refused by pre_create: by the program", pools.origin, pool, "vm/a")
         with(nil)
         pools.refuses(pool, "policy", "byre: vm/a: refused by pre_create: by the file, with function", pools.origin,
            pool, "vm/a")
         install([[return { pre_create = function() error({}) end }]])
         local ok, e = pcall(pools.origin, pool, "vm/a")
         assert.is_false(ok)
         assert.matches("^byre: vm/a: refused by pre_create: table: ", tostring(e))
         os.remove(file_path())
         pools.origin(pool, "vm/a")
      end)

      it("can be left out", function()
         install([[return { pre_create = function() error("no") end }]])
         with(nil, { hooks_file = false })
         pools.origin(pool, "vm/a")
      end)

      it("keep their globals to themselves", function()
         install([[counter = 0
            return { pre_create = function() counter = counter + 1 assert(counter < 2, "again") end }]])
         pools.origin(pool, "vm/a")
         assert.is_nil(rawget(_G, "counter"))
         local ok, e = pcall(pools.origin, pool, "vm/b")
         assert.is_false(ok)
         assert.equal("byre: vm/b: refused by pre_create: again", (tostring(e):gsub("hooks.lua:2: ", "")))
      end)

      it("refuse every operation when they do not load", function()
         local disk = pools.origin(pool, "vm/a")
         for text, message in pairs({
            ["return {"] = [[does not load: hooks.lua:1: unexpected symbol near <eof>]],
            ["return nil"] = "hooks must be a table of functions: return { pre_stop = function(call) ... end }",
            ["return { pre_stopp = print }"] = 'there is no hook "pre_stopp"',
            ["return { print }"] = 'there is no hook "1"',
            ["return { pre_stop = true }"] = "pre_stop must be a function, not a boolean",
            ["error('broken', 0)"] = "fails: broken",
            ["\27Lua"] = "does not load: attempt to load a binary chunk (mode is 't')",
            [(" "):rep(1024 * 1024 + 1)] = "is larger than 1 MiB",
         }) do
            install(text)
            local ok, e = pcall(disk.start, disk)
            assert.is_false(ok)
            assert.equal("byre: " .. file_path() .. ": " .. message, (tostring(e):gsub("expected near <eof>",
               "unexpected symbol near <eof>"):gsub("'}' unexpected symbol", "unexpected symbol")))
            assert.equal("invalid", e.code)
         end
         os.remove(file_path())
         scratch.sh("mkdir %s", file_path())
         pools.refuses(pool, "invalid", "byre: " .. file_path() .. ": is a directory, not a plain file", disk.start,
            disk)
         scratch.sh("rmdir %s && ln -s /etc/hostname %s", file_path(), file_path())
         assert.is_false(pcall(disk.start, disk))
         assert.is_false(disk:is_dirty())
      end)

      it("are refused if another user could have written them", function()
         local disk = pools.origin(pool, "vm/a")
         install("return {}")
         disk:start()
         local object = "byre: " .. file_path()
         for _, mode in ipairs({ "620", "602", "666" }) do
            scratch.sh("chmod %s %s", mode, file_path())
            pools.refuses(pool, "denied", ("%s: can be changed by others (mode 0%s): chmod go-w; "
               .. "hooks are code that runs as you"):format(object, mode), disk.stop, disk)
         end
         scratch.sh("chmod 644 %s && chmod 770 %s", file_path(), pools.path(pool, ".byre"))
         pools.refuses(pool, "denied", ("byre: %s: can be changed by others (mode 0770): chmod go-w; "
            .. "hooks are code that runs as you"):format(pools.path(pool, ".byre")), disk.stop, disk)
         scratch.sh("chmod 700 %s && chown 12345 %s", pools.path(pool, ".byre"), file_path())
         pools.refuses(pool, "denied", object .. ": belongs to user 12345, and byre runs as user 0; "
            .. "hooks are code that runs as you", disk.stop, disk)
         scratch.sh("chown 0 %s", file_path())
         disk:stop()
      end)
   end)

   it("of a program are checked when the pool is opened", function()
      pools.fails("invalid", 'byre: hooks: there is no hook "pre_begin"', byre.open_pool, pool.dir,
         { hooks = { pre_begin = print } })
      pools.fails("invalid", "byre: hooks: post_stop must be a function, not a number", byre.open_pool, pool.dir,
         { hooks = { post_stop = 1 } })
      assert.error_matches(function() byre.open_pool(pool.dir, { hooks_file = "no" }) end, "hooks_file: true or false")
   end)

   describe("whose file is broken are a finding of check", function()
      local function findings(options)
         local list = {}
         for i, finding in ipairs(pool:check(options)) do
            list[i] = ("%s %s: %s%s"):format(finding.code, finding.path, finding.message,
               finding.repaired and " (repaired)" or "")
         end
         return list
      end

      local closing = "; every operation is refused until that is mended"

      for words, text in pairs({ ["does not load: hooks.lua:1: unexpected symbol near <eof>"] = "return (",
         ["fails: hooks.lua:1: oops"] = "error('oops')",
         ["hooks must be a table of functions: return { pre_stop = function(call) ... end }"] = "return 5",
         ['there is no hook "pre_stopp"'] = "return { pre_stopp = function() end }" }) do
         it("(" .. words .. ")", function()
            pools.origin(pool, "vm/a")
            pools.write(pools.path(pool, "vm/a.img~abcdefgh"), "left over")
            install(text)
            -- in one pass with what else is wrong, and nothing is mended that a hook might guard
            local expected = { "broken_hooks .byre/hooks.lua: " .. words .. closing,
               "temporary vm/a.img~abcdefgh: left by an operation that was cut short" }
            assert.same(expected, findings())
            assert.same(expected, findings({ repair = true }))
            assert.same(expected, findings({ repair = true, volumes = { "vm/a" } }))
            assert.is_true(pools.exists(pools.path(pool, "vm/a.img~abcdefgh")))
            install("return {}")
            assert.same({ expected[2] .. " (repaired)" }, findings({ repair = true }))
         end)
      end

      it("but not where the file is left out", function()
         install("return 5")
         with(nil, { hooks_file = false })
         assert.same({}, findings())
      end)
   end)
end)
