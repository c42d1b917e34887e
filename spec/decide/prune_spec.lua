-- What goes and what stays, decided without a file system.
local clock = require("byre.decide.clock")
local guards = require("byre.decide.guards")
local prune = require("byre.decide.prune")

local day = 86400
local now = 1000 * day

local function objection(revision, rank, limits)
   local all = { now = now, floor = 1, min_age = 3600 }
   for key, value in pairs(limits or {}) do
      all[key] = value
   end
   revision.time = revision.time or now - 30 * day
   return guards.objection(revision, rank or 5, all)
end

describe("A guard", function()
   it("lets an old revision go that nobody wants", function()
      assert.is_nil(objection({}))
   end)

   it("keeps the newest, and as many of the newest as the floor says", function()
      assert.equal("the newest", objection({}, 1))
      assert.equal("one of the last 3", objection({}, 3, { floor = 3 }))
      assert.is_nil(objection({}, 4, { floor = 3 }))
   end)

   it("keeps what is held, until the hold ends", function()
      assert.equal("held", objection({ hold_until = true }))
      assert.equal("held", objection({ hold_until = now + day }))
      assert.is_nil(objection({ hold_until = now }))
   end)

   it("keeps what is in use, of the future, or out of order", function()
      assert.equal("in use", objection({ in_use = true }))
      assert.equal("its time has not come yet", objection({ future = true }))
      assert.equal("its time does not fit its neighbours", objection({ skewed = true }))
   end)

   it("keeps what is young, by its content or by its name", function()
      assert.equal("younger than 3600 s", objection({ time = now - 3599 }))
      assert.equal("younger than 3600 s", objection({ time = 0, changed = now - 10 }))
      assert.is_nil(objection({ time = now - 3600 }))
      assert.is_nil(objection({ time = now }, 2, { min_age = 0 }))
   end)
end)

describe("The clock guard", function()
   local function daily(n)
      local list = {}
      for i = 1, n do
         list[i] = { time = now - (n - i) * day }
      end
      return list
   end

   it("is content with a clock that goes on, and with one that it sees first", function()
      assert.is_nil(clock.objection(now, nil, daily(3)))
      assert.is_nil(clock.objection(now, { latest = now }, daily(3)))
      assert.is_nil(clock.objection(now + 3 * day, { latest = now }, daily(3)))
   end)

   it("objects to a clock that went back", function()
      assert.equal("the clock is behind: it was 1972-09-27T00:00:01Z before",
         clock.objection(now, { latest = now + 1 }, daily(3)))
   end)

   it("objects to a clock that is not synchronised any more, and to no other", function()
      local kept, free = { latest = now, synchronised = true }, { latest = now, synchronised = false }
      assert.equal("the clock is not synchronised, which it was before", clock.objection(now, kept, {}, false))
      assert.is_nil(clock.objection(now, kept, {}, true))
      assert.is_nil(clock.objection(now, kept, {}, nil))
      assert.is_nil(clock.objection(now, free, {}, false))
   end)

   it("objects to a leap of more than three usual intervals, and of a day where there are more", function()
      assert.equal("the clock has gone ahead since 1972-09-27T00:00:00Z",
         clock.objection(now + 3 * day + 1, { latest = now }, daily(3)))
      assert.equal("the clock has gone ahead since 1972-09-27T00:00:00Z",
         clock.objection(now + day + 1, { latest = now }, {}))
   end)
end)

describe("The breaker", function()
   it("lets few go", function()
      assert.is_nil(guards.breaker(0, 0, { policy_changed = true, clock = "x" }))
      assert.is_nil(guards.breaker(1, 2, {}))
      assert.is_nil(guards.breaker(20, 40, {}))
   end)

   it("wants to be asked before many go, and before a new policy or a strange clock takes anything", function()
      assert.equal("more than half of them go", guards.breaker(2, 3, {}))
      assert.equal("more than 20 go at once", guards.breaker(21, 1000, {}))
      assert.equal("the policy is new or has changed", guards.breaker(1, 1000, { policy_changed = true }))
      assert.equal("x", guards.breaker(1, 1000, { clock = "x" }))
   end)
end)

