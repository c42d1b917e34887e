-- The log of btrfs can keep a name that was given without a sync and taken away since, also durably (kernel 6.18).
-- What a cut leaves is seen by copying the file that the disk is: all that was flushed is in it, and nothing else.
local filesystems = require("spec.support.filesystems")
local shell = require("spec.support.shell")

local history = [[
   local byre = require "byre"
   local pool = byre.create_pool("live/pool", { setup_check = false })
   local disk = pool:create_volume("vm/disk", { size = "1M", save_on_stop = true })
   disk:start()
   disk:stop()
   disk:annotate("1", { note = "goes with its revision" })
   os.execute("sync -f live")
   -- revision 1 goes, and its note: the entry gets its name anew, and nobody waits for that
   disk:start()
   disk:stop()
   -- so many new names make btrfs put those before into its tree, which is when the log goes wrong
   os.execute("mkdir live/other && cd live/other && seq 1000 | xargs touch && sleep 1")
   disk:remove()
]]

-- a command line in a directory that has a disk made by `history` mounted at `cut`, as a power cut left it
local function after_a_cut(command)
   local dir = shell.temporary_directory()
   shell.write(dir .. "/history.lua", history)
   local result = shell.run(([[
      set -e
      trap 'umount live cut 2>/dev/null || true' EXIT
      truncate -s 256M disk && mkfs.btrfs -q disk >/dev/null && mkdir live cut && mount -o loop disk live
      lua5.4 history.lua
      cp --sparse=always disk left && umount live && mount -o loop left cut
      %s]]):format(command), { dir = dir })
   shell.remove(dir)
   return result
end

describe("the log of btrfs", function()
   local _, reason = filesystems.get("btrfs")
   if reason then
      pending(reason)
      return
   end

   it("brings no volume back that was removed, when its entry was written anew without a sync", function()
      local result = after_a_cut("test -d cut/pool/.byre && find cut/pool -name 'disk*'")
      assert.equal("", result.out, result.err)
   end)
end)
