-- What a rule on space lets go, decided without a file system.
local space = require("byre.decide.space")

-- A disk of 100 bytes. Images are sets of blocks of a byte each: what no other image has is free when one goes.
local function gauge_of(images, taken)
   local self = { total = 100, gone = {}, settled = 0 }
   local function held(without)
      local blocks, count = {}, 0
      for id, list in pairs(images) do
         for _, block in ipairs(without[id] and {} or list) do
            count = count + (blocks[block] and 0 or 1)
            blocks[block] = true
         end
      end
      return count
   end
   function self.settle() self.settled = self.settled + 1 end
   function self.take(_, id) self.gone[id] = true end
   function self.put_back(_, id) self.gone[id] = nil end
   function self.taken() return held(self.gone) end
   function self.free() return 100 - taken + held({}) - held(self.gone) end
   return self
end

-- "a" and "b" have two blocks together that nobody else has; "c" has four of its own
local images = { a = { 1, 2, 9 }, b = { 1, 2, 9 }, c = { 3, 4, 5, 6, 9 }, newest = { 9 } }

local function choose(rule, gauge)
   rule.order = rule.order or "oldest"
   local chosen, short = space.choose(rule, { "a", "b", "c" }, gauge or gauge_of(images, 90))
   return table.concat(chosen, " "), short
end

describe("A rule on space", function()
   it("lets nothing go while there is space enough", function()
      assert.same({ "", 0 }, { choose({ free = 10 }) })
      assert.same({ "", 0 }, { choose({ free_percent = 10 }) })
      assert.same({ "", 0 }, { choose({ quota = 7 }) })
   end)

   it("lets the oldest go, one after the other, until there is enough", function()
      assert.same({ "a b", 0 }, { choose({ free = 11 }) })
      assert.same({ "a b", 0 }, { choose({ free_percent = 12 }) })
      assert.same({ "a b c", 0 }, { choose({ free = 13 }) })
      assert.same({ "a b c", 0 }, { choose({ quota = 1 }) })
      assert.same({ "a b", 0 }, { choose({ quota = 5 }) })
   end)

   it("can let the one go first that frees most", function()
      assert.same({ "c", 0 }, { choose({ free = 11, order = "best_gain" }) })
      assert.same({ "c a b", 0 }, { choose({ free = 15, order = "best_gain" }) })
   end)

   -- each step looks at all that is left
   local function greedy(ids, quota, gauge)
      local left, chosen = table.move(ids, 1, #ids, 1, {}), {}
      while gauge.taken() > quota and #left > 0 do
         local best, least
         for i, id in ipairs(left) do
            gauge.take(nil, id)
            local now = math.max(quota, gauge.taken())
            gauge.put_back(nil, id)
            if not least or now < least then
               best, least = i, now
            end
         end
         chosen[#chosen + 1] = table.remove(left, best)
         gauge.take(nil, chosen[#chosen])
      end
      return chosen
   end

   it("finds the one that frees most with few questions, whatever the history", function()
      for seed = 1, 200 do
         math.randomseed(seed)
         local ids, history, blocks, count = {}, {}, {}, math.random(2, 20)
         for i = 1, 30 do
            blocks[i] = i
         end
         -- each revision is the one before with some blocks written anew
         for i = 1, count do
            for at = 1, 30 do
               blocks[at] = math.random(6) == 1 and i * 100 + at or blocks[at]
            end
            ids[i] = tostring(i)
            history[ids[i]] = table.move(blocks, 1, 30, 1, {})
         end
         history.newest = table.move(blocks, 1, 30, 1, {})
         local quota, gauge, asked = math.random(30, 90), gauge_of(history, 90), 0
         local taken = gauge.taken
         function gauge.taken()
            asked = asked + 1
            return taken()
         end
         assert.same(greedy(ids, quota, gauge_of(history, 90)),
            (space.choose({ quota = quota, order = "best_gain" }, ids, gauge)), "seed " .. seed)
         assert.is_true(asked <= 2 + 4 * count, ("seed %d: asked %d times"):format(seed, asked))
      end
   end)

   it("tells what is missing when all has gone", function()
      assert.same({ "a b c", 4 }, { choose({ free = 20 }) })
      assert.same({ "a b c", 1 }, { choose({ free = 10, quota = 0 }) })
   end)

   it("wants both, a quota and what is to be free", function()
      assert.same({ "a b c", 0 }, { choose({ free = 11, quota = 1 }) })
   end)

   it("lets nothing go where nobody knows what that would free", function()
      for _, unknown in ipairs({ "free", "taken" }) do
         for _, order in ipairs({ "oldest", "best_gain" }) do
            local gauge = gauge_of(images, 90)
            local known = gauge[unknown]
            gauge[unknown] = function() return next(gauge.gone) == nil and known() or nil end
            assert.same({ "", nil }, { choose({ free = 20, quota = 0, order = order }, gauge) })
         end
      end
      local gauge = gauge_of(images, 90)
      gauge.taken = function() end
      assert.same({ "", nil }, { choose({ quota = 0 }, gauge) })
   end)

   it("looks again before anything goes: what was removed a moment ago may not count yet", function()
      local gauge = gauge_of(images, 95)
      function gauge.settle() gauge.free = function() return 10 end end
      assert.same({ "", 0 }, { choose({ free = 10 }, gauge) })
   end)

   it("lets no more go than it has to, whatever the images share", function()
      for seed = 1, 200 do
         math.randomseed(seed)
         local random_images, ids = { newest = { 1 } }, {}
         for i = 1, math.random(1, 8) do
            ids[i] = tostring(i)
            random_images[ids[i]] = {}
            for j = 1, math.random(0, 6) do
               random_images[ids[i]][j] = math.random(1, 12)
            end
         end
         local free, order = math.random(10, 25), math.random(2) == 1 and "oldest" or "best_gain"
         local gauge = gauge_of(random_images, 90)
         local chosen, short = space.choose({ free = free, order = order }, ids, gauge)
         assert.equal(math.max(0, free - gauge.free()), short, "seed " .. seed)
         assert(short == 0 or #chosen == #ids, "seed " .. seed)
         if #chosen > 0 then
            gauge.put_back(nil, chosen[#chosen])
            assert(gauge.free() < free, "seed " .. seed)
         end
         for i, id in ipairs(order == "oldest" and chosen or {}) do
            assert.equal(ids[i], id, "seed " .. seed)
         end
      end
   end)
end)
