--- The command line: finds the verb, loads it, parses with argparse, runs it.
--
-- A verb is a module `byre.command.<verb>` that returns a table: `summary` (one
-- line), `description`, `examples` (a list of `{ command, what it does }`),
-- `keys` (those of its KEY=VALUE, if it has one), `parser(command)` that adds
-- arguments and options to an argparse command (and returns its own verbs), and
-- `run(context, args)` that returns an exit code or nil. Help, and whatever else
-- is made from them, needs nothing more. Verbs are loaded when they are used.
-- @module byre.command
local report = require("byre.command.report")

local command = {}

--- The verbs, in the groups that `byre --help` shows.
command.groups = {
   { "Pools", { "init", "config", "list", "usage", "report", "metrics", "events", "check", "doctor", "adopt" } },
   { "Volumes", { "create", "show", "set", "resize", "rename", "clone", "defrag", "remove" } },
   { "Sessions", { "start", "stop" } },
   { "History", { "revisions", "diff", "snapshot", "revert", "tag", "untag", "note", "hold", "release" } },
   { "Trash", { "trash", "restore" } },
   { "Retention", { "prune", "policy" } },
   { "Data in and out", { "import", "export" } },
   { "Scripts", { "run", "completion" } },
}

--- Is there a verb of this name?
-- @tparam string name
-- @treturn boolean
function command.is_verb(name)
   for _, group in ipairs(command.groups) do
      for _, verb in ipairs(group[2]) do
         if verb == name then
            return true
         end
      end
   end
   return false
end

-- command/init.lua would be the module byre.command; command.report is how errors are said
local modules = { init = "init_pool", report = "report_pool" }

--- The module that is a verb.
-- @tparam string name
-- @treturn string
function command.module_of(name)
   return "byre.command." .. (modules[name] or name)
end

--- Load a verb.
-- @tparam string name
-- @treturn table
function command.load(name)
   return require(command.module_of(name))
end

-- Where the next word stands that is neither an option nor the value of a
-- global one; `byre -p DIR list` has its verb at 3.
local function find_word(args, from)
   local i = from
   while i <= #args do
      local word = args[i]
      if word == "--" then
         return i + 1
      elseif word == "-" or word:sub(1, 1) ~= "-" then
         return i
      elseif word == "--pool" or word == "--lock-timeout" or word:match("^%-[hVHnvqy]*p$") then
         i = i + 1
      end
      i = i + 1
   end
   return i
end

--- Add the options that every verb has.
-- @tparam Parser parser
function command.add_global_options(parser)
   parser:option("-p", "Directory of the pool, also --pool (default: $BYRE_POOL)."):hidden_name("--pool")
      :target("pool"):argname("DIR")
   parser:mutex(
      parser:flag("--json", "Results as JSON: sizes in bytes, times RFC 3339."),
      parser:flag("-H", "Results as lines with tabs, exact, without a header."):target("tabs")
   )
   parser:flag("-n --dry-run", "Show the plan of what would be done; change nothing.")
   parser:flag("-v --verbose", "Tell each step on standard error.")
   parser:flag("-q --quiet", "No messages and no progress, only errors.")
   parser:flag("-y --yes", "Do what destroys data without asking.")
   parser:flag("--no-hooks", "Do not call the hooks of the pool.")
   parser:flag("--syslog", "Send each step to syslog.")
   parser:flag("--journal", "Send each step to the journal of systemd, with fields.")
   parser:option("--lock-timeout", "How long to wait for another process (default: 60)."):argname("SECONDS")
end

local function new_parser(on_help)
   local parser = require("argparse")("byre", "Pools of copy-on-write disk images.")
   parser:add_help(false):help_max_width(80)
   parser:flag("-h --help", "Show this help, or that of a verb."):action(on_help)
   parser:flag("-V --version", "Show the version.")
   command.add_global_options(parser)
   return parser
end

