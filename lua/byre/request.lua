--- Requests: which decision an operation on one volume takes, and its result.
--
-- Every function takes the pool, a vid and the operation's arguments and
-- returns what `operation.run` and `operation.plan` take.
-- @module byre.request
local catalog = require("byre.catalog")
local config = require("byre.config")
local copies = require("byre.decide.copies")
local create = require("byre.decide.create")
local defrag = require("byre.decide.defrag")
local failure = require("byre.failure")
local import = require("byre.decide.import")
local layout = require("byre.layout")
local listing = require("byre.listing")
local plan = require("byre.plan")
local on_full = require("byre.on_full")
local policy = require("byre.policy")
local pool_directory = require("byre.pool_directory")
local prune = require("byre.prune")
local rename = require("byre.decide.rename")
local resize = require("byre.decide.resize")
local revert = require("byre.decide.revert")
local start = require("byre.decide.start")
local stop = require("byre.decide.stop")
local survey = require("byre.survey")
local trash = require("byre.trash")
local units = require("byre.units")
local vid = require("byre.vid")

local request = {}

local function options_table(options)
   assert(options == nil or type(options) == "table", "options are a table")
   return options or {}
end

-- Hear of write errors from now on, of an image that somebody is going to fill; as well as can be.
local function listen(pool, id, role, name)
   local ok, e = failure.catch(pool.store.watch, pool.store, layout.image(id, role))
   if not ok then
      pool.log({ step = "warning", volume = id, operation = name, path = e.path, message = tostring(e), seconds = 0 })
   end
end

-- options of a call that makes images; `reflink` among them is for this call
local function image_options(id, options)
   options = options_table(options)
   return options, config.reflink(id, options.reflink)
end

function request.start(pool, id, options)
   local _, reflink = image_options(id, options)
   local self = { vid = id, decide = start, fixed_names = true, source_copy = true, reflink = reflink }
   function self.result()
      if self.state.config.save_on_stop then
         listen(pool, id, "dirty", "start")
      end
      return pool.dir .. "/" .. layout.image(id, "dirty")
   end
   function self.make_space(failed, requests)
      return on_full.make_space(pool, failed, requests)
   end
   return self
end

function request.stop(pool, id, options)
   options = options_table(options)
   local self = { vid = id, reads = false, fixed_names = true }
   function self.decide(state)
      return stop(state, options)
   end
   function self.afterwards()
      if self.state.config.policies and #self.state.config.policies > 0 and self.plan.commit > 0 then
         prune.after_stop(pool, id)
      end
   end
   return self
end

-- source -> one of the volumes that depend on it, but for those of a set
local function dependents(pool, set)
   local map = {}
   listing.each_vid(pool.store, function(other)
      -- a damaged entry counts as long as this can be read
      local ok, source = failure.catch(survey.source, pool.store, other)
      if ok and source and not set[other] then
         map[source] = map[source] or other
      end
   end)
   return map
end

local function require_independent(id, map, what)
   if map[id] then
      failure.raise("not_supported", id, ("cannot %s: it is the source of %s"):format(what, map[id]), { volume = id })
   end
end

-- `together` is shared by the requests of a batch: what goes at once may depend on one another
function request.remove(pool, id, options, together)
   options = options_table(options)
   together = together or { [id] = true }
   return { vid = id, reads = false, may_be_missing = true, decide = function(state)
      if state.registered then
         if state.config.save_on_stop and not options.force then
            together.dependents = together.dependents or dependents(pool, together)
            require_independent(id, together.dependents, "remove")
         end
         return create.remove(state)
      elseif state.removed then
         return create.finish_removal(state)
      end
      survey.require(state)
   end }
end

-- batches hand over their options only, a volume the id as well
function request.revert(_, id, options, revision)
   options = options_table(options)
   return { vid = id, reads = false, decide = function(state)
      return revert.to(state, revision, options)
   end }
end

function request.remove_revision(_, id, revision, options)
   options = options_table(options)
   return { vid = id, reads = false, decide = function(state)
      return revert.remove_revision(state, revision, options)
   end }
end

request.restore = trash.restore_request
request.empty_trash = trash.empty_request

function request.snapshot(_, id, wanted)
   local options, reflink = image_options(id, wanted)
   wanted = config.with(options, {})
   wanted.reflink = nil
   local self = { vid = id, reads = false, reflink = reflink }
   function self.decide(state)
      local the_plan, seq = copies.snapshot(state, wanted)
      self.seq = seq
      return the_plan
   end
   function self.result()
      return tostring(self.seq)
   end
   return self
end

function request.annotate(_, id, revision, wanted)
   assert(type(wanted) == "table", "notes are a table")
   return { vid = id, reads = false, decide = function(state)
      return copies.annotate(state, revision, wanted)
   end }
end

function request.resize(_, id, size, options)
   local reflink
   options, reflink = image_options(id, options)
   size = units.parse_image_size(size)
   return { vid = id, reads = false, reflink = reflink, decide = function(state)
      return resize(state, size, options)
   end }
end

function request.prune(pool, id, options)
   return prune.request(pool, id, options_table(options))
end

local function check_budget(id, budget)
   if budget == nil or math.type(budget) == "integer" and budget > 0 then
      return budget
   end
   failure.raise("invalid", id, "budget: must be an integer of 1 byte or more, not " .. failure.quote(tostring(budget)),
      { volume = id })
end

