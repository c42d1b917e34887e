--- Which errno a call is made to fail with, and which it can never have.
-- @module spec.kill.errnos
local errnos = {}

--- The errnos that are tried.
errnos.all = { "ENOSPC", "EIO", "EDQUOT", "EINTR", "EAGAIN", "ENOMEM", "EMFILE" }

local changes_names = { "mkdirat", "unlinkat", "renameat", "renameat2", "linkat" }
local changes_attributes = { "fchmod", "fchmodat", "fchmodat2", "utimensat" }
local changes_content = { "ftruncate", "write", "pwrite64", "ioctl FICLONE" }
local syncs = { "fsync", "syncfs" }
local only_reads = {
   "openat2", "newfstatat", "fstat", "statx", "getdents64", "read", "pread64", "lseek", "ioctl FIEMAP",
   "fcntl F_DUPFD_CLOEXEC", "fcntl F_OFD_SETLK", "fcntl F_SETLEASE",
}

--- What the kernel never gives: calls, errnos, why.
errnos.never = {
   { changes_names, { "EINTR", "EAGAIN" }, "names change under locks that no signal interrupts" },
   { changes_attributes, { "EINTR", "EAGAIN" }, "attributes change under locks that no signal interrupts" },
   { changes_content, { "EAGAIN" }, "regular files never tell a writer to come back later" },
   { syncs, { "EAGAIN" }, "a sync waits" },
   { { "openat" }, { "EINTR" }, "only fifos, devices and network file systems keep an open waiting" },
   { only_reads, { "ENOSPC", "EDQUOT" }, "what only reads takes no space" },
   { { "openat2" }, { "EAGAIN" }, "only a path with \"..\" can outrun a renaming, and byre walks none" },
   { { "openat2", "newfstatat", "fstat", "statx", "getdents64", "read", "pread64", "lseek" }, { "EINTR" },
      "regular files and directories are read without being interrupted" },
   { { "newfstatat", "fstat", "statx", "getdents64", "read", "pread64", "lseek", "ioctl FIEMAP",
      "fcntl F_DUPFD_CLOEXEC" }, { "EAGAIN" }, "these do not wait for anybody" },
   { { "fcntl F_DUPFD_CLOEXEC", "fcntl F_OFD_SETLK", "fcntl F_SETLEASE" }, { "EIO" }, "no disk is asked" },
   { { "fcntl F_DUPFD_CLOEXEC" }, { "EINTR" }, "it does not wait" },
   { { "fcntl F_SETLEASE" }, { "EINTR" }, "it does not wait" },
   { { "fstat" }, { "EIO", "ENOMEM" }, "the inode of an open file is in memory" },
}

local makes_descriptors = { openat = true, openat2 = true, ["fcntl F_DUPFD_CLOEXEC"] = true }

-- call -> errno -> why not
local refused = {}
for _, rule in ipairs(errnos.never) do
   for _, call in ipairs(rule[1]) do
      refused[call] = refused[call] or {}
      for _, errno in ipairs(rule[2]) do
         refused[call][errno] = rule[3]
      end
   end
end

--- Why a call never fails like this; nil: it may.
function errnos.why_never(call, errno)
   if errno == "EMFILE" and not makes_descriptors[call] then
      return "it makes no descriptor"
   end
   return refused[call] and refused[call][errno]
end

--- The errnos that a call may have.
-- @treturn {string,...}
function errnos.of(call)
   local list = {}
   for _, errno in ipairs(errnos.all) do
      if not errnos.why_never(call, errno) then
         list[#list + 1] = errno
      end
   end
   return list
end

return errnos
