--- `byre revisions`
-- @module byre.command.revisions
local record = require("byre.command.record")

local revisions = {
   summary = "List the revisions of a volume, oldest first.",
   description = [[List the revisions of a volume, oldest first. TIME is that of the last write to
the content.]],
   examples = {
      { "byre revisions appvms/work/private" },
      { "byre revisions -H appvms/work/private | tail -n 1 | cut -f 1", "the newest one's name" },
   },
}

function revisions.parser(command)
   command:argument("VID", "The volume."):target("vid")
end

function revisions.run(context, args)
   local list = record.of_revisions(context:volume(args.vid))
   local out = context.out
   out:list(out.format == "json" and record.revision_detail_fields or record.revision_fields, list)
end

return revisions
