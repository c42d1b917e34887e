--- What a function of a policy sees of a revision: to be read, not written.
-- @module byre.retention.revision_view
local zone = require("byre.retention.zone")

local revision_view = {}

local plain = { "id", "seq", "time", "size", "allocated", "exclusive", "delta", "note", "hold_until", "origin" }

local function flag(value)
   return value and true or false
end

-- a copy, so that a script that writes into it fools only itself
local function copy(map)
   local result = {}
   for key, value in pairs(map or {}) do
      result[key] = value
   end
   return result
end

-- A number that is not known (`exclusive` where the file system has no usable
-- map) is nil: a comparison then fails, and a policy that fails deletes nothing.
local function fields(r, context)
   local view = { age = context.anchor and context.anchor - r.time or 0,
      pinned = flag(r.pinned), in_use = flag(r.in_use), skewed = r.skewed or r.future, tags = copy(r.tags) }
   for _, name in ipairs(plain) do
      view[name] = r[name]
   end
   view.origin = view.origin or "auto"
   view.civil = zone.civil(context.calendar.rules, r.time)
   return view
end

-- What costs reading maps is looked up when somebody asks, once: what it would free alone, and what it has changed.
local costly = { exclusive = true, delta = true }

local function look_up(view, r, context, name)
   r.looked_up = r.looked_up or {}
   if context[name] and r[name] == nil and not r.looked_up[name] then
      r[name], r.looked_up[name] = context[name](r.id), true
   end
   view[name] = r[name]
end

--- The view of one revision.
-- @tparam table r of `byre.retention.order`
-- @tparam table context of `byre.retention.rules`
-- @tparam[opt] table verdicts `{keep = function(r, why), expire = function(r, why)}`; without them it can only be read
-- @treturn table
function revision_view.new(r, context, verdicts)
   local view = fields(r, context)
   for name, give in pairs(verdicts or {}) do
      view[name] = function(self, why)
         if self == nil or type(self) == "string" then
            error(string.format("call it as revision:%s(why)", name), 2)
         elseif why ~= nil and type(why) ~= "string" then
            error(string.format("revision:%s(why): why is text", name), 2)
         end
         give(r, why)
      end
   end
   return setmetatable({}, {
      __name = "revision",
      __metatable = "revision",
      __index = function(_, key)
         if costly[key] then
            look_up(view, r, context, key)
         end
         return view[key]
      end,
      __newindex = function(_, key)
         error(string.format("a revision can only be read; %s cannot be set", tostring(key)), 2)
      end,
      __pairs = function()
         for name in pairs(costly) do
            look_up(view, r, context, name)
         end
         return next, copy(view), nil
      end,
   })
end

return revision_view
