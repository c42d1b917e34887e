--- `byre policy`
-- @module byre.command.policy
local config = require("byre.config")
local failure = require("byre.failure")
local policies = require("byre.policy")
local report = require("byre.command.report")
local simulation = require("byre.command.simulation")
local verdict = require("byre.command.verdict")

local policy = {
   summary = "Check retention policies, keep them in the pool, try them.",
   description = [[Retention policies: Lua files that say which revisions are kept.

A pool keeps policies under names. One is used for all volumes that have none of
their own, others for the volumes whose vids fit a pattern; byre set VID
retention=NAME is for one volume.]],
   examples = {
      { "byre policy check private.lua", "does it load?" },
      { "byre policy explain appvms/work/private private.lua", "what would it do to this volume?" },
      { "byre policy simulate private.lua --schedule 'mon..fri 8..18:0' --for 2y -o calendar.html",
         "draw what it keeps of two years" },
      { "byre policy diff private.lua other.lua", "what do two of them keep of a year?" },
      { "byre policy set private.lua", "use it for all volumes" },
      { "byre policy set private.lua --for 'appvms/*/private'", "for these" },
      { "byre policy show" },
   },
}

local actions = {}

-- a verb of the verb's own
local function add(command, name, summary)
   return command:command(name, summary):summary(summary):add_help(false)
end

local function add_target(command, help)
   command:option("--for", help .. " (default: all without one of their own)."):target("pattern"):argname("PATTERN")
end

function policy.parser(command)
   command:require_command(true):command_target("action")
   local inner = {
      check = add(command, "check", "Does it load, and what is wrong with it?"),
      explain = add(command, "explain", "What would become of each revision of a volume, and why?"),
      simulate = add(command, "simulate", "What would it keep over time? Draws a calendar."),
      diff = add(command, "diff", "What do two policies keep differently?"),
      set = add(command, "set", "Keep it in the pool and use it."),
      unset = add(command, "unset", "Use none any more."),
      delete = add(command, "delete", "Keep it no more."),
      show = add(command, "show", "The policies of the pool, or the text of one."),
   }
   inner.check:argument("FILE", "The policies."):target("files"):args("+")
   inner.explain:argument("VID", "The volume."):target("vid")
   inner.explain:argument("FILE", "Another policy than its own."):target("file"):args("?")
   inner.simulate:argument("FILE", "The policy."):target("file")
   simulation.options(inner.simulate)
   inner.simulate:option("-o --output", "Write the calendar as a page of HTML."):argname("FILE")
   inner.diff:argument("FILE", "The policies."):target("files"):args(2)
   inner.diff:option("--volume", "Of the revisions of this volume, not of invented ones."):target("vid"):argname("VID")
   simulation.options(inner.diff)
   inner.set:argument("FILE", "The policy; without it the one that the pool has under NAME."):target("file"):args("?")
   inner.set:option("--name", "The name it is kept under (default: that of FILE)."):argname("NAME")
   add_target(inner.set, "Use it for volumes whose vids fit")
   inner.set:flag("--unused", "Only keep it.")
   add_target(inner.unset, "For the volumes of this pattern")
   inner.delete:argument("NAME", "A policy that nothing uses."):target("name")
   inner.show:argument("NAME", "The policy."):target("name"):args("?")
   return inner
end

-- the text of a file of the user's
local function read(path)
   local file, reason = io.open(path, "rb")
   local text
   if file then
      text, reason = file:read("a")
      file:close()
   end
   if not text then
      report.usage(path, (reason:gsub("^" .. path:gsub("%p", "%%%0") .. ": ", "")))
   end
   return text
end

-- what is wrong with one, and what is strange about it
local function check_file(context, path)
   local chosen, limits = policies.new(path, read(path)), config.with(policies.long, { child = true })
   local findings = policies.run(chosen, "check", {}, limits)
   for _, finding in ipairs(findings) do
      context:say(("%s: %s"):format(path, finding.message))
   end
   return #findings
end

function actions.check(context, args)
   local code, strange = nil, 0
   for _, path in ipairs(args.files) do
      local ok, result = failure.catch(check_file, context, path)
      code = not ok and report.show(result) or code
      strange = strange + (ok and result or 0)
   end
   if not code and strange == 0 then
      context:say("nothing is wrong")
   end
   return code
end

function actions.simulate(context, args)
   local data = simulation.run(args.file, read(args.file), simulation.given(args))
   if data.space_unknown then
      context:say(args.file .. ": when space is short is not known: say --size and --change, and --disk for a rule on "
         .. "what is to be free; what the rules release stays")
   end
   if args.output then
      local page = require("byre.retention.calendar").html(data, { title = args.file })
      require("byre.command.whole_file").write(args.output, page)
   elseif context.out.format == "json" then
      context.out:json(data)
   else
      context.out:write(require("byre.retention.calendar").text(data))
   end
end

-- what one of two policies makes of real or of invented revisions
local function data_of(context, args, path)
   if not args.vid then
      return simulation.run(path, read(path), simulation.given(args))
   end
   local input, answers = require("byre.prune").input(context:pool(), context:volume(args.vid).vid)
   return (policies.run(policies.new(path, read(path)), "now", { input = input }, config.with(answers,
      { child = true })))
end

function actions.diff(context, args)
   local a, b = args.files[1], args.files[2]
   local diff = require("byre.retention.diff")
   local result = diff.compare(data_of(context, args, a), data_of(context, args, b))
   if context.out.format == "json" then
      context.out:json(result)
   else
      context.out:write(diff.text(result, a, b))
   end
end

function actions.explain(context, args)
   local volume = context:volume(args.vid)
   local result = context:pool():prune({
      dry_run = true, volumes = { volume }, policy = args.file and read(args.file), policy_name = args.file,
      measure = "all", forecast = true,
   })
   verdict.list(context, result, { everything = true })
   return verdict.failures(result)
end

local function base_name(path)
   return (path:match("[^/]*$"):gsub("%.lua$", ""))
end

function actions.set(context, args)
   if not args.file and not args.name then
      report.usage("policy set", "say the FILE of the policy, or --name of one that the pool has")
   elseif args.unused and args.pattern then
      report.usage("policy set", "--unused and --for contradict each other")
   end
   local the_plan = context:pool():set_policy(args.name or base_name(args.file), args.file and read(args.file),
      { pattern = args.pattern, unused = args.unused, dry_run = context:is_dry() })
   if context:is_dry() then
      context:show_plans({ the_plan })
   end
end

function actions.unset(context, args)
   local the_plan = context:pool():unset_policy({ pattern = args.pattern, dry_run = context:is_dry() })
   if context:is_dry() then
      context:show_plans({ the_plan })
   end
end

function actions.delete(context, args)
   local the_plan = context:pool():delete_policy(args.name, { dry_run = context:is_dry() })
   if context:is_dry() then
      context:show_plans({ the_plan })
   end
end

local fields = {
   { key = "name", title = "POLICY" },
   { key = "default", title = "DEFAULT", text = function(value) return value and "yes" or "no" end },
   { key = "patterns", title = "FOR" },
   { key = "hash", title = "HASH" },
}

function actions.show(context, args)
   local list = context:pool():policies()
   if not args.name then
      return context.out:list(fields, list)
   end
   for _, item in ipairs(list) do
      if item.name == args.name then
         return context.out:write(item.text)
      end
   end
   report.usage(args.name, "there is no policy of this name in the pool", "byre policy show lists what there is")
end

function policy.run(context, args)
   return actions[args.action](context, args)
end

return policy
