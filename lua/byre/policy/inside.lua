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

-- what would be if revisions went, as `byre.decide.space` asks; the host knows
local function new_gauge(input, tools)
   local ids = {}
   local gauge = { total = input.pool.total }
   function gauge.settle() end
   function gauge.take(_, id)
      table.insert(ids, id)
   end
   function gauge.put_back()
      table.remove(ids)
   end
   function gauge.free()
      local freed = #ids == 0 and 0 or tools.service("freed", ids)
      return freed and input.pool.free + freed
   end
   function gauge.taken()
      return tools.service("taken", ids)
   end
   return gauge
end

function actions.now(policy, value, tools)
   local gauge = value.knows_freed and new_gauge(value.input, tools) or nil
   return require("byre.retention.simulate").now(policy, value.input, { objection = objection, gauge = gauge })
end

-- when each will go, if all goes on as until now
function actions.forecast(policy, value)
   return require("byre.retention.explain").forecast(policy, value.input, nil, objection)
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
      delta = value.knows_delta and function(id)
         return tools.service("delta", id)
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
   local chunk = tools.load(value.text, value.name, env)
   language.check_text(value.text, value.name)
   local policy = language.finish(chunk())
   return { result = actions[value.action](policy, value, tools), log = lines }
end
