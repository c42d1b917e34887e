--- `byre usage`
-- @module byre.command.usage
local record = require("byre.command.record")
local units = require("byre.units")

local usage = {
   summary = "Show the space of the file system, or of a volume.",
   description = [[Show the space of the file system that the pool is on, or with VID what the
current image of a volume takes. Blocks that images share count for each.]],
   examples = {
      { "byre usage" },
      { "byre usage appvms/work/private" },
   },
}

local pool_fields = {
   { key = "size", title = "size", text = units.format_size },
   { key = "used", title = "used", text = units.format_size },
   { key = "free", title = "free", text = units.format_size },
}

local volume_fields = { record.field("vid"), record.field("size"), record.field("used") }

function usage.parser(command)
   command:argument("VID", "The volume."):target("vid"):args("?")
end

function usage.run(context, args)
   if not args.vid then
      return context.out:record(pool_fields, context:pool():usage())
   end
   local volume = context:volume(args.vid)
   context.out:record(volume_fields, { vid = volume.vid, size = volume:size(), used = volume:usage() })
end

return usage
