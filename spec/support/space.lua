--- What a file system says of its space, and images with a history that shares blocks.
local core = require("byre.core")
local scratch = require("spec.core.scratch")

local space = {}

local sh = scratch.sh

local function free_now(dir)
   local handle <close> = assert(core.open_dir(dir))
   return handle:usage().free
end

-- XFS gives back what was removed a moment later
local function settled_free(dir)
   local last
   for _ = 1, 100 do
      local free = free_now(dir)
      if free == last then
         return free
      end
      last = free
      sh("sleep 0.02")
   end
   error("the free space of " .. dir .. " does not settle")
end

--- Bytes of data that a file system holds: what is in files, on btrfs without their metadata.
-- Bytes may be counted from anywhere; only differences mean something.
function space.held(fs)
   sh("sync -f %s", fs.dir)
   if fs.name ~= "btrfs" then
      return -settled_free(fs.dir)
   end
   -- a second commit, since the first one may free what is counted in the next
   sh("btrfs filesystem sync %s && btrfs filesystem sync %s", fs.dir, fs.dir)
   return math.tointeger(tonumber(sh("btrfs filesystem df -b %s", fs.dir):match("Data[^\n]*used=(%d+)")))
end

--- Change an image at random places: writes, holes, reservations, another size.
function space.change(path, random, blocks)
   local offset, length = random(0, blocks - 1) * 4096, random(1, 40) * 4096
   local what = random(1, 9)
   if what == 1 then
      sh("fallocate -p -o %s -l %s %s", offset, length, path)
   elseif what == 2 then
      sh("fallocate -n -o %s -l %s %s", offset, length, path)
   elseif what == 3 then
      -- tmpfs cannot
      sh("fallocate -z -o %s -l %s %s 2>&1 || true", offset, length, path)
   elseif what == 4 then
      sh("truncate -s %s %s", offset + random(0, 4096), path)
   else
      local file <close> = assert(io.open(path, "r+b"))
      file:seek("set", offset + random(0, 1) * random(0, 4095))
      file:write(string.char(random(1, 255)):rep(length - random(0, 4095)))
   end
end

--- Images r0, r1, ... in a directory, each a changed clone of the one before (a copy where there are no reflinks).
function space.history(dir, random, count)
   local blocks <const> = 2048
   sh("dd if=/dev/urandom of=%s bs=64k count=64 status=none && truncate -s 8M %s", dir .. "/r0", dir .. "/r0")
   for i = 1, count do
      local path = dir .. "/r" .. i
      sh("cp --reflink=auto --sparse=never %s %s", dir .. "/r" .. i - 1, path)
      for _ = 1, random(1, 8) do
         space.change(path, random, blocks)
      end
   end
end

return space
