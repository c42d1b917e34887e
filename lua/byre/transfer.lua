--- Content from outside into a volume, and out of it.
-- @module byre.transfer
local core = require("byre.core")
local dkjson = require("dkjson")

local copies = require("byre.decide.copies")
local failure = require("byre.failure")
local hooks = require("byre.hooks")
local layout = require("byre.layout")
local operation = require("byre.operation")
local request = require("byre.request")
local survey = require("byre.survey")
local vid = require("byre.vid")

local transfer = {}

local image_mode = tonumber("600", 8)

-- What a guest writes into a raw image may look like another format, so the
-- content is never asked: the ending of the name tells, or the user.
local format_by_ending = { qcow2 = "qcow2", vmdk = "vmdk", vhdx = "vhdx", vdi = "vdi", vhd = "vpc" }
local formats = { raw = true, qcow2 = true, vmdk = true, vhdx = true, vdi = true, vpc = true }

local function format_of(path, options)
   local format = options.format or format_by_ending[(path:match("%.(%w+)$") or ""):lower()] or "raw"
   if not formats[format] then
      failure.raise("invalid", "format " .. failure.quote(tostring(format)),
         "is not known; raw, qcow2, vmdk, vhdx, vdi and vpc are")
   end
   return format
end

-- A path outside that is not there or is something else is not the pool's fault.
local function check_outside(path, handle, message, errno)
   if not handle then
      local e = failure.from_errno(path, message, errno, { path = path })
      e.code = e.code == "corrupt" and "invalid" or e.code
      error(e, 0)
   end
   return handle
end

-- run a function, close a handle whatever happens
local function closing(handle, fn)
   local ok, result = pcall(fn)
   handle:close()
   if not ok then
      error(result, 0)
   end
   return result
end

local function qemu_img(path, argv, options)
   local result, message, errno = core.spawn(argv, options)
   if not result then
      if errno == core.errno.ENOENT then
         failure.raise("not_supported", path, "only raw images can be read and written without qemu-img",
            { hint = "install qemu-img (on Debian: qemu-utils)" })
      end
      error(failure.from_errno("qemu-img", message, errno, {}), 0)
   elseif result.status ~= 0 then
      failure.raise("io", path, "qemu-img: " .. (result.stderr:match("[^\n]+") or "failed"), { path = path })
   end
   return result.stdout
end

-- Tells of the progress that qemu-img prints with -p; nil where nobody wants to know.
-- `event`: `volume`, `operation`, `total` (bytes)
local function watching(pool, event)
   local progress = pool.progress
   return progress and function(printed)
      local percent = printed:match(".*%((%d+%.%d+)/100%%%)")
      return not percent or progress({ volume = event.volume, operation = event.operation,
         done = math.floor(event.total * tonumber(percent) / 100), total = event.total })
   end
end

-- qemu-img gets images of a pool as open files, since a name could lead it out of the pool by now.
local standard_input = "/dev/fd/0"

-- An image may name other files that qemu-img would read in its place; one that
-- comes from elsewhere must not reach for the files of this machine.
local function require_self_contained(path, info)
   local specific = info["format-specific"]
   local data = type(specific) == "table" and specific.data or {}
   local other = info["backing-filename"] or data["data-file"]
   for _, extent in ipairs(data.extents or {}) do
      if extent.filename ~= path then
         other = extent.filename
      end
   end
   if other then
      failure.raise("invalid", path, ("refers to another file, %s"):format(failure.quote(tostring(other))),
         { path = path, hint = "make it one file with qemu-img convert first" })
   end
end

local function describe_image(path, format)
   local info = dkjson.decode(qemu_img(path, { "qemu-img", "info", "--output=json", "-f", format, path }) or "")
   if type(info) ~= "table" or math.type(info["virtual-size"]) ~= "integer" then
      failure.raise("corrupt", path, "qemu-img says nothing of its size", { path = path })
   end
   require_self_contained(path, info)
   return info
end

-- where a file can be begun that is going to have this name: its directory may not be there yet
local function beginning_of(store, path)
   local directory = layout.directory(path)
   while directory ~= "." and not store:stat(directory) do
      directory = layout.directory(directory)
   end
   return (directory == "." and "" or directory .. "/") .. layout.basename(path)
end

-- A file without a name that has the content of an image of another format, to be published as the image of a volume.
local function converted(pool, id, path, format)
   if path == "-" then
      failure.raise("invalid", "-", ("%s images cannot be read from a pipe; save it to a file first"):format(format))
   end
   path = path:sub(1, 1) == "/" and path or "./" .. path
   local size = describe_image(path, format)["virtual-size"]
   local file = pool.store:new_file(beginning_of(pool.store, layout.image(id, "clean")))
   local ok, e = pcall(function()
      failure.check_path(path, file:truncate(size))
      qemu_img(path, { "qemu-img", "convert", "-p", "-n", "-W", "-f", format, "-O", "raw", path, standard_input },
         { stdin = file, watch = watching(pool, { volume = id, operation = "import", total = size }) })
   end)
   if not ok then
      file:close()
      error(e, 0)
   end
   return file
end

