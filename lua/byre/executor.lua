--- Do: run plans. Nothing else touches images.
--
-- Several plans run side by side: first phase of all, one barrier, second
-- phase of all, and so on, so that many volumes cost as few syncs as one.
-- A plan that fails before its commit point is undone and stops; the others
-- go on. After the commit point nothing fails any more: what goes wrong in
-- the cleanup is logged as a warning.
-- @module byre.executor
local failure = require("byre.failure")
local layout = require("byre.layout")
local runner = require("byre.runner")

local executor = {}

-- From this many files or directories on, one sync of the file system is
-- cheaper than one each (measured: 4 on XFS and ext4, 10 on btrfs).
local many = 6

-- How many new files are open at a time: well below the 1,024 descriptors that
-- a process may have open as a rule.
local open_files = 400

-- Call a method of every runner that is still in order with its phase; a
-- failure ends that runner.
local function each(active, method)
   for _, self in ipairs(active) do
      if not self.error then
         local ok, e = failure.catch(method, self, self.phase)
         if not ok then
            self:fail(e)
         end
      end
   end
end

-- Call a function; an error that is none of ours undoes all runners, the last one first: it has names in directories
-- that an earlier one has made.
local function guarded(active, fn, ...)
   local ok, e = pcall(fn, ...)
   if not ok then
      for i = #active, 1, -1 do
         active[i]:roll_back()
      end
      error(e, 0)
   end
end

-- if one has failed, undo the others as well
local function fail_together(runners)
   local cause
   for _, self in ipairs(runners) do
      cause = cause or self.error
   end
   for i = cause and #runners or 0, 1, -1 do
      if not runners[i].error then
         runners[i]:fail(failure.new(cause.code, cause.object, cause.message, cause))
      end
   end
end

-- Which of a list of {directory} are made durable by one sync of the pool's file
-- system, and which one by one: few, or such that are on another one. After a
-- failure that sync says nothing any more (see `store:sync_all`).
local function shared(store, list)
   if #list < many or store.doubtful then
      return {}, list
   end
   local together, apart = {}, {}
   for _, item in ipairs(list) do
      table.insert(store:sync_all_covers(item.directory) and together or apart, item)
   end
   if #together < many then
      return {}, list
   end
   return together, apart
end

local function sync_each(list)
   for _, item in ipairs(list) do
      if not item.runner.error then
         local ok, e = failure.catch(item.sync)
         if not ok then
            item.runner:fail(e)
         end
      end
   end
end

-- A sync of the file system has failed: everything it was for has, but for
-- sessions that were listened to since before: each of them tells for itself.
local function fail_all(store, list, e)
   for _, item in ipairs(list) do
      if item.session and store:is_watched(item.path) then
         sync_each({ item })
      else
         if item.session then
            item.runner:remember_loss()
         end
         item.runner:fail_too(e)
      end
   end
end

-- Make a list of {runner, directory, sync} durable, by one sync of the file system when there are many.
local function persist(store, list)
   local together, apart = shared(store, list)
   sync_each(apart)
   if #together > 0 then
      local ok, e = failure.catch(store.sync_all, store)
      if not ok then
         fail_all(store, together, e)
      end
   end
end

