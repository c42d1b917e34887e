--- `byre hold`
-- @module byre.command.hold
local annotation = require("byre.command.annotation")
local duration = require("byre.retention.duration")
local report = require("byre.command.report")
local units = require("byre.units")
local zone = require("byre.retention.zone")

local hold = {
   summary = "Keep a revision, whatever else would remove it.",
   description = [[Keep a revision, whatever else would remove it: stops, policies, prune and
remove leave it alone, until byre release or until a time.]],
   examples = {
      { "byre hold appvms/work/private 2" },
      { "byre hold --until 2027-01-31 appvms/work/private 2", "until that day begins (UTC)" },
      { "byre hold --until 6mo appvms/work/private 2", "for half a year from now" },
   },
}

function hold.parser(command)
   annotation.words(command)
   command:option("--until", "When the hold ends: a day, an RFC 3339 time, or a span from now such as 30d.")
      :argname("TIME")
end

-- a span from now, such as 30d
local function end_of_span(text)
   if not text:find("^%d+%a+$") and not text:find("^[%d%a]+%d+%a+$") then
      return nil
   end
   local span, reason = duration.parse(text)
   return span and duration.after(span, zone.utc, require("byre.core").now()) or report.usage("--until", reason)
end

local function parse_until(text)
   local day = text:match("^%d%d%d%d%-%d%d%-%d%d$")
   local time = units.parse_time(day and day .. "T00:00:00Z" or text) or end_of_span(text)
   if not time then
      report.usage("--until", ("'%s' is no time; write a day such as 2027-01-31, 2027-01-31T12:00:00Z, or a span "
         .. "such as 30d"):format(text))
   elseif time <= require("byre.core").now() then
      report.usage("--until", ("%s is over already"):format(text), "byre release ends a hold")
   end
   return time
end

function hold.run(context, args)
   annotation.write(context, args, { hold_until = args["until"] and parse_until(args["until"]) or true })
end

return hold
