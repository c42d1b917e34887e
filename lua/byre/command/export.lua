--- `byre export`
-- @module byre.command.export
local report = require("byre.command.report")

local export = {
   summary = "Write a volume or a revision to a file or a pipe.",
   description = [[Write the committed content of a volume, or that of a revision, to a file, a
block device or standard output (-). Holes stay holes. The volume may run.

Formats of qemu-img (qcow2, vmdk, ...) are made where it is installed; without
--format the name of the file decides.]],
   examples = {
      { "byre export appvms/work/private private.img" },
      { "byre export appvms/work/private@3 - | gzip >private.img.gz", "a revision, compressed" },
      { "byre export --format qcow2 vm/root root.qcow2" },
   },
}

function export.parser(command)
   command:argument("VID", "The volume, or VID@REV."):target("vid")
   command:argument("FILE", "Where to; - is standard output."):target("file")
   command:option("--format", "Format of the file: raw, qcow2, vmdk, vhdx, vdi or vpc."):argname("FORMAT")
   command:option("--state", "\"committed\" (default), or \"current\": the session so far.")
      :choices({ "committed", "current" })
end

local function check(context, args)
   if args.state and args.vid:find("@", 1, true) then
      report.usage("export", "--state is about a volume, not about a revision")
   elseif args.file ~= "-" then
      return
   elseif context.out.format ~= "text" then
      report.usage("export", "standard output is for the image; --json and -H need another FILE")
   elseif require("byre.command.terminal").is_terminal("stdout") then
      report.usage("export", "standard output is a terminal; send it to a file or a program")
   end
end

function export.run(context, args)
   check(context, args)
   local vid, revision = context:split_revision(args.vid)
   local volume = context:volume(vid)
   if revision then
      volume:revision(revision)
   end
   if context:is_dry() then
      context:say(("would write %s to %s; the pool stays as it is"):format(args.vid, args.file))
      return
   end
   volume:export_file(args.file, { revision = revision, format = args.format, state = args.state })
   if context.out.format ~= "text" then
      context.out:record({ { key = "vid" }, { key = "revision" }, { key = "file" } },
         { vid = vid, revision = revision, file = args.file })
   end
end

return export
