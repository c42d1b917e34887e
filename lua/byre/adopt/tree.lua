--- What the files of a directory tree are: images of which volumes, and of which program.
--
-- Pure. Knows the names of the Qubes drivers `file-reflink` (now, and as of 2018) and `file`, and those of plain
-- images as a directory pool of libvirt has them.
-- @module byre.adopt.tree
local layout = require("byre.layout")

local tree = {}

-- qemu-img's formats by the ending of the name
local foreign_formats = { raw = "raw", qcow2 = "qcow2", vmdk = "vmdk", vdi = "vdi", vhdx = "vhdx", vhd = "vpc" }

-- the more special endings first: "x-cow.img" also ends in ".img"
local endings = {
   { "^(.+)%-cow%.img%.old$", "cow_old" },
   { "^(.+)%-cow%.img$", "cow" },
   { "^(.+)%.img%.%d+@[^/@~]+Z$", "revision" },
   { "^(.+)%.img@[^/@]+Z$", "old_revision" },
   { "^(.+)%-dirty%.img$", "dirty" },
   { "^(.+)%-precache%.img$", "precache" },
   { "^(.+)%-import%.img$", "import" },
   { "^(.+)%.img$", "clean" },
}

local function volume_of(volumes, vid)
   volumes[vid] = volumes[vid] or { vid = vid, files = {}, revisions = 0, old_revisions = 0 }
   return volumes[vid]
end

local function sort_in(volumes, path)
   if layout.without_temporary(path) then
      return
   end
   for _, ending in ipairs(endings) do
      local vid = path:match(ending[1])
      if vid then
         local volume, role = volume_of(volumes, vid), ending[2]
         if role == "revision" or role == "old_revision" then
            volume[role .. "s"] = volume[role .. "s"] + 1
         else
            volume.files[role] = path
         end
         return
      end
   end
   local vid, extension = path:match("^(.+)%.(%w+)$")
   local format = extension and foreign_formats[extension:lower()]
   if format then
      local volume = volume_of(volumes, vid)
      volume.foreign = volume.foreign or {}
      table.insert(volume.foreign, { path = path, format = format })
   end
end

-- An image may be called "holy-cow". A store has its volume's image beside it, or begins as stores do.
local function is_store(volume, path, is_store_content)
   return volume.files.clean ~= nil or volume.files.cow_old ~= nil or is_store_content(path)
end

local function put_back(volumes, vid, is_store_content)
   local volume = volumes[vid]
   local path = volume.files.cow
   if path and not is_store(volume, path, is_store_content) then
      volume.files.cow = nil
      volume_of(volumes, vid .. "-cow").files.clean = path
      if not next(volume.files) and not volume.foreign and volume.revisions + volume.old_revisions == 0 then
         volumes[vid] = nil
      end
   end
end

--- Sort paths of files into volumes.
-- @tparam {string,...} paths relative to the tree
-- @tparam function is_store_content `(path)` -> boolean: does this file begin as an exception store does?
-- @treturn {[string]=table,...} vid -> `vid`, `files` (role -> path; roles of `layout.roles`, `cow`, `cow_old`),
-- `revisions`, `old_revisions` (how many), `foreign` (list of `path`, `format`: images of other names)
function tree.volumes(paths, is_store_content)
   local volumes, vids = {}, {}
   for _, path in ipairs(paths) do
      sort_in(volumes, path)
   end
   for vid in pairs(volumes) do
      vids[#vids + 1] = vid
   end
   for _, vid in ipairs(vids) do
      put_back(volumes, vid, is_store_content)
   end
   return volumes
end

return tree
