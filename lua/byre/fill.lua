--- Fillers: what goes into a new file before it has a name.
--
-- Each is called with the runner, the step and the file, which the caller
-- closes, and returns what the log is to be told.
-- @module byre.fill
local core = require("byre.core")
local exception_store = require("byre.adopt.exception_store")
local failure = require("byre.failure")

local fill = {}

local check = failure.check_path

function fill.create(_, step, file)
   check(step.to, file:truncate(step.size))
end

function fill.write(_, step, file)
   check(step.to, file:write(step.data))
end

function fill.copy(self, step, file)
   if step.input then
      check(step.from, file:copy_from(step.input, { progress = self:progress(), durable = not step.volatile }))
   end
   local size = check(step.to, file:stat()).size
   if size == 0 then
      failure.raise("invalid", step.from, "is empty; an image has at least 1 byte", { path = step.from })
   elseif step.size and step.size < size then
      failure.raise("invalid", step.from, ("has %d bytes, more than the size asked for (%d)"):format(size, step.size),
         { path = step.from })
   elseif step.size and step.size > size then
      check(step.to, file:truncate(step.size))
   end
   return { bytes = step.size or size }
end

-- ZFS shares only what it has committed, which it does every 5 seconds.
local patience = 6
local first_pause, longest_pause = 0.01, 0.25

local function require_patience(progress, size, step)
   if progress and progress(0, size) == false then
      failure.raise("cancelled", step.to, "cancelled", { errno = core.errno.ECANCELED, path = step.to })
   end
end

-- Share the blocks of a source, waiting a while if that is not possible yet.
-- Returns as `file:fill_from` does.
local function share(step, file, source, options)
   local deadline, pause = core.clock() + patience, first_pause
   while true do
      local how, why, code, copy_would_do = file:fill_from(source, options)
      -- a cache that has to be waited for is made another time
      if how or code ~= core.errno.EAGAIN or step.cache or core.clock() >= deadline then
         return how, why, code, copy_would_do
      end
      require_patience(options.progress, check(step.from, source:stat()).size, step)
      core.sleep(pause)
      pause = math.min(2 * pause, longest_pause)
   end
end

-- Returns "reflinked", or "copied" and why.
local function share_or_copy(self, step, file, source)
   local options = {
      reflink = (step.cache or step.share) and "always" or self.plan.reflink or self.hooks.reflink,
      progress = self:progress(), durable = not step.volatile,
   }
   local how, why, code, copy_would_do = share(step, file, source, options)
   if how then
      return how, why
   elseif code == core.errno.EAGAIN and options.reflink ~= "always" then
      options.reflink = "never"
      check(step.to, file:fill_from(source, options))
      return "copied", ("the file system had not committed the data of the source after %d seconds"):format(patience)
   elseif copy_would_do then
      local e = failure.from_errno(step.from, why, code, { path = step.from, not_shared = true })
      e.code = "not_supported"
      e.hint = step.share and "without a budget the whole image is copied"
         or "reflink = \"auto\" makes a copy where blocks cannot be shared"
      error(e, 0)
   end
   check(step.to, how, why, code)
end

-- run a function on the source of a step; afterwards its stat and what the function returned
local function with_source(self, step, fn)
   local source = step.input or self.store:open(step.from, "r")
   local ok, first, second = pcall(fn, source)
   local stat = ok and check(step.from, source:stat())
   if not step.input then
      source:close()
   end
   if not ok then
      error(first, 0)
   end
   return stat, first, second
end

function fill.clone(self, step, file)
   local stat, how, why = with_source(self, step, function(source)
      return share_or_copy(self, step, file, source)
   end)
   if step.size and step.size ~= stat.size then
      check(step.to, file:truncate(step.size))
   end
   if step.keep_mtime then
      check(step.to, file:set_mtime(stat.mtime, stat.mtime_nsec))
   end
   return { step = how, why = why, bytes = step.size or stat.size }
end

-- put what an exception store has kept over an image
local function put_back(self, path, file, size)
   local input = self.store:open(path, "r")
   local ok, e = failure.catch(function()
      local function read(offset, length)
         return check(path, input:read(length, offset))
      end
      local store, reason = exception_store.parse(read, check(path, input:stat()).size)
      if not store then
         failure.raise("corrupt", path, reason, { path = path })
      end
      exception_store.apply(store, read, function(offset, data)
         check(path, file:write(data, offset))
      end, size)
   end)
   input:close()
   if not ok then
      error(e, 0)
   end
end

function fill.restore(self, step, file)
   local told = fill.clone(self, { from = step.from, to = step.to, size = step.size }, file)
   for _, path in ipairs(step.stores) do
      put_back(self, path, file, step.size)
   end
   check(step.to, file:set_mtime(step.time, 0))
   return { bytes = told.bytes }
end

-- Give ranges blocks of their own; where the blocks could not be shared they have them already.
local function write_ranges(self, step, file, source)
   local how = share_or_copy(self, step, file, source)
   for _, range in ipairs(how == "reflinked" and step.ranges or {}) do
      -- without the old blocks in between, the new ones can stand side by side
      check(step.to, file:punch(range[1], range[2] - range[1]))
      check(step.to, file:copy_from(source,
         { from = range[1], to = range[2], durable = true, progress = self:progress() }))
   end
end

function fill.rewrite(self, step, file)
   local stat = with_source(self, step, function(source)
      write_ranges(self, step, file, source)
   end)
   if step.keep_mtime then
      check(step.to, file:set_mtime(stat.mtime, stat.mtime_nsec))
   end
   return { bytes = step.bytes }
end

return fill
