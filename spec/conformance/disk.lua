--- What scenarios do to files behind the back of the pool: the `fs_*` and `loop_*` operations.
--
-- Everything goes through io and the ordinary commands, not through `byre.core`: what is under test must not be
-- what sets the scene. An error is raised as `{ class = "ENOENT", message = }`.
-- @module spec.conformance.disk
local disk = {}

local class_by_message = {
   ["No such file or directory"] = "ENOENT", ["File exists"] = "EEXIST", ["Not a directory"] = "ENOTDIR",
   ["Is a directory"] = "EISDIR", ["Operation not permitted"] = "EPERM", ["Permission denied"] = "EACCES",
   ["No space left on device"] = "ENOSPC", ["Directory not empty"] = "ENOTEMPTY",
   ["File name too long"] = "ENAMETOOLONG", ["Too many levels of symbolic links"] = "ELOOP",
   ["Invalid cross-device link"] = "EXDEV",
   ["Invalid argument"] = "EINVAL", ["File too large"] = "EFBIG", ["Read-only file system"] = "EROFS",
   ["Operation not supported"] = "EOPNOTSUPP", ["Too many links"] = "EMLINK", ["Device or resource busy"] = "EBUSY",
}

local function fail(message)
   local class = "OSError"
   for text, name in pairs(class_by_message) do
      if message:find(text, 1, true) then
         class = name
      end
   end
   error({ class = class, message = message }, 0)
end

--- Quote a word for the shell.
-- @tparam string word
-- @treturn string
function disk.quote(word)
   return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function command_line(words)
   local quoted = {}
   for i, word in ipairs(words) do
      quoted[i] = disk.quote(word)
   end
   return table.concat(quoted, " ")
end

--- Run a command.
-- @param ... its words
-- @treturn string what it printed
-- @raise what it wrote to stderr, as an error of the class that names its errno
function disk.run(...)
   -- stdout and stderr come through one pipe, told apart by the exit status
   local pipe = assert(io.popen("LC_ALL=C " .. command_line({ ... }) .. " 2>&1"))
   local output = pipe:read("a")
   if not pipe:close() then
      fail(output)
   end
   return output
end

local function open(path, mode)
   local file, message = io.open(path, mode)
   if not file then
      fail(message)
   end
   return file
end

local function close(file)
   local ok, message = file:close()
   if not ok then
      fail(message)
   end
end

local ops = {}

local function create(path, size)
   -- the recorded files have mode 0600
   disk.run("sh", "-c", 'umask 077; exec truncate -s "$2" "$1"', "sh", path, tostring(size))
end

function ops.fs_create(op, path)
   create(path, op.size or 0)
end

function ops.fs_write(op, path)
   if op.create and not io.open(path, "rb") then
      create(path, 0)
   end
   local file <close> = open(path, "r+b")
   file:seek("set", op.offset or 0)
   local ok, message = file:write(string.char(op.byte):rep(op.len))
   if not ok then
      fail(message)
   end
   close(file)
end

function ops.fs_read(op, path)
   local file <close> = open(path, "rb")
   file:seek("set", op.offset or 0)
   local data = file:read(op.len) or ""
   return (data:gsub(".", function(c)
      return ("%02x"):format(c:byte())
   end))
end

function ops.fs_truncate(op, path)
   close(open(path, "r+b"))
   disk.run("truncate", "-s", tostring(op.size), path)
end

function ops.fs_unlink(_, path)
   disk.run("unlink", path)
end

function ops.fs_rename(op, path, resolve)
   local ok, message = os.rename(path, resolve(op.to))
   if not ok then
      fail(message)
   end
end

function ops.fs_link(op, path, resolve)
   if op.to then
      disk.run("link", path, resolve(op.to))
   else
      disk.run("link", resolve(op.target), path)
   end
end

function ops.fs_symlink(op, path, resolve)
   disk.run("ln", "-s", "-T", resolve(op.target), path)
end

function ops.fs_mkdir(_, path)
   disk.run("mkdir", path)
end

function ops.fs_rmtree(_, path)
   disk.run("rm", "-r", path)
end

function ops.fs_chmod(op, path)
   disk.run("chmod", op.mode, path)
end

-- "-2500000000" -> "-2.500000000"
local function seconds(nanoseconds)
   local sign, digits = nanoseconds:match("^(-?)(%d+)$")
   digits = ("0"):rep(10 - #digits) .. digits
   return sign .. digits:sub(1, -10) .. "." .. digits:sub(-9)
end

function ops.fs_utime(op, path)
   close(open(path, "rb"))
   disk.run("touch", "-c", "-d", "@" .. seconds(op.mtime_ns), path)
end

function ops.fs_chattr(op, path)
   disk.run("chattr", op.flags, path)
end

function ops.fs_btrfs_subvolume(_, path)
   disk.run("btrfs", "subvolume", "create", path)
end

function ops.loop_attach(op, path, _, loops)
   loops[op.id] = disk.run("losetup", "--find", "--show", path):match("%S+")
end

local function loop_device(op, loops)
   return loops[op.id] or error({ class = "no_such_key", message = tostring(op.id) }, 0)
end

function ops.loop_size(op, _, _, loops)
   return math.tointeger(tonumber((disk.run("blockdev", "--getsize64", loop_device(op, loops)):match("%d+"))))
end

function ops.loop_detach(op, _, _, loops)
   disk.run("losetup", "--detach", loop_device(op, loops))
   loops[op.id] = nil
end

--- The operations: name -> function(op, path of `op.file`, resolve, loops).
disk.ops = ops

--- Detach the loop devices that are left.
-- @tparam table loops id -> device
function disk.detach_all(loops)
   for id, device in pairs(loops) do
      pcall(disk.run, "losetup", "--detach", device)
      loops[id] = nil
   end
end

return disk
