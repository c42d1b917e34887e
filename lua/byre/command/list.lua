--- `byre list`
-- @module byre.command.list
local record = require("byre.command.record")
local report = require("byre.command.report")

local list = {
   summary = "List the volumes of the pool.",
   description = [[List the volumes of the pool, in the order of their names.

STATE is "running" (somebody has the image open for writing), "dirty" (a
session that the next stop commits), "started" (one that the next stop drops)
or "stopped"; with ",outdated" the volume's source has newer content.

SIZE is what the volume's user sees, USED what its current image takes on the
disk, blocks shared with other images included.]],
   examples = {
      { "byre -p /srv/pool list" },
      { "byre list 'appvms/*'", "one machine's, or a group's; quote the star" },
      { "byre list -H | cut -f 1", "names only, for a script" },
   },
}

function list.parser(command)
   command:argument("PATTERN", "Only these volumes; * stands for any characters, ? for one.")
      :target("patterns"):args("*")
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

function list.run(context, args)
   local pool = context:pool()
   local volumes = #args.patterns > 1 and merged(pool, args.patterns) or pool:volumes(args.patterns[1])
   local rows = context.out:rows(record.volume_fields)
   local code
   for volume in volumes do
      local ok, result = require("byre.failure").catch(record.of_volume, volume)
      if ok then
         rows:add(result)
      else
         report.show(result)
         code = report.exit.partly
      end
   end
   rows:finish()
   return code
end

return list
