--- One plan on its way: its steps done, and taken back.
--
-- A hook may raise anything at any step, and an interrupt comes between any
-- two instructions. So the list of what takes things back already knows of a
-- change before it is made.
-- @module byre.runner
local core = require("byre.core")
local failure = require("byre.failure")
local fill = require("byre.fill")
local layout = require("byre.layout")

local runner = {}
runner.__index = runner

local verbs = {
   clone = "reflinked", copy = "copied", create = "created", write = "written", restore = "restored",
   link = "linked", rename = "renamed",
   unlink = "removed", remove_dir = "removed", make_dir = "created", resize = "resized", sync = "synced",
   rewrite = "rewritten", hint = "hinted",
}

--- tell the log what a step has done
function runner:log(step, started, fields)
   local event = {
      step = verbs[step.op], volume = self.plan.volume, operation = self.plan.operation,
      path = step.to or step.path, from = step.from, bytes = step.size, seconds = core.clock() - started,
   }
   for key, value in pairs(fields or {}) do
      event[key] = value
   end
   self.hooks.log(event)
end

function runner:progress()
   local report = self.hooks.progress
   if not report then
      return nil
   end
   return function(done, total)
      return report({ volume = self.plan.volume, operation = self.plan.operation, done = done, total = total })
   end
end

local check = failure.check_path

function runner:make_dir(step)
   local started = core.clock()
   for _, path in ipairs(self.store:make_dir(step.path)) do
      self.gone[path] = nil
      self:touch(path)
      self:push_undo(function() self.store:remove_dir(path) end)
      self:log({ op = "make_dir", path = path }, started)
   end
end

--- make the directories of a phase and fill its new files, which stay unnamed
function runner:prepare(phase)
   for _, step in ipairs(phase) do
      if step.op == "make_dir" then
         self:make_dir(step)
      elseif fill[step.op] then
         local started = core.clock()
         local file = step.file or self.store:new_file(step.to)
         self.files[step] = { file = file }
         self.files[step].told = fill[step.op](self, step, file)
         self.files[step].started = started
      end
   end
end

--- a cache that cannot be made is left out, whatever the reason
function runner:prepare_cleanup(phase)
   for _, step in ipairs(phase) do
      if fill[step.op] then
         local ok, e = failure.catch(self.prepare, self, { step })
         if not ok then
            self:forget(step)
            self.skipped[step] = true
            if not step.cache or not e.not_shared then
               self:warn(step, e)
            end
         end
      end
   end
end

function runner:warn(step, e)
   self.hooks.log({ step = "warning", volume = self.plan.volume, operation = self.plan.operation,
      path = step.to or step.path, message = tostring(e), seconds = 0 })
end

function runner:forget(step)
   local made = self.files[step]
   if made then
      made.file:close()
      self.files[step] = nil
   end
end

--- What was written to a session or an import may be lost: the next attempt to
-- sync it would succeed without the data.
function runner:remember_loss()
   self.store:mark(layout.lost(self.plan.volume))
end

--- call what makes a session durable
function runner:durably(step, fn, ...)
   local ok, result = failure.catch(fn, ...)
   if not ok then
      if result.lost and not step.volatile then
         self:remember_loss()
      end
      error(result, 0)
   end
   return result
end

--- everything whose content has to be durable before names change: {path, function} pairs
function runner:contents(phase)
   local list = {}
   for _, step in ipairs(phase) do
      if self.files[step] and not step.volatile then
         list[#list + 1] = { path = step.to, sync = function()
            check(step.to, self.files[step].file:sync())
         end }
      elseif step.op == "sync" then
         list[#list + 1] = { path = step.path, session = true, sync = function()
            local started = core.clock()
            self:durably(step, self.store.sync_file, self.store, step.path)
            self:log(step, started)
         end }
      end
   end
   return list
end

function runner:push_undo(fn)
   self.undo = { fn = fn, earlier = self.undo }
end

--- Call a function that `undo` takes back; nil: nothing can, so what was done
-- before has to stay as well. If it fails it has done nothing.
function runner:act(undo, fn, ...)
   local earlier = self.undo
   self.undo = undo and { fn = undo, earlier = earlier } or nil
   local ok, e = failure.catch(fn, ...)
   if not ok then
      self.undo = earlier
      error(e, 0)
   end
end

--- what takes a new name back; nil: the name had a file before, which is gone
function runner:undo_name(path, replace)
   if replace and self.store:stat(path) then
      return nil
   end
   return function() self.store:unlink(path) end
end

-- Appliers: change names.
local apply = {}

function apply.publish(self, step)
   local made = self.files[step]
   self:act(self:undo_name(step.to, step.replace), function()
      check(step.to, made.file:publish(step.to, step.replace))
   end)
   self:forget(step)
   self:touch(step.to)
   self:log(step, made.started, made.told)
