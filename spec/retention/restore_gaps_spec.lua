local restore_gaps = require("byre.retention.restore_gaps")

-- the longest gap that a range of ages has ever met, by looking at every one
local function worst_by_hand(moments, from, to)
   local worst = 0
   for _, moment in ipairs(moments) do
      local later = moment.now
      for i = #moment.revisions, 1, -1 do
         local time = moment.revisions[i].time
         if moment.now - time > from and moment.now - later < to then
            worst = math.max(worst, later - time)
         end
         later = time
      end
   end
   return worst
end

describe("the worst gaps between revisions", function()
   it("are those of each range of ages, whatever came before", function()
      for seed = 1, 50 do
         math.randomseed(seed)
         local list, moments, alive, now = restore_gaps.new(), {}, {}, 0
         for i = 1, 60 do
            now = now + math.random(1, 20) * math.random(1, 200000)
            alive[#alive + 1] = { time = now }
            if #alive > 1 and math.random(3) == 1 then
               table.remove(alive, math.random(1, #alive - 1))
            end
            moments[i] = { now = now, revisions = table.move(alive, 1, #alive, 1, {}) }
            restore_gaps.widen(list, alive, now)
         end
         for number, range in ipairs(list) do
            local last = list[number + 1] and list[number + 1].age or math.huge
            assert.equal(worst_by_hand(moments, range.age, last), range.worst, ("seed %d, %s"):format(seed, range.name))
         end
      end
   end)
end)
