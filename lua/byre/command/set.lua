--- `byre set`
-- @module byre.command.set
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
   trash=TIME          how long revisions that are taken away stay in the trash, such
                       as 2d; off; default: the pool's
   rw=yes|no           may it be written to
   ephemeral=yes|no    of a volatile volume: its users should encrypt it

byre config changes what counts for all volumes that say nothing themselves.]],
   examples = {
      { "byre set appvms/work/private keep=5" },
      { "byre set templates/debian/root rw=no keep=default" },
   },
   keys = { "keep", "retention", "cow_extent_size", "trash", "rw", "ephemeral" },
}

function set.parser(command)
   command:argument("VID", "The volume."):target("vid")
   command:argument("KEY=VALUE", "The settings."):target("changes"):args("+")
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

local function trash(key, text)
   if text == "default" then
      return false
   end
   return settings.window(key, text)
end

local readers = {
   trash = { "trash", trash },
   retention = { "retention", retention },
   keep = { "revisions_to_keep", keep },
   revisions_to_keep = { "revisions_to_keep", keep },
   cow_extent_size = { "cow_extent_size", size },
   rw = { "rw", settings.boolean },
   ephemeral = { "ephemeral", settings.boolean },
}

function set.run(context, args)
   local changes = settings.changes(args.changes, readers, set.keys)
   local volume = context:volume(args.vid)
   if context:is_dry() then
      return context:show_plans({ volume:plan("set", changes) })
   end
   volume:set(changes)
   context:show_volume(volume)
end

return set
