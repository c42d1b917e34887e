--- What is there: a pool as byre and the file system show it.
-- @module spec.powercut.observe
local content = require("spec.powercut.content")
local survey = require("byre.survey")

local observe = {}

-- descriptions by inode: a revision may be the clean image itself
local function reader(pool)
   local known = {}
   return function(path, stat)
      local key = stat.dev .. ":" .. stat.ino
      known[key] = known[key] or content.read(pool.dir .. "/" .. path)
      return known[key], key
   end
end

local function read_images(pool, state, seen)
   local read = reader(pool)
   local files, paths = state.files, state.paths
   if files.clean then
      seen.clean, seen.inode = read(paths.clean, files.clean)
   end
   local dirty_inode
   if files.dirty then
      seen.dirty, dirty_inode = read(paths.dirty, files.dirty)
      seen.shared = dirty_inode == seen.inode and "the committed image" or nil
   end
   -- one that the next start would take
   if files.precache and files.precache.fresh then
      seen.precache = read(paths.precache, files.precache)
   end
   for i, revision in ipairs(state.revisions) do
      local stat = assert(pool.store:stat(revision.path), revision.path)
      local item = { seq = revision.seq, path = revision.path }
      item.v, item.inode = read(revision.path, stat)
      seen.revisions[i] = item
      if item.inode == dirty_inode then
         seen.shared = ("revision %d"):format(item.seq)
      end
   end
end

local function tags_of(revision)
   local list = {}
   for tag in pairs(revision.tags) do
      list[#list + 1] = tag
   end
   table.sort(list)
   return #list > 0 and table.concat(list, " ") or nil
end

-- what is in the trash, with what is noted of it
local function read_trash(pool, state, seen)
   local read = reader(pool)
   for i, entry in ipairs(pool:volume(state.vid):trash()) do
      local path = entry.path:sub(#pool.dir + 2)
      local v, inode = read(path, assert(pool.store:stat(path), path))
      seen.trash[i] = { seq = entry.seq, v = v, inode = inode, note = entry.note, tags = tags_of(entry),
         held = entry.hold_until or false }
      local dirty = state.files.dirty
      if dirty and inode == dirty.dev .. ":" .. dirty.ino then
         seen.shared = ("revision %d in the trash"):format(entry.seq)
      end
   end
end

--- Read the images of a vid, whether it is registered or not.
-- @tparam pool pool
-- @tparam string vid
-- @treturn table as of `observe.volume`, without `visible`, `trash` and settings; `in_trash`: how many files
function observe.images(pool, vid)
   local state = survey.volume(pool.store, vid, pool.config)
   local seen = { revisions = {}, in_trash = #state.trash }
   read_images(pool, state, seen)
   return seen
end

--- Read a volume: what a user is shown, and what stands behind it.
-- @treturn table `kind`, `keep`, `rw`, `clean`, `inode`, `dirty`, `precache` (if it would be used), `shared` (what the
-- session writes into besides), `import`, `revisions` (all), `visible` (as the API lists them, with `v`),
-- `trash` (so, too), `window` (whether it has one)
function observe.volume(pool, vid)
   local volume = pool:volume(vid)
   local state = survey.volume(pool.store, vid, pool.config)
   local seen = {
      kind = state.config.kind, keep = state.config.revisions_to_keep, rw = state.config.rw,
      source = state.config.source,
      blocks = state.config.size, import = state.files.import and 1 or nil, revisions = {}, visible = {},
      trash = {}, window = state.config.trash ~= nil or nil,
   }
   read_images(pool, state, seen)
   read_trash(pool, state, seen)
   local by_path = {}
   for _, revision in ipairs(seen.revisions) do
      by_path[pool.dir .. "/" .. revision.path] = revision
   end
   for _, revision in ipairs(volume:revisions()) do
      local image = by_path[revision.path]
      image.note, image.held, image.tags = revision.note, revision.hold_until or false, tags_of(revision)
      seen.visible[#seen.visible + 1] = { seq = revision.seq, v = image.v, note = image.note, tags = image.tags,
         held = image.held }
   end
   seen.blocks = seen.blocks and seen.blocks // content.block
   return seen
end

--- Read every volume that the pool lists.
function observe.pool(pool)
   local seen = {}
   for volume in pool:volumes() do
      seen[volume.vid] = observe.volume(pool, volume.vid)
   end
   return seen
end

return observe
