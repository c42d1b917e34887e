--- Exception stores of dm-snapshot, persistent format: what a volume of the driver "file" was before a session.
--
-- Pure: reads through a function. Format as in the kernel's dm-snap-persistent.c: chunk 0 is the header (four
-- little-endian 32-bit numbers: magic "SnAp", valid, version, sectors in a chunk); then areas follow. An area is one
-- chunk of entries (64-bit old chunk, 64-bit new chunk; a new chunk of 0 ends the list) and behind it the chunks that
-- its entries name. The content of chunk `new` of the store was that of chunk `old` of the image.
-- @module byre.adopt.exception_store
local exception_store = {}

local magic = 0x70416e53
local version = 1
local sector = 512
local header_size = 16
local entry_size = 16
-- the kernel wants a power of two of at least a page
local smallest_chunk, largest_chunk = 4096, 64 * 1024 * 1024

local function is_empty(text)
   return not text:find("[^\0]")
end

-- size of a chunk in bytes; nil and what is wrong
local function read_header(read)
   local text = read(0, header_size)
   if #text < header_size or is_empty(text) then
      -- a store that was made and never used
      return 0
   end
   local found, valid, found_version, sectors = ("<I4I4I4I4"):unpack(text)
   local size = sectors * sector
   if found ~= magic then
      return nil, "it does not begin as an exception store does"
   elseif found_version ~= version then
      return nil, ("it has version %d; byre reads version %d"):format(found_version, version)
   elseif valid ~= 1 then
      return nil, "the kernel has marked it as invalid: it was too small for what had to be kept"
   elseif size < smallest_chunk or size > largest_chunk or size & (size - 1) ~= 0 then
      return nil, ("a chunk of %d sectors is none that the kernel makes"):format(sectors)
   end
   return size
end

-- what an entry must be; nil and what is wrong
local function check_entry(store, old, new, known)
   if new < 0 or old < 0 or new > store.size // store.chunk - 1 then
      return nil, ("an entry names chunk %d, and the file ends before it"):format(new)
   elseif (new - 1) % (store.per_area + 1) == 0 then
      return nil, ("an entry names chunk %d, which holds entries itself"):format(new)
   elseif known[old] then
      return nil, ("two entries are for chunk %d of the image"):format(old)
   end
   known[old] = true
   return true
end

-- the entries of one area; nil and what is wrong; true as the second result: the list goes on
local function read_area(store, read, area, known)
   local text = read((1 + area * (store.per_area + 1)) * store.chunk, store.chunk)
   if #text < store.chunk then
      return nil, "the file ends where a list of entries should be"
   end
   for at = 1, #text, entry_size do
      local old, new = ("<i8i8"):unpack(text, at)
      if new == 0 then
         return true, false
      end
      local ok, reason = check_entry(store, old, new, known)
      if not ok then
         return nil, reason
      end
      store.entries[#store.entries + 1] = { old = old, new = new }
   end
   return true, true
end

--- Read the entries of a store.
-- @tparam function read `read(offset, length)` -> string, shorter at the end of the file
-- @tparam integer size of the file, bytes
-- @treturn ?table `chunk` (bytes), `entries` (list of `old`, `new`: numbers of chunks); nil: it cannot be used
-- @treturn ?string what is wrong with it
function exception_store.parse(read, size)
   local chunk, reason = read_header(read)
   if not chunk then
      return nil, reason
   end
   local store = { chunk = chunk, size = size, entries = {} }
   if chunk == 0 then
      return store
   end
   store.per_area = chunk // entry_size
   local known, area, more = {}, 0, true
   while more do
      local ok, result = read_area(store, read, area, known)
      if not ok then
         return nil, result
      end
      more, area = result, area + 1
   end
   return store
end

--- Put the kept chunks of a store over an image.
-- @tparam table store of `parse`
-- @tparam function read as for `parse`
-- @tparam function write `write(offset, data)`
-- @tparam integer size of the image, bytes: nothing is written behind it
function exception_store.apply(store, read, write, size)
   for _, entry in ipairs(store.entries) do
      local offset = entry.old * store.chunk
      local data = read(entry.new * store.chunk, math.min(store.chunk, math.max(0, size - offset)))
      if #data > 0 then
         write(offset, data)
      end
   end
end

return exception_store
