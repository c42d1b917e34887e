--- Rules that keep exactly what another tool would keep: `compat.…` of a policy file.
-- @module byre.retention.compat
local options = require("byre.retention.options")
local words = require("byre.retention.compat.words")

local compat = {}

-- Those tools count revisions with impossible times as well; the guards still
-- protect them.
local function exact(rule)
   rule.counts_unsound = true
   return rule
end

for name, module in pairs({
   restic = require("byre.retention.compat.restic"),
   borg = require("byre.retention.compat.borg"),
   pbs = require("byre.retention.compat.pbs"),
}) do
   compat[name] = function(given)
      return exact(module.rule(given))
   end
end

--- Qubes' `revisions_to_keep`: the newest by number.  0 keeps none; -1
-- switches revisions off, so those that are there go too.
-- @tparam integer n
function compat.qubes(n)
   local count = options.count("compat.qubes", n, -1)
   return exact({ name = "qubes", select = function(rule, context)
      local marks = {}
      for i = 1, math.min(count, #context.revisions) do
         local r = context.revisions[i]
         marks[r.index] = { rule = "qubes", slot = i, of = count, winner = r.id }
      end
      return words.selection(rule, context.revisions, marks)
   end })
end

return compat
