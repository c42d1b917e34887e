--- Options and words that say what a volume or a pool is to be; several verbs share them.
-- @module byre.command.settings
local duration = require("byre.retention.duration")
local report = require("byre.command.report")

local settings = {}

--- A number of revisions from the command line.
-- @tparam string object the option or key, for messages
-- @tparam ?string text
-- @treturn ?integer nil for nil
-- @raise `invalid`
function settings.count(object, text)
   local number = text and text:find("^%-?%d+$") and math.tointeger(tonumber(text))
   if text and (not number or number < -1) then
      report.usage(object, ("'%s' is not a number of revisions; write 0 or more, or -1 for no snapshots"):format(text))
   end
   return number
end

--- A yes or no from the command line.
-- @tparam string object the option or key, for messages
-- @tparam string text
-- @treturn boolean
-- @raise `invalid`
function settings.boolean(object, text)
   if text == "yes" or text == "true" or text == "on" or text == "1" then
      return true
   elseif text == "no" or text == "false" or text == "off" or text == "0" then
      return false
   end
   report.usage(object, ("'%s' is neither yes nor no"):format(text))
end

--- Changes from words such as `keep=3`.
-- @tparam {string,...} words
-- @tparam table readers key -> name of the setting, and a function that reads its value from the key and the text
-- @tparam {string,...} keys those there are, for messages
-- @treturn table name -> value
-- @raise `invalid`
function settings.changes(words, readers, keys)
   local changes = {}
   for _, word in ipairs(words) do
      local key, text = word:match("^([^=]*)=(.*)$")
      local reader = readers[key]
      if not key then
         report.usage(word, "write KEY=VALUE, such as keep=3")
      elseif not reader then
         report.usage(word, ("there is no such setting; there are %s and %s"):format(
            table.concat(keys, ", ", 1, #keys - 1), keys[#keys]))
      end
      changes[reader[1]] = reader[2](key, text)
   end
   return changes
end

--- A window of the trash from the command line.
-- @tparam string object the option or key, for messages
-- @tparam ?string text a duration, `off` or `0`
-- @treturn ?string|integer as `config.pool` takes it; nil for nil
-- @raise `invalid`
function settings.window(object, text)
   if text == "off" or text == "0" then
      return 0
   elseif text and not duration.parse(text) then
      report.usage(object, ("'%s' is no window of the trash; write a span such as 2d, or off"):format(text))
   end
   return text
end

--- Add the options to a command.
-- @tparam Command command
function settings.add_options(command)
   command:mutex(
      command:flag("--volatile", "Content is new and empty at each start."),
      command:option("--source", "Content is the source's at each start."):argname("VID")
   )
   command:flag("--save", "With --source: what was written becomes a revision at each stop.")
   command:mutex(
      command:flag("--rw", "The volume may be written to (default)."),
      command:flag("--ro", "It may not.")
   )
   command:mutex(
      command:option("--keep", "Revisions to keep (default: the pool's); -1: no snapshots."):argname("N"),
      command:option("--retention", "The policy that says which revisions to keep (default: the pool's).")
         :argname("NAME")
   )
   command:option("--trash", "How long revisions that are taken away stay in the trash, such as 2d; off "
      .. "(default: the pool's)."):argname("TIME")
   command:option("--cow-extent-size", "XFS: in what pieces sessions write shared blocks anew (default: the pool's).")
      :argname("SIZE")
   command:flag("--ephemeral", "With --volatile: its users should encrypt it with a throw-away key.")
end

--- Add --reflink to the command of a verb that makes images.
-- @tparam Command command
function settings.add_reflink(command)
   command:option("--reflink", "Share blocks: always, auto (copy where they cannot be shared) or never "
      .. "(default: the pool's)."):argname("WHEN"):choices({ "always", "auto", "never" })
end

--- The settings that the options mean.
-- @tparam string verb for messages
-- @tparam table args as parsed
-- @treturn table for `pool:create_volume`
-- @raise `invalid`: options that contradict each other
function settings.from(verb, args)
   if args.save and not args.source then
      report.usage(verb, "--save goes with --source; without a source a volume keeps what is written anyway")
   elseif args.ephemeral and not args.volatile then
      report.usage(verb, "--ephemeral goes with --volatile")
   end
   local values = {
      snap_on_start = args.source ~= nil,
      save_on_stop = not args.volatile and (args.source == nil or args.save == true),
      source = args.source,
      revisions_to_keep = settings.count("--keep", args.keep),
      retention = args.retention,
      trash = settings.window("--trash", args.trash),
      cow_extent_size = args.cow_extent_size,
      ephemeral = args.ephemeral,
      size = args.size,
   }
   if args.rw or args.ro then
      values.rw = args.rw == true
   end
   return values
end

return settings
