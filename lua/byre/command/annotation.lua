--- What the verbs share that say something of a revision.
-- @module byre.command.annotation
local record = require("byre.command.record")

local annotation = {}

--- Add the words VID REV.
-- @tparam Command command
function annotation.words(command)
   command:argument("VID", "The volume."):target("vid")
   command:argument("REV", "The revision."):target("revision")
end

--- Note something of a revision, or show the plan of it.
-- @tparam context context
-- @tparam table args with `vid`, `revision`
-- @tparam table wanted see `volume:annotate`
-- @raise `no_such_volume`, `no_such_revision`, `invalid`
function annotation.write(context, args, wanted)
   local volume = context:volume(args.vid)
   if context:is_dry() then
      return context:show_plans({ volume:plan("annotate", args.revision, wanted) })
   end
   volume:annotate(args.revision, wanted)
   if context.out.format == "json" then
      context.out:record(record.revision_detail_fields, record.of_revision(volume:revision(args.revision)))
   end
end

return annotation
