--- What may follow the beginning of a command line.
-- @module byre.command.candidates
local words = require("byre.command.words")

local candidates = {}

local function split(line)
   local list = {}
   for word in line:gmatch("%S+") do
      list[#list + 1] = word
   end
   if line:find("%s$") or #list == 0 then
      list[#list + 1] = ""
   end
   return list
end

-- option -> the element that it is, of several records
local function options_by_name(...)
   local map = {}
   for _, record in ipairs({ ... }) do
      for _, option in ipairs(record.options) do
         for _, name in ipairs(option.names) do
            map[name] = option
         end
      end
   end
   return map
end

-- Read the words before the last one: the verb, its positional words, the pool, and whether the last word is the value
-- of an option.
local function read(list, globals, load)
   local state = { positional = {}, options = options_by_name(globals) }
   local i = 2
   while i < #list do
      local word = list[i]
      local option = state.options[word]
      if option and option.value then
         i = i + 1
         if i == #list then
            state.value_of = option
         elseif option.value == "DIR" and (word == "-p" or word == "--pool") then
            state.pool = list[i]
         end
      elseif word:sub(1, 1) ~= "-" then
         if not state.verb then
            state.verb = word
            state.record = load(word)
            state.options = options_by_name(globals, state.record or { options = {} })
         else
            table.insert(state.positional, word)
         end
      end
      i = i + 1
   end
   return state
end

local function each_volume(state, fn)
   local pool <close> = require("byre").open_pool(state.pool or os.getenv("BYRE_POOL") or "")
   for volume in pool:volumes() do
      fn(volume, pool)
   end
end

local function add_revisions(state, vid, prefix, add)
   local pool <close> = require("byre").open_pool(state.pool or os.getenv("BYRE_POOL") or "")
   for _, revision in ipairs(pool:volume(vid):revisions()) do
      add(prefix .. revision.id, require("byre.units").format_time(revision.time))
   end
end

local function add_trash(state, _, add)
   local pool <close> = require("byre").open_pool(state.pool or os.getenv("BYRE_POOL") or "")
   for entry in pool:trash() do
      add(entry.volume .. "@" .. entry.id, require("byre.units").format_time(entry.time))
   end
end

local function add_volumes(state, word, add)
   local vid = word:match("^(.*)@")
   if vid then
      return add_revisions(state, vid, vid .. "@", add)
   end
   each_volume(state, function(volume)
      add(volume.vid, volume.kind)
   end)
end

local function add_groups(state, _, add, ending)
   local seen = {}
   each_volume(state, function(volume)
      local group = require("byre.vid").group(volume.vid)
      if not seen[group] and group ~= "" then
         seen[group] = true
         add(group .. (ending or ""), "group")
      end
   end)
end

local function list_of(...)
   local fixed = { ... }
   return function(_, _, add)
      for _, item in ipairs(fixed) do
         add(item, "")
      end
   end
end

-- what stands for a word in the help -> what it may be
local by_name = {
   VID = add_volumes,
   PATTERN = add_volumes,
   GROUP = add_groups,
   ["VID|GROUP"] = function(state, word, add)
      add_volumes(state, word, add)
      add_groups(state, word, add, "/")
   end,
   ["VID|DIR"] = function(state, word, add)
      add_volumes(state, word, add)
      add(":directories", "")
   end,
   REV = function(state, _, add)
      add_revisions(state, (state.positional[1] or ""):match("^[^@]*"), "", add)
   end,
   FILE = list_of(":files"), SCRIPT = list_of(":files"), DIR = list_of(":directories"),
   ["KEY=VALUE"] = function(state, _, add)
      for _, key in ipairs(require("byre.command").load(state.verb).keys) do
         add(key .. "=", "")
      end
   end,
   ["VID@REV"] = add_trash,
   FORMAT = list_of("raw", "qcow2", "vmdk", "vhdx", "vdi", "vpc"),
   SHELL = list_of("bash", "zsh", "fish"),
}

local function add_verbs(groups, load_verb, add)
   for _, group in ipairs(groups) do
      for _, verb in ipairs(group[2]) do
         add(verb, load_verb(verb).summary)
      end
   end
   add("help", "Show the help of a verb, or of a topic.")
end

local function add_options(options, add)
   for name, option in pairs(options) do
      add(name, option.description)
   end
end

local function add_values(state, element, word, add)
   if element.values then
      return list_of(table.unpack(element.values))(state, word, add)
   end
   local complete = by_name[element.value or element.name]
   if complete then
      complete(state, word, add)
   end
end

local function argument_at(record, index)
   local last = record.arguments[#record.arguments]
   return record.arguments[index] or last and last.many and last or nil
end

--- Words that may stand at the end of a line in place of its last word.
-- @tparam string line the line up to the cursor, with the name of the command
-- @treturn {table,...} sorted pairs of a word and what it means; `:files` and `:directories` stand for those
function candidates.of(line)
   local command = require("byre.command")
   local list = split(line)
   local word, found = list[#list], {}
   local function add(text, meaning)
      if text:sub(1, #word) == word or text:sub(1, 1) == ":" then
         found[#found + 1] = { text, meaning }
      end
   end
   local globals = words.of(command.add_global_options)
   local state = read(list, globals, function(verb)
      return command.is_verb(verb) and words.of(command.load(verb).parser) or nil
   end)
   if state.value_of then
      add_values(state, state.value_of, word, add)
   elseif word:sub(1, 1) == "-" then
      add_options(state.options, add)
   elseif not state.verb or state.verb == "help" then
      add_verbs(command.groups, command.load, add)
      for _, topic in ipairs(state.verb and require("byre.command.topics").list or {}) do
         add(topic.name, topic.summary)
      end
   elseif state.record then
      local argument = argument_at(state.record, #state.positional + 1)
      if argument then
         add_values(state, argument, word, add)
      end
   end
   table.sort(found, function(a, b) return a[1] < b[1] end)
   return found
end

--- Print them, one a line. What goes wrong, such as a pool that is not there, leaves words out.
function candidates.print(line)
   local ok, found = pcall(candidates.of, line)
   for _, item in ipairs(ok and found or {}) do
      io.stdout:write(item[1], item[2] ~= "" and "\t" or "", (item[2]:gsub("%c", " ")), "\n")
   end
end

return candidates
