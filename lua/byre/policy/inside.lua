--- What is done with a policy inside its sandbox.
--
-- The entry of a sandbox (`byre.sandbox`). Called with a table: `action`, and the
-- `text` and `name` of the policy's file; returns plain data.
-- @module byre.policy.inside
local language = require("byre.retention.language")

-- lines that a policy may log; the rest is dropped
local most_lines = 1000

local actions = {}

-- what is strange about it, over an invented year
function actions.check(policy)
   return require("byre.retention.lint").check(policy)
end

function actions.load(policy)
   return { floor = policy.floor, min_age = policy.min_age, tz = policy.tz }
end

local function objection(...)
   return require("byre.decide.guards").objection(...)
end

function actions.simulate(policy, value)
   local given = value.given
   given.objection = objection
   return require("byre.retention.simulate").run(policy, given)
end

function actions.now(policy, value)
   return require("byre.retention.simulate").now(policy, value.input, objection)
end

function actions.judge(policy, value)
   return require("byre.retention.evaluate").judge(policy, value.input)
end

return function(tools, value)
   local lines = {}
   local env = language.environment({
      read_zone = function(name)
         local answer = tools.service("read_zone", name)
         return answer.bytes, answer.why
      end,
      freed = value.knows_freed and function(ids)
         return tools.service("freed", ids)
      end or nil,
      log = function(text)
         if #lines < most_lines then
            lines[#lines + 1] = text
         end
      end,
   })
   for name, item in pairs(tools.base()) do
      env[name] = item
   end
   local policy = language.finish(tools.load(value.text, value.name, env)())
   -- what cannot be kept to is refused: without it more would go than is meant
   if policy.space and (value.action == "judge" or value.action == "load") then
      error("space: prune does not carry out rules on space as yet; a policy with one is for simulations", 0)
   end
   return { result = actions[value.action](policy, value), log = lines }
end
