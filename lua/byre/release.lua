--- Moving out: give a pool back as a plain tree of images, as `file-reflink` keeps it.
-- @module byre.release
local decide = require("byre.decide.release")
local executor = require("byre.executor")
local failure = require("byre.failure")
local hooks = require("byre.hooks")
local layout = require("byre.layout")
local listing = require("byre.listing")
local operation = require("byre.operation")
local pool = require("byre.pool")
local survey = require("byre.survey")
local vid = require("byre.vid")

local release = {}

local function add_own(store, path, own)
   for name, kind in store:each(path) do
      local full = path .. "/" .. name
      if kind == "directory" then
         add_own(store, full, own)
      elseif full ~= layout.pool_file and full ~= layout.released_file then
         own.files[#own.files + 1] = full
      end
   end
   own.directories[#own.directories + 1] = path
end

local function own_files(store, released)
   local own = { files = {}, directories = {}, released = released }
   add_own(store, layout.home, own)
   return own
end

local function vids_of(store)
   local vids, modes = {}, {}
   listing.each_vid(store, function(id)
      vids[#vids + 1] = id
      modes[vid.group(id)] = "exclusive"
   end)
   return vids, modes
end

local function plan_now(opened, vids, released)
   local states = {}
   for i, id in ipairs(vids) do
      states[i] = survey.volume(opened.store, id, opened.config)
   end
   return decide(opened.dir, states, own_files(opened.store, released))
end

-- call a function with the pool; one whose release was cut short is a pool still
local function with_pool(dir, options, fn)
   local opened, is_none = pool.open_or_imagine(dir, options)
   local ok, result = pcall(function()
      local released = is_none and opened.store:stat(layout.released_file) ~= nil
      if is_none and not released then
         failure.raise("no_such_pool", opened.dir, "is not a pool", { path = opened.dir })
      end
      return fn(opened, released)
   end)
   opened:close()
   if not ok then
      error(result, 0)
   end
   return result
end

--- The plan of `release.pool`; nothing is changed.
-- @tparam string dir
-- @treturn plan
-- @raise `no_such_pool`, `not_supported`, `denied`, `corrupt`
function release.plan(dir)
   return with_pool(dir, {}, function(opened, released)
      return plan_now(opened, (vids_of(opened.store)), released)
   end)
end

--- Make a pool a plain tree of images: `.byre` goes, with kinds, settings, notes and holds; images and revisions stay
-- as they are. Interrupted, it can be run again.
-- @tparam string dir
-- @tparam[opt] table options what `byre.open_pool` takes
-- @raise `no_such_pool`; `not_supported`: something was cut short; `busy`, `denied`, `corrupt`, `io`
function release.pool(dir, options)
   with_pool(dir, options or {}, function(opened, released)
      local hooked, call = hooks.of(opened), { operation = "release" }
      local vids, modes = vids_of(opened.store)
      operation.locked(opened, modes, function()
         local the_plan = plan_now(opened, vids, released)
         call.plan = the_plan
         hooks.before(opened, hooked, call)
         local failed = executor.run(opened.store, { the_plan }, { log = opened.log })[the_plan]
         if failed then
            error(failed, 0)
         end
      end)
      hooks.after(opened, hooked, call)
   end)
end

return release
