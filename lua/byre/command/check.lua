--- `byre check`
-- @module byre.command.check
local report = require("byre.command.report")

local check = {
   summary = "Look for what is wrong with the pool, and mend it.",
   description = [[Look for everything that is wrong with the pool or with some of its volumes:
what a crash has left, damaged notes, images that are missing or are no plain
files. With --repair, what can be mended without guessing is mended.

The exit code is 0 when nothing is wrong or all of it was mended, 1 when
something is wrong, 3 when only a part of it was mended.]],
   examples = {
      { "byre check" },
      { "byre check --repair" },
      { "byre check --json appvms/work/private" },
   },
}

local fields = {
   { key = "code", title = "FINDING" },
   { key = "volume", title = "VOLUME" },
   { key = "path", title = "PATH" },
   { key = "repaired", title = "MENDED", text = function(value) return value and "yes" or "no" end },
   { key = "message", title = "MESSAGE" },
}

function check.parser(command)
   command:argument("VID", "Only these volumes."):target("vids"):args("*")
   command:flag("--repair", "Mend what can be mended without guessing.")
end

local function exit_code(findings)
   local open, mended = 0, 0
   for _, finding in ipairs(findings) do
      if finding.repaired then
         mended = mended + 1
      else
         open = open + 1
      end
   end
   if open == 0 then
      return report.exit.done
   end
   return mended > 0 and report.exit.partly or report.exit.failed
end

-- the volumes have to be there, but what else is wrong with them is for the findings
local function require_volumes(context, vids)
   for _, vid in ipairs(vids) do
      local ok, err = require("byre.failure").catch(context.volume, context, vid)
      if not ok and err.code ~= "corrupt" then
         error(err, 0)
      end
   end
   return #vids > 0 and vids or nil
end

function check.run(context, args)
   local pool = context:pool()
   local findings = pool:check({
      repair = args.repair and not context:is_dry(), volumes = require_volumes(context, args.vids),
   })
   for _, finding in ipairs(findings) do
      finding.repaired = finding.repaired == true
   end
   context.out:list(fields, findings)
   if #findings == 0 then
      context:say("nothing is wrong")
   end
   return exit_code(findings)
end

return check
