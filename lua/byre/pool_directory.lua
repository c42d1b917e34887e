--- The directory that a pool is in: found, made, and looked at before anything is put into it.
-- @module byre.pool_directory
local core = require("byre.core")

local failure = require("byre.failure")
local files = require("byre.store.files")
local layout = require("byre.layout")

local pool_directory = {}

local directory_mode = tonumber("775", 8)
local errno = core.errno

--- The name of a directory in its shortest form: by the text alone, as file-reflink does; symbolic links stay.
-- @tparam string dir `"x/../pool/"`
-- @treturn string `"pool"`
-- @raise `invalid`
function pool_directory.normalise(dir)
   if dir == "" then
      failure.raise("invalid", failure.quote(dir), "is no name of a directory")
   end
   local absolute = dir:sub(1, 1) == "/"
   local parts = {}
   for part in dir:gmatch("[^/]+") do
      if part == ".." and #parts > 0 and parts[#parts] ~= ".." then
         parts[#parts] = nil
      elseif part == ".." and not absolute then
         parts[#parts + 1] = part
      elseif part ~= "." and part ~= ".." then
         parts[#parts + 1] = part
      end
   end
   return (absolute and "/" or "") .. (#parts == 0 and not absolute and "." or table.concat(parts, "/"))
end

local function refuse_directory(dir, message, code)
   if code == errno.ELOOP then
      failure.raise("exists", dir, "is a symbolic link; name the directory itself",
         { errno = errno.EEXIST, path = dir })
   elseif code == errno.ENOTDIR then
      failure.raise("exists", dir, "is not a directory", { errno = errno.EEXIST, path = dir })
   elseif code == errno.ENOENT then
      failure.raise("no_such_pool", dir, "the directory above it does not exist", { errno = code, path = dir })
   end
   error(failure.from_errno(dir, message, code, { path = dir }), 0)
end

--- Open the directory of a new pool, making it if need be.
-- @tparam string dir
-- @return handle of the directory
-- @treturn ?function that takes the directory away again; nil: it was there
-- @return handle of the directory above
-- @raise `no_such_pool`, `exists`, `denied`
function pool_directory.make(dir)
   local parent, message, code = core.open_dir(layout.directory(dir), { follow = true })
   if not parent then
      refuse_directory(dir, message, code)
   end
   local name = layout.basename(dir)
   local made
   made, message, code = parent:make_dir(name, directory_mode)
   if not made and code ~= errno.EEXIST then
      refuse_directory(dir, message, code)
   end
   local handle
   handle, message, code = parent:open_dir(name)
   if not handle then
      refuse_directory(dir, message, code)
   end
   return handle, made and function()
      parent:remove_dir(name)
   end, parent
end

--- Refuse the directory of another user: files that this one puts into the pool are what we would then trust, and
-- files of ours are what the other could not remove.
-- @raise `denied`
function pool_directory.require_own(store, dir)
   local owner = store:stat(".").uid
   if owner ~= core.euid() then
      failure.raise("denied", dir, ("belongs to user %d, and byre runs as user %d"):format(owner, core.euid()),
         { path = dir, hint = ("run byre as its owner, as in sudo -u '#%d' byre; or change the owner with chown -R")
            :format(owner) })
   end
end

--- Are two stores those of one directory? A pool may be opened twice in one process.
-- @tparam store a
-- @tparam store b
-- @treturn boolean
function pool_directory.is_same(a, b)
   if a == b then
      return true
   end
   local one, other = a:stat("."), b:stat(".")
   return one.ino == other.ino and one.dev == other.dev
end

--- Refuse a file system that cannot share blocks.
-- @raise `not_supported`, `io`, `no_space`
function pool_directory.require_reflinks(dir, handle)
   local supported, message, code = core.reflink_supported(handle)
   failure.check_path(dir, supported, message, code)
   if not supported then
      failure.raise("not_supported", dir, "this file system cannot share blocks between files (no reflinks)",
         { hint = "with --no-setup-check (setup_check = false) byre makes sparse copies instead, which take time and "
            .. "space", path = dir })
   end
end

--- Refuse a size for shared blocks that are written anew where the file system does not take it.
-- @tparam store store
-- @tparam string object the pool or volume it is meant for
-- @tparam ?integer bytes nil, 0: nothing is asked for
-- @raise `not_supported`, `invalid`
function pool_directory.require_cow_extent_size(store, object, bytes)
   if not bytes or bytes == 0 then
      return
   end
   local file = store:new_file(".byre-probe")
   local ok, message, code = file:set_cow_extent_size(bytes)
   file:close()
   if code == errno.EOPNOTSUPP then
      failure.raise("not_supported", object,
         "cow_extent_size: this file system has no such setting; XFS with reflinks has", { errno = code })
   elseif code == errno.EINVAL then
      failure.raise("invalid", object, ("cow_extent_size: this file system does not take %d; it takes multiples of its "
         .. "block size, and no more than half of an allocation group"):format(bytes), { errno = code })
   end
   failure.check(object, ok, message, code)
end

--- The store of a directory that is there.
-- @raise `no_such_pool`, `exists` and `denied`
function pool_directory.open_store(dir)
   local handle, message, code = core.open_dir(dir)
   if not handle then
      if code == errno.ENOENT then
         failure.raise("no_such_pool", dir, "there is no such directory", { errno = code, path = dir,
            hint = "make a pool with: byre init " .. dir })
      end
      local ok, e = failure.catch(refuse_directory, dir, message, code)
      e.code = not ok and e.code == "exists" and "no_such_pool" or e.code
      error(e, 0)
   end
   return files.new(handle, dir)
end

return pool_directory
