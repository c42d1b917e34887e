--- `byre config`
-- @module byre.command.config
local pool_settings = require("byre.config").pool_settings
local record = require("byre.command.record")
local settings = require("byre.command.settings")
local units = require("byre.units")

local config = {
   summary = "Show or change the settings of the pool.",
   description = [[Show the settings of the pool, or change some of them:

   keep=N                     revisions that volumes keep; -1: no snapshots
   precache=yes|no            have the image of the next start ready
   ephemeral_volatile=yes|no  volatile volumes are ephemeral
   reflink=WHEN               share blocks: always, auto (copy where they cannot
                              be shared) or never
   on_full=fail|prune         when a start lacks space: fail, or prune first
   cow_extent_size=SIZE       XFS: in what pieces sessions write shared blocks
                              anew; 0: as the file system does by itself
   trash=TIME                 how long revisions that are taken away stay in the
                              trash, such as 2d; off

With KEY=default a setting is what it was without one being said.

They count for volumes that say nothing themselves (byre set VID), from the next
operation on. Policies: byre policy set.]],
   examples = {
      { "byre config" },
      { "byre config on_full=prune", "a start in a pool that is nearly full prunes first" },
      { "byre config -n keep=3 precache=no", "what would be done?" },
   },
   keys = {},
}

function config.parser(command)
   command:argument("KEY=VALUE", "The settings to change."):target("changes"):args("*")
end

-- whether a word is one of those there are, the pool says
local by_kind = {
   boolean = settings.boolean,
   count = settings.count,
   size = function(_, text) return units.parse_size(text) end,
   window = settings.window,
   word = function(_, text) return text end,
}

local readers = {}

local function add(setting)
   local key, read = setting.key or setting.name, by_kind[setting.kind]
   readers[key] = { setting.name, function(object, text)
      if text == "default" then
         -- what has no default is taken away
         return setting.default ~= nil and setting.default
      end
      return read(object, text)
   end }
   readers[setting.name] = readers[key]
   table.insert(config.keys, key)
end

for _, setting in ipairs(pool_settings) do
   if setting.kind then
      add(setting)
   end
end

function config.run(context, args)
   local changes = settings.changes(args.changes, readers, config.keys)
   local pool = context:pool()
   if #args.changes > 0 then
      local plan = pool:set(changes, { dry_run = context:is_dry() })
      if context:is_dry() then
         return context:show_plans({ plan })
      elseif context.out.format == "text" then
         return nil
      end
   end
   context.out:record(record.pool_fields, record.of_pool(pool))
end

return config