--- Call a function with the options of the step `copy` that brings in the content of a path outside of the pool.
-- @tparam pool pool
-- @tparam string id vid of the volume that is to have it
-- @tparam string path
-- @tparam table options `format`
-- @tparam function fn
-- @raise `invalid`, `corrupt`, `not_supported`, `no_space`, `io`
function transfer.with_content(pool, id, path, options, fn)
   assert(type(path) == "string", "a path is a string")
   local format = format_of(path, options)
   local key = format == "raw" and "input" or "file"
   local handle = format == "raw" and check_outside(path, core.open(path, "r"))
      or converted(pool, id, path, format)
   closing(handle, function()
      fn({ [key] = handle })
   end)
end

function transfer.import_file(self, path, options)
   options = options or {}
   assert(type(path) == "string", "a path is a string")
   -- what is going to be refused is refused before the work
   self:plan("import_file", path, options)
   transfer.with_content(self.pool, self.vid, path, options, function(content)
      operation.run(self.pool, { request.import_file(self.pool, self.vid, path, options, content) })
   end)
end

--- Content of a volume of another pool: blocks are shared if both are on one file system.
function transfer.import_foreign(self, source, options)
   local store = source.pool.store
   operation.locked(source.pool, { [vid.group(source.vid)] = "shared" }, function()
      local state = survey.existing(source.pool, source.vid)
      local path = copies.image(state, options)
      local input = store:open(path, "r")
      return closing(input, function()
         operation.run(self.pool, {
            request.import_foreign(self.pool, self.vid, source.pool.dir .. "/" .. path, input, options),
         })
      end)
   end)
end

local function copy_out(self, input, output, path)
   path = path == "-" and "standard output" or path
   local progress = self.pool.progress
   failure.check_path(path, output:copy_from(input, { durable = true, progress = progress
      and function(done, total)
         return progress({ volume = self.vid, operation = "export", done = done, total = total })
      end }))
end

local function open_directory_of(path)
   return check_outside(path, core.open_dir(layout.directory(path), { follow = true }))
end

-- A regular file appears whole or not at all.
local function export_to_file(self, input, path)
   local directory = open_directory_of(path)
   local name = layout.basename(path)
   closing(directory, function()
      local output = failure.check_path(path, directory:tmpfile(name))
      return closing(output, function()
         copy_out(self, input, output, path)
         failure.check_path(path, output:sync())
         failure.check_path(path, output:publish(name, true))
         failure.check_path(path, directory:sync())
      end)
   end)
end

local function is_regular_target(path)
   if path == "-" then
      return false
   end
   local directory = core.open_dir(layout.directory(path), { follow = true })
   local stat = directory and directory:stat(layout.basename(path))
   if directory then
      directory:close()
   end
   return not stat or stat.type == "file"
end

local function export_stream(self, input, path)
   local output = check_outside(path, core.open(path, "w"))
   closing(output, function()
      copy_out(self, input, output, path)
      local ok, message, errno = output:sync()
      -- pipes and terminals cannot be synced
      if not ok and errno ~= core.errno.EINVAL and errno ~= core.errno.EROFS then
         failure.check_path(path, ok, message, errno)
      end
   end)
end

local function convert(self, input, path, target, format)
   local size = failure.check_path(path, input:stat()).size
   qemu_img(path, { "qemu-img", "convert", "-p", "-W", "-f", "raw", "-O", format, standard_input,
      target:sub(1, 1) == "/" and target or "./" .. target },
      { stdin = input, watch = watching(self.pool, { volume = self.vid, operation = "export", total = size }) })
end

local function export_converted(self, input, path, format)
   if path == "-" then
      failure.raise("invalid", "-", ("%s images cannot be written to a pipe; export to a file first"):format(format))
   elseif not is_regular_target(path) then
      return convert(self, input, path, path, format)
   end
   local directory = open_directory_of(path)
   local name = layout.basename(path) .. "~" .. core.random_name()
   closing({ close = function()
      directory:unlink(name)
      directory:close()
   end }, function()
      convert(self, input, path, layout.directory(path) .. "/" .. name, format)
      local output = failure.check_path(path, directory:open(name, "rw"))
      closing(output, function()
         failure.check_path(path, output:chmod(image_mode))
         failure.check_path(path, output:sync())
      end)
      failure.check_path(path, directory:rename(name, layout.basename(path)))
      failure.check_path(path, directory:sync())
   end)
end

local function export_file(self, path, options)
   local format = format_of(path, options)
   local store = self.pool.store
   operation.locked(self.pool, { [vid.group(self.vid)] = "shared" }, function(release)
      local state = survey.existing(self.pool, self.vid)
      local image = copies.image(state, { state = options.state or "committed", revision = options.revision })
      local input = store:open(image, "r")
      if not state.config.snapshots_disabled then
         -- a committed image never changes, so nobody need wait for this copy
         release()
      end
      return closing(input, function()
         if format ~= "raw" then
            return export_converted(self, input, path, format)
         end
         return (is_regular_target(path) and export_to_file or export_stream)(self, input, path)
      end)
   end)
end

function transfer.export_file(self, path, options)
   assert(type(path) == "string", "a path is a string")
   hooks.around(self.pool, { operation = "export", volume = self.vid }, function()
      export_file(self, path, options or {})
   end)
end

return transfer
