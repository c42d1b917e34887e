local exception_store = require("byre.adopt.exception_store")
local file_pool = require("spec.adopt.file_pool")

local function reader(bytes)
   return function(offset, length)
      return bytes:sub(offset + 1, offset + length)
   end
end

local function parse(bytes)
   return exception_store.parse(reader(bytes), #bytes)
end

-- the image before the session, made from the one after it
local function restore(image, bytes)
   local store = assert(parse(bytes))
   exception_store.apply(store, reader(bytes), function(offset, data)
      image = image:sub(1, offset) .. data .. image:sub(offset + #data + 1)
   end, #image)
   return image
end

local function random_text(length)
   local words = {}
   for i = 1, length // 8 + 1 do
      words[i] = ("%08x"):format(math.random(0, 0xffffffff))
   end
   return table.concat(words):sub(1, length)
end

describe("an exception store", function()
   local chunk = 4096

   it("gives back the image as it was before the session, whatever was written", function()
      for seed = 1, 25 do
         math.randomseed(seed)
         local before = random_text(chunk * math.random(1, 40) + math.random(0, chunk - 1))
         local writes = {}
         for i = 1, math.random(0, 30) do
            local offset = math.random(0, #before - 1)
            writes[i] = { offset = offset, data = random_text(math.random(1, math.min(9000, #before - offset))) }
         end
         local after, exceptions = file_pool.session(before, writes, chunk)
         assert.equal(before, restore(after, file_pool.store(exceptions, { chunk = chunk })), "seed " .. seed)
      end
   end)

   it("may have several lists of entries, full ones too", function()
      local per_area = chunk // 16
      for _, count in ipairs({ per_area - 1, per_area, per_area + 1, 2 * per_area, 3 * per_area - 5 }) do
         local exceptions = {}
         for i = 1, count do
            exceptions[i] = { old = count - i, data = ("%08d"):format(i) }
         end
         local store = assert(parse(file_pool.store(exceptions, { chunk = chunk })))
         assert.equal(count, #store.entries)
         assert.equal(count - 1, store.entries[1].old)
         assert.equal(0, store.entries[count].old)
      end
   end)

   it("that was never used has no entries: a hole, nothing at all, or a header alone", function()
      for _, bytes in ipairs({ "", ("\0"):rep(1 << 20), file_pool.store({}) }) do
         assert.same({}, assert(parse(bytes)).entries)
      end
   end)

   it("that is damaged is refused, with what is wrong", function()
      local good = file_pool.store({ { old = 3, data = "three" }, { old = 1, data = "one" } }, { chunk = chunk })
      local function entry(index, old, new)
         local at = chunk + (index - 1) * 16
         return good:sub(1, at) .. ("<I8I8"):pack(old, new) .. good:sub(at + 17)
      end
      for reason, bytes in pairs({
         ["it does not begin as an exception store does"] = file_pool.store({}, { magic = 7 }),
         ["it has version 2; byre reads version 1"] = file_pool.store({}, { version = 2 }),
         ["the kernel has marked it as invalid: it was too small for what had to be kept"] =
            file_pool.store({}, { valid = 0 }),
         ["a chunk of 3 sectors is none that the kernel makes"] =
            ("<I4I4I4I4"):pack(0x70416e53, 1, 1, 3) .. ("\0"):rep(9000),
         ["the file ends where a list of entries should be"] = good:sub(1, chunk + 100),
         ["an entry names chunk 3, and the file ends before it"] = good:sub(1, 3 * chunk + 5),
         ["an entry names chunk 900, and the file ends before it"] = entry(2, 1, 900),
         ["an entry names chunk 1, which holds entries itself"] = entry(2, 1, 1),
         ["two entries are for chunk 3 of the image"] = entry(2, 3, 3),
      }) do
         local store, message = parse(bytes)
         assert.is_nil(store)
         assert.equal(reason, message)
      end
   end)

   it("of any bytes is read or refused, and never more than is there", function()
      local good = file_pool.store({ { old = 3, data = "three" }, { old = 1, data = "one" } }, { chunk = chunk })
      for seed = 1, 300 do
         math.randomseed(seed)
         local bytes = good:sub(1, math.random(0, #good))
         for _ = 1, math.random(0, 6) do
            local at = math.random(0, math.min(#bytes, 2 * chunk))
            bytes = bytes:sub(1, at) .. string.char(math.random(0, 255)) .. bytes:sub(at + 2)
         end
         local store, reason = parse(bytes)
         assert.is_true(store ~= nil or type(reason) == "string", "seed " .. seed)
         for _, item in ipairs(store and store.entries or {}) do
            assert.is_true((item.new + 1) * store.chunk <= #bytes, "seed " .. seed)
         end
      end
   end)
end)
