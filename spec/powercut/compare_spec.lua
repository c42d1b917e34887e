-- The checker of the power-cut rig: everything that must not be is told.
local compare = require("spec.powercut.compare")
local content = require("spec.powercut.content")
local predict = require("spec.powercut.predict")

local function volume()
   return {
      kind = "origin", keep = 3, rw = true, blocks = 3, clean = "1.2 1.1 0", inode = "b",
      dirty = "1.2 1.4 0", synced = "1.2 1.3 0", unsynced = { [1] = { ["1.4"] = true } },
      revisions = {
         { seq = 1, v = "0 0 0", inode = "x" }, { seq = 2, v = "1.1 1.1 0", inode = "a", note = "n", held = true },
      },
      ghosts = { { seq = 3, v = "9.9 9.9 9.9" } },
      trash = {},
   }
end

-- what a look at it shows
local function seen()
   return {
      kind = "origin", keep = 3, rw = true, blocks = 3, clean = "1.2 1.1 0", dirty = "1.2 1.4 0",
      visible = {
         { seq = 1, v = "0 0 0", held = false }, { seq = 2, v = "1.1 1.1 0", note = "n", held = true },
      },
      trash = {},
   }
end

local function find(expected, found, pending)
   return compare.find(found, compare.states(expected, "g/v", pending))
end

-- an operation under way
local function pending(op, before)
   local volumes = { ["g/v"] = before }
   op.vids, op.n = { "g/v" }, "1.1"
   return { op = op, before = volumes, after = predict.after(volumes, op) }
end

-- seen right after the commit that a stop makes
local function stopped()
   local found = seen()
   found.clean, found.dirty = "1.2 1.4 0", nil
   table.insert(found.visible, { seq = 3, v = "1.2 1.1 0", held = false })
   return found
end

