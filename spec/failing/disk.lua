--- A file system on a disk that fails when it is told to: writes of data that have a text in them.
-- @module spec.failing.disk
local process = require("spec.powercut.process")
local shell = require("spec.support.shell")

local disk = {}

-- what makes disks, loop devices and mounts for the power-cut rig
local recorder

local methods = {}
local mt = { __index = methods }

--- The text that cannot be written while the disk fails.
disk.bad = "this cannot be written. "

--- The file systems that there can be.
disk.names = { "btrfs", "xfs", "ext4" }

local function missing()
   if (os.getenv("BYRE_BUILD") or "build") ~= "build" then
      return "runs with the usual build only"
   end
   shell.run("make -s core powercut-programs")
   package.cpath = "build/powercut/lua/?.so;" .. package.cpath
   local built, result = pcall(require, "spec.powercut.recorder")
   recorder = result
   return not built and "needs build/powercut (package libfuse3-dev)" or recorder.why_not()
end

--- Why there can be none here; nil: there can.
function disk.why_not()
   local reason = missing()
   -- there the packages are our own doing
   if reason and os.getenv("CI") == "true" and reason:find("package", 1, true) then
      error(reason, 0)
   end
   return reason
end

--- Make one.
-- @tparam string fs `btrfs`, `xfs` or `ext4`
-- @treturn disk `dir`: where it is mounted
function disk.new(fs)
   local self = setmetatable({ fs = fs, undo = {}, mounts = {}, place = recorder.new_directory() }, mt)
   local image = self.place .. "/image"
   recorder.make_filesystem(fs, image)
   self.file = recorder.logdisk(self.undo, self.place .. "/fuse", image, self.place .. "/log")
   self.device = recorder.attach(self.undo, self.file)
   self.dir = self.place .. "/mnt"
   process.must("mkdir %s", self.dir)
   self:mount()
   return self
end

function methods:mount()
   assert(recorder.mount(self.mounts, self.fs, self.device, self.dir))
end

local function take_back(list)
   for i = #list, 1, -1 do
      list[i]()
      list[i] = nil
   end
end

function methods:unmount()
   take_back(self.mounts)
end

--- Begin to fail, or to work again.
function methods:fail(yes)
   local file <close> = assert(io.open(self.place .. "/fuse/fail", "w"))
   if yes then
      assert(file:write(disk.bad))
   end
end

--- Write what cannot be written into an image, as a guest would.
-- @tparam string path
-- @tparam[opt] string text other text, that can
function methods.spoil(_, path, text)
   local file <close> = assert(io.open(path, "r+b"))
   assert(file:write((text or disk.bad):rep(65536 // #disk.bad)))
end

function methods:close()
   self:fail(false)
   self:unmount()
   take_back(self.undo)
   process.must("rm -r %s", self.place)
end

return disk
