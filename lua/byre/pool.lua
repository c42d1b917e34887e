--- Pools: a directory of images and its catalog.
-- @module byre.pool
local core = require("byre.core")

local catalog = require("byre.catalog")
local check = require("byre.check")
local config = require("byre.config")
local create = require("byre.decide.create")
local creation = require("byre.creation")
local events = require("byre.events")
local executor = require("byre.executor")
local failure = require("byre.failure")
local files = require("byre.store.files")
local group = require("byre.group")
local hooks = require("byre.hooks")
local layout = require("byre.layout")
local listing = require("byre.listing")
local operation = require("byre.operation")
local plan = require("byre.plan")
local policies = require("byre.policies")
local policy = require("byre.policy")
local pool_directory = require("byre.pool_directory")
local pool_settings = require("byre.pool_settings")
local prune = require("byre.prune")
local request = require("byre.request")
local survey = require("byre.survey")
local transfer = require("byre.transfer")
local trash = require("byre.trash")
local usage = require("byre.usage")
local vid = require("byre.vid")
local volume = require("byre.volume")

local pool = {}

local methods = {}
local mt = { __name = "byre.pool", __index = methods }

local default_lock_timeout = 60
local errno = core.errno

local function split_options(options)
   local settings, others = {}, {}
   local ours = { log = true, progress = true, lock_timeout = true, setup_check = true, policy_child = true,
      hooks = true, hooks_file = true }
   for key, value in pairs(options or {}) do
      (ours[key] and others or settings)[key] = value
   end
   assert(others.log == nil or type(others.log) == "function", "log: a function")
   assert(others.progress == nil or type(others.progress) == "function", "progress: a function")
   others.hooks = others.hooks and hooks.check("hooks", others.hooks)
   assert(others.hooks_file == nil or type(others.hooks_file) == "boolean", "hooks_file: true or false")
   assert(others.lock_timeout == nil or type(others.lock_timeout) == "number", "lock_timeout: seconds")
   return settings, others
end

local function new_pool(store, dir, settings, others)
   local self = setmetatable({
      store = store, dir = dir, config = settings, progress = others.progress,
      hooks = others.hooks, hooks_file = others.hooks_file ~= false,
      lock_timeout = others.lock_timeout or default_lock_timeout, policy_child = others.policy_child == true,
   }, mt)
   self.keeps_events = events.are_kept(self)
   self.log = events.keeping(self, others.log or function() end)
   return self
end

local function plan_new(dir, settings)
   return plan.new("init", dir, {
      plan.phase({}, plan.make_dir(layout.catalog), plan.make_dir(layout.directory(layout.lock(""))),
         plan.write(layout.pool_file, catalog.encode_pool(settings, nil))),
   })
end

function pool.create(dir, options)
   assert(type(dir) == "string", "a pool directory is a string")
   local settings, others = split_options(options)
   dir = pool_directory.normalise(dir)
   settings = config.pool(dir, settings)
   local handle, undo, parent = pool_directory.make(dir)
   local self = new_pool(files.new(handle, dir), dir, settings, others)
   local hooked, call = nil, { operation = "init" }
   local ok, e = pcall(function()
      pool_directory.require_own(self.store, dir)
      if self.store:stat(layout.pool_file) then
         failure.raise("exists", dir, "there is a pool already", { path = dir })
      elseif others.setup_check ~= false then
         pool_directory.require_reflinks(dir, handle)
      end
      pool_directory.require_cow_extent_size(self.store, dir, settings.cow_extent_size)
      local the_plan = plan_new(dir, settings)
      hooked, call.plan = hooks.of(self), the_plan
      hooks.before(self, hooked, call)
      local failed = executor.run(self.store, { the_plan }, self)[the_plan]
      if failed then
         failed.volume = nil
         error(failed, 0)
      end
      failure.check_path(dir, parent:sync())
   end)
   if not ok then
      handle:close()
      if undo then
         undo()
      end
      error(e, 0)
   end
   parent:close()
   hooks.after(self, hooked, call)
   return self
