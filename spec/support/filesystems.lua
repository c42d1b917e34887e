--- Real file systems for specs: images in files, loop-mounted.
-- Each is made once in a process, when it is first asked for, and unmounted at its end; what a
-- process that was killed left behind is removed by the next one. They are in $TMPDIR if that is set, or else in
-- memory, where a sync costs little, if there is plenty of it, or else in /tmp.
--
--     filesystems.each({ "btrfs", "xfs", "ext4" }, function(fs)
--        it("clones", function()
--           local dir = fs:fresh()
--           ...
local filesystems = {}

local kinds = {
   btrfs = { reflink = true, make = "mkfs.btrfs", options = "-q", package = "btrfs-progs" },
   xfs = { reflink = true, make = "mkfs.xfs", options = "-q -m reflink=1", package = "xfsprogs" },
   ext4 = { reflink = false, make = "mkfs.ext4", options = "-q -F", package = "e2fsprogs" },
}

-- sparse, so it costs only what is written
local IMAGE_SIZE <const> = "2G"
local PATTERN <const> = "/byre%-spec%.(%d+)%.(%d+)$"

local function quote(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Run a shell command; its output, or nil and its output.
local function try(format, ...)
   local pipe = assert(io.popen("PATH=$PATH:/usr/sbin:/sbin; export LC_ALL=C; exec 2>&1 </dev/null; "
      .. format:format(...)))
   local output = pipe:read("a"):gsub("%s+$", "")
   if pipe:close() then return output end
   return nil, output
end

local function run(format, ...)
   local output, message = try(format, ...)
   return output or error(format:format(...) .. ": " .. message, 2)
end

local function read(path)
   local file = io.open(path)
   if not file then return nil end
   local text = file:read("a")
   file:close()
   return text
end

-- Process id and start time of a process, nil if there is none such.
local function identify(pid)
   local text = read(("/proc/%s/stat"):format(pid))
   if not text then return nil end
   local fields = {}
   for field in text:gsub("^.*%)", ""):gmatch("%S+") do fields[#fields + 1] = field end
   return text:match("^%d+"), fields[20]
end

-- Mount points at or below a directory, the last mounted first.
local function mounts_below(base)
   local found = {}
   for line in io.lines("/proc/self/mounts") do
      local path = line:match("^%S+ (%S+)"):gsub("\\(%d%d%d)", function(octal)
         return string.char(tonumber(octal, 8))
      end)
      if path:sub(1, #base + 1) == base .. "/" then table.insert(found, 1, path) end
   end
   return found
end

local function detach_below(base)
   for line in (try("losetup -n -l -O NAME,BACK-FILE") or ""):gmatch("[^\n]+") do
      local device, file = line:match("^(%S+)%s+(.*)$")
      if device and file:sub(1, #base + 1) == base .. "/" then try("losetup -d %s", device) end
   end
end

local function remove(base)
   detach_below(base)
   for _, path in ipairs(mounts_below(base)) do
      if not try("umount %s", quote(path)) then try("umount -l %s", quote(path)) end
   end
   if #mounts_below(base) == 0 then try("rm -rf --one-file-system %s", quote(base)) end
end

-- where images are: on the disk, or in memory, where what software costs is to be seen
local function places()
   return { disk = (os.getenv("TMPDIR") or "/tmp"):gsub("/+$", ""), memory = "/dev/shm" }
end

-- Whether what specs write fits into memory, with as much again for others.
local function has_memory()
   local NEEDED <const> = 8 << 30
   local free = tonumber((try("df --output=avail -B1 %s | tail -n 1", places().memory)))
   local available = tonumber((read("/proc/meminfo") or ""):match("MemAvailable:%s*(%d+) kB"))
   return free and available and free >= NEEDED and available * 1024 >= NEEDED
end

local function remove_stale()
   for _, place in pairs(places()) do
      for path in (try("ls -d %s/byre-spec.*", quote(place)) or ""):gmatch("[^\n]+") do
         local pid, started = path:match(PATTERN)
         if pid and select(2, identify(pid)) ~= started then remove(path) end
      end
   end
end

-- busted loads modules anew for each file: what belongs to the process is kept in the registry.
local function state()
   local registry = debug.getregistry()
   local pid, started = identify("self")
   local own = registry["byre.spec.filesystems"]
   if own and own.pid == pid then return own end
   remove_stale()
   own = { pid = pid, name = ("byre-spec.%s.%s"):format(pid, started), bases = {}, mounted = {}, count = 0 }
   own.place = not os.getenv("TMPDIR") and has_memory() and "memory" or "disk"
   -- a forked child must not take the file systems of its parent away
   setmetatable(own, { __gc = function()
      for _, base in pairs(identify("self") == pid and own.bases or {}) do remove(base) end
   end })
   registry["byre.spec.filesystems"] = own
   return own
end

-- our directory in one of the places
local function base_in(place)
   local own = state()
   if not own.bases[place] then
      local base = ("%s/%s"):format(places()[place], own.name)
      run("mkdir -m 755 %s", quote(base))
      own.bases[place] = base
   end
   return own.bases[place]
end

local function number()
   local own = state()
   own.count = own.count + 1
   return own.count
end

-- Whether we may mount what we like: root of a user namespace may not.
local function is_root()
   local CAP_SYS_ADMIN <const> = 21
   local capabilities = tonumber(read("/proc/self/status"):match("CapEff:%s*(%x+)"), 16)
   local map = read("/proc/self/uid_map") or "0 0 4294967295"
   return try("id -u") == "0" and capabilities & 1 << CAP_SYS_ADMIN ~= 0 and map:match("^%s*0%s+0%s+4294967295%s*$")
end

local function why_not(kind)
   if not is_root() then return "needs root" end
   if not try("test -e /dev/loop-control") then return "needs loop devices" end
   if not try("command -v %s", kind.make) then
      local reason = ("needs %s (package %s)"):format(kind.make, kind.package)
      -- there the packages are our own doing
      if os.getenv("CI") == "true" then error(reason, 0) end
      return reason
   end
end

-- Make an image and mount it; its mount point, or nil and why not.
local function mount_image(name, place, size)
   local base, kind = base_in(place), kinds[name]
   local dir = ("%s/%s"):format(base, size == IMAGE_SIZE and name or name .. "-" .. size)
   local image = dir .. ".img"
   run("truncate -s %s %s && %s %s %s", size, quote(image), kind.make, kind.options, quote(image))
   local mounted, message = try("mkdir %s && mount -o loop -t %s %s %s", quote(dir), name, quote(image), quote(dir))
   if mounted then return dir end
   try("rmdir %s; rm %s", quote(dir), quote(image))
   return nil, message
end

local methods = {}
local mt = { __name = "byre.spec.filesystem", __index = methods }

--- Make an empty directory on it.
-- @treturn string its path
function methods:fresh()
   local dir = ("%s/%d"):format(self.dir, number())
   run("mkdir %s", quote(dir))
   return dir
end

--- Unmount it before the process ends; only for those of `filesystems.tmpfs`.
function methods:unmount()
   run("umount %s", quote(self.dir))
end

--- A file system of some kind, mounted.
-- @tparam string name `btrfs`, `xfs` or `ext4`
-- @tparam[opt] table options `place`: `"disk"` or `"memory"`, a tmpfs (default: whichever does); `size` of the image,
-- as for truncate(1), sparse
-- @return an object with `name`, `place`, `reflink` (boolean), `dir`, `:fresh()`; or nil and why there is none
function filesystems.get(name, options)
   local place, size = options and options.place or state().place, options and options.size or IMAGE_SIZE
   local kind = assert(kinds[name], "no such file system")
   local reason = why_not(kind)
   if reason then return nil, reason end
   local mounted, key = state().mounted, ("%s %s %s"):format(name, place, size)
   if not mounted[key] then
      mounted[key], reason = mount_image(name, place, size)
      if not mounted[key] then return nil, reason end
   end
   return setmetatable({ name = name, place = place, reflink = kind.reflink, dir = mounted[key] }, mt)
end

--- Describe the same for several file systems, each in a `describe("on <name>")` of its own.
-- One that cannot be had is reported as pending, with the reason.
-- @tparam table names list of names for `get`
-- @tparam function body called with the file system
function filesystems.each(names, body)
   local busted = require("busted")
   for _, name in ipairs(names) do
      busted.describe("on " .. name, function()
         local fs, reason = filesystems.get(name)
         if fs then
            body(fs)
         else
            busted.pending(reason)
         end
      end)
   end
end

--- A tmpfs, for specs that need a full disk.
-- @tparam string size as for mount: `"8m"`
-- @return a file system as of `get`; or nil and why there is none
function filesystems.tmpfs(size)
   if not is_root() then return nil, "needs root" end
   local dir = ("%s/tmpfs-%d"):format(base_in(state().place), number())
   run("mkdir %s && mount -t tmpfs -o size=%s,mode=755 tmpfs %s", quote(dir), size, quote(dir))
   return setmetatable({ name = "tmpfs", reflink = false, dir = dir }, mt)
end

--- Attach a file on one of our file systems to a loop device, until `detach` or the end of the process.
-- @tparam string path
-- @tparam[opt] string options more options for losetup
-- @treturn string the device
function filesystems.attach(path, options)
   return run("losetup -f --show %s %s", options or "", quote(path))
end

--- Detach a loop device.
function filesystems.detach(device)
   run("losetup -d %s", device)
end

return filesystems
