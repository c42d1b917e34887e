--- Look what a directory of images holds, and what would become of it in a pool. Changes nothing.
-- @module byre.adopt.look
local config = require("byre.config")
local decide = require("byre.decide.adopt")
local exception_store = require("byre.adopt.exception_store")
local failure = require("byre.failure")
local infer = require("byre.adopt.infer")
local layout = require("byre.layout")
local survey = require("byre.survey")
local tree = require("byre.adopt.tree")
local vid = require("byre.vid")

local look = {}

local function reader(store, path)
   local file = store:open(path, "r")
   return function(offset, length)
      return (failure.check_path(path, file:read(length, offset)))
   end, file
end

local function read_store(store, path)
   local read, file = reader(store, path)
   local ok, parsed, reason = pcall(exception_store.parse, read, store:stat(path).size)
   file:close()
   if not ok then
      error(parsed, 0)
   end
   return parsed, reason
end

local function begins_as_store(store, path)
   if store:stat(path).type ~= "file" then
      return false
   end
   local read, file = reader(store, path)
   local text = read(0, 4)
   file:close()
   return text == "SnAp" or text == "\0\0\0\0"
end

-- paths of all files below a directory, and what `stat` says of them
local function scan(store, path, paths, stats)
   for name, kind in store:each(path) do
      local full = path == "." and name or path .. "/" .. name
      if kind == "directory" and full ~= layout.home then
         scan(store, full, paths, stats)
      elseif kind ~= "directory" then
         paths[#paths + 1] = full
         stats[full] = store:stat(full)
      end
   end
   return paths, stats
end

-- Is what the stores hold still about this image? nil and why not. Revisions that were made from them are no obstacle;
-- a volume that is in the catalog already must have all of them.
local function check_stores(state, stats, cow, old, expected)
   local made = 0
   for _, revision in ipairs(state.revisions) do
      if not expected[revision.path] and not state.registered then
         return nil, "the image has been used by file-reflink since"
      end
      made = made + (expected[revision.path] and 1 or 0)
   end
   local clean = state.files.clean
   if state.registered then
      return made == expected.count or nil, "the image has been used since"
   elseif old and #cow.entries == 0 and clean.mtime > stats.old.ctime then
      return nil, "the image has been changed since, by something that kept nothing"
   end
   return true
end

local function restorable_revisions(state, stats, cow, files)
   local list, size = {}, state.files.clean.size
   -- the session that was not ended comes off first
   local crashed = cow and #cow.entries > 0 and { files.cow } or {}
   if files.cow_old then
      list[1] = { stores = { crashed[1] or files.cow_old, crashed[1] and files.cow_old }, time = stats.old.ctime,
         size = size }
   end
   if crashed[1] then
      list[#list + 1] = { stores = crashed, time = stats.cow.ctime, size = size }
   end
   return list
end

-- The history that a volume of the driver "file" has in its exception stores.
-- @treturn table `restorable`, `obsolete`, `left` (list of `path`, `reason`)
local function examine_stores(store, state, files)
   local found = { number = true, restorable = {}, obsolete = {}, left = {} }
   local paths, parsed, stats = { cow = files.cow, old = files.cow_old }, {}, {}
   local function leave(reason)
      for _, path in pairs(paths) do
         found.left[#found.left + 1] = { path = path, reason = reason }
      end
      table.sort(found.left, function(a, b) return a.path < b.path end)
      return found
   end
   for _, name in ipairs({ "cow", "old" }) do
      local path = paths[name]
      if path then
         local reason
         stats[name] = store:stat(path)
         parsed[name], reason = read_store(store, path)
         if not parsed[name] then
            return leave(("the exception store %s cannot be used: %s"):format(layout.basename(path), reason))
         end
      end
   end
   if not state.files.clean then
      return leave("the image that it belongs to is missing")
   end
   local list = restorable_revisions(state, stats, parsed.cow, files)
   local expected = { count = #list }
   for i, revision in ipairs(list) do
      expected[layout.revision(state.vid, i, revision.time)] = true
   end
   local ok, reason = check_stores(state, stats, parsed.cow or { entries = {} }, parsed.old, expected)
   if not ok then
      return leave(reason)
   end
   found.restorable = state.registered and {} or list
   found.obsolete = { paths.cow or paths.old, paths.cow and paths.old or nil }
   return found
end

-- What there is of a volume besides the images that any pool has.
local function examine(store, state, volume, settings)
   local files = volume.files
   local found = { number = true, restorable = {}, obsolete = {}, left = {} }
   if (files.cow or files.cow_old) and config.kind(settings) == "origin" then
      found = examine_stores(store, state, files)
   elseif files.cow then
      -- what a snapshot's guest wrote: its stop would have dropped it
      found.obsolete = { files.cow }
   end
   -- the original of an image that was converted stays
   for _, image in ipairs(not state.registered and volume.foreign or {}) do
      if files.clean or #volume.foreign > 1 then
         found.left[#found.left + 1] = { path = image.path, reason = "there is another image of this name" }
      elseif image.format == "raw" then
         found.raw = image.path
      else
         found.convert = image
      end
   end
   return found
end

local function has_content(volume)
   return volume.files.clean or volume.files.dirty or volume.foreign or volume.revisions + volume.old_revisions > 0
end

-- what is no plain file cannot be an image
local function odd_file(volume, stats)
   for _, path in pairs(volume.files) do
      if stats[path] and stats[path].type ~= "file" then
         return ("%s is a %s, not a plain file"):format(layout.basename(path), stats[path].type)
      end
   end
end

-- why a volume cannot be taken in; nil: it can
local function obstacle(self, volume, inferred, stats)
   local ok, e = failure.catch(vid.check, volume.vid)
   local odd = odd_file(volume, stats)
   if not ok then
      return e.message
   elseif odd then
      return odd
   elseif not inferred.settings then
      return inferred.why .. "; say what it is with --only " .. volume.vid
   elseif config.kind(inferred.settings) == "origin" and not has_content(volume) then
      return "there is no image of it"
   end
   ok, e = failure.catch(config.volume, volume.vid, inferred.settings, { sizeless = true })
   if not ok then
      return e.message
   end
   local writer = volume.files.clean and self.pool.store:find_writer(volume.files.clean)
   if writer then
      return ("%s has its image open for writing"):format(writer)
   end
end

-- What is made anew at each start needs a size, and what has a history is to keep it: the next stop would prune what
-- is more than the pool's number.
local function completed(self, item, stats)
   local settings, files = item.settings, item.volume.files
   local path = files.dirty or files.clean
   local kind, keep = config.kind(settings), settings.revisions_to_keep or self.pool.config.revisions_to_keep
   if kind == "volatile" and not settings.size and path then
      settings = config.with(settings, { size = stats[path].size })
   elseif kind == "origin" and keep >= 0 and keep < item.revisions then
      settings = config.with(settings, { revisions_to_keep = item.revisions })
   end
   return settings
end

local function sorted_keys(map)
   local keys = {}
   for key in pairs(map) do
      keys[#keys + 1] = key
   end
   table.sort(keys)
   return keys
end

local function leave(self, object, reason)
   self.left[#self.left + 1] = { path = object, reason = reason }
end

local function consider(self, volume, inferred, stats)
   local reason = obstacle(self, volume, inferred, stats)
   if reason then
      return leave(self, volume.vid, reason)
   end
   local state = survey.volume(self.pool.store, volume.vid, self.pool.config)
   local item = { vid = volume.vid, volume = volume, why = inferred.why, sure = inferred.sure, restored = 0,
      registered = state.registered, settings = inferred.settings }
   local found = examine(self.pool.store, state, volume, item.settings)
   for _, left in ipairs(found.left) do
      leave(self, left.path, left.reason)
   end
   if not state.registered then
      item.convert, item.raw, item.restored = found.convert, found.raw, #found.restorable
   elseif volume.old_revisions == 0 and #found.obsolete == 0 then
      return
   end
   item.revisions = volume.revisions + volume.old_revisions + item.restored
   item.settings = completed(self, item, stats)
   self.by_vid[volume.vid] = item
end

-- sources before what depends on them; what has no source in the pool is left
local function in_order(self)
   local done = {}
   local function add(id, above)
      local item = self.by_vid[id]
      if not item or done[id] ~= nil then
         return done[id] or not item and self.pool.store:stat(layout.entry(id)) ~= nil
      end
      local source = item.settings.source
      done[id] = false
      if source and not item.registered and (above[source] or not add(source, { [id] = true })) then
         leave(self, id, ("its source %s is not in the pool"):format(source))
         return false
      end
      done[id] = true
      self.volumes[#self.volumes + 1] = item
      return true
   end
   for _, id in ipairs(sorted_keys(self.by_vid)) do
      add(id, {})
   end
end

--- Look what the directory of a pool holds that is not in its catalog.
-- @tparam pool pool
-- @tparam[opt] table known vid -> settings that are known for sure, as of `byre.adopt.qubes`
-- @treturn {table,...} volumes in the order in which they are taken in: `vid`, `settings`, `why` it is taken for what
-- it is, `sure`, `revisions` (how many), `restored` (how many of them are made from exception stores), `convert`
-- (`path`, `format`: an image to be converted), `raw` (path of an image that gets another name), `registered` (it is
-- in the catalog, and what was left to do is done)
-- @treturn {table,...} what is left alone: `path` (or vid), `reason`
-- @raise `io`, `denied`, `corrupt`
function look.tree(pool, known)
   local self = { pool = pool, by_vid = {}, volumes = {}, left = {} }
   local paths, stats = scan(pool.store, ".", {}, {})
   local volumes = tree.volumes(paths, function(path)
      return begins_as_store(pool.store, path)
   end)
   for id in pairs(known or {}) do
      volumes[id] = volumes[id] or { vid = id, files = {}, revisions = 0, old_revisions = 0 }
   end
   local inferred = infer.settings(volumes, stats, known)
   for _, id in ipairs(sorted_keys(volumes)) do
      consider(self, volumes[id], inferred[id], stats)
   end
   in_order(self)
   table.sort(self.left, function(a, b) return a.path < b.path end)
   return self.volumes, self.left
end

--- The decision about one of these volumes, from its state of then.
-- @tparam store store
-- @tparam table item one of the first list of `look.tree`
-- @treturn function state -> plan
function look.decision(store, item)
   return function(state)
      local found = examine(store, state, item.volume, item.settings)
      if item.registered then
         return decide.finish(state, found)
      end
      return decide.volume(state, config.volume(item.vid, item.settings, { sizeless = true }), found)
   end
end

return look
