--- `byre create`
-- @module byre.command.create
local report = require("byre.command.report")
local settings = require("byre.command.settings")

local create = {
   summary = "Make a volume.",
   description = [[Make a volume. Its kind follows from the options:

   (none)                origin: keeps what is written, with revisions
   --source VID          snapshot: the source's content at each start
   --source VID --save   origin_snapshot: the same, and a stop makes a revision
   --volatile            empty at each start

Sizes are bytes, or numbers with K, M, G or T, which count by 1024.]],
   examples = {
      { "byre create templates/debian/root --size 10G" },
      { "byre create appvms/work/root --source templates/debian/root", "content of the template at each start" },
      { "byre create appvms/work/swap --volatile --size 1G" },
   },
}

function create.parser(command)
   command:argument("VID", "The new volume: a path such as appvms/work/private."):target("vid")
   command:option("--size", "Its size; with --source the source's by default."):argname("SIZE")
   settings.add_options(command)
end

function create.run(context, args)
   local values = settings.from("create", args)
   if not args.size and not args.source then
      report.usage("create", "say how large the volume is to be, as in --size 10G")
   end
   if context:is_dry() then
      return context:show_plans({ context:pool():plan_volume(args.vid, values) })
   end
   context:show_volume(context:pool():create_volume(args.vid, values))
end

return create
