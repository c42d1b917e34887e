--- `byre diff`
-- @module byre.command.diff
local report = require("byre.command.report")
local units = require("byre.units")

local diff = {
   summary = "List the ranges in which two revisions differ.",
   description = [[List the ranges in which a revision differs from another one, or from what the
volume holds now. Nothing is read where the file system tells which blocks are
the same ones, so it takes no longer for large images.

Every change is listed. What was written again may be listed, too, although it is
what it was before. Behind the end of the shorter image zeros are taken for its
content.]],
   examples = {
      { "byre diff appvms/work/private 3", "since revision 3" },
      { "byre diff appvms/work/private 3 4", "between two" },
      { "byre diff -q --state current appvms/work/private 2 | wc -l", "ranges that a session has changed by now" },
      { "byre diff --json appvms/work/private 3" },
   },
}

local fields = {
   { key = "offset", title = "OFFSET", right = true },
   { key = "length", title = "LENGTH", right = true },
}

function diff.parser(command)
   command:argument("VID", "The volume."):target("vid")
   command:argument("REV", "The older revision."):target("old")
   command:argument("REV2", "The newer one (default: what the volume holds)."):target("new"):args("?")
   command:option("--state", "Without REV2: \"committed\" (default), or \"current\": the session so far.")
      :choices({ "committed", "current" })
end

local function text(value)
   return value and ('"%s"'):format(value) or "null"
end

-- One object, written as the ranges come: there may be very many.
local function write_json(out, args, difference)
   local count, bytes = 0, 0
   out:write(('{"vid":%s,"old":%s,"new":%s,"old_size":%d,"new_size":%d,"basis":%s,"ranges":['):format(
      text(args.vid), text(args.old), text(args.new), difference.old_size, difference.new_size, text(difference.basis)))
   for offset, length in difference:ranges() do
      out:write(count > 0 and ",\n" or "\n", ('{"offset":%d,"length":%d}'):format(offset, length))
      count, bytes = count + 1, bytes + length
   end
   out:write(("],\"count\":%d,\"bytes\":%d}\n"):format(count, bytes))
end

local function write_rows(context, difference)
   local count, bytes = 0, 0
   local rows = context.out:rows(fields)
   for offset, length in difference:ranges() do
      rows:add({ offset = offset, length = length })
      count, bytes = count + 1, bytes + length
   end
   rows:finish()
   if count == 0 then
      context:say("they are the same")
   else
      context:say(("%d %s, %s bytes (%s)"):format(count, count == 1 and "range" or "ranges", bytes,
         units.format_size(bytes)))
   end
end

function diff.run(context, args)
   if args.new and args.state then
      report.usage("diff", "--state is about what the volume holds, not about a second revision")
   end
   local difference = context:volume(args.vid):diff(args.old, args.new, { state = args.state })
   if context.out.format == "json" then
      write_json(context.out, args, difference)
   else
      write_rows(context, difference)
   end
end

return diff