end

function pool.plan_create(dir, options)
   assert(type(dir) == "string", "a pool directory is a string")
   dir = pool_directory.normalise(dir)
   local settings = split_options(options)
   return plan_new(dir, config.pool(dir, settings))
end

-- a pool on a directory; `settings_of(store)` reads what counts there
local function open_with(dir, others, settings_of)
   local store = pool_directory.open_store(dir)
   local ok, result = pcall(function()
      pool_directory.require_own(store, dir)
      return settings_of(store)
   end)
   if not ok then
      store:close()
      error(result, 0)
   end
   return new_pool(store, dir, result, others)
end

function pool.open(dir, options)
   assert(type(dir) == "string", "a pool directory is a string")
   local settings, others = split_options(options)
   assert(next(settings) == nil, "open_pool takes log, progress, lock_timeout, hooks, hooks_file and policy_child")
   dir = pool_directory.normalise(dir)
   return open_with(dir, others, function(store)
      local text = store:read(layout.pool_file)
      if not text then
         failure.raise("no_such_pool", dir, "is not a pool (it has no " .. layout.pool_file .. ")",
            { errno = errno.ENOENT, path = dir, hint = "make it one with: byre init " .. dir })
      end
      return (catalog.decode_pool(layout.pool_file, text))
   end)
end

-- Open a pool, or a directory as the pool that it would be with these settings.
-- Returns true as well if it is none yet.
function pool.open_or_imagine(dir, options)
   assert(type(dir) == "string", "a pool directory is a string")
   local settings, others = split_options(options)
   dir = pool_directory.normalise(dir)
   local is_new
   return open_with(dir, others, function(store)
      local text = store:read(layout.pool_file)
      is_new = text == nil
      return is_new and config.pool(dir, settings) or (catalog.decode_pool(layout.pool_file, text))
   end), is_new
end

--- Volumes of the pool, in the order of their vids, as a stream.
-- @tparam[opt] string pattern `*` stands for any characters, `?` for one
-- @treturn function iterator of volumes
function methods:volumes(pattern)
   assert(pattern == nil or type(pattern) == "string", "a pattern is a string")
   local wanted = pattern and vid.glob(pattern)
   local names = listing.new(self.store)
   return coroutine.wrap(function()
      listing.each_vid(self.store, function(id)
         if not wanted or id:find(wanted) then
            local current = volume.new(self, id, names)
            coroutine.yield(current)
            current.listing = nil
         end
      end)
   end)
end

--- A volume of the pool.
-- @tparam string id its vid
-- @treturn volume
-- @raise `invalid`, `no_such_volume`, `corrupt`
function methods:volume(id)
   vid.check(id)
   if not survey.entry(self.store, id, self.config) then
      survey.existing(self, id)
   end
   return volume.new(self, id)
end

--- Make a volume.
-- @tparam string id its vid
-- @tparam table settings see `config.volume`
-- @treturn volume
-- @raise `invalid`, `exists`, `no_such_volume` (the source), `no_space`, `io`
function methods:create_volume(id, settings)
   operation.run(self, { creation.request(self, id, settings, nil, create.new) })
   return volume.new(self, id)
end

