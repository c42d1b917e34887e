local catalog = require("byre.catalog")
local config = require("byre.config")
local pools = require("spec.support.pools")

local entry = ".byre/volume/vm/disk.json"
local advice = "; restore it from a backup or mend it by hand"

local function damaged(reason, text)
   local e = pools.fails("corrupt", ("byre: %s: %s%s"):format(entry, reason, advice), catalog.decode_volume, "vm/disk",
      text)
   assert.equal(entry, e.path)
end

describe("an entry of the catalog", function()
   it("says what was written into it", function()
      for _, values in ipairs({
         { size = 1 }, { size = math.maxinteger, rw = false }, { save_on_stop = true, size = "1G" },
         { snap_on_start = true, source = "vm/root", revisions_to_keep = -1 },
         { save_on_stop = true, snap_on_start = true, source = "a/b/c", size = 5, revisions_to_keep = 0 },
         { size = 9, ephemeral = true },
      }) do
         local settings = config.volume("vm/disk", values)
         assert.same(settings, (catalog.decode_volume("vm/disk", catalog.encode_volume(settings, nil))))
      end
   end)

   it("is the same text every time, for people to read", function()
      local settings = config.volume("vm/disk", { size = "1G", save_on_stop = true, revisions_to_keep = 2 })
      assert.equal([[
{
  "kind":"origin",
  "snap_on_start":false,
  "save_on_stop":true,
  "rw":true,
  "size":1073741824,
  "revisions_to_keep":2
}
]], catalog.encode_volume(settings, nil))
   end)

   it("keeps integers exactly up to 2^63 - 1", function()
      for _, size in ipairs({ (1 << 53) + 1, math.maxinteger - 1, math.maxinteger }) do
         local text = catalog.encode_volume(config.volume("vm/disk", { size = size }), nil)
         assert.equal(size, (catalog.decode_volume("vm/disk", text)).size)
      end
      local _, raw = catalog.decode_volume("vm/disk", '{"size":1,"mark":9007199254740993}')
      assert.equal(9007199254740993, raw.mark)
   end)

   it("keeps what byre does not know", function()
      local text = '{"size":7,"x":{"list":[1,2,{"a":"b"}],"empty list":[],"empty":{},"f":1.5},"revisions":'
         .. '{"1":{"note":"n","tags":{"a":"b"}}}}'
      local settings, raw = catalog.decode_volume("vm/disk", text)
      local written = catalog.encode_volume(config.with(settings, { size = 8 }), raw)
      local again, raw_again = catalog.decode_volume("vm/disk", written)
      assert.equal(8, again.size)
      assert.same(raw.x, raw_again.x)
      assert.same(raw.revisions, raw_again.revisions)
      assert.is_truthy(written:find('"empty list":[]', 1, true))
      assert.is_truthy(written:find('"empty":{%s*}'))
   end)

   it("is checked for each volume, also where others have the same text", function()
      local text = catalog.encode_volume(config.volume("vm/a", { snap_on_start = true, source = "vm/b" }), nil)
      local settings, raw = catalog.decode_volume("vm/a", text)
      pools.fails("corrupt", "byre: .byre/volume/vm/b.json: a volume cannot be its own source" .. advice,
         catalog.decode_volume, "vm/b", text)
      assert.equal("vm/b", settings.source)
      assert.same({ settings, raw }, { catalog.decode_volume("vm/c", text) })
   end)

   it("forgets a setting that was taken away", function()
      local settings, raw = catalog.decode_volume("vm/disk", '{"size":7,"save_on_stop":true,"revisions_to_keep":3}')
      settings.revisions_to_keep = nil
      local again = catalog.decode_volume("vm/disk", catalog.encode_volume(settings, raw))
      assert.is_nil(again.revisions_to_keep)
   end)

   it("that is no JSON is damaged", function()
      for _, text in ipairs({ "", "{", "nonsense", "{\"size\":", "\0\0\0\0", "{'size':1}", "null" }) do
         local ok, e = pcall(catalog.decode_volume, "vm/disk", text)
         assert.is_false(ok, text)
         assert.equal("corrupt", e.code, text)
         assert.is_truthy(tostring(e):find("byre: " .. entry .. ": is not JSON", 1, true), tostring(e))
         assert.is_nil(tostring(e):find("\n"))
      end
   end)

   it("that has more behind its end is damaged", function()
      damaged("is not JSON: there is more behind its end", '{"size":1} {"size":2}')
      for _, text in ipairs({ '{"a":[5:"x"]}', '{"a":[1, 2\n:3]}', '{5:1}', '{"a":[true:1]}', '{"a":["x":1]}' }) do
         damaged("is not JSON: an object or a list is not whole", text)
      end
      assert.same({ "5:x", '\\":' }, select(2, catalog.decode_volume("vm/disk",
         '{"size":1,"save_on_stop":true,"a":["5:x","\\\\\\":"]}')).a)
   end)

   it("that is no object is damaged", function()
      for _, text in ipairs({ "1", "\"x\"", "true", "[]", "[{}]" }) do
         damaged("is not a JSON object", text)
      end
   end)

   it("that says what cannot be is damaged", function()
      damaged("size: must be an integer of 1 byte or more, not \"-7\"", '{"size":-7}')
      damaged("size: must be an integer of 1 byte or more, not \"1.5\"", '{"size":1.5}')
      damaged("rw: must be true or false, not \"yes\"", '{"size":1,"rw":"yes"}')
      damaged("snap_on_start needs a source: the volume that it is to be a snapshot of", '{"snap_on_start":true}')
      damaged("revisions: must be an object", '{"size":1,"revisions":7}')
      damaged("revisions: 3: must be an object", '{"size":1,"revisions":{"3":"x"}}')
      damaged("has a component that starts with .; components start with a letter, a digit, _, + or :",
         '{"snap_on_start":true,"source":"../../etc/passwd"}')
   end)
end)

describe("the file of a pool", function()
   it("says what was written into it, and keeps what byre does not know", function()
      local settings = config.pool("pool", { revisions_to_keep = -1, precache = false })
      local text = catalog.encode_pool(settings, { hooks = { a = "b" } })
      local again, raw = catalog.decode_pool("pool.json", text)
      assert.same(settings, again)
      assert.same({ a = "b" }, raw.hooks)
      assert.equal(1, raw.format)
   end)

   it("of a later format is refused, of none is damaged", function()
      pools.fails("not_supported", "byre: pool.json: has format 2; this version of byre reads formats up to 1",
         catalog.decode_pool, "pool.json", '{"format":2}')
      for _, text in ipairs({ "{}", '{"format":0}', '{"format":"1"}', '{"format":1.5}' }) do
         pools.fails("corrupt", "byre: pool.json: has no format number" .. advice, catalog.decode_pool, "pool.json",
            text)
      end
      pools.fails("corrupt", "byre: pool.json: precache: must be true or false, not \"1\"" .. advice,
         catalog.decode_pool, "pool.json", '{"format":1,"precache":1}')
   end)
end)
