-- What the replayer makes of a log, for logs of a few records.
local shell = require("spec.support.shell")

local sector = 4096
local blocks = 16

-- replay.so is built for the usual build, and needs neither root nor FUSE
local function load_replay()
   shell.run("make -s core build/powercut/lua/powercut/replay.so")
   package.cpath = "build/powercut/lua/?.so;" .. package.cpath
   return require("powercut.replay")
end

local function record(kind, offset, length, data)
   data = data or ""
   return string.pack("<I4I4I8I8I8", 0x62797265, kind, offset, length, 0) .. data .. ("\0"):rep(-#data % 8)
end

-- a block, or some, filled with a letter
local function write(block, letter, count)
   count = count or 1
   return record(1, block * sector, count * sector, letter:rep(count * sector))
end

local function discard(block)
   return record(2, block * sector, sector)
end

local flush = record(3, 0, 0)

local function put(path, data)
   local file <close> = assert(io.open(path, "wb"))
   assert(file:write(data))
end

-- one letter for each block; "?": it is mixed
local function letters(path)
   local file <close> = assert(io.open(path, "rb"))
   local text = {}
   for i = 1, blocks do
      local bytes = file:read(sector)
      local letter = bytes:sub(1, 1)
      text[i] = bytes ~= letter:rep(sector) and "?" or letter == "\0" and "." or letter
   end
   return table.concat(text)
end

describe("the disk that the power-cut rig builds", function()
   local replay, dir, log

   -- the disks of a kind of cut after a record, over seeds: text -> true
   local function disks(at, cut)
      local found = {}
      put(dir .. "/base", ("o"):rep(blocks * sector))
      local disk = assert(replay.open_disk(dir .. "/base", dir .. "/work"))
      for seed = 1, 200 do
         assert(disk:cut(log, at, cut, seed))
         found[letters(dir .. "/work")] = true
      end
      disk:close()
      return found
   end

   setup(function()
      replay = load_replay()
      dir = shell.run("mktemp -d").out:match("[^\n]+")
   end)

   teardown(function()
      shell.run("rm -rf " .. dir)
   end)

   before_each(function()
      put(dir .. "/log", table.concat({
         write(0, "a"), discard(1), flush, write(2, "b"), write(3, "c", 4), discard(8), write(2, "d"), flush,
      }))
      log = assert(replay.open_log(dir .. "/log"))
   end)

   after_each(function() log:close() end)

   it("is the log up to a record, by an exact prefix", function()
      assert.same({ ["oooooooooooooooo"] = true }, disks(0, "prefix"))
      assert.same({ ["a.oooooooooooooo"] = true }, disks(3, "prefix"))
      assert.same({ ["a.bccccooooooooo"] = true }, disks(5, "prefix"))
      assert.same({ ["a.dcccco.ooooooo"] = true }, disks(8, "prefix"))
   end)

   it("is what the last flush left, with everything since then lost", function()
      assert.same({ ["oooooooooooooooo"] = true }, disks(2, "lost"))
      assert.same({ ["a.oooooooooooooo"] = true }, disks(7, "lost"))
      assert.same({ ["a.dcccco.ooooooo"] = true }, disks(8, "lost"))
   end)

   it("has whole writes since then, any of them, by a random subset", function()
      local expected = {}
      for _, second in ipairs({ "o", "b", "d" }) do
         for _, run in ipairs({ "oooo", "cccc" }) do
            for _, hole in ipairs({ "o", "." }) do
               expected["a." .. second .. run .. "o" .. hole .. "ooooooo"] = true
            end
         end
      end
      assert.same(expected, disks(7, "subset"))
   end)

   it("has sectors of a write without the others, if it is torn", function()
      local torn = 0
      for text in pairs(disks(7, "torn")) do
         assert.matches("^a%.[obd][oc][oc][oc][oc]o[o.]ooooooo$", text)
         torn = torn + (text:find("oc") and 1 or 0)
      end
      assert.is_true(torn >= 8)
   end)

   it("goes on from point to point as if each were the first", function()
      put(dir .. "/base", ("o"):rep(blocks * sector))
      local disk = assert(replay.open_disk(dir .. "/base", dir .. "/work"))
      for _, step in ipairs({ { 2, "prefix", "a.oooooooooooooo" }, { 2, "lost", "oooooooooooooooo" },
         { 5, "prefix", "a.bccccooooooooo" }, { 6, "lost", "a.oooooooooooooo" }, { 8, "lost", "a.dcccco.ooooooo" } }) do
         assert(disk:cut(log, step[1], step[2], 1))
         assert.equal(step[3], letters(dir .. "/work"))
      end
      local ok, message = disk:cut(log, 2, "prefix", 1)
      assert.is_nil(ok)
      assert.equal("cut: Invalid argument", message)
      disk:close()
   end)

   it("does not count a record that was cut off", function()
      put(dir .. "/short", write(0, "a") .. write(1, "b"):sub(1, -5))
      local short = assert(replay.open_log(dir .. "/short"))
      assert.equal(1, short:count())
      short:close()
      put(dir .. "/bad", ("x"):rep(100))
      assert.is_nil((replay.open_log(dir .. "/bad")))
   end)
end)
