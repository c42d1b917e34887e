-- Which parts of an image are written anew, and what that is said to cost.
local config = require("byre.config")
local defrag = require("byre.decide.defrag")
local layout = require("byre.layout")
local pools = require("spec.support.pools")

local MIB <const> = 1 << 20
local size <const> = defrag.region_size

-- the state of a volume whose image has these regions: {count, allocated[, shared]} each, false for none
local function state_with(list, changes)
   local state = {
      vid = "vm/disk", files = { clean = { size = #list * size, mtime = 1 } }, paths = {}, revisions = {},
      config = config.effective(config.volume("vm/disk", { save_on_stop = true, size = 1 }),
         config.pool("pool", { precache = false })),
      regions = {}, free = 1 << 40,
   }
   for _, role in ipairs(layout.roles) do
      state.paths[role] = layout.image("vm/disk", role)
   end
   for i, region in ipairs(list) do
      if region then
         table.insert(state.regions, { start = (i - 1) * size, count = region[1], allocated = region[2],
            shared = region[3] or 0 })
      end
   end
   for key, value in pairs(changes or {}) do
      state[key] = value
   end
   return state
end

local function rewritten(plan)
   local step = plan.phases[1] and plan.phases[1][1]
   return step and step.ranges or {}
end

describe("defrag", function()
   it("leaves alone what is in few pieces", function()
      local plan = defrag.plan(state_with({ { 1, size }, { 16, size }, { 1, 4096 }, false }), {})
      assert.same({}, plan.phases)
      assert.same({ write = 0, space = 0, extents = 0 }, plan.cost)
   end)

   it("writes neighbours in one go, and says what that costs", function()
      local plan = defrag.plan(state_with({ { 100, size, MIB }, { 50, size, 2 * MIB }, { 1, size }, { 17, MIB } }), {})
      assert.same({ { 0, 2 * size }, { 3 * size, 4 * size } }, rewritten(plan))
      assert.same({ write = 2 * size + MIB, space = 3 * MIB, extents = 167 }, plan.cost)
   end)

   it("does not write behind the end of the image", function()
      local state = state_with({ { 100, size }, { 100, MIB } })
      state.files.clean.size = size + MIB
      assert.same({ { 0, size + MIB } }, rewritten(defrag.plan(state, {})))
   end)

   it("spends a budget where it helps most", function()
      local regions = { { 100, size }, { 1000, size }, { 10, MIB }, { 500, size } }
      assert.same({ { size, 2 * size } }, rewritten(defrag.plan(state_with(regions), { budget = size })))
      assert.same({ { size, 3 * size } }, rewritten(defrag.plan(state_with(regions), { budget = size + MIB })))
      assert.same({ { size, 2 * size }, { 3 * size, 4 * size } },
         rewritten(defrag.plan(state_with(regions), { budget = 2 * size })))
      assert.same({}, rewritten(defrag.plan(state_with(regions), { budget = 4096 })))
   end)

   it("never exceeds its budget, and gains with a larger one", function()
      for seed = 1, 200 do
         math.randomseed(seed)
         local regions = {}
         for i = 1, math.random(1, 40) do
            regions[i] = math.random(3) > 1 and { math.random(1, 4000), math.random(1, 4096) * 4096 }
         end
         local before = 0
         for _, budget in ipairs({ 0, 10 * MIB, 100 * MIB, 1000 * MIB }) do
            local cost = defrag.plan(state_with(regions), { budget = budget }).cost
            assert.is_true(cost.write <= budget, "seed " .. seed)
            assert.is_true(cost.extents >= before, "seed " .. seed)
            before = cost.extents
         end
      end
   end)

   it("is refused where there is a session, no image, or no space", function()
      local dirty = state_with({ { 100, size } })
      dirty.files.dirty = { size = size }
      pools.fails("dirty", "byre: vm/disk: cannot defragment: it is running or was not cleanly stopped",
         defrag.plan, dirty, {})
      pools.fails("corrupt", "byre: vm/disk: the image vm/disk.img is missing", defrag.plan,
         state_with({}, { files = {} }), {})
      pools.fails("no_space", "byre: vm/disk: writing 16777216 bytes anew needs that much space, and 1000 are free",
         defrag.plan, state_with({ { 100, size } }, { free = 1000 }), {})
   end)
end)
