--- Policies over invented time: what `policy simulate` and `policy diff` have in common.
-- @module byre.command.simulation
local civil = require("byre.retention.civil")
local config = require("byre.config")
local policies = require("byre.policy")
local report = require("byre.command.report")
local units = require("byre.units")

local simulation = {}

--- Add the options that say how time goes.
-- @tparam Command command
function simulation.options(command)
   command:option("--schedule", "When revisions are made (default: daily)."):argname("TIMES")
   command:option("--for", "For how long: days, weeks, months or years, such as 2y (default: 1y)."):target("span")
      :argname("SPAN")
   command:option("--from", "When it begins: a day (default: that long ago)."):argname("DAY")
   command:option("--gap", "No revisions from a day to another: DAY..DAY; may be given again."):target("gaps")
      :argname("DAYS"):count("*")
   command:option("--size", "Size of the image; with --change, also bytes are drawn, and rules on space carried out.")
      :argname("SIZE")
   command:option("--change", "How much of it is written anew each day."):argname("SIZE")
   command:option("--disk", "Size of a file system that has nothing else, for rules on what is to be free.")
      :argname("SIZE")
end

local function parse_day(option, text)
   local time = text:find("^%d%d%d%d%-%d%d%-%d%d$") and units.parse_time(text .. "T00:00:00Z")
   return time or report.usage(option, ("'%s' is no day; write one such as 2027-01-31"):format(text))
end

local months_in = { mo = 1, y = 12 }
local days_in = { d = 1, w = 7 }

-- the time a span before another
local function before(time, text)
   local digits, unit = text:match("^(%d%d?%d?%d?)(%l+)$")
   local number = math.tointeger(tonumber(digits))
   if not number or number == 0 or not (months_in[unit] or days_in[unit]) then
      report.usage("--for", ("'%s' is no span; write one such as 90d, 8w, 6mo or 2y"):format(text))
   elseif days_in[unit] then
      return time - number * days_in[unit] * 86400
   end
   return civil.months_before(time, number * months_in[unit])
end

local function parse_gaps(list)
   local gaps = {}
   for i, text in ipairs(list) do
      local first, last = text:match("^(.-)%.%.(.*)$")
      if not first then
         report.usage("--gap", ("'%s' is no pair of days; write one such as 2027-07-01..2027-07-21"):format(text))
      end
      gaps[i] = { from = parse_day("--gap", first), to = parse_day("--gap", last) }
   end
   return gaps
end

-- how large the image is, how fast it changes, and on what disk
local function add_growth(given, args)
   if (args.size == nil) ~= (args.change == nil) then
      report.usage(args.size and "--size" or "--change", "--size and --change go together")
   elseif args.disk and not args.size then
      report.usage("--disk", "say --size and --change as well")
   end
   given.growth = args.size and { size = units.parse_size(args.size),
      change_per_day = units.parse_size(args.change) } or nil
   given.disk = args.disk and { size = units.parse_size(args.disk), others = 0 } or nil
   return given
end

--- How time goes.
-- @tparam table args as parsed
-- @treturn table `given` of `simulate.run`
-- @raise `invalid`
function simulation.given(args)
   local now, span = require("byre.core").now(), args.span or "1y"
   local from = args.from and parse_day("--from", args.from) or before(now, span)
   local to = now
   if args.from then
      -- as long after it as now is after the same span before now
      to = from + (now - before(now, span))
   end
   return add_growth({ schedule = args.schedule or "daily", from = from, to = to, gaps = parse_gaps(args.gaps) }, args)
end

--- Run a policy over time, in a process of its own.
-- @tparam string path for messages
-- @tparam string text
-- @tparam table given
-- @treturn table data of `simulate.run`
-- @raise `invalid`
function simulation.run(path, text, given)
   return (policies.run(policies.new(path, text), "simulate", { given = given },
      config.with(policies.long, { child = true })))
end

return simulation
