local byre = require("byre")
local filesystems = require("spec.support.filesystems")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

-- as qubesd of Qubes OS 4 writes it, shortened
local xml = [[
<qubes version="4.0">
  <properties><property name="clockvm" ref="yes">sys-net</property></properties>
  <labels><label id="label-1" color="0xcc0000">red</label></labels>
  <pools>
    <pool name="varlibqubes" driver="file" dir_path="/var/lib/qubes" revisions_to_keep="1"/>
    <pool name="ours" driver="file-reflink" dir_path="%s" revisions_to_keep="2"/>
  </pools>
  <domains>
    <domain id="domain-1" class="TemplateVM">
      <properties><property name="name">tpl</property></properties>
      <volume-config>
        <volume name="root" pool="ours" vid="vm-templates/tpl/root" revisions_to_keep="3" rw="True"
                save_on_stop="True" size="10737418240"/>
        <volume name="volatile" pool="ours" vid="vm-templates/tpl/volatile" rw="True" size="10485760"/>
      </volume-config>
    </domain>
    <domain id="domain-2" class="AppVM">
      <properties><property name="name">work</property></properties>
      <volume-config>
        <volume name="root" pool="ours" vid="appvms/work/root" snap_on_start="True" rw="False"
                source="vm-templates/tpl/root" revisions_to_keep="0" size="10737418240"/>
        <volume name="private" pool="ours" vid="appvms/work/private" revisions_to_keep="-1" rw="True"
                save_on_stop="True"/>
        <volume name="kernel" pool="linux-kernel" vid="6.1.0" rw="False"/>
      </volume-config>
    </domain>
  </domains>
</qubes>
]]

filesystems.each({ "btrfs" }, function(fs)
   describe("a qubes.xml", function()
      local dir, file

      before_each(function()
         dir, file = fs:fresh() .. "/images", fs:fresh() .. "/qubes.xml"
         scratch.sh("mkdir -p %s %s", dir .. "/appvms/work", dir .. "/vm-templates/tpl")
         pools.write(file, xml:format(dir))
         pools.write(dir .. "/vm-templates/tpl/root.img", "template")
         pools.write(dir .. "/appvms/work/private.img", "private")
         pools.write(dir .. "/appvms/work/other.img", "of no domain")
      end)

      it("says what kind each volume is, also of those that have no image now", function()
         local adoption = byre.propose_adoption(dir, { qubes_xml = file })
         assert.same({}, adoption.left)
         local pool = adoption:run()
         local root = pool:volume("appvms/work/root")
         assert.same({ "snapshot", "vm-templates/tpl/root", false },
            { root.kind, root.source, root.rw })
         assert.equal(3, pool:volume("vm-templates/tpl/root").revisions_to_keep)
         assert.equal(-1, pool:volume("appvms/work/private").revisions_to_keep)
         assert.equal("volatile", pool:volume("vm-templates/tpl/volatile").kind)
         assert.equal("origin", pool:volume("appvms/work/other").kind)
         assert.equal(5, #scratch.sh("find %s -name '*.json' -path '*volume*'", dir .. "/.byre"):gsub("[^\n]+", "x")
            :gsub("\n", ""))
         assert.equal("template", pools.get(root:start()))
         assert.same({}, pool:check())
         pool:close()
      end)

      it("of a pool that has moved is taken by the pool's name", function()
         local moved = dir .. "-moved"
         scratch.sh("mv %s %s", dir, moved)
         local e = pools.fails("invalid", ("byre: %s: tells of no pool in %s"):format(file, moved),
            byre.propose_adoption, moved, { qubes_xml = file })
         assert.equal("--qubes-pool NAME says which of its pools this one was", e.hint)
         local adoption = byre.propose_adoption(moved, { qubes_xml = file, qubes_pool = "ours" })
         assert.equal(5, #adoption.volumes)
         adoption:close()
      end)

      it("that is damaged, missing, or something else is refused with the line", function()
         pools.write(file, xml:format(dir):sub(1, 400))
         local ok, e = pcall(byre.propose_adoption, dir, { qubes_xml = file })
         assert.is_false(ok)
         assert.equal("invalid", e.code)
         assert.is_truthy(tostring(e):find("line %d+: .*a qubes.xml is needed"))
         pools.write(file, "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>")
         assert.is_false(pcall(byre.propose_adoption, dir, { qubes_xml = file }))
         assert.is_false(pcall(byre.propose_adoption, dir, { qubes_xml = file .. ".none" }))
         pools.write(file, (xml:format(dir):gsub('size="10485760"', 'size="ten"')))
         local reason = 'volume vm-templates/tpl/volatile: size is "ten", not a number'
         pools.fails("invalid", ("byre: %s: %s"):format(file, reason), byre.propose_adoption, dir, { qubes_xml = file })
      end)

      it("that names a source that is not there leaves what depends on it", function()
         scratch.sh("rm %s", dir .. "/vm-templates/tpl/root.img")
         local adoption = byre.propose_adoption(dir, { qubes_xml = file })
         local left = {}
         for i, item in ipairs(adoption.left) do
            left[i] = item.path .. ": " .. item.reason
         end
         assert.same({ "appvms/work/root: its source vm-templates/tpl/root is not in the pool",
            "vm-templates/tpl/root: there is no image of it" }, left)
         adoption:close()
      end)
   end)
end)
