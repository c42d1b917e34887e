--- `byre list`
-- @module byre.command.list
local family = require("byre.command.family")
local record = require("byre.command.record")
local report = require("byre.command.report")

local list = {
   summary = "List the volumes of the pool.",
   description = [[List the volumes of the pool, in the order of their names.

STATE is "running" (somebody has the image open for writing), "dirty" (a
session that the next stop commits), "started" (one that the next stop drops)
or "stopped"; with ",outdated" the volume's source has newer content.

With --tree a volume stands below its source, wherever its own name would stand.

SIZE is what the volume's user sees, USED what its current image takes on the
disk, blocks shared with other images included.]],
   examples = {
      { "byre -p /srv/pool list" },
      { "byre list 'appvms/*'", "one machine's, or a group's; quote the star" },
      { "byre list --tree", "what starts from what, and what is outdated" },
      { "byre list -H | cut -f 1", "names only, for a script" },
   },
}

function list.parser(command)
   command:argument("PATTERN", "Only these volumes; * stands for any characters, ? for one.")
      :target("patterns"):args("*")
   command:flag("--tree", "Each volume below its source.")
end

-- volumes of several patterns, each once, in order: the streams are merged
local function merged(pool, patterns)
   local streams, heads = {}, {}
   for i, pattern in ipairs(patterns) do
      streams[i] = pool:volumes(pattern)
      heads[i] = streams[i]() or false
   end
   return function()
      local first
      for _, head in ipairs(heads) do
         if head and (not first or head.vid < first.vid) then
            first = head
         end
      end
      for i, head in ipairs(heads) do
         if first and head and head.vid == first.vid then
            heads[i] = streams[i]() or false
         end
      end
      return first
   end
end

-- the columns of a tree: the name with its branch; programs get the plain name and the depth
local function tree_fields(format)
   local fields = table.move(record.volume_fields, 1, #record.volume_fields, 1, {})
   if format == "text" then
      local is_utf8 = require("byre.command.terminal").has_utf8()
      fields[1] = { key = "vid", title = "VOLUME", text = function(vid, item)
         return family.branch(item.node, is_utf8) .. vid
      end }
   else
      fields[#fields + 1] = { key = "depth" }
   end
   return fields
end

local function show_tree(context, records)
   local rows = context.out:rows(tree_fields(context.out.format))
   for _, node in ipairs(family.walk(records)) do
      node.record.node, node.record.depth = node, node.depth
      rows:add(node.record)
   end
   rows:finish()
end

-- Call a function with the record of each volume. Returns the exit code, if one could not be read.
local function each_record(volumes, add)
   local code
   for volume in volumes do
      local ok, result = require("byre.failure").catch(record.of_volume, volume)
      if ok then
         add(result)
      else
         report.show(result)
         code = report.exit.partly
      end
   end
   return code
end

function list.run(context, args)
   local pool = context:pool()
   local volumes = #args.patterns > 1 and merged(pool, args.patterns) or pool:volumes(args.patterns[1])
   if args.tree then
      local records = {}
      local code = each_record(volumes, function(item) records[#records + 1] = item end)
      show_tree(context, records)
      return code
   end
   local rows = context.out:rows(record.volume_fields)
   local code = each_record(volumes, function(item) rows:add(item) end)
   rows:finish()
   return code
end

return list