describe("A plan to prune", function()
   local function state_with(n, raw)
      local state = { vid = "vm/a", now = now, raw = raw or {}, revisions = {}, trash = {},
         config = { save_on_stop = true } }
      for i = 1, n do
         state.revisions[i] = { id = tostring(i), seq = i, time = i * day, path = "vm/a.img." .. i }
      end
      return state
   end

   local function decide(n, keep, facts, raw)
      local state = state_with(n, raw)
      return prune.decide(state, state.revisions, prune.by_number(state.revisions, keep), facts or {})
   end

   local function steps(the_plan)
      local list = {}
      for _, phase in ipairs(the_plan.phases) do
         for _, step in ipairs(phase) do
            list[#list + 1] = step.op .. " " .. (step.path or step.to)
         end
      end
      return list
   end

   it("removes the oldest first", function()
      local the_plan = decide(5, 3)
      assert.same({ "unlink vm/a.img.1", "unlink vm/a.img.2", "write .byre/clock.json" }, steps(the_plan))
      assert.same({ "1", "2" }, the_plan.prune.removed)
      assert.is_nil(the_plan.prune.unconfirmed)
   end)

   it("removes nothing while somebody has to agree, and what was agreed to after that", function()
      local the_plan = decide(5, 1)
      assert.same({ "write .byre/clock.json" }, steps(the_plan))
      assert.equal("more than half of them go", the_plan.prune.unconfirmed)
      local agreed = decide(5, 1, { confirm = the_plan.prune.hash })
      assert.equal(4, #agreed.phases[1])
      assert.is_nil(agreed.prune.unconfirmed)
   end)

   it("is another one as soon as another revision goes, or the policy is another", function()
      local hash = decide(5, 1, { policy_hash = "a" }).prune.hash
      assert.not_equal(hash, decide(6, 1, { policy_hash = "a" }).prune.hash)
      assert.not_equal(hash, decide(5, 1, { policy_hash = "b" }).prune.hash)
      assert.equal(4, #decide(6, 1, { confirm = hash, policy_hash = "a" }).prune.removed - 1)
      assert.equal("the policy is new or has changed",
         decide(6, 1, { confirm = hash, policy_hash = "a" }).prune.unconfirmed)
   end)

   it("remembers the policy that was agreed to, and asks again when it has changed", function()
      local first = decide(9, 6, { policy_hash = "a" })
      assert.equal("the policy is new or has changed", first.prune.unconfirmed)
      local agreed = decide(9, 6, { policy_hash = "a", confirm = first.prune.hash })
      assert.is_truthy(agreed.phases[2][1].data:find('"confirmed_policy":"a"', 1, true))
      assert.is_nil(decide(9, 6, { policy_hash = "a" }, { confirmed_policy = "a" }).prune.unconfirmed)
      assert.is_truthy(decide(9, 6, { policy_hash = "b" }, { confirmed_policy = "a" }).prune.unconfirmed)
   end)

   it("is empty where nothing goes, but for the clock, once an hour", function()
      assert.same({ "write .byre/clock.json" }, steps(decide(3, 3, { clock = { latest = now - 3600 } })))
      assert.same({}, steps(decide(3, 3, { clock = { latest = now - 3599 } })))
      assert.same({}, steps(decide(5, 3, { clock = { latest = now + 1 } })))
   end)

   -- what must stay whatever a policy says, told in another way than the guards are written
   local function must_stay(list, i, limits)
      local r = list[i]
      return i > #list - math.max(1, limits.floor) or r.hold_until == true or (r.hold_until or 0) > now or r.in_use
         or r.future or r.skewed or r.time + limits.min_age > now or (r.changed or 0) + limits.min_age > now
   end

   local function maybe(n, value)
      return math.random(n) == 1 and value or nil
   end

   local function random_state()
      local state = state_with(math.random(40), { confirmed_policy = "p" })
      local time = now - math.random(0, 60) * day
      for _, revision in ipairs(state.revisions) do
         time = time + math.random(0, 3 * day)
         revision.time = time
         revision.hold_until = maybe(6, true) or maybe(6, now + math.random(-5, 5) * day)
         revision.in_use, revision.changed = maybe(6, true), maybe(4, now - math.random(0, 2 * day))
      end
      return state
   end

   it("never takes what a guard keeps, and takes all else that is released, whatever the history", function()
      local seed = math.tointeger(tonumber(os.getenv("BYRE_SEED"))) or os.time()
      local gone = 0
      for case = 1, 300 do
         math.randomseed(seed + case)
         local state = random_state()
         local judgement = prune.by_number(state.revisions, 0)
         local limits = { floor = math.random(0, 5), min_age = math.random(0, 2) * day }
         judgement.policy.floor, judgement.policy.min_age = limits.floor, limits.min_age
         local expected = {}
         for i, judged in ipairs(judgement.revisions) do
            judged.future, judged.skewed = maybe(8, true), maybe(8, true)
            state.revisions[i].future, state.revisions[i].skewed = judged.future, judged.skewed
            judged.verdict = math.random(3) == 1 and "keep" or "expire"
            if judged.verdict == "expire" and not must_stay(state.revisions, i, limits) then
               expected[#expected + 1] = judged.id
            end
         end
         local result = prune.decide(state, state.revisions, judgement, { policy_hash = "p" }).prune
         assert.same(expected, result.removed, ("BYRE_SEED=%d, case %d"):format(seed, case))
         gone = gone + #expected
      end
      assert.is_true(gone > 300)
   end)

   describe("with a rule on space", function()
      -- each revision frees ten bytes
      local function decide_space(rule, facts)
         local state = state_with(5, { confirmed_policy = "p" })
         local judgement = prune.by_number(state.revisions, 1)
         rule.order = "oldest"
         judgement.policy = { floor = facts.floor or 1, min_age = 0, space = rule }
         local gauge = { total = 1000, gone = 0, settle = function() end }
         function gauge.take() gauge.gone = gauge.gone + 1 end
         function gauge.free() return 100 + 10 * gauge.gone end
         function gauge.freed(_, ids) return 10 * #ids end
         state.revisions[1].hold_until = facts.held
         return prune.decide(state, state.revisions, judgement,
            { policy_hash = "p", gauge = gauge, measure = facts.measure }).prune
      end

      it("lets go what is released only as far as space is short", function()
         local result = decide_space({ free = 100, candidates = { "1", "2", "3", "4" } }, {})
         assert.same({}, result.removed)
         assert.equal("space is not short", result.revisions[1].spared)
         assert.is_nil(result.revisions[5].spared)
         assert.equal(0, result.space.missing)
         result = decide_space({ free = 115, candidates = { "1", "2", "3", "4" } }, { measure = "removed" })
         assert.same({ "1", "2" }, result.removed)
         assert.same({ 10, 10, nil, 20 }, { result.revisions[1].freed, result.revisions[2].freed,
            result.revisions[3].freed, result.freed })
      end)

      it("never passes the guards and the floor, and tells what is missing then", function()
         local result = decide_space({ free = 200, candidates = { "1", "2", "3", "4", "5" } },
            { floor = 3, held = true })
         assert.same({ "2" }, result.removed)
         assert.equal("held", result.revisions[1].guard)
         assert.equal("one of the last 3", result.revisions[3].guard)
         assert.equal(90, result.space.missing)
      end)

      it("may take what a rule wants, where the policy names it", function()
         local state = state_with(3, { confirmed_policy = "p" })
         local judgement = prune.by_number(state.revisions, 3)
         judgement.policy = { floor = 1, min_age = 0,
            space = { free = 1, order = "oldest", candidates = { "1", "2", "3" } } }
         local gauge = { total = 1, settle = function() end, taken = 0, take = function(self) self.taken = 1 end,
            free = function(self) return self.taken end }
         assert.same({ "1" }, prune.decide(state, state.revisions, judgement, { policy_hash = "p", gauge = gauge })
            .prune.removed)
      end)
   end)

   it("remembers that the clock was synchronised until somebody agrees that it is not", function()
      local mark = { latest = now - 3600, synchronised = true }
      local shown = decide(5, 3, { clock = mark, synchronised = false })
      assert.equal("the clock is not synchronised, which it was before", shown.prune.unconfirmed)
      assert.is_truthy(shown.phases[1][1].data:find('"synchronised":true', 1, true))
      local agreed = decide(5, 3, { clock = mark, synchronised = false, confirm = shown.prune.hash })
      assert.is_nil(agreed.phases[2][1].data:find("synchronised", 1, true))
      assert.is_truthy(decide(3, 3, { synchronised = true }).phases[1][1].data:find('"synchronised":true', 1, true))
   end)

   it("never takes the newest, whatever is asked for", function()
      for n = 1, 5 do
         local removed = decide(n, 0).prune.removed
         assert.equal(n - 1, #removed)
         assert.not_equal(tostring(n), removed[#removed])
      end
   end)
end)
