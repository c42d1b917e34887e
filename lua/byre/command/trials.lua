--- What a machine and a file system can do for images: tried, not looked up.
--
-- Each finding says what was found and what that means to who keeps images there.
-- @module byre.command.trials
local core = require("byre.core")

local failure = require("byre.failure")
local layout = require("byre.layout")
local units = require("byre.units")

local trials = {}

local list = {}

local data_size = 256 * 1024

local function trial(name, try)
   list[#list + 1] = { name = name, try = try }
end

trial("kernel", function()
   local file = io.open("/proc/sys/kernel/osrelease")
   local release = file and file:read("l") or "unknown"
   if file then
      file:close()
   end
   return "ok", release, "what byre asks of a kernel is tried in the lines below"
end)

local tested = { btrfs = true, xfs = true, ext4 = true }

trial("file system", function(place)
   if tested[place.filesystem] then
      return "ok", place.filesystem, "byre's promises are tested on it with power cuts"
   elseif place.filesystem == "tmpfs" then
      return "limited", "tmpfs", "nothing in memory survives a power cut"
   end
   return "limited", place.filesystem or "unknown", "byre's promises are not tested on it, least of all with power cuts"
end)

trial("reflinks", function(place)
   if place.check(core.reflink_supported(place.work)) then
      return "ok", "yes", "a start and a clone share all blocks: no time for the data, and no space"
   end
   return "limited", "no", "a start and a clone copy the image; byre init needs --no-setup-check"
end)

trial("files without a name", function(place)
   local file = place.check(place.work:tmpfile("probe"))
   local nameless = place.check(file:stat()).nlink == 0
   file:close()
   if nameless then
      return "ok", "yes", "O_TMPFILE: an image gets its name when it is whole; a crash leaves nothing"
   end
   return "limited", "no", "no O_TMPFILE: a crash may leave a file NAME~RANDOM, which byre check --repair removes"
end)

trial("maps of blocks", function(place)
   if place.basis == "extents" then
      return "ok", "exact", "byre usage tells what removing frees; byre diff reads only what differs"
   elseif place.basis == "data" then
      return "limited", "no", "byre usage cannot tell what is shared; byre diff reads both images whole"
   elseif place.filesystem == "btrfs" then
      return "limited", "estimated", "btrfs tells only root who shares a block: byre usage estimates"
   end
   return "ok", "yes", "byre usage tells what removing frees; byre diff reads only what differs"
end)

trial("holes", function(place)
   local file <close> = place.fill("holes")
   local before = place.check(file:stat()).blocks
   local punched = file:punch(0, data_size)
   place.check(file:sync())
   if punched and place.check(file:stat()).blocks < before then
      return "ok", "yes", "blocks of zeros take no space, also in an image that had them filled"
   end
   return "limited", "no", "what a guest discards keeps its space"
end)

trial("rename without replacing", function(place)
   place.fill("from"):close()
   if place.check(core.noreplace_supported(place.work, "from", "to")) then
      return "ok", "yes", "the kernel itself refuses to overwrite a name that appears meanwhile"
   end
   return "limited", "no", "byre links and unlinks instead, which is as safe and one call more"
end)

trial("openat2", function(place)
   if place.check(core.openat2_supported(place.work)) then
      return "ok", "yes", "the kernel keeps every path inside the pool"
   end
   return "limited", "no", "byre walks each path step by step to stay inside the pool, which costs a few calls"
end)

-- does a lease tell of a writer, and of none?
local function leases_tell(place)
   place.fill("lease"):close()
   local reader <close> = place.check(place.work:open("lease", "r"))
   local nobody = reader:has_writers()
   local writer = place.check(place.work:open("lease", "rw"))
   local somebody = reader:has_writers()
   writer:close()
   return nobody == false and somebody == true
end

trial("leases", function(place)
   if leases_tell(place) then
      return "ok", "yes", "byre stop refuses an image that somebody still has open for writing"
   end
   return "limited", "no", "byre stop may not notice who still writes: end the guest first"
end)

local function locks_exclude(place)
   local first <close>, _, _ = place.work:lock("lock", "exclusive", 0)
   if not first then
      return false
   end
   local second <close>, _, errno = place.work:lock("lock", "exclusive", 0)
   return second == nil and errno == core.errno.EAGAIN
end

trial("locks", function(place)
   if locks_exclude(place) then
      return "ok", "yes", "several processes may use a pool at the same time"
   end
   return "problem", "no", "nothing keeps two processes apart: never run two byre on this pool"
end)

-- How many images of the pool have another attribute than new files beside them will have?
local function count_others(place)
   local others = 0
   for volume in place.pool:volumes() do
      local ok, files = failure.catch(volume.files, volume)
      for _, item in ipairs(ok and files or {}) do
         local path = item.path:sub(#place.pool.dir + 2)
         local file = place.handle:open(path)
         local directory = file and place.handle:open_dir(layout.group_directory(volume.vid))
         if directory then
            others = others + (core.is_nocow(file) ~= core.is_nocow(directory) and 1 or 0)
            directory:close()
         end
         if file then
            file:close()
         end
      end
   end
   return others
end

trial("copy on write", function(place)
   local nocow = place.check(core.is_nocow(place.handle))
   local others = place.pool and count_others(place) or 0
   if others > 0 then
      return "problem", nocow and "switched off" or "mixed", ("%d images were made before the no-copy-on-write "
         .. "attribute (chattr +C) was changed: each of their starts copies the image whole, until they are made anew "
         .. "(byre clone --reflink never)"):format(others)
   elseif nocow then
      return "limited", "switched off", "chattr +C: btrfs keeps no checksums of images, and shares blocks only among "
         .. "images that have the attribute as well"
   end
   return "ok", "yes", "images have what the file system gives them; no directory says otherwise (chattr +C)"
end)

--- Is there room for metadata?
-- @tparam table space of `core.btrfs_space`
-- @tparam integer size bytes of the file system
-- @treturn string state, as of `trials.run`
-- @treturn string what was found
-- @treturn string what it means
function trials.judge_metadata(space, size)
   local free = math.max(0, space.metadata - space.metadata_used)
   local found = ("%s, %s unallocated"):format(units.format_size(free), units.format_size(space.unallocated))
   -- below that whatever makes names or shares blocks is about to be refused
   if free + space.unallocated < math.min(128 << 20, size // 20) then
      return "problem", found, "btrfs is about to be full although df shows free space: remove revisions, or run "
         .. "btrfs balance start -dusage=20"
   end
   return "ok", found, "names and shared blocks need metadata, which btrfs takes from what is not allocated yet"
end

trial("space for metadata", function(place)
   local space, message, errno = core.btrfs_space(place.handle)
   if not space and errno == core.errno.ENOTTY then
      return nil
   end
   place.check(space, message, errno)
   return trials.judge_metadata(space, place.check(place.handle:usage()).size)
end)

local function check_at(dir)
   return function(...)
      return failure.check_path(dir, ...)
   end
end

-- what the trials get: handles, and a way to make a file with data
local function prepare(dir, handle, work, pool)
   local place = { handle = handle, work = work, pool = pool, check = check_at(dir) }
   function place.fill(name)
      local file = place.check(work:tmpfile(name))
      place.check(file:write(("b"):rep(data_size)))
      place.check(file:sync())
      place.check(file:publish(name))
      return file
   end
   local file = place.fill("basis")
   place.basis, place.filesystem = place.check(core.basis(file))
   file:close()
   return place
end

local function try_all(place)
   local findings = {}
   for _, item in ipairs(list) do
      local state, found, meaning = item.try(place)
      if state then
         findings[#findings + 1] = { name = item.name, state = state, found = found, meaning = meaning }
      end
   end
   return findings
end

local function remove(handle, name)
   local work = handle:open_dir(name)
   for entry in work:each(".") do
      work:unlink(entry)
   end
   work:close()
   handle:remove_dir(name)
end

--- Try what a directory's file system, and this machine, can do. Nothing is left behind; a pool stays as it is.
-- @tparam string dir
-- @tparam[opt] pool pool the pool that it is
-- @treturn {table,...} `name`, `state` (`"ok"`; `"limited"`: byre works, at the cost that `meaning` tells; `"problem"`:
-- something ought to be done), `found`, `meaning`
-- @raise `no_such_pool` (no such directory), `denied`, `read_only`, `no_space`, `io`
function trials.run(dir, pool)
   assert(type(dir) == "string", "a directory is a string")
   local check = check_at(dir)
   local handle, message, errno = core.open_dir(dir, { follow = true })
   if errno == core.errno.ENOENT then
      failure.raise("no_such_pool", dir, "there is no such directory", { errno = errno, path = dir })
   end
   check(handle, message, errno)
   local name = ".byre-doctor~" .. check(core.random_name())
   local made
   made, message, errno = handle:make_dir(name, tonumber("700", 8))
   if not made then
      handle:close()
      check(made, message, errno)
   end
   local ok, result = pcall(function()
      local work = check(handle:open_dir(name))
      local findings = try_all(prepare(dir, handle, work, pool))
      work:close()
      return findings
   end)
   remove(handle, name)
   handle:close()
   if not ok then
      error(result, 0)
   end
   return result
end

return trials
