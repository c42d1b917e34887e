--- `byre adopt`
-- @module byre.command.adopt
local report = require("byre.command.report")
local settings = require("byre.command.settings")
local units = require("byre.units")

local adopt = {
   summary = "Take in images that are in a directory already.",
   description = [[Make a directory of images a pool, in place, and take in what it holds:

   a pool of the Qubes driver file-reflink, of today or of 2018, whose
   revisions of that time get numbers in the order of their times;
   a pool of the Qubes driver file: what its -cow.img files have kept of
   earlier sessions becomes revisions, then they go;
   plain images: VID.raw gets the name VID.img; VID.qcow2 and other formats
   of qemu-img are converted, and the originals stay.

What kind of volume each is, and which is the source of which, a qubes.xml
knows. Without one it is read off the files; look at it before you say yes.
Interrupted, run it again. In a pool it takes in what is not in the catalog.]],
   examples = {
      { "byre adopt -n /srv/pool", "show what would be done" },
      { "byre adopt --yes --qubes-xml qubes.xml --qubes-pool vm-pool /srv/pool" },
      { "byre adopt --only appvms/work/private --keep 4 /srv/pool", "one volume" },
   },
}

local kind_options = { "volatile", "source", "save", "rw", "ro", "ephemeral", "retention", "trash", "cow_extent_size" }

function adopt.parser(command)
   command:argument("DIR", "The directory; default: that of -p or BYRE_POOL."):target("dir"):args("?")
   command:option("--qubes-xml", "What knows the volumes: a qubes.xml."):argname("FILE")
   command:option("--qubes-pool", "Name of its pool, if that was in another directory."):argname("NAME")
   command:option("--only", "Only this volume of a pool; the options below say what it is."):argname("VID")
   command:flag("--no-setup-check", "Do without shared blocks where the file system has none.")
   settings.add_options(command)
end

local function check(args)
   if args.qubes_pool and not args.qubes_xml then
      report.usage("adopt", "--qubes-pool goes with --qubes-xml")
   elseif args.only then
      if args.qubes_xml then
         report.usage("adopt", "--only and --qubes-xml exclude each other: the options say what the volume is")
      end
      return
   end
   for _, option in ipairs(kind_options) do
      if args[option] then
         report.usage("adopt", ("--%s goes with --only VID"):format(option:gsub("_", "-")))
      end
   end
end

local function adopt_one(context, args)
   local values = settings.from("adopt", args)
   context.options.pool = args.dir or context.options.pool
   local pool = context:pool()
   if context:is_dry() then
      return context:show_plans({ pool:plan_adopt(args.only, values) })
   end
   context:show_volume(pool:adopt_volume(args.only, values))
end

local fields = {
   { key = "vid", title = "VOLUME" },
   { key = "kind", title = "KIND" },
   { key = "size", title = "SIZE", text = units.format_size },
   { key = "source", title = "SOURCE" },
   { key = "revisions_to_keep", title = "KEEP" },
   { key = "revisions", title = "REVISIONS" },
   { key = "restored", title = "RESTORED" },
   { key = "why", title = "BECAUSE" },
}

local function rows(volumes)
   local list = {}
   for i, item in ipairs(volumes) do
      local values = item.settings
      list[i] = {
         vid = item.vid, kind = require("byre.config").kind(values), size = values.size, source = values.source,
         revisions_to_keep = values.revisions_to_keep, revisions = item.revisions, restored = item.restored,
         why = item.convert and ("%s; converted from %s"):format(item.why, item.convert.path) or item.why,
      }
   end
   return list
end

local function tell_left(context, left)
   for _, item in ipairs(left) do
      context:say(("left alone: %s: %s"):format(item.path, item.reason))
   end
end

local function run(context, adoption)
   context:confirm(("make %s a pool of byre and take in %d volumes"):format(adoption.dir, #adoption.volumes),
      "as listed")
   local pool, failures = adoption:run()
   for _, failed in ipairs(failures) do
      report.show(failed.error)
   end
   context:say(("took in %d of %d volumes; the pool is %s"):format(#adoption.volumes - #failures, #adoption.volumes,
      pool.dir))
   return #failures > 0 and report.exit.partly or nil
end

function adopt.run(context, args)
   check(args)
   if args.only then
      return adopt_one(context, args)
   end
   local options = context:pool_options()
   options.revisions_to_keep = settings.count("--keep", args.keep)
   options.setup_check = not args.no_setup_check
   options.qubes_xml, options.qubes_pool = args.qubes_xml, args.qubes_pool
   local adoption <close> = require("byre").propose_adoption(args.dir or context:pool_dir(), options)
   tell_left(context, adoption.left)
   if context:is_dry() then
      return context:show_plans(adoption:plans())
   end
   context.out:list(fields, rows(adoption.volumes))
   io.stdout:flush()
   if #adoption.volumes == 0 then
      return context:say("nothing to take in in " .. adoption.dir)
   end
   return run(context, adoption)
end

return adopt
