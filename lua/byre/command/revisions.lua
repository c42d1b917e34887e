--- `byre revisions`
-- @module byre.command.revisions
local record = require("byre.command.record")

local revisions = {
   summary = "List the revisions of a volume, oldest first.",
   description = [[List the revisions of a volume, oldest first. TIME is that of the last write to
the content.

With --space, ALLOCATED is what it takes on the disk, EXCLUSIVE what is free when
it is removed and nothing else; byre usage tells more.]],
   examples = {
      { "byre revisions appvms/work/private" },
      { "byre revisions --space appvms/work/private", "and what each would free" },
      { "byre revisions -H appvms/work/private | tail -n 1 | cut -f 1", "the newest one's name" },
   },
}

function revisions.parser(command)
   command:argument("VID", "The volume."):target("vid")
   command:flag("--space", "Also what each takes; reads the maps of all images of the pool.")
end

function revisions.run(context, args)
   local list = record.of_revisions(context:volume(args.vid), { space = args.space })
   local fields = args.space and record.revision_space_fields or record.revision_fields
   if context.out.format == "json" then
      fields = table.move(record.revision_detail_fields, 1, #record.revision_detail_fields, 1, {})
      table.move(record.space_fields, 1, #record.space_fields, #fields + 1, fields)
   end
   context.out:list(fields, list)
end

return revisions
