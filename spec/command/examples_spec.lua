local command = require("byre.command")
local shell = require("spec.support.shell")

local volumes = [[
   local pool <close> = byre.open_pool("pool")
   for _, vid in ipairs({ "templates/debian/root", "vm/root", "vm/a", "appvms/old/private", "appvms/work/private" }) do
      pool:create_volume(vid, { size = "16M", save_on_stop = true, revisions_to_keep = 9 })
   end
   for _ = 1, 4 do
      pool:snapshot({ "appvms/work/private" })
   end
   pool:start({ "vm/a" })]]

local files = [[
   truncate -s 1M debian.img disk.img
   gzip -k disk.img
   echo 'print(#arg)' >nightly.lua
   echo '<qubes><pool name="vm-pool"/></qubes>' >qubes.xml
   for name in private other; do echo 'return policy { keep.daily(7) }' >$name.lua; done]]

-- what an example takes for granted, beyond the fixture
local before = {
   ["byre adopt"] = "rm -r pool/.byre/volume/appvms",
   ["byre create"] = "byre remove --yes templates/debian/root; byre create templates/debian/root --size 1M",
   ["byre create templates/debian/root --size 10G"] = "byre remove --yes templates/debian/root",
   ["byre clone templates"] = "byre remove --yes vm/root",
   ["byre revert --discard"] = "byre start appvms/work/private",
   ["byre events"] = "byre events --on",
   ["byre restore"] = "byre set appvms/work/private trash=2d; byre remove --yes appvms/work/private@3",
   ["byre trash"] = "byre set appvms/work/private trash=2d; byre remove --yes appvms/work/private@3",
   ["byre stop"] = "byre start appvms/work/private",
   ["byre snapshot --note"] = "byre clone vm/root appvms/work/root",
   ["byre import --create"] = "byre remove --yes templates/debian/root; "
      .. "qemu-img convert -f raw -O qcow2 debian.img debian.qcow2",
}

local after_byre_init = "byre init --no-setup-check"

local function prepare(example)
   local best = ""
   for beginning in pairs(before) do
      if example:sub(1, #beginning) == beginning and #beginning > #best then
         best = beginning
      end
   end
   return before[best] or "true"
end

describe("the examples in the help of", function()
   local model
   setup(function()
      model = shell.workplace()
      model:must("byre run -", volumes)
      model:must(files)
   end)
   teardown(function() model.remove() end)

   local has_qemu_img = shell.run("command -v qemu-img").code == 0

   for _, group in ipairs(command.groups) do
      for _, name in ipairs(group[2]) do
         it("byre " .. name .. " run as they stand", function()
            for _, example in ipairs(command.load(name).examples) do
               local text = example[1]
               if has_qemu_img or not text:find("qcow2", 1, true) then
                  local place = shell.workplace(false)
                  finally(place.remove)
                  place:must(("cp -a %s/. ."):format(shell.quote(model.dir)))
                  place:must(prepare(text))
                  -- no machine has these directories
                  local line = text:gsub("/srv/pool", name == "init" and "new" or "pool"):gsub("/mnt/ext4/", "other-")
                  if name == "init" then
                     line = "rm -r pool; " .. line:gsub("^byre init", after_byre_init)
                  end
                  local result = place:run("PATH=$PATH:/usr/sbin:/sbin; " .. line)
                  assert.equal("", result.err:gsub("byre: [mnt][^\n]*\n", ""):gsub("mke2fs[^\n]*\n", ""), text)
                  assert.equal(0, result.code, text)
                  place.remove()
               end
            end
         end)
      end
   end
end)
