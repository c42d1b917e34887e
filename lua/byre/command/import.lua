--- `byre import`
-- @module byre.command.import
local report = require("byre.command.report")
local settings = require("byre.command.settings")

local import = {
   summary = "Fill a volume from a file, a device or a pipe.",
   description = [[Fill a volume from a file, a block device or standard input (-). The content
replaces the volume's, which becomes a revision; the volume takes the size of
what is read. Blocks of zeros take no space.

Images in the formats of qemu-img (qcow2, vmdk, vhdx, ...) are converted where
it is installed; without --format the name of the file decides.]],
   examples = {
      { "byre import --create templates/debian/root debian.qcow2" },
      { "zcat disk.img.gz | byre import vm/root -" },
      { "byre import --size 20G vm/root disk.img", "with room behind what is in the file" },
   },
}

function import.parser(command)
   command:argument("VID", "The volume."):target("vid")
   command:argument("FILE", "What to read; - is standard input."):target("file")
   command:option("--format", "Format of the file: raw, qcow2, vmdk, vhdx, vdi or vpc."):argname("FORMAT")
   command:option("--size", "Size of the volume afterwards, at least that of the content."):argname("SIZE")
   command:flag("--create", "Make the volume if it is not there.")
   command:option("--keep", "With --create: revisions to keep."):argname("N")
end

local function check(args)
   if args.keep and not args.create then
      report.usage("import", "--keep goes with --create")
   elseif args.file == "-" and require("byre.command.terminal").is_terminal("stdin") then
      report.usage("import", "standard input is a terminal; give it an image")
   end
end

local function settings_for(args)
   return { save_on_stop = true, size = args.size, revisions_to_keep = settings.count("--keep", args.keep) }
end

-- the volume; nil when it is to be made
local function find(context, args)
   local ok, volume = require("byre.failure").catch(context.volume, context, args.vid)
   if ok then
      return volume
   elseif not args.create or volume.code ~= "no_such_volume" then
      error(volume, 0)
   end
end

local function show_plan(context, volume, args)
   if volume then
      return context:show_plans({ volume:plan("import_file", args.file, { size = args.size }) })
   end
   context:show_plans({ context:pool():plan_volume(args.vid, settings_for(args), args.file) })
end

function import.run(context, args)
   check(args)
   local volume = find(context, args)
   if context:is_dry() then
      return show_plan(context, volume, args)
   end
   if volume then
      volume:import_file(args.file, { format = args.format, size = args.size })
   else
      volume = context:pool():create_volume_from(args.vid, settings_for(args), args.file, { format = args.format })
   end
   context:show_volume(volume)
end

return import
