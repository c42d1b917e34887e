--- `byre init`
-- @module byre.command.init_pool
local record = require("byre.command.record")
local report = require("byre.command.report")
local settings = require("byre.command.settings")

local init = {
   summary = "Make a pool.",
   description = [[Make a pool in a directory. The directory is made if it is not there; images
that are in it already stay as they are (byre adopt takes them in).

The file system should be able to share blocks between files (btrfs, XFS, ...).
On another one, --no-setup-check makes a pool that works by sparse copies.]],
   examples = {
      { "byre init /srv/pool" },
      { "byre init --keep 3 ./pool", "each volume keeps three revisions unless it says otherwise" },
      { "byre init --no-setup-check /mnt/ext4/pool", "without shared blocks" },
   },
}

function init.parser(command)
   command:argument("DIR", "The directory; default: that of -p or BYRE_POOL."):target("dir"):args("?")
   command:option("--keep", "Revisions that volumes keep (default: 1); -1: no snapshots."):argname("N")
   command:flag("--no-setup-check", "Do without shared blocks where the file system has none.")
   command:flag("--no-precache", "Do not have the image of the next start ready (saves clones of fragmented images).")
   command:option("--reflink", "Share blocks: always, auto (copy where they cannot be shared; default) or never.")
      :argname("WHEN"):choices({ "always", "auto", "never" })
   command:option("--on-full", "When a start lacks space: fail (default), or prune first.")
      :argname("WHAT"):choices({ "fail", "prune" })
   command:option("--cow-extent-size", "XFS: in what pieces sessions write shared blocks anew (default: the file "
      .. "system's choice)."):argname("SIZE")
   command:option("--trash", "How long revisions that are taken away stay in the trash, such as 2d "
      .. "(default: there is none)."):argname("TIME")
   command:flag("--ephemeral-volatile", "Volatile volumes are ephemeral unless they say otherwise.")
end

function init.run(context, args)
   local dir = args.dir or context:pool_dir()
   if dir == "" then
      report.usage("init", "the name of the directory is empty")
   end
   local byre = require("byre")
   local options = context:pool_options()
   options.revisions_to_keep = settings.count("--keep", args.keep)
   options.setup_check = not args.no_setup_check
   options.precache = not args.no_precache
   options.reflink = args.reflink
   options.on_full = args.on_full
   options.cow_extent_size = args.cow_extent_size
   options.trash = settings.window("--trash", args.trash)
   options.ephemeral_volatile = args.ephemeral_volatile == true
   if context:is_dry() then
      return context:show_plans({ byre.plan_pool(dir, options) })
   end
   local pool <close> = byre.create_pool(dir, options)
   context:say("made a pool in " .. pool.dir)
   if context.out.format ~= "text" then
      context.out:record(record.pool_fields, record.of_pool(pool))
   end
end

return init