local function examples_text(verb)
   local lines = { "Examples:" }
   for _, example in ipairs(verb.examples) do
      if example[2] then
         lines[#lines + 1] = "   # " .. example[2]
      end
      lines[#lines + 1] = "   " .. example[1]
   end
   lines[#lines + 1] = "\nOptions of every verb (-p, --json, -H, -n, -v, -q, --yes, ...): byre --help"
   return table.concat(lines, "\n")
end

--- Add a verb to a parser.
-- @tparam Parser parser of argparse
-- @tparam string name
-- @treturn Command
-- @treturn table its own verbs by name, each a Command
function command.add_verb(parser, name)
   local verb = command.load(name)
   local added = parser:command(name):summary(verb.summary):description(verb.description or verb.summary)
      :epilog(examples_text(verb)):add_help(false)
   return added, verb.parser(added) or {}
end

--- A parser that knows every verb: for help, manual pages and completions.
-- @tparam[opt] function on_help what --help does
-- @treturn Parser
function command.full_parser(on_help)
   local parser = new_parser(on_help or function() end)
   for _, group in ipairs(command.groups) do
      local added = {}
      for i, name in ipairs(group[2]) do
         added[i] = (command.add_verb(parser, name))
      end
      parser:group(group[1], table.unpack(added))
   end
   return parser:usage("Usage: byre [-p DIR] [OPTION...] VERB [WORD...]"):epilog(table.concat({
      "Begin:",
      "   byre init /srv/pool",
      "   export BYRE_POOL=/srv/pool",
      "   byre create vm/root --size 10G",
      "   byre start vm/root",
      "\nA verb's own help: byre VERB --help.  Topics: byre help TOPIC",
      require("byre.command.topics").overview(),
   }, "\n"))
end

-- argparse takes every word with a dash for an option; -1 is a number
local mark = "\1"

local function mark_numbers(args)
   local marked = {}
   for i, word in ipairs(args) do
      if word == "--" then
         return table.move(args, i, #args, i, marked)
      end
      marked[i] = word:find("^%-%d") and mark .. word or word
   end
   return marked
end

local function unmark(value)
   if type(value) == "table" then
      for key, item in pairs(value) do
         value[key] = unmark(item)
      end
   elseif type(value) == "string" and value:sub(1, 1) == mark then
      return value:sub(2)
   end
   return value
end

local function parse_failed(object, message)
   message = message:gsub(mark, "")
   local sentence, tip = message:match("^(.*)\n(Did you mean [^\n]*)$")
   sentence = sentence or message
   if sentence:find("option '%-.'") then
      tip = nil       -- every other short option would do
   end
   local help = object == "byre" and "byre --help lists the verbs" or ("byre %s --help shows how"):format(object)
   report.usage(object == "byre" and "command line" or object, sentence, tip or help)
end

-- help asked for in the middle of parsing ends the parsing
local help_wanted = {}

local function parse(parser, object, args)
   local ok, parsed, result = pcall(parser.pparse, parser, mark_numbers(args))
   if not ok then
      error(parsed, 0)
   elseif not parsed then
      parse_failed(object, result)
   end
   return unmark(result)
end

-- argparse writes <VID> and ([--rw] | [--ro])
local function tidy_help(text)
   return (text:gsub("<([%u=|]+)>", "%1"):gsub("%(%[([^%]]*)%] | %[([^%]]*)%]%)", "[%1 | %2]"))
end

local function show_help(text)
   io.stdout:write(tidy_help(text), "\n")
end

--- The help of a verb, as `byre VERB --help` shows it.
-- @tparam ?string name nil: of byre itself
-- @treturn string
function command.help(name)
   if not name then
      return tidy_help(command.full_parser():get_help())
   end
   return tidy_help(command.add_verb(new_parser(function() end), name):get_help())
end

local function show_version()
   io.stdout:write("byre ", require("byre.core").version, "\n")
end

-- `byre`, `byre --help`, `byre --json`: a command line without a verb
local function run_without_verb(args)
   local wanted
   local parser = new_parser(function() wanted = true error(help_wanted, 0) end):require_command(false)
   local ok, result = pcall(parse, parser, "byre", args)
   if wanted then
      show_help(command.full_parser():get_help())
      return report.exit.done
   elseif not ok then
      error(result, 0)
   elseif result.version then
      return show_version()
   elseif result.pool or (os.getenv("BYRE_POOL") or "") ~= "" then
      report.usage("no verb", "say what is to be done with the pool, such as byre list", "byre --help lists the verbs")
   end
   report.usage("no pool", "make one with byre init DIR, then name it with -p DIR or BYRE_POOL",
      "byre --help lists the verbs")
end

-- `byre help`, `byre help VERB`; topics are found before
local function help_words(args, at)
   local words = { "--help" }
   if command.is_verb(args[at + 1]) then
      table.insert(words, 1, args[at + 1])
   elseif args[at + 1] then
      return { args[at + 1] }
   end
   return words
end

local function refuse_verb(name)
   local parser = new_parser(function() end)
   for _, group in ipairs(command.groups) do
      for _, verb in ipairs(group[2]) do
         parser:command(verb)
      end
   end
   local _, message = parser:pparse({ "--", name })
   local tip = message:match("\n(Did you mean [^\n]*)$")
   report.usage(require("byre.failure").quote(name), "there is no such verb", tip or "byre --help lists the verbs")
end

-- the words of a script's own are not for argparse
local function cut_rest(name, args, at)
   if not command.load(name).takes_rest then
      return args
   end
   local last = find_word(args, at + 1)
   return table.move(args, 1, math.min(last, #args), 1, {}), table.move(args, last + 1, #args, 1, {})
end

local function run_verb(name, args, at, state)
   local words, rest = cut_rest(name, args, at)
   local wanted
   local parser = new_parser(function() wanted = true error(help_wanted, 0) end)
   local added, inner = command.add_verb(parser, name)
   local ok, parsed = pcall(parse, parser, name, words)
   if wanted then
      return show_help((inner[words[find_word(words, at + 1)]] or added):get_help())
   elseif not ok then
      error(parsed, 0)
   elseif parsed.version then
      return show_version()
   end
   parsed.rest = rest
   state.verbose = parsed.verbose
   state.context = require("byre.command.context").new(name, parsed)
   return command.load(name).run(state.context, parsed)
end

local function run(args, state)
   local at = find_word(args, 1)
   local name = args[at]
   if name == "help" then
      local topic = require("byre.command.topics").find(args[at + 1])
      if topic then
         return show_help(topic.text)
      end
      args = help_words(args, at)
      at, name = 1, args[1] ~= "--help" and args[1] or nil
   end
   if not name then
      return run_without_verb(args)
   elseif not command.is_verb(name) then
      refuse_verb(name)
   end
   return run_verb(name, args, at, state)
end

--- Run a command line.
-- @tparam {string,...} args the words behind `byre`
-- @treturn integer the exit code
function command.main(args)
   local state = {}
   if #args == 1 and (args[1] == "--version" or args[1] == "-V") then
      show_version()
      return report.exit.done
   end
   local ok, result = xpcall(run, report.handler, args, state)
   if state.context then
      state.context:clear_progress()
   end
   if ok then
      return result or report.exit.done
   end
   if result == report.interrupted then
      error(result, 0)
   end
   io.stdout:flush()
   return report.show(result, state.verbose)
end

return command
