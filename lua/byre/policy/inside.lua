--- What is done with a policy inside its sandbox.
--
-- The entry of a sandbox (`byre.sandbox`). Called with a table: `action`, and the
-- `text` and `name` of the policy's file; returns plain data.
-- @module byre.policy.inside
local language = require("byre.retention.language")

-- lines that a policy may log; the rest is dropped
local most_lines = 1000

local actions = {}

function actions.check(policy)
   return { floor = policy.floor, min_age = policy.min_age, tz = policy.tz }
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
   return { result = actions[value.action](policy, value), log = lines }
end
