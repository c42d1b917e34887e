--- `byre show`
-- @module byre.command.show
local record = require("byre.command.record")
local units = require("byre.units")

local show = {
   summary = "Show everything about a volume.",
   description = [[Show everything about a volume: its settings, its state, its revisions and the
files it consists of, and in how many pieces its image is on the disk.]],
   examples = {
      { "byre show appvms/work/private" },
      { "byre show -H appvms/work/private | grep ^size", "the size in bytes" },
   },
}

local file_fields = {
   { key = "role", title = "FILE" },
   { key = "size", title = "SIZE", right = true, text = units.format_size },
   { key = "used", title = "USED", right = true, text = units.format_size },
   { key = "modified", title = "MODIFIED" },
   { key = "path", title = "PATH" },
}

local function in_words(seconds)
   return seconds < 1 and ("about %.1f ms"):format(seconds * 1000) or ("about %.1f s"):format(seconds)
end

local fragmentation_fields = {
   { key = "extents", title = "extents" },
   { key = "clone_seconds", title = "next clone", text = in_words },
}

function show.parser(command)
   command:argument("VID", "The volume."):target("vid")
end

local function single_fields()
   local fields = table.move(record.detail_fields, 1, #record.detail_fields, 1, {})
   return table.move(fragmentation_fields, 1, #fragmentation_fields, #fields + 1, fields)
end

local function write_json(out, values)
   local fields = single_fields()
   fields[#fields + 1] = { key = "revisions" }
   fields[#fields + 1] = { key = "files" }
   out:record(fields, values)
end

function show.run(context, args)
   local volume = context:volume(args.vid)
   local values = record.of_volume(volume)
   values.revisions, values.files = record.of_revisions(volume), record.of_files(volume)
   local fragmentation = volume:fragmentation() or {}
   values.extents, values.clone_seconds = fragmentation.extents, fragmentation.clone_seconds
   local out = context.out
   if out.format == "json" then
      return write_json(out, values)
   end
   out:record(single_fields(), values)
   if out.format == "text" and #values.revisions > 0 then
      out:write("\n")
      out:list(record.revision_fields, values.revisions)
   end
   if out.format == "text" and #values.files > 0 then
      out:write("\n")
      out:list(file_fields, values.files)
   end
end

return show
