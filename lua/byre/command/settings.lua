--- Options that say what a volume is to be; `create` and `adopt` share them.
-- @module byre.command.settings
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
   command:option("--keep", "Revisions to keep (default: the pool's); -1: no snapshots."):argname("N")
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
      ephemeral = args.ephemeral,
      size = args.size,
   }
   if args.rw or args.ro then
      values.rw = args.rw == true
   end
   return values
end

return settings
