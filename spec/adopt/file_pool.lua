--- Exception stores as dm-snapshot and the driver "file" make them, built from the format that the kernel documents
-- (Documentation/admin-guide/device-mapper/snapshot.rst and the head of dm-snap-persistent.c).
-- @module spec.adopt.file_pool
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local file_pool = {}

--- Bytes of a chunk as the driver has it: 256 sectors.
file_pool.chunk = 256 * 512

--- The bytes of a store.
-- @tparam {table,...} exceptions `old` (number of a chunk of the image), `data` (what it held), in the order kept
-- @tparam[opt] table options `chunk` (bytes), `valid`, `version`, `magic`
-- @treturn string
function file_pool.store(exceptions, options)
   options = options or {}
   local chunk = options.chunk or file_pool.chunk
   local per_area = chunk // 16
   local parts = { ("<I4I4I4I4"):pack(options.magic or 0x70416e53, options.valid or 1, options.version or 1,
      chunk // 512) .. ("\0"):rep(chunk - 16) }
   for first = 1, math.max(1, #exceptions), per_area do
      local entries, data = {}, {}
      for i = first, math.min(first + per_area - 1, #exceptions) do
         -- header, areas so far, this one, and the chunks before this
         local area = (first - 1) // per_area
         local new = 1 + area * (per_area + 1) + 1 + (i - first)
         entries[#entries + 1] = ("<I8I8"):pack(exceptions[i].old, new)
         data[#data + 1] = exceptions[i].data .. ("\0"):rep(chunk - #exceptions[i].data)
      end
      local area = table.concat(entries)
      parts[#parts + 1] = area .. ("\0"):rep(chunk - #area) .. table.concat(data)
   end
   -- a list that is full is ended by the next one
   if #exceptions > 0 and #exceptions % per_area == 0 then
      parts[#parts + 1] = ("\0"):rep(chunk)
   end
   return table.concat(parts)
end

--- Write to an image as a guest on dm-snapshot-origin does: the old chunk is kept the first time.
-- @tparam string image
-- @tparam {table,...} writes `offset`, `data`
-- @tparam[opt] integer chunk bytes
-- @treturn string the image afterwards
-- @treturn {table,...} the exceptions
function file_pool.session(image, writes, chunk)
   chunk = chunk or file_pool.chunk
   local kept, exceptions = {}, {}
   for _, write in ipairs(writes) do
      for old = write.offset // chunk, (write.offset + #write.data - 1) // chunk do
         if not kept[old] then
            kept[old] = true
            exceptions[#exceptions + 1] = { old = old, data = image:sub(old * chunk + 1, (old + 1) * chunk) }
         end
      end
      image = image:sub(1, write.offset) .. write.data .. image:sub(write.offset + #write.data + 1)
   end
   return image, exceptions
end

--- Make the files of a volume that was stopped after two sessions.
-- @tparam string path without `.img`
-- @tparam integer size bytes
-- @treturn string what it was before the last session
-- @treturn string what it is
function file_pool.stopped_volume(path, size)
   local function padded(text)
      return text .. ("\0"):rep(size - #text)
   end
   local before = padded("after the first session")
   local now, exceptions = file_pool.session(before, { { offset = 0, data = "after the second session" } })
   pools.write(path .. ".img", now)
   pools.write(path .. "-cow.img.old", file_pool.store(exceptions))
   scratch.sh("truncate -s " .. size .. " %s", path .. "-cow.img")
   return before, now
end

return file_pool