describe("the checker of the power-cut rig", function()
   it("is content with what was reported", function()
      assert.equal("as reported", (find(volume(), seen())))
      local ghost, older = seen(), seen()
      table.insert(ghost.visible, { seq = 3, v = "9.9 9.9 9.9", held = false })
      assert.equal("as reported", (find(volume(), ghost)))
      older.dirty = "1.2 1.3 0"
      assert.equal("as reported", (find(volume(), older)))
   end)

   local faults = {
      ["the volume is gone"] = function() return nil end,
      ["the committed image is %[1.2 %? 0%], not"] = function(s) s.clean = "1.2 ? 0" end,
      ["the committed image is %[nil%], not"] = function(s) s.clean = nil end,
      ["the committed image is %[nothing%], not"] = function(s) s.clean = "nothing" end,
      ["the committed image is %[1.1 1.1 0%], not"] = function(s) s.clean = "1.1 1.1 0" end,
      ["the session is gone"] = function(s) s.dirty = nil end,
      ["the session has 2 blocks, not 3"] = function(s) s.dirty = "1.2 1.4" end,
      ["block 1 of the session is 1.2, not 1.3"] = function(s) s.dirty = "1.2 1.2 0" end,
      ["block 2 of the session is 1.4, not 0"] = function(s) s.dirty = "1.2 1.4 1.4" end,
      ["revision 1=%[0 0 0%] is not there"] = function(s) table.remove(s.visible, 1) end,
      ["revision 2=%[1.1 1.1 0%] is not there"] = function(s) s.visible[2].v = "1.1 ? 0" end,
      ["revision 4=%[0 0 0%] was never made"] = function(s)
         table.insert(s.visible, { seq = 4, v = "0 0 0", held = false })
      end,
      ["the note on revision 2 is nil"] = function(s) s.visible[2].note = nil end,
      ["the tags of revision 2 are x"] = function(s) s.visible[2].tags = "x" end,
      ["revision 2 is held until 9"] = function(s) s.visible[2].held = 9 end,
      ["revision 2 is not held"] = function(s) s.visible[2].held = false end,
      ["kind is volatile, not origin"] = function(s) s.kind = "volatile" end,
      ["keep is 1, not 3"] = function(s) s.keep = 1 end,
      ["rw is false, not true"] = function(s) s.rw = false end,
      ["source is g/t, not nil"] = function(s) s.source = "g/t" end,
      ["the session writes into revision 2"] = function(s) s.shared = "revision 2" end,
      ["the next start would take a precache %[0%] for"] = function(s) s.precache = "0" end,
   }
   for reason, damage in pairs(faults) do
      it("tells that " .. reason:gsub("%%", ""), function()
         local found = seen()
         if debug.getinfo(damage, "u").nparams == 0 then
            found = nil
         else
            damage(found)
         end
         local name, why = find(volume(), found)
         assert.is_nil(name)
         assert.matches(reason, why)
      end)
   end

   it("tells that a snapshot that was cut short is there without what is noted of it", function()
      local before = volume()
      before.dirty, before.ghosts = nil, {}
      local op = pending({ name = "snapshot", note = "held from the first moment", hold = 99 }, before)
      local found = seen()
      found.dirty = nil
      table.insert(found.visible, { seq = 3, v = "1.2 1.1 0", held = false })
      local name, why = find(before, found, op)
      assert.is_nil(name)
      assert.matches("the note on revision 3 is nil", why)
      found.visible[3].note, found.visible[3].held = op.op.note, 99
      assert.equal("before", (find(before, found, op)))
   end)

   it("tells that a revision has lost its notes before it went", function()
      local before = volume()
      before.dirty, before.ghosts = nil, {}
      before.revisions[2].held = nil
      local op = pending({ name = "remove_revision", seq = 2 }, before)
      local found = seen()
      found.dirty, found.visible[2].held = nil, false
      assert.equal("before", (find(before, found, op)))
      found.visible[2].note = nil
      local name, why = find(before, found, op)
      assert.is_nil(name)
      assert.matches("not after: the note on revision 2 is nil", why)
   end)

   describe("of a volume with a trash", function()
      local function with_trash()
         local expected, found = volume(), seen()
         expected.window = true
         expected.trash = { { seq = 4, v = "4.4 0 0", note = "t" }, { seq = 5, v = "5.5 0 0", loose = true } }
         found.trash = { { seq = 4, v = "4.4 0 0", note = "t" }, { seq = 5, v = "5.5 0 0" } }
         return expected, found
      end

      local trash_faults = {
         ["revision 4=%[4.4 0 0%] is not in the trash"] = function(s) table.remove(s.trash, 1) end,
         ["revision 4=%[4.4 0 0%] was never made"] = function(s)
            table.insert(s.visible, { seq = 4, v = "4.4 0 0", note = "t", held = false })
         end,
         ["the note on revision 4 in the trash is nil"] = function(s) s.trash[1].note = nil end,
         ["revision 9=%[4.4 0 0%] in the trash was never put there"] = function(s)
            table.insert(s.trash, { seq = 9, v = "4.4 0 0" })
         end,
      }
      for reason, damage in pairs(trash_faults) do
         it("tells that " .. reason:gsub("%%", ""), function()
            local expected, found = with_trash()
            assert.equal("as reported", (find(expected, found)))
            damage(found)
            local name, why = find(expected, found)
            assert.is_nil(name)
            assert.matches(reason, why)
         end)
      end

      it("tells that something there has lost its note before it went", function()
         local expected, found = with_trash()
         local op = pending({ name = "empty_trash" }, expected)
         found.trash[1].note = nil
         local name, why = find(expected, found, op)
         assert.is_nil(name)
         assert.matches("the note on revision 4 in the trash is nil", why)
      end)

      it("takes what a cleanup put there for a revision as well, until that is durable", function()
         local expected, found = with_trash()
         table.remove(found.trash, 2)
         assert.is_nil((find(expected, found)))
         table.insert(found.visible, { seq = 5, v = "5.5 0 0", held = false })
         assert.equal("as reported", (find(expected, found)))
      end)

      it("takes a removal and a restore as before or as after", function()
         local expected = with_trash()
         local looks = {}
         for i = 1, 3 do
            local _, found = with_trash()
            found.visible[2].held, found.visible[2].note = false, nil
            looks[i] = found
         end
         expected.revisions[2].held, expected.revisions[2].note = nil, nil
         local before, after, lost = table.unpack(looks)
         table.insert(after.trash, table.remove(after.visible, 2))
         table.remove(lost.visible, 2)
         local remove = pending({ name = "remove_revision", seq = 2 }, expected)
         assert.equal("before", (find(expected, before, remove)))
         assert.equal("after", (find(expected, after, remove)))
         assert.is_nil((find(expected, lost, remove)))
         local restore = pending({ name = "restore", seq = 2 }, remove.after["g/v"])
         assert.equal("before", (find(expected, after, restore)))
         assert.equal("after", (find(expected, before, restore)))
         assert.is_nil((find(expected, lost, restore)))
      end)
   end)

   it("tells of a volume, a session and a size that should not be there", function()
      assert.is_nil((compare.find(seen(), compare.states(false, "g/v"))))
      local idle = volume()
      idle.dirty, idle.synced, idle.unsynced = nil, nil, nil
      assert.matches("a session has come back", (select(2, find(idle, seen()))))
      local other = volume()
      other.kind, other.source, other.blocks = "origin_snapshot", nil, 4
      local found = seen()
      found.kind = "origin_snapshot"
      assert.matches("its size is 3 blocks, not 4", (select(2, find(other, found))))
   end)

   it("takes a volume during an operation as before or as after, but no mixture", function()
      local stop = pending({ name = "stop" }, volume())
      assert.equal("before", (find(volume(), seen(), stop)))
      assert.equal("after", (find(volume(), stopped(), stop)))
      local early, pruned, half = stopped(), seen(), stopped()
      table.remove(early.visible, 3)
      assert.is_nil((find(volume(), early, stop)))
      table.remove(pruned.visible, 1)
      assert.is_nil((find(volume(), pruned, stop)))
      half.clean = "1.2 1.1 0"
      assert.is_nil((find(volume(), half, stop)))
   end)

   it("wants a note that is not the business of the operation under way", function()
      local found = seen()
      found.visible[2].note = nil
      assert.is_nil((find(volume(), found, pending({ name = "set", keep = 1 }, volume()))))
      local annotate = pending({ name = "annotate", seq = 2, note = "m" }, volume())
      assert.is_nil((find(volume(), found, annotate)))
      found.visible[2].note = "m"
      assert.equal("after", (find(volume(), found, annotate)))
   end)

   it("tells of notes and holds that a revision has inherited", function()
      local noted, held = seen(), seen()
      noted.visible[1].note = "n"
      assert.matches("the note on revision 1 is n", (select(2, find(volume(), noted))))
      held.visible[1].held = true
      assert.matches("revision 1 is held", (select(2, find(volume(), held))))
   end)

   it("takes a revert that drops the session as before or as after, but no mixture", function()
      local revert = pending({ name = "revert", seq = 1, discard = true }, volume())
      local reverted = seen()
      reverted.clean, reverted.dirty = "0 0 0", nil
      reverted.visible = { reverted.visible[2], { seq = 3, v = "1.2 1.1 0", held = false } }
      assert.equal("before", (find(volume(), seen(), revert)))
      assert.equal("after", (find(volume(), reverted, revert)))
      local dropped = seen()
      dropped.dirty = nil
      assert.is_nil((find(volume(), dropped, revert)))
      reverted.dirty = "1.2 1.4 0"
      assert.is_nil((find(volume(), reverted, revert)))
   end)

   it("tells which image of a released pool is missing, changed or new", function()
      local function images()
         local found = seen()
         found.revisions = { { seq = 1, v = "0 0 0" }, { seq = 2, v = "1.1 1.1 0" } }
         return found
      end
      assert.is_nil(compare.images(images(), volume()))
      for reason, damage in pairs({
         ["the committed image is %[nil%]"] = function(s) s.clean = nil end,
         ["the session is gone"] = function(s) s.dirty = nil end,
         ["block 1 of the session is 1.2"] = function(s) s.dirty = "1.2 1.2 0" end,
         ["revision 1=%[0 0 0%] is not there"] = function(s) table.remove(s.revisions, 1) end,
         ["revision 4=%[0 0 0%] was never made"] = function(s) table.insert(s.revisions, { seq = 4, v = "0 0 0" }) end,
         ["would take a precache"] = function(s) s.precache = "0" end,
      }) do
         local found = images()
         damage(found)
         assert.matches(reason, compare.images(found, volume()))
      end
   end)

   it("wants what is reported as pruned to stay away, and what is left to stay", function()
      local before = volume()
      before.keep, before.revisions[3] = 1, { seq = 3, v = "1.2 0 0", inode = "c" }
      before.ghosts = {}
      local after = predict.after({ ["g/v"] = before }, { name = "prune", vids = { "g/v" }, n = "1.1" })["g/v"]
      local found = seen()
      found.keep = 1
      -- 2 is held, 3 the newest
      found.visible = { found.visible[2], { seq = 3, v = "1.2 0 0", held = false } }
      assert.equal("as reported", (find(after, found)))
      table.insert(found.visible, 1, { seq = 1, v = "0 0 0", held = false })
      assert.matches("revision 1=%[0 0 0%] was never made", (select(2, find(after, found))))
   end)

   it("knows whose a block is, which version, and where it belongs", function()
      local path = os.tmpname()
      local function read(bytes)
         local file <close> = assert(io.open(path, "wb"))
         assert(file:write(bytes))
         file:close()
         return content.read(path)
      end
      local block, other = content.bytes("3.7", 1), content.bytes("3.8", 1)
      assert.equal("0 3.7", read(content.bytes("0", 0) .. block))
      assert.equal("3.7@1", read(block))
      assert.equal("0 ?", read(content.bytes("0", 0) .. block:sub(1, 512) .. other:sub(513)))
      assert.equal("0 ?", read(content.bytes("0", 0) .. block:sub(1, -33) .. ("\0"):rep(32)))
      assert.equal("0 ?", read(content.bytes("0", 0) .. block:sub(1, 100)))
      assert.equal("nothing", read(""))
      os.remove(path)
   end)
end)
