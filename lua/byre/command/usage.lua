--- `byre usage`
-- @module byre.command.usage
local output = require("byre.command.output")
local record = require("byre.command.record")
local report = require("byre.command.report")
local units = require("byre.units")

local usage = {
   summary = "Show where the space went, and what would come back.",
   description = [[Show the space of the file system and what each volume takes of it; with a VID,
what each image of a volume takes; with several, or with VID@REV, what these take
together.

Images share blocks, so what they take does not add up:
   ALLOCATED   what it takes on the disk, whoever else has that, too
   EXCLUSIVE   of it, what is free when it is removed and nothing else
   SHARED      the rest: stays as long as others have it
   HISTORY     what is free when all revisions of the volume are removed
   TRASH       what is free when its trash is emptied, where there is something
               in it
Removing two may free more than the two EXCLUSIVE: name both to see.

On XFS and ext4 the figures are what the file system returns (on XFS at most,
where files outside of the pool share with two of its images); on btrfs they
are for root, and an estimate for others; a file system that does not tell
which blocks a file has shows -.]],
   examples = {
      { "byre usage" },
      { "byre usage appvms/work/private", "its images and revisions" },
      { "byre usage appvms/work/private@3 appvms/work/private@4", "what is free when both go" },
      { "byre usage --json | jq .allocated", "what all images take together, in bytes" },
   },
}

local figure_fields = {
   { key = "allocated", title = "ALLOCATED", right = true, text = units.format_size },
   { key = "shared", title = "SHARED", right = true, text = units.format_size },
   { key = "exclusive", title = "EXCLUSIVE", right = true, text = units.format_size },
}

local basis_fields = { { key = "basis" }, { key = "exact" } }

local function join(...)
   local all = {}
   for _, list in ipairs({ ... }) do
      table.move(list, 1, #list, #all + 1, all)
   end
   return all
end

local function in_words(key, title)
   return { key = key, title = title or key, text = units.format_size }
end

local pool_fields = join({ in_words("size"), in_words("used"), in_words("free"), in_words("allocated", "images") },
   basis_fields)

local volumes_fields = join({ { key = "vid", title = "VOLUME" } }, figure_fields, {
   { key = "history", title = "HISTORY", right = true, text = units.format_size },
   { key = "revision_count", title = "REVISIONS", right = true },
})

local trash_field = { key = "trash", title = "TRASH", right = true, text = units.format_size }

-- people see nothing of a trash where there is none
local function with_trash(context, fields, records)
   for _, item in ipairs(records) do
      if context.out.format ~= "text" or item.trash ~= 0 then
         return join(fields, { trash_field })
      end
   end
   return fields
end

local volume_fields = join({
   record.field("vid"), record.field("size"), record.field("used"),
   record.exact_field("allocated"), record.exact_field("shared"), record.exact_field("exclusive"),
   record.exact_field("history"),
}, basis_fields)

local image_fields = join({
   { key = "role", title = "FILE" },
   { key = "revision", title = "REVISION" },
   { key = "size", title = "SIZE", right = true, text = units.format_size },
}, figure_fields, { { key = "path", title = "PATH" } })

local part_fields = join({ { key = "name", title = "WHAT" } }, figure_fields)

function usage.parser(command)
   command:argument("VID", "Volumes, or VID@REV."):target("names"):args("*")
end

-- A record with a list inside: both in JSON, one below the other for people.
local function show(context, fields, values, key, list_fields)
   local out = context.out
   if out.format == "json" then
      values[key] = output.nested(list_fields, values[key])
      return out:record(join(fields, { { key = key } }), values)
   end
   out:record(fields, values)
   if out.format == "text" and #values[key] > 0 then
      out:write("\n")
      out:list(list_fields, values[key])
   end
end

local function explain(context, measured)
   if measured.reason then
      context:say((measured.basis and "estimated: " or "not known: ") .. measured.reason)
   end
end

local function show_pool(context)
   local measured = context:pool():space()
   local values = { volumes = {} }
   for _, field in ipairs(pool_fields) do
      values[field.key] = measured[field.key]
   end
   for volume in measured:volumes() do
      table.insert(values.volumes, volume)
   end
   show(context, pool_fields, values, "volumes", with_trash(context, volumes_fields, values.volumes))
   explain(context, measured)
   for _, err in ipairs(measured.failures) do
      report.show(err)
   end
   return #measured.failures > 0 and report.exit.partly or nil
end

local function show_volume(context, vid)
   local volume = context:volume(vid)
   local values = volume:space()
   values.size, values.used = volume:size(), volume:usage()
   local fields = with_trash(context, volume_fields, { values })
   show(context, fields, values, "images", image_fields)
   explain(context, values)
end

-- what was named, each alone, and all of it
local function show_parts(context, names)
   local vids, known = {}, {}
   for _, name in ipairs(names) do
      local vid, revision = context:split_revision(name)
      local volume = context:volume(vid)
      if revision then
         volume:revision(revision)
      end
      vids[#vids + 1] = not known[volume.vid] and volume.vid or nil
      known[volume.vid] = true
   end
   local measured = context:pool():space(vids)
   local values = measured:of(names)
   values.basis, values.exact, values.parts = measured.basis, measured.exact, {}
   for i, name in ipairs(names) do
      values.parts[i] = measured:of({ name })
      values.parts[i].name = name
   end
   local out = context.out
   if out.format == "json" then
      values.parts = output.nested(part_fields, values.parts)
      out:record(join(figure_fields, basis_fields, { { key = "parts" } }), values)
   else
      local rows = table.move(values.parts, 1, #names, 1, {})
      rows[#rows + 1] = #names > 1 and setmetatable({ name = "together" }, { __index = values }) or nil
      out:list(part_fields, rows)
   end
   explain(context, measured)
end

function usage.run(context, args)
   if #args.names == 0 then
      return show_pool(context)
   elseif #args.names == 1 and not args.names[1]:find("@", 1, true) then
      return show_volume(context, args.names[1])
   end
   return show_parts(context, args.names)
end

return usage