local function contents(active)
   local list = {}
   for _, self in ipairs(active) do
      if not self.error then
         for _, item in ipairs(self:contents(self.phase)) do
            item.runner = self
            item.directory = layout.directory(item.path)
            list[#list + 1] = item
         end
      end
   end
   return list
end

-- Directories whose names changed, each once, with those who changed them.
-- Those that a name has left for another one come first: on btrfs the sync of
-- the other one alone would leave the name in both.
local function names(store, active)
   local by_path, list = {}, {}
   for _, self in ipairs(active) do
      if not self.error and self.phase.sync then
         for path, how in pairs(self.directories) do
            -- another plan may have removed it meanwhile: that it is gone has to be durable then
            while self.gone[path] do
               path = layout.directory(path)
            end
            if not by_path[path] then
               by_path[path] = { directory = path, runners = {} }
               list[#list + 1] = by_path[path]
            end
            by_path[path].left = by_path[path].left or how == "left"
            table.insert(by_path[path].runners, self)
         end
      end
   end
   table.sort(list, function(a, b)
      if a.left ~= b.left then
         return a.left
      end
      return a.directory < b.directory
   end)
   for _, item in ipairs(list) do
      item.sync = function() store:sync_directory(item.directory) end
   end
   return list
end

-- The barrier. A failed sync is final: what is on the disk now is unknown but
-- whole, and nothing is undone by guessing.
local function barrier(store, active)
   local function persist_names(list, sync)
      local ok, e = failure.catch(sync, store)
      for _, item in ipairs(ok and {} or list) do
         for _, self in ipairs(item.runners) do
            self.undo = nil
            self:fail_too(e)
         end
      end
   end
   local together, apart = shared(store, names(store, active))
   for _, item in ipairs(apart) do
      persist_names({ item }, item.sync)
   end
   if #together > 0 then
      persist_names(together, store.sync_all)
   end
   for _, self in ipairs(active) do
      if self.phase.sync then
         self.directories = {}
      end
   end
end

-- parts of a list of runners whose phases do not make too many files at once
local function portions(active)
   local list, room = {}, 0
   for _, self in ipairs(active) do
      room = room - runner.new_files(self.phase)
      if room < 0 or #list == 0 then
         list[#list + 1] = {}
         room = open_files - runner.new_files(self.phase)
      end
      table.insert(list[#list], self)
   end
   return list
end

-- With `together` what fails before names change is the failure of all.
local function run_phase(store, active, together)
   for i, part in ipairs(portions(active)) do
      each(part, runner.prepare)
      persist(store, contents(part))
      if together and i == 1 then
         fail_together(active)
      end
      each(part, runner.apply)
   end
   barrier(store, active)
end

-- The phase that has the first commit point. From there on nothing is undone for the sake of others: what takes names
-- back is not durable, and the names may be.
local function first_commit(runners)
   local first = math.huge
   for _, self in ipairs(runners) do
      first = math.min(first, self.plan.commit)
   end
   return first
end

local function run_phases(store, runners, all_or_none)
   local index, last_together = 1, all_or_none and first_commit(runners) or 0
   while true do
      local together = index <= last_together
      if together then
         fail_together(runners)
      end
      local active = {}
      for _, self in ipairs(runners) do
         self.phase = not self.error and self.plan.phases[index]
         if self.phase and not self.phase.cleanup then
            active[#active + 1] = self
         end
      end
      if #active == 0 then
         return
      end
      guarded(active, run_phase, store, active, together)
      index = index + 1
   end
end

local function clean_portion(store, part)
   for _, self in ipairs(part) do
      self:prepare_cleanup(self.phase)
   end
   persist(store, contents(part))
   for _, self in ipairs(part) do
      for _, step in ipairs(self.error and {} or self.phase) do
         self:clean(step)
      end
   end
end

local function clean_phase(store, active)
   for _, part in ipairs(portions(active)) do
      clean_portion(store, part)
   end
   barrier(store, active)
   for _, self in ipairs(active) do
      if self.error then
         self:warn({ path = self.error.path }, self.error)
         self.error = nil
         self.incomplete = true
      end
   end
end

-- A phase relies on the one before: the mark of a removal stays as long as one
-- of the images.
local function run_cleanup(store, runners)
   local index = 1
   repeat
      local active = {}
      for _, self in ipairs(runners) do
         self.phase = not self.incomplete and self.plan.phases[self.plan.commit + index]
         -- from the commit point on there is no way back
         self.undo = nil
         if self.phase then
            active[#active + 1] = self
         end
      end
      guarded(active, clean_phase, store, active)
      index = index + 1
   until #active == 0
end

--- Run plans side by side.
-- @tparam store store
-- @tparam {plan,...} plans
-- @tparam table hooks `log(event)`, optional `progress(event)` (false: cancel), `reflink` (of plans that say none),
-- `all_or_none` (a plan that fails before the first commit point fails all)
-- @treturn {[plan]=error,...} the error of each plan that did not reach its commit point
function executor.run(store, plans, hooks)
   local runners, errors, gone = {}, {}, {}
   for i, plan in ipairs(plans) do
      runners[i] = runner.new(store, plan, hooks, gone)
   end
   run_phases(store, runners, hooks.all_or_none)
   local done = {}
   for _, self in ipairs(runners) do
      errors[self.plan] = self.error
      if not self.error then
         done[#done + 1] = self
      end
   end
   run_cleanup(store, done)
   return errors
end

return executor
