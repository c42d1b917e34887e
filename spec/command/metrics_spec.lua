-- byre metrics, as a collector reads it.
local byre = require("byre")
local events = require("byre.events")
local filesystems = require("spec.support.filesystems")
local open_metrics = require("byre.command.open_metrics")
local shell = require("spec.support.shell")

describe("byre metrics", function()
   local dir, pool

   before_each(function()
      local fs = filesystems.get("btrfs")
      dir = fs and fs:fresh() or shell.temporary_directory()
      pool = byre.create_pool(dir .. "/pool", { setup_check = false })
   end)
   after_each(function()
      pool:close()
      shell.remove(dir)
   end)

   local function run(words)
      return shell.run(('eval "$(tools/env ${BYRE_BUILD:-build})"; byre -p %s/pool metrics %s'):format(dir,
         words or ""))
   end

   -- { ["name{labels}"] = number } of a text, with the label of the pool left out
   local function figures(text)
      local found = {}
      for name, labels, value in text:gmatch("\n([%w_]+)(%b{}) (%S+)") do
         found[name .. labels:gsub(',?pool="[^"]*",?', "")] = tonumber(value)
      end
      return found
   end

   local function make_200()
      local vids = {}
      pool:create_volume("templates/root", { size = "1M", save_on_stop = true })
      for i = 1, 100 do
         vids[i] = ("vm%03d/data"):format(i)
      end
      pool:create_volumes(vids, { size = "1M", save_on_stop = true })
      for i = 1, 99 do
         vids[100 + i] = ("vm%03d/root"):format(i)
      end
      pool:create_volumes(table.move(vids, 101, 199, 1, {}), { snap_on_start = true, source = "templates/root" })
      pool:start(table.move(vids, 91, 110, 1, {}))
      pool:volume("templates/root"):start()
      pool:volume("templates/root"):stop()
   end

   it("of 200 volumes are what promtool takes for good", function()
      make_200()
      local result = run("-o " .. shell.quote(dir .. "/byre.prom"))
      assert.same({ code = 0, out = "", err = "" }, result)
      local text = shell.read(dir .. "/byre.prom")
      assert.equal("# EOF\n", text:sub(-6))
      local found = figures("\n" .. text)
      assert.equal(101, found['byre_pool_volumes{kind="origin"}'])
      assert.equal(99, found['byre_pool_volumes{kind="snapshot"}'])
      assert.equal(0, found['byre_pool_volumes{kind="volatile"}'])
      assert.equal(20, found["byre_pool_sessions{}"])
      assert.equal(10, found["byre_pool_dirty_volumes{}"])
      assert.equal(10, found["byre_pool_outdated_volumes{}"])
      assert.equal(0, found["byre_pool_damaged_volumes{}"])
      assert.equal(1, found["byre_pool_revisions{}"])
      assert.equal(1, found['byre_volume_outdated{volume="vm001/root"}'])
      assert.equal(1, found['byre_volume_dirty{volume="vm100/data"}'])
      assert.equal(1048576, found['byre_volume_size_bytes{volume="vm050/data"}'])
      if os.getenv("CI") ~= "true" and shell.run("command -v promtool").code ~= 0 then
         pending("needs promtool")
      end
      local checked = shell.run(("promtool check metrics <%s"):format(shell.quote(dir .. "/byre.prom")))
      assert.same({ code = 0, out = "", err = "" }, checked)
   end)

   it("tell what would be pruned and what waits for somebody", function()
      local disk = pool:create_volume("vm/a", { size = "1M", save_on_stop = true, revisions_to_keep = 9 })
      for _ = 1, 4 do
         disk:snapshot()
      end
      assert.equal(0, figures(run().out)["byre_prune_due_revisions{}"])
      disk:set({ revisions_to_keep = 3 })
      assert.equal(1, figures(run().out)["byre_prune_due_revisions{}"])
      disk:set({ revisions_to_keep = false })
      pool:set_policy("few", "return policy { keep.last(1), min_age = 0 }")
      local found = figures(run().out)
      assert.is_nil(found["byre_prune_last_run_timestamp_seconds{}"])
      assert.is_true(found["byre_prune_waiting_revisions{}"] > 0)
      assert.equal(0, found["byre_prune_due_revisions{}"])
      pool:prune({ confirm = pool:prune({ dry_run = true }).hash })
      found = figures(run().out)
      assert.equal("integer", math.type(pool:last_prune()))
      assert.equal(pool:last_prune(), found["byre_prune_last_run_timestamp_seconds{}"])
      assert.equal(0, found["byre_prune_waiting_revisions{}"])
   end)

   it("tell of the last stop where events are kept", function()
      local disk = pool:create_volume("vm/a", { size = "1M", save_on_stop = true })
      local name = 'byre_volume_last_stop_timestamp_seconds{volume="vm/a"}'
      disk:start()
      disk:stop()
      assert.is_nil(figures(run("--no-space").out)[name])
      events.keep(pool, true)
      local before = os.time()
      disk:start()
      assert.is_nil(figures(run("--no-space").out)[name])
      disk:stop()
      local told = figures(run("--no-space").out)[name]
      assert.is_true(told >= before and told <= os.time())
   end)

   it("can be few", function()
      pool:create_volume("vm/a", { size = "1M", save_on_stop = true })
      local text = run("--no-volumes --no-space").out
      assert.not_matches("byre_volume_", text)
      assert.not_matches("byre_pool_images_bytes", text)
      assert.matches('\nbyre_pool_volumes{kind="origin",pool="[^"]*"} 1\n', text)
   end)

   it("leave out what is damaged, and say so", function()
      pool:create_volume("vm/a", { size = "1M", save_on_stop = true })
      pool:create_volume("vm/b", { size = "1M", save_on_stop = true })
      shell.write(dir .. "/pool/.byre/volume/vm/b.json", "{")
      local result = run("--no-space -o " .. shell.quote(dir .. "/byre.prom"))
      assert.equal(3, result.code)
      assert.matches("^byre: .byre/volume/vm/b.json: is not JSON", result.err)
      local found = figures(shell.read(dir .. "/byre.prom"))
      assert.equal(1, found["byre_pool_damaged_volumes{}"])
      assert.equal(1, found['byre_pool_volumes{kind="origin"}'])
   end)

   it("replace a file, and nothing that is none", function()
      shell.write(dir .. "/byre.prom", "old")
      shell.must(("chmod 600 %s/byre.prom; ln -s byre.prom %s/link; mkdir %s/directory"):format(dir, dir, dir))
      assert.equal(0, run("-o " .. dir .. "/byre.prom").code)
      assert.matches("# EOF\n$", shell.read(dir .. "/byre.prom"))
      assert.equal("644\n", shell.must(("stat -c %%a %s/byre.prom"):format(dir)))
      for name, message in pairs({
         ["link"] = "/link: is a symlink; give the name of a file",
         ["directory"] = "/directory: is a directory; give the name of a file",
         ["directory/"] = "/directory/: is a directory; give the name of a file",
         ["missing/file"] = "/missing: No such file or directory",
      }) do
         local result = run("-o " .. dir .. "/" .. name)
         assert.same({ code = 2, out = "", err = "byre: " .. dir .. message .. "\n" }, result)
      end
      assert.equal(2, run("-n -o " .. dir .. "/other").code)
      assert.equal("byre.prom\ndirectory\nlink\npool\n", shell.must("ls " .. dir))
   end)
end)

describe("byre.command.open_metrics", function()
   it("writes labels that can be read back, whatever is in them", function()
      local set = open_metrics.new({ pool = 'a"b\\c\nd\255' })
      set:family("x", "a \\ b\nc")
      set:family("empty", "nothing")
      set:add("x", 1.5)
      set:add("x", true, { volume = "v" })
      set:add("x", nil)
      assert.equal('# HELP x a \\\\ b\\nc\n# TYPE x gauge\n'
         .. 'x{pool="a\\"b\\\\c\\nd\\\\xff"} 1.5\n'
         .. 'x{pool="a\\"b\\\\c\\nd\\\\xff",volume="v"} 1\n# EOF\n', set:text())
   end)
end)
