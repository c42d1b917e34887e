--- What is strange about a policy, found by running it over a synthetic year.
-- @module byre.retention.lint
local evaluate = require("byre.retention.evaluate")
local simulate = require("byre.retention.simulate")

local lint = {}

local hour, day = 3600, 86400

-- From 1 December 2019: a 29 February, a week 53 and changes of the clock are in it.
local first = 1575158400
local schedule = "0/12:17"

local function year(policy, changes)
   local given = { schedule = schedule, from = first, to = first + 400 * day }
   for key, value in pairs(changes) do
      given[key] = value
   end
   return simulate.run(policy, given)
end

local function remaining(data)
   local list = {}
   for _, r in ipairs(data.revisions) do
      if not r.removed_at then
         list[#list + 1] = { id = r.id, seq = r.seq, time = r.time, tags = {}, origin = "auto" }
      end
   end
   return list
end

local function same(a, b)
   for i = 1, math.max(#a, #b) do
      if not a[i] or not b[i] or a[i].id ~= b[i].id then
         return false
      end
   end
   return true
end

local function expired(policy, revisions, now)
   local count = 0
   for _, r in ipairs(evaluate.judge(policy, { now = now, revisions = revisions }).revisions) do
      count = count + (r.verdict == "expire" and 1 or 0)
   end
   return count
end

-- A second run must find nothing more to do.
local function idempotent(policy, batch)
   local list = remaining(batch)
   local count = expired(policy, list, batch.to)
   return count == 0, string.format("pruning twice at one time removes %d revisions more than once does", count)
end

-- Whether it is pruned often or seldom must not matter.
local function path_independent(_, batch, steps)
   local a, b = remaining(steps), remaining(batch)
   return same(a, b), string.format("pruning after each revision leaves %d, once at the end %d that are not the same",
      #a, #b)
end

-- Also of few revisions, far apart, and after a long pause, some must stay.
local function never_empties(policy, batch)
   local last = batch.to
   for _, times in ipairs({ { last }, { last - 400 * day, last - 390 * day }, { last - hour, last } }) do
      for _, now in ipairs({ last, last + 3 * 365 * day }) do
         local list = {}
         for i, time in ipairs(times) do
            list[i] = { id = tostring(i), seq = i, time = time, tags = {}, origin = "auto" }
         end
         if expired(policy, list, now) == #list then
            return false, string.format("of %d revisions, the newest of %d days ago, it would keep none", #list,
               (now - times[#times]) // day)
         end
      end
   end
   return true, ""
end

local checks = {
   { "idempotent", idempotent }, { "path_independent", path_independent }, { "never_empties", never_empties },
}

-- The worst case of a rule on space: it is always short, and goes on with all that the rules release.
local function without_space(policy)
   local copy = {}
   for key, value in pairs(policy) do
      copy[key] = key ~= "space" and value or nil
   end
   return copy
end

--- Run a policy over a synthetic year and look at what it does.
-- @tparam table policy of `language.finish`
-- @treturn table a list of `{check, message}`: what it does not pass; empty when all is well
function lint.check(policy)
   policy = without_space(policy)
   local batch, steps = year(policy, { batch = true }), year(policy, {})
   local findings = {}
   for _, check in ipairs(checks) do
      local ok, message = check[2](policy, batch, steps)
      if not ok then
         findings[#findings + 1] = { check = check[1], message = message }
      end
   end
   return findings
end

return lint