end

function apply.link(self, step)
   local started = core.clock()
   self:act(self:undo_name(step.to, step.replace), self.store.link, self.store, step.from, step.to, step.replace)
   self:touch(step.to)
   if step.mode then
      self.store:chmod(step.to, step.mode)
   end
   self:log(step, started)
end

function apply.rename(self, step)
   local started = core.clock()
   local store = self.store
   local undo = not store:stat(step.to) and function()
      if not store:stat(step.from) then
         store:rename(step.to, step.from)
      end
   end or nil
   self:act(undo, store.rename, store, step.from, step.to)
   self:touch(step.from, layout.directory(step.from) ~= layout.directory(step.to) and "left" or nil)
   self:touch(step.to)
   self:log(step, started)
end

function apply.unlink(self, step)
   local started, earlier, removed = core.clock(), self.undo, nil
   self:act(nil, function() removed = self.store:unlink(step.path) end)
   if removed then
      self:touch(step.path)
      self:log(step, started)
   else
      self.undo = earlier
   end
end

function apply.remove_dir(self, step)
   local started = core.clock()
   if self.store:remove_dir(step.path) then
      self.gone[step.path] = true
      self:touch(step.path)
      self:log(step, started)
   end
end

-- it may not be there: a volume that was never started has no images
function apply.sync_dir(self, step)
   if self.store:stat(step.path) then
      self.directories[step.path] = self.directories[step.path] or "changed"
   end
end

function apply.resize(self, step)
   local started = core.clock()
   local before = self.store:stat(step.path)
   if before and before.size < step.size then
      -- a loop device that does not follow fails it half-way
      self:push_undo(function()
         if self.store:stat(step.path).size ~= before.size then
            self.store:resize(step.path, before.size)
         end
      end)
   else
      self.undo = nil
   end
   local devices = self:durably(step, self.store.resize, self.store, step.path, step.size)
   self:log(step, started, { loop_devices = #devices > 0 and devices or nil })
end

-- the content is the same without it
function apply.hint(self, step)
   local started = core.clock()
   local ok, e = failure.catch(self.store.set_cow_extent_size, self.store, step.path, step.size)
   if ok then
      self:log(step, started)
   else
      self:warn(step, e)
   end
end

-- another name of the file may be another volume's image
function apply.touch(self, step)
   local stat = self.store:stat(step.path)
   if stat and stat.nlink == 1 then
      self.store:touch(step.path)
   end
end

-- done before names change, by runner:prepare and runner:contents
function apply.make_dir() end
function apply.sync() end

--- The names in a directory have changed: `"left"` if one has gone from there to another place, `"changed"` else.
function runner:touch(path, how)
   local directory = layout.directory(path)
   self.directories[directory] = how or self.directories[directory] or "changed"
end

function runner:apply(phase)
   for _, step in ipairs(phase) do
      if not self.skipped[step] then
         local run = self.files[step] and apply.publish or apply[step.op]
         run(self, step)
      end
   end
end

--- Take back what can be taken back, the last thing first. The rest is whole
-- all the same, and the next operation or a check clears it.
function runner:roll_back()
   for step in pairs(self.files) do
      self:forget(step)
   end
   local entry, warnings = self.undo, {}
   self.undo = nil
   while entry do
      local ok, e = failure.catch(entry.fn)
      if not ok then
         warnings[#warnings + 1] = e
      end
      entry = entry.earlier
   end
   for _, e in ipairs(warnings) do
      self:warn({ path = e.path }, e)
   end
end

function runner:fail(e)
   e.volume = e.volume or self.plan.volume
   self.error = e
   self:roll_back()
end

--- fail by what has failed for several volumes at once: each error names its own
function runner:fail_too(e)
   if not self.error then
      self:fail(failure.new(e.code, e.object, e.message, { errno = e.errno, path = e.path }))
   end
end

--- one step of a cleanup, whose failure is a warning
function runner:clean(step)
   local ok, e = failure.catch(self.apply, self, { step })
   if not ok then
      self:forget(step)
      self:warn(step, e)
      self.incomplete = true
   end
end

--- How many files a phase makes.
function runner.new_files(phase)
   local count = 0
   for _, step in ipairs(phase) do
      count = count + (fill[step.op] and 1 or 0)
   end
   return count
end

--- Make a runner.
-- @tparam store store
-- @tparam plan plan
-- @tparam table hooks `log`, optional `progress`
-- @tparam table gone which directories were removed; one table for all that run side by side
function runner.new(store, plan, hooks, gone)
   return setmetatable({
      store = store, plan = plan, hooks = hooks, gone = gone, files = {}, skipped = {}, directories = {},
   }, runner)
end

return runner
