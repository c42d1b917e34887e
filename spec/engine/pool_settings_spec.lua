-- Settings of a pool that is there.
local byre = require("byre")
local catalog = require("byre.catalog")
local events = require("byre.events")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")
local shell = require("spec.support.shell")

describe("settings of a pool", function()
   local dir, pool

   before_each(function()
      dir = shell.temporary_directory()
      pool = byre.create_pool(dir .. "/pool", { setup_check = false, lock_timeout = 5 })
   end)
   after_each(function()
      pool:close()
      shell.remove(dir)
   end)

   local function file()
      return shell.read(pool.dir .. "/.byre/pool.json")
   end

   local function kept()
      return (catalog.decode_pool("pool.json", file()))
   end

   it("are changed, those that are named", function()
      local plan = pool:set({ on_full = "prune", precache = false })
      assert.equal(('set "%s"\n  1  write      .byre/pool.json'):format(pool.dir), tostring(plan))
      local expected = { revisions_to_keep = 1, precache = false, ephemeral_volatile = false, reflink = "auto",
         on_full = "prune" }
      assert.same(expected, pool.config)
      assert.same(expected, kept())
      assert.equal("600\n", shell.must("stat -c %a " .. shell.quote(pool.dir .. "/.byre/pool.json")))
      pool:set({ precache = true })
      assert.equal("prune", pool.config.on_full)
      assert.is_true(pool.config.precache)
   end)

   it("are taken away by false, those that need not be", function()
      pool:set({ cow_extent_size = 0 })
      assert.equal(0, pool.config.cow_extent_size)
      pool:set({ cow_extent_size = false })
      assert.is_nil(kept().cow_extent_size)
   end)

   it("count from the next operation on, in every process", function()
      local other = pools.reopen(pool)
      local disk = pools.origin(other, "vm/a")
      for i = 1, 3 do
         pools.session(disk, tostring(i))
      end
      assert.equal(1, #disk:revisions())
      pool:set({ revisions_to_keep = 3 })
      pools.session(disk, "4")
      assert.equal(2, #disk:revisions())
      assert.equal(3, disk.revisions_to_keep)
      other:close()
   end)

   it("leave alone what they are not about", function()
      pool:set_policy("few", "return policy { keep.last(1) }", { pattern = "vm/*" })
      pools.write(pool.dir .. "/.byre/pool.json", (file():gsub("{", '{ "of_tomorrow": [1, 2],', 1)))
      pool:set({ reflink = "never" })
      assert.matches('"of_tomorrow":%[1,2%]', (file():gsub("%s", "")))
      assert.same({ ["vm/*"] = "few" }, kept().retention_for)
   end)

   it("are not touched by a dry run", function()
      local before = pools.listing(pool.dir)
      local plan = pool:set({ on_full = "prune" }, { dry_run = true })
      assert.equal(1, #plan.phases)
      assert.equal(before, pools.listing(pool.dir))
      assert.equal("fail", pool.config.on_full)
   end)

   it("are refused whole if one of them is wrong", function()
      local function refused(reason, changes, hint)
         local e = pools.refuses(pool, "invalid", ("byre: %s: %s"):format(pool.dir, reason), pool.set, pool, changes)
         assert.equal(hint, e.hint)
      end
      refused('on_full: must be "fail" or "prune", not "explode"', { on_full = "explode", precache = false })
      refused('revisions_to_keep: must be an integer of -1 or more; -1 disables snapshots, not "-2"',
         { revisions_to_keep = -2 })
      refused('precache: must be true or false, not "yes"', { precache = "yes" })
      refused('there is no setting "colour" that can be changed', { colour = "blue" },
         "revisions_to_keep, precache, ephemeral_volatile, reflink, on_full, cow_extent_size, trash can")
      refused("policies are not changed as a setting", { retention = "few" },
         "byre policy set and byre policy unset do that")
      assert.is_false(pcall(pool.set, pool))
   end)

   it("are not written over a file that cannot be read", function()
      pools.write(pool.dir .. "/.byre/pool.json", '{"format":')
      local before = pools.listing(pool.dir)
      local ok, e = pcall(pool.set, pool, { precache = false })
      assert.is_false(ok)
      assert.equal("corrupt", e.code)
      assert.equal(before, pools.listing(pool.dir))
   end)

   it("are told of: to hooks, to the log, and to those who keep events", function()
      events.keep(pool, true)
      local seen = {}
      local other = byre.open_pool(pool.dir, { hooks = {
         pre_set = function(call) seen[#seen + 1] = ("pre %s %s"):format(call.operation, call.volume) end,
         post_set = function(call) seen[#seen + 1] = "post " .. call.pool.config.on_full end,
      } })
      other:set({ on_full = "prune" })
      assert.same({ "pre set nil", "post prune" }, seen)
      local list = events.list(pool)
      assert.same({ "written", "set", pool.dir }, { list[#list - 2].step, list[#list - 2].operation,
         list[#list - 2].volume })
      assert.same({ "done", "set" }, { list[#list - 1].step, list[#list - 1].operation })
      other:close()
      other = byre.open_pool(pool.dir, { hooks = { pre_set = function() error("not today", 0) end } })
      pools.fails("policy", ("byre: %s: refused by pre_set: not today"):format(pool.dir), other.set, other,
         { on_full = "fail" })
      assert.equal("prune", kept().on_full)
      other:close()
   end)

   it("are durable when they are said to be changed", function()
      local text = shell.must(('eval "$(tools/env ${BYRE_BUILD:-build})"; strace -f -o %s/trace '
         .. "-e trace=fsync,fdatasync,syncfs,rename,renameat,renameat2,linkat byre -p %s config keep=3; cat %s/trace")
         :format(dir, pool.dir, dir))
      local content = text:find("sync%(")
      local name = text:find("pool.json", content, true)
      assert.is_truthy(content and name, text)
      assert.is_truthy(text:find("sync%(", name), text)
   end)

   it("that several processes change at once are all changed", function()
      local rounds = 40
      local child = [[
         local pool = require("byre").open_pool(arg[1], { lock_timeout = 60 })
         print("ready")
         io.stdout:flush()
         io.read()
         for i = 1, %d do %s end
      ]]
      local work = {
         "pool:set({ revisions_to_keep = i })",
         "pool:set({ on_full = i == 40 and 'prune' or 'fail' })",
         "pool:set_policy('p', 'return policy { keep.last(1) }', { pattern = 'vm/' .. i })",
      }
      local processes = {}
      for i, text in ipairs(work) do
         processes[i] = scratch.process(child:format(rounds, text), pool.dir)
      end
      for _, process in ipairs(processes) do
         process.stdin:write("go\n")
         process.stdin:flush()
      end
      -- the last first: it has inherited what the input of those before it ends with
      for i = #processes, 1, -1 do
         processes[i].finish()
      end
      local settings, patterns = kept(), 0
      for _ in pairs(settings.retention_for) do
         patterns = patterns + 1
      end
      assert.same({ rounds, "prune", rounds }, { settings.revisions_to_keep, settings.on_full, patterns })
   end)
end)
