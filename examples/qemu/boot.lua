-- boot.lua - the same as boot.sh in Lua: boots a guest from a volume and keeps what it wrote
--
--    byre run boot.lua POOL VID KERNEL INITRAMFS
--
-- If the guest ends well the session is committed, else dropped.
--
-- Debian: qemu-system-x86, byre.

local byre = require "byre"
local unistd = require "posix.unistd"
local wait = require "posix.sys.wait"

if #arg ~= 4 then
   io.stderr:write("usage: boot.lua POOL VID KERNEL INITRAMFS\n")
   os.exit(2)
end
local dir, vid, kernel, initramfs = table.unpack(arg)

local function run(...)
   io.stdout:flush()
   local pid = assert(unistd.fork())
   if pid == 0 then
      local words = { ... }
      words[0] = table.remove(words, 1)
      unistd.execp(words[0], words)
      unistd._exit(127)
   end
   local _, how, code = wait.wait(pid)
   return how == "exited" and code == 0
end

local pool <close> = byre.open_pool(dir)
local volume = pool:volume(vid)
local disk = volume:start()
local before = volume:usage()
local good = run("qemu-system-x86_64", "-machine", "q35", "-cpu", "qemu64", "-m", "256", "-display", "none",
   "-monitor", "none", "-serial", "stdio", "-no-reboot", "-nodefaults", "-kernel", kernel, "-initrd", initramfs,
   "-append", "console=ttyS0 quiet panic=-1",
   "-drive", ("file=%s,format=raw,if=virtio,discard=unmap"):format((disk:gsub(",", ",,"))))
print(("image: %d bytes before, %d bytes after"):format(before, volume:usage()))
volume:stop({ discard = not good })
os.exit(good, true)
