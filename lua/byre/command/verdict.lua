--- Verdicts on revisions as rows: what `prune` and `policy explain` show.
-- @module byre.command.verdict
local explain = require("byre.retention.explain")
local prune = require("byre.prune")
local report = require("byre.command.report")
local units = require("byre.units")

local verdict = {}

--- Fields of a revision that was judged.
verdict.fields = {
   { key = "volume", title = "VOLUME" },
   { key = "id", title = "REVISION" },
   { key = "time", title = "TIME" },
   { key = "size", title = "SIZE", right = true, text = units.format_size },
   { key = "freed", title = "FREES", right = true, text = units.format_size },
   { key = "verdict", title = "VERDICT" },
   { key = "why", title = "WHY" },
}

--- The same with what only programs want to know.
verdict.detail_fields = {
   { key = "volume" }, { key = "policy" }, { key = "id" }, { key = "seq" }, { key = "time" }, { key = "size" },
   { key = "allocated" }, { key = "delta" }, { key = "exclusive" }, { key = "freed" }, { key = "goes_at" },
   { key = "verdict" }, { key = "removed" }, { key = "guard" }, { key = "spared" }, { key = "reasons" },
   { key = "lost_to" },
}

-- what becomes of it: keep, stay (it was let go but a guard objects), go
local function word(item)
   if item.removed then
      return "go"
   end
   return item.verdict == "expire" and "stay" or "keep"
end

-- why it stays, or goes
local function cause(item)
   if item.guard or item.spared then
      return item.guard or item.spared
   elseif item.removed and item.verdict == "keep" then
      return "space is short, or else: " .. explain.verdict(item)
   end
   return explain.verdict(item)
end

-- the same, and when it will go
local function reason(item)
   return cause(item) .. (item.goes_at and "; until " .. units.format_time(item.goes_at) or "")
end

--- A judged revision as a record.
-- @tparam table volume of `pool:prune`
-- @tparam table item one of its revisions
-- @tparam boolean done what was decided was also done
-- @treturn table see `verdict.fields`, `verdict.detail_fields`
function verdict.record(volume, item, done)
   return {
      volume = volume.volume, policy = volume.policy, id = item.id, seq = item.seq,
      time = units.format_time(item.time), size = item.size, allocated = item.allocated, delta = item.delta,
      exclusive = item.exclusive,
      freed = item.freed, verdict = word(item),
      removed = item.removed and done and not volume.unconfirmed, guard = item.guard,
      spared = item.spared, goes_at = item.goes_at and units.format_time(item.goes_at), why = reason(item),
      reasons = item.reasons, lost_to = item.lost_to,
   }
end

-- What the figures are worth, and what rules on space could not do.
local function say_space(context, result)
   local total, exact, trash, reason_of_figures = 0, true, false, nil
   for _, volume in ipairs(result.volumes) do
      if #volume.removed > 0 then
         trash = trash or volume.trash
         total = total and volume.freed and total + volume.freed
         exact = exact and volume.exact
         reason_of_figures = reason_of_figures or volume.reason
      end
      local shortage = prune.shortage(volume)
      if shortage then
         context:say(("%s: %s"):format(volume.volume, shortage))
      end
   end
   if not total then
      context:say("what it frees is not known" .. (reason_of_figures and ": " .. reason_of_figures or ""))
   elseif total > 0 then
      context:say(("together they free %s%s%s%s"):format(exact and "" or "about ", units.format_size(total),
         trash and " once they are out of the trash" or "", reason_of_figures and ": " .. reason_of_figures or ""))
   end
end

--- Show what was judged.
-- @tparam context context
-- @tparam table result of `pool:prune`
-- @tparam[opt] table options `everything`: also what stays; `done`: what was decided was also done
function verdict.list(context, result, options)
   local rows = context.out:rows(context.out.format == "json" and verdict.detail_fields or verdict.fields)
   for _, volume in ipairs(result.volumes) do
      for _, item in ipairs(volume.revisions) do
         if options.everything or item.removed then
            rows:add(verdict.record(volume, item, options.done == true))
         end
      end
      if #volume.emptied > 0 then
         context:say(("%s: %d %s the trash for good"):format(volume.volume, #volume.emptied,
            options.done and "left" or "would leave"))
      end
      for _, line in ipairs(volume.log or {}) do
         context:say(("%s: the policy says: %s"):format(volume.volume, line))
      end
   end
   rows:finish()
   say_space(context, result)
end

--- Say what could not be judged.
-- @tparam table result of `pool:prune`
-- @treturn ?integer the exit code; nil: nothing failed
function verdict.failures(result)
   local code
   for _, item in ipairs(result.failures) do
      local this = report.show(item.error)
      code = code and code ~= this and report.exit.failed or this
   end
   return code
end

return verdict