function request.defrag(pool, id, options)
   options = options_table(options)
   local budget = options.budget
   budget = check_budget(id, type(budget) == "string" and units.parse_size(budget) or budget)
   return { vid = id, reads = false, decide = function(state)
      state.regions = state.files.clean and pool.store:regions(state.paths.clean, defrag.region_size)
      state.free = pool.store:usage().free
      return defrag.plan(state, { budget = budget })
   end }
end

-- `false` takes it away
local settable = { revisions_to_keep = "removable", retention = "removable", cow_extent_size = "removable",
   trash = "removable", rw = true, ephemeral = true }

-- what a running session's image is to be told of changed settings
local function hint_session(pool, state, settings)
   local bytes = config.effective(settings, pool.config, state.vid).cow_extent_size
   return state.files.dirty and plan.hint(state.paths.dirty, bytes or 0) or nil
end

--- Change settings of a volume; `false` for `revisions_to_keep`, `retention`, `cow_extent_size` and `trash` goes back
-- to the pool's.
function request.set(pool, id, changes)
   assert(type(changes) == "table", "settings are a table")
   return { vid = id, reads = false, decide = function(state)
      local settings = config.with(state.config.own, {})
      for key, value in pairs(changes) do
         if not settable[key] then
            failure.raise("invalid", id, ("there is no setting %s that can be changed"):format(
               failure.quote(tostring(key))), { volume = id,
               hint = "revisions_to_keep, retention, cow_extent_size, trash, rw and ephemeral can" })
         end
         settings[key] = value
         if settable[key] == "removable" and value == false then
            settings[key] = nil
         end
      end
      settings = config.volume(id, settings, { sizeless = true })
      policy.require(pool.store, changes.retention)
      pool_directory.require_cow_extent_size(pool.store, id, changes.cow_extent_size and settings.cow_extent_size)
      return plan.new("set", id, {
         plan.phase({}, plan.write(layout.entry(id), catalog.encode_volume(settings, state.raw)),
            changes.cow_extent_size ~= nil and hint_session(pool, state, settings)),
      })
   end }
end

-- `together` is shared by the requests of a batch: what is the same for all of them, once they have the locks
function request.rename(pool, id, new, options, together)
   local reflink
   options, reflink = image_options(id, options)
   vid.check(new)
   together = together or {}
   return { vid = id, also = { new }, reads = false, reflink = reflink, decide = function(state)
      together.dependents = together.dependents or dependents(pool, {})
      require_independent(id, together.dependents, "rename")
      return rename(state, survey.volume(pool.store, new, pool.config, together.look), {
         state = options.state,
         crosses_device = not pool.store:can_link(layout.group_directory(id), layout.group_directory(new),
            together.look and together.look.memo),
      })
   end }
end

--- Other names for all volumes of a group; all of them or none.
-- @treturn {request,...}
function request.rename_group(pool, volumes, group, options)
   vid.check_group(group)
   local together = { look = { memo = {}, listing = listing.new(pool.store), entries = listing.new(pool.store) } }
   local requests = { all_or_none = true }
   for i, volume in ipairs(volumes) do
      local new = (group == "" and "" or group .. "/") .. volume.name
      requests[i] = request.rename(pool, volume.vid, new, options, together)
   end
   return requests
end

function request.clone(pool, id, new, options)
   local reflink
   options, reflink = image_options(id, options)
   vid.check(new)
   return { vid = new, reads = id, may_be_missing = true, reflink = reflink, decide = function(state)
      local source = survey.existing(pool, id)
      local content
      if source.config.save_on_stop and (source.files.clean or not source.config.snap_on_start) or options.revision then
         content = plan.clone(copies.image(source, options), layout.image(new, "clean"), { keep_mtime = true })
      end
      state.config = source.config
      local the_plan = create.new(state, source.config.own, content)
      the_plan.operation = "clone"
      return the_plan
   end }
end

function request.import_data(pool, id, size)
   size = units.parse_image_size(size)
   return { vid = id, reads = false, decide = function(state)
      return import.begin(state, size)
   end, result = function()
      listen(pool, id, "import", "import_data")
      return pool.dir .. "/" .. layout.image(id, "import")
   end }
end

function request.import_data_end(_, id, success, options)
   assert(type(success) == "boolean", "success: true commits the import, false drops it")
   options = options_table(options)
   return { vid = id, reads = false, decide = function(state)
      return import.finish(state, success, options)
   end }
end

--- Content from another volume of the same pool.
function request.import_volume(pool, id, source, options)
   local reflink
   options, reflink = image_options(id, options)
   return { vid = id, reads = source, reflink = reflink, decide = function(state)
      local other = survey.existing(pool, source)
      local path = copies.image(other, options)
      return import.replace(state, "import_volume", options, function(to, step_options)
         return plan.clone(path, to, step_options)
      end)
   end }
end

--- Content from an open file of another pool.
function request.import_foreign(_, id, name, input, options)
   local reflink
   options, reflink = image_options(id, options)
   return { vid = id, reads = false, reflink = reflink, decide = function(state)
      return import.replace(state, "import_volume", options, function(to, step_options)
         step_options.input = input
         return plan.clone(name, to, step_options)
      end)
   end }
end

--- Content from whatever can be read; the plan can be made without `content`, the options of `transfer.with_content`.
function request.import_file(_, id, name, options, content)
   options = options_table(options)
   local size = options.size and units.parse_image_size(options.size)
   return { vid = id, reads = false, decide = function(state)
      return import.replace(state, "import_file", options, function(to, step_options)
         step_options = config.with(step_options, content or {})
         step_options.size = size
         return plan.copy(name == "-" and "standard input" or name, to, step_options)
      end)
   end }
end

return request
