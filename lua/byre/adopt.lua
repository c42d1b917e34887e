--- Moving in: take over, in place, a directory of images that another program has kept.
--
-- Reads pools of the Qubes drivers `file-reflink` (now, and as of 2018) and `file`, and plain directories of raw and
-- qcow2 images. Nothing is deleted but what has become something else, and what is left alone is told with a reason.
-- Interrupted at any point it can be run again.
-- @module byre.adopt
local core = require("byre.core")

local creation = require("byre.creation")
local failure = require("byre.failure")
local look = require("byre.adopt.look")
local operation = require("byre.operation")
local pool = require("byre.pool")
local qubes = require("byre.adopt.qubes")

local adopt = {}

local methods = {}
local mt = { __name = "byre.adoption", __index = methods }

local own_options = { qubes_xml = true, qubes_pool = true }

local function is_same_directory(a, b)
   if a:gsub("/+$", "") == b:gsub("/+$", "") then
      return true
   end
   local stats = {}
   for i, path in ipairs({ a, b }) do
      local handle = core.open_dir(path, { follow = true })
      stats[i] = handle and handle:stat(".")
      if handle then
         handle:close()
      end
   end
   return stats[1] ~= nil and stats[2] ~= nil and stats[1].ino == stats[2].ino and stats[1].dev == stats[2].dev
end

local function read_qubes_xml(path, dir, options)
   local file, message, errno = core.open(path, "r")
   local text
   if file then
      text, message, errno = file:read_all()
      file:close()
   end
   if not text then
      local e = failure.from_errno(path, message, errno, { path = path })
      e.code = e.code == "corrupt" and "invalid" or e.code
      error(e, 0)
   end
   return qubes.volumes(path, text, dir, { pool = options.qubes_pool, is_same = is_same_directory })
end

--- See what a directory holds and what would become of it. Nothing is changed.
-- @tparam string dir a directory of images, be it a pool already or not
-- @tparam[opt] table options `qubes_xml`: path of a qubes.xml, which knows kinds, sources and settings; `qubes_pool`:
-- name of its pool, where that is in another directory by now; and what `byre.create_pool` and `byre.open_pool` take
-- @treturn adoption with `volumes` and `left`, see `byre.adopt.look`; to be closed
-- @raise `no_such_pool`, `denied`, `io`, `corrupt`, `invalid`: the qubes.xml; `not_supported`: no LuaExpat
function adopt.propose(dir, options)
   local pool_options, own = {}, {}
   for key, value in pairs(options or {}) do
      (own_options[key] and own or pool_options)[key] = value
   end
   local opened, is_new = pool.open_or_imagine(dir, pool_options)
   local self = setmetatable({ pool = opened, is_new = is_new, dir = opened.dir, options = pool_options }, mt)
   local ok, e = pcall(function()
      local known = own.qubes_xml and read_qubes_xml(own.qubes_xml, opened.dir, own)
      self.volumes, self.left = look.tree(opened, known)
   end)
   if not ok then
      opened:close()
      error(e, 0)
   end
   return self
end

local function request_for(self, item)
   return creation.adoption_request(self.pool, item.vid, item.settings, look.decision(self.pool.store, item))
end

local function path_of(self, item)
   return self.dir .. "/" .. item.convert.path
end

--- The plans that `run` would carry out.
-- @treturn {plan,...}
function methods:plans()
   local plans = {}
   if self.is_new then
      plans[1] = pool.plan_create(self.dir, self.options)
   end
   for _, item in ipairs(self.volumes) do
      plans[#plans + 1] = item.convert and self.pool:plan_volume(item.vid, item.settings, path_of(self, item))
         or operation.plan(self.pool, request_for(self, item))
   end
   return plans
end

local function take_in(self, item)
   if item.convert then
      self.pool:create_volume_from(item.vid, item.settings, path_of(self, item), { format = item.convert.format })
   else
      operation.run(self.pool, { request_for(self, item) })
   end
end

--- Make the directory a pool, if it is none, and take the volumes in, one after the other.
-- @treturn pool to be closed by the caller
-- @treturn {table,...} volumes that could not be taken in: `volume`, `error`
-- @raise as `byre.create_pool`
function methods:run()
   if self.is_new then
      self.pool:close()
      self.pool, self.is_new = pool.create(self.dir, self.options), false
   end
   local failures = {}
   for _, item in ipairs(self.volumes) do
      local ok, e = failure.catch(take_in, self, item)
      if not ok then
         failures[#failures + 1] = { volume = item.vid, error = e }
      end
   end
   return self.pool, failures
end

--- Close the pool that was looked at.
function methods:close()
   self.pool:close()
end

mt.__close = methods.close

return adopt
