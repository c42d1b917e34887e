--- File systems that really refuse: full, over quota, read-only. Operations
-- meet them, fail with a sentence, and work once the obstacle is gone.
-- @module spec.kill.obstacles
local core = require("byre.core")
local filesystems = require("spec.support.filesystems")
local rig = require("spec.kill.rig")
local shell = require("spec.support.shell")

local obstacles = {}

local makers = {
   -- data and metadata share their space, so that nothing is left of either
   btrfs = { size = "128M", make = "mkfs.btrfs -q -M", reflink = true },
   xfs = { size = "320M", make = "mkfs.xfs -q -m reflink=1", reflink = true },
   ext4 = { size = "32M", make = "mkfs.ext4 -q -F", reflink = false },
}

local methods = {}
local mt = { __index = methods }

function methods:fresh()
   self.count = self.count + 1
   local dir = ("%s/%d"):format(self.dir, self.count)
   shell.must("mkdir " .. dir)
   return dir
end

function methods:unmount()
   shell.must("umount " .. self.dir)
end

-- a small file system that is ours alone; nil and why not
local function mount(name, options)
   local maker = makers[name]
   if not maker then
      local fs, reason = filesystems.tmpfs("8m")
      return fs and setmetatable({ name = name, dir = fs.dir, reflink = false, count = 0 }, mt), reason
   end
   local host, reason = filesystems.get("ext4")
   if not host then
      return nil, reason
   end
   local dir = host:fresh()
   local result = shell.run(("export PATH=$PATH:/usr/sbin; cd %s && truncate -s %s image && %s image && mkdir mnt && "
      .. "mount -t %s -o loop%s image mnt"):format(dir, maker.size, maker.make, name, options))
   if result.code ~= 0 then
      return nil, ("%s%s cannot be mounted here"):format(name, options)
   end
   return setmetatable({ name = name, dir = dir .. "/mnt", reflink = maker.reflink, count = 0 }, mt)
end

-- Take all space with files that have no name, first in large pieces, then in
-- many small ones for what only inodes fit into.
local function fill(fs)
   local dir = assert(core.open_dir(fs.dir))
   local files, size = {}, 64 << 20
   while size >= 4096 and #files < 600 do
      local file = dir:tmpfile("filler")
      if not file then
         break
      elseif file:allocate(0, size) then
         files[#files + 1] = file
      else
         file:close()
         size = size // 2
      end
   end
   for _ = 1, 100 do
      files[#files + 1] = dir:tmpfile("filler")
   end
   dir:close()
   return function()
      for _, file in ipairs(files) do
         file:close()
      end
      shell.must("sync -f " .. fs.dir)
   end
end

local function remount(fs, how)
   shell.must(("mount -o remount,%s %s"):format(how, fs.dir))
end

local function make_read_only(fs)
   remount(fs, "ro")
   return function() remount(fs, "rw") end
end

local quota = {}

-- asked of the top of the file system: below, the limit would stand in its own way
function quota.btrfs(fs, dir)
   local command = ("export PATH=$PATH:/usr/sbin; sync -f %s && id=$(btrfs inspect-internal rootid %s) && "
      .. "btrfs qgroup limit %%s 0/$id %s"):format(dir, fs.pools, fs.dir)
   shell.must(command:format("64K"))
   return function() shell.must(command:format("none")) end
end

function quota.xfs(fs)
   local command = "export PATH=$PATH:/usr/sbin; xfs_quota -x -c 'limit -p bhard=%s ihard=%s 42' " .. fs.dir
   shell.must(command:format("4k", "1"))
   return function() shell.must(command:format("0", "0")) end
end

local function set_up_quota(fs)
   fs.pools = fs.dir .. "/pools"
   local commands = {
      btrfs = "btrfs subvolume create %s && btrfs quota enable %s",
      xfs = "mkdir %s && xfs_quota -x -c 'project -s -p %s 42' " .. fs.dir,
   }
   local result = shell.run("export PATH=$PATH:/usr/sbin; " .. commands[fs.name]:format(fs.pools, fs.pools))
   return result.code == 0, result.err
end

--- The obstacles: name, on which file systems, what puts one up (and returns what takes it away), the error's code.
obstacles.list = {
   { name = "full", fs = { "btrfs", "xfs", "ext4", "tmpfs" }, code = "no_space", put = fill },
   { name = "over quota", fs = { "btrfs", "xfs" }, code = "no_space", set_up = set_up_quota,
      options = { xfs = ",prjquota" },
      put = function(fs, dir) return quota[fs.name](fs, dir) end },
   { name = "read-only", fs = { "btrfs", "xfs", "ext4", "tmpfs" }, code = "read_only", put = make_read_only },
}

local place_methods = {}
local place_mt = { __index = place_methods }

--- Let an operation meet the obstacle, and again when it is gone.
-- @treturn ?string what is wrong
-- @treturn boolean whether the operation failed
function place_methods:meet(operation)
   return self.rig:obstruct(operation, self.obstacle.code, function(dir)
      return self.obstacle.put(self.fs, dir)
   end)
end

function place_methods:close()
   self.fs:unmount()
end

--- A rig on a small file system for an obstacle, to `meet` and `close`; nil and why there is none.
function obstacles.rig(obstacle, name)
   local fs, reason = mount(name, obstacle.options and obstacle.options[name] or "")
   if not fs then
      return nil, reason
   end
   if obstacle.set_up then
      local ok, why = obstacle.set_up(fs)
      if not ok then
         fs:unmount()
         return nil, why
      end
   end
   local the_rig = rig.new(fs, { precache = fs.reflink }, fs.pools)
   return setmetatable({ fs = fs, rig = the_rig, obstacle = obstacle }, place_mt)
end

return obstacles
