--- `byre set`
-- @module byre.command.set
local report = require("byre.command.report")
local settings = require("byre.command.settings")
local units = require("byre.units")

local set = {
   summary = "Change settings of a volume.",
   description = [[Change settings of a volume:

   keep=N              revisions to keep; -1: no snapshots; default: the pool's
   retention=NAME      the policy that says which revisions to keep; default: the
                       pool's
   cow_extent_size=SIZE
                       XFS: in what pieces a session writes shared blocks anew; 0:
                       as the file system does by itself; default: the pool's
   rw=yes|no           may it be written to
   ephemeral=yes|no    of a volatile volume: its users should encrypt it]],
   examples = {
      { "byre set appvms/work/private keep=5" },
      { "byre set templates/debian/root rw=no keep=default" },
   },
}

function set.parser(command)
   command:argument("VID", "The volume."):target("vid")
   command:argument("KEY=VALUE", "The settings."):target("changes"):args("+")
end

local function boolean(key, text)
   if text == "yes" or text == "true" or text == "on" or text == "1" then
      return true
   elseif text == "no" or text == "false" or text == "off" or text == "0" then
      return false
   end
   report.usage(key, ("'%s' is neither yes nor no"):format(text))
end

local function keep(key, text)
   if text == "default" then
      return false
   end
   return settings.count(key, text)
end

local function size(_, text)
   return text ~= "default" and units.parse_size(text)
end

local function retention(_, text)
   return text ~= "default" and text
end

local readers = {
   retention = { "retention", retention },
   keep = { "revisions_to_keep", keep },
   revisions_to_keep = { "revisions_to_keep", keep },
   cow_extent_size = { "cow_extent_size", size },
   rw = { "rw", boolean },
   ephemeral = { "ephemeral", boolean },
}

local function parse(words)
   local changes = {}
   for _, word in ipairs(words) do
      local key, text = word:match("^([^=]*)=(.*)$")
      local reader = readers[key]
      if not key then
         report.usage(word, "write KEY=VALUE, such as keep=3")
      elseif not reader then
         report.usage(word, "there is no such setting; there are keep, retention, cow_extent_size, rw and "
            .. "ephemeral")
      end
      changes[reader[1]] = reader[2](key, text)
   end
   return changes
end

function set.run(context, args)
   local changes = parse(args.changes)
   local volume = context:volume(args.vid)
   if context:is_dry() then
      return context:show_plans({ volume:plan("set", changes) })
   end
   volume:set(changes)
   context:show_volume(volume)
end

return set