-- the vids of a list of vids or volumes, each once
local function distinct(list)
   assert(type(list) == "table", "a list of volumes")
   local ids, known = {}, {}
   for _, item in ipairs(list) do
      local id = type(item) == "string" and item or item.vid
      ids[#ids + 1] = not known[id] and id or nil
      known[id] = true
   end
   return ids, known
end

--- Make volumes of the same settings in one batch; their syncs are shared.
-- If some cannot be made the others are all the same; the error raised has `failures` and `done`.
-- @tparam {string,...} list their vids
-- @tparam table settings see `config.volume`
-- @treturn table vid -> volume
-- @raise as `create_volume`
function methods:create_volumes(list, settings)
   local requests, memo, made = {}, {}, {}
   for i, id in ipairs(distinct(list)) do
      requests[i] = creation.request(self, id, settings, nil, create.new, memo)
   end
   for _, done in ipairs(operation.run(self, requests)) do
      made[done.vid] = volume.new(self, done.vid)
   end
   return made
end

--- Make a volume with the content of a file, a block device or a pipe: it is there whole, or not at all.
-- @tparam string id its vid
-- @tparam table settings see `config.volume`; `size`: nil for that of the content
-- @tparam string path `"-"`: standard input
-- @tparam[opt] table options `format`: `"raw"`, or one that qemu-img reads (default: by the ending of the name)
-- @treturn volume
-- @raise as `create_volume` and `volume:import_file`
function methods:create_volume_from(id, settings, path, options)
   operation.plan(self, creation.request_from(self, id, settings, path))
   transfer.with_content(self, id, path, options or {}, function(content)
      operation.run(self, { creation.request_from(self, id, settings, path, content) })
   end)
   return volume.new(self, id)
end

--- The plan of `create_volume`, or with a path of `create_volume_from`.
function methods:plan_volume(id, settings, path)
   return operation.plan(self, path and creation.request_from(self, id, settings, path)
      or creation.request(self, id, settings, nil, create.new))
end

--- Take in a volume whose images stand in the pool directory already. No image is changed.
-- @tparam string id
-- @tparam table settings as for `create_volume`; the size is the images' own
-- @treturn volume
-- @raise `invalid`, `exists`
function methods:adopt_volume(id, settings)
   operation.run(self, { creation.adoption_request(self, id, settings) })
   return volume.new(self, id)
end

--- The plan of `adopt_volume`.
function methods:plan_adopt(id, settings)
   return operation.plan(self, creation.adoption_request(self, id, settings))
end

--- The volumes of a group.
-- @tparam string name the vid of its volumes without the last component
-- @treturn group
-- @raise `invalid`
function methods:group(name)
   return group.new(self, vid.check_group(name))
end

-- vids or volumes -> requests, one for each volume
local function requests_for(self, name, list, options)
   local ids, known = distinct(list)
   local requests = {}
   for i, id in ipairs(ids) do
      requests[i] = request[name](self, id, options, name == "remove" and known or nil)
   end
   return requests
end

local function batch(name)
   return function(self, list, options)
      local requests = requests_for(self, name, list, options)
      local results = {}
      for _, done in ipairs(operation.run(self, requests)) do
         results[done.vid] = done.value or true
      end
      return results
   end
end

--- Operations on many volumes in one batch; their syncs are shared.
-- Each takes a list of vids or volumes and the options of the volume's own
-- method, and returns a table vid -> result. If some fail the rest is done all
-- the same; the error raised has `failures` and `done`.
-- @function start
methods.start = batch("start")
-- @function stop
methods.stop = batch("stop")
-- @function remove
methods.remove = batch("remove")
-- @function snapshot
methods.snapshot = batch("snapshot")
-- @function revert
methods.revert = batch("revert")

--- Space of the file system that holds the pool.
-- @treturn table `size`, `used`, `free`, bytes
function methods:usage()
   return self.store:usage()
end

--- Where the space went: reads the maps of the images of the pool.
-- @tparam[opt] {string,...} vids of the volumes that will be asked about (default: all); where the file system does not
-- tell who else shares with their images all are read
-- @treturn usage see `byre.usage`
-- @raise `io`, `denied`
function methods:space(vids)
   return hooks.around(self, { operation = "space" }, function()
      return usage.of(self, vids)
   end)
end

--- Look for everything that is wrong with the pool.
-- @tparam[opt] table options `repair = true`: mend what can be mended without guessing
-- @treturn {table,...} findings: `code`, `volume`, `path`, `message`, `repaired`
function methods:check(options)
   return check.pool(self, options or {})
end

--- Take over what another process may have changed in the pool's settings.
function methods:refresh()
   local stat = self.store:stat(layout.pool_file)
   local seen = self.settings_seen
   if stat and not (seen and seen.ino == stat.ino and seen.ctime == stat.ctime and seen.ctime_nsec == stat.ctime_nsec)
   then
      self.config = catalog.decode_pool(layout.pool_file, self.store:read(layout.pool_file))
      self.settings_seen = stat
   end
   self.keeps_events = events.are_kept(self)
end

--- Change settings of the pool. What is running stays as it is; the next operation goes by them, in every process.
-- @function set
-- @tparam table changes those of `config.pool` but the policies; `false` takes one away that has no default
-- @tparam[opt] table options `dry_run`: only say what would be done
-- @treturn plan
-- @raise `invalid`, `busy`, `io`
methods.set = pool_settings.set

--- Remove what policies let go. Volumes without a policy are pruned to their number of revisions to keep.
-- @tparam[opt] table options `dry_run`: only say what would go; `volumes`: these; `pattern`: those whose vids fit;
-- `confirm`: the hash of a plan that somebody has agreed to; `policy`: with `dry_run`, the text of another policy;
-- `trash = false`: what goes goes for good, also where there is a trash
-- @treturn table `volumes`, `failures`, `hash`, see `prune.run`
-- @raise `policy`: the plan is another one than was agreed to; `invalid`: a policy that does not load
function methods:prune(options)
   options = config.with(options or {}, {})
   options.policy = options.policy and policy.new(options.policy_name or "policy", options.policy)
   return prune.run(self, options)
end

--- What is in the trash of the pool.
-- @function trash
-- @tparam[opt] string pattern of vids
-- @tparam[opt] table options as for `volume:trash`
-- @treturn function iterator of tables as of `volume:trash`
-- @raise `corrupt`
methods.trash = trash.of_pool

--- Empty the trash, whatever its age is.
-- @function empty_trash
-- @tparam[opt] table options `volumes`: these; `pattern`: those whose vids fit (default: all); `dry_run`
-- @treturn {plan,...} of the volumes where something went
-- @raise `no_such_volume`, `busy`, `io`
methods.empty_trash = trash.empty

--- When was a policy last applied?
-- @treturn ?integer epoch; nil: never
-- @raise `corrupt`
function methods:last_prune()
   local text = self.store:read(layout.clock)
   return text and catalog.decode_clock(layout.clock, text).latest
end

--- Keep a policy in the pool, and use it for all volumes that have none of their own.
-- @function set_policy
-- @tparam string name letters, digits and `_ . -`
-- @tparam ?string text nil: it is in the pool already
-- @tparam[opt] table options `pattern`: only for volumes whose vids fit; `unused`: only keep it; `dry_run`: only say
-- what would be done
-- @treturn plan
-- @raise `invalid`: the policy does not load, or a volume would have two of them; `io`
methods.set_policy = policies.set

--- Use no policy any more.
-- @function unset_policy
-- @tparam[opt] table options `pattern`: for these volumes (default: the pool's own); `dry_run`
-- @treturn plan
-- @raise `invalid`
methods.unset_policy = policies.unset

--- Keep a policy no more.
-- @function delete_policy
-- @tparam string name
-- @tparam[opt] table options `dry_run`
-- @treturn plan
-- @raise `invalid`: there is none, or it is in use
methods.delete_policy = policies.delete

--- The policies that the pool keeps.
-- @function policies
-- @treturn {table,...} `name`, `hash`, `text`, `default` (boolean), `patterns` (a list)
methods.policies = policies.list

--- Close the pool. Volumes of it cannot be used any more.
function methods:close()
   self.store:close()
end

mt.__close = methods.close

function mt.__tostring(self)
   return "byre.pool: " .. self.dir
end

return pool
