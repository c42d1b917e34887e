--- What every verb gets: the pool, the output, and ways to talk to the user.
-- @module byre.command.context
local output = require("byre.command.output")
local report = require("byre.command.report")

local context = {}

local methods = {}
local mt = { __name = "byre.command.context", __index = methods }

--- Make a context.
-- @tparam string verb
-- @tparam table options the global options as parsed
-- @treturn context with the fields `verb`, `options`, `out`
function context.new(verb, options)
   local self = setmetatable({ verb = verb, options = options, out = output.new(options) }, mt)
   function self.out.before_write()
      self:clear_progress()
   end
   return self
end

--- The directory of the pool, from -p or BYRE_POOL.
-- @treturn string
-- @raise `invalid`: neither says one
function methods:pool_dir()
   local dir = self.options.pool or os.getenv("BYRE_POOL") or ""
   if dir == "" then
      report.usage("no pool given", "make one with byre init DIR, then name it with -p DIR or BYRE_POOL")
   end
   return dir
end

-- the callback for executed steps: to standard error with -v, to syslog and the
-- journal where they are asked for; warnings are for everybody
local function step_logger(self)
   local options = self.options
   local to_syslog = options.syslog and require("byre.command.steps").syslog()
   local to_journal = options.journal
      and require("byre.command.journal").sender(options.pool or os.getenv("BYRE_POOL"))
   return function(event)
      -- what has failed is told as an error
      if options.verbose and event.step ~= "failed" then
         self:tell(require("byre.command.steps").describe(event))
      elseif event.step == "warning" then
         self:say(require("byre.command.steps").describe(event))
      end
      if to_syslog then
         to_syslog(event)
      end
      if to_journal then
         to_journal(event)
      end
   end
end

-- SIGUSR1 asks how far we are; who asks is answered, also with -q. Only the host hears of signals.
local function answer_signal(self)
   local ok, host = pcall(require, "byre.host")
   if ok then
      host.on_ask(function()
         self:tell(self.progress:tell() or self.verb .. ": at work, nothing has been copied yet")
      end)
   end
end

-- The callback for copies: a line on a terminal. Without one it is there all
-- the same, since it is where signals get into a copy.
local function progress_reporter(self)
   local shows = not self.options.quiet and require("byre.command.terminal").has_escapes("stderr")
   self.progress = require("byre.command.progress").new({ silent = not shows })
   answer_signal(self)
   return function(event)
      self.progress:update(event)
      return true
   end
end

local function lock_timeout(text)
   local seconds = tonumber(text)
   if text and not (seconds and seconds >= 0) then
      report.usage("--lock-timeout", ("'%s' is not a number of seconds"):format(text))
   end
   return seconds
end

--- Options for `byre.open_pool` and `byre.create_pool` that the command line sets.
-- @treturn table
-- @raise `invalid`: --lock-timeout
function methods:pool_options()
   return {
      log = step_logger(self),
      progress = progress_reporter(self),
      lock_timeout = lock_timeout(self.options.lock_timeout),
      policy_child = true,
      hooks_file = not self.options.no_hooks,
   }
end

--- The pool, opened when it is first asked for.
-- @treturn pool
-- @raise `invalid`: no pool given; `no_such_pool`; `corrupt`; `denied`
function methods:pool()
   if not self.opened then
      local dir = self:pool_dir()
      self.opened = require("byre").open_pool(dir, self:pool_options())
   end
   return self.opened
end

--- A volume of the pool.
-- @tparam string vid
-- @treturn volume
-- @raise `invalid`, `no_such_volume`
function methods:volume(vid)
   return self:pool():volume(vid)
end

--- Volumes that the user named, each once; none is touched before all are found.
-- @tparam {string,...} vids
-- @treturn {volume,...}
-- @raise `invalid`, `no_such_volume`
function methods:volumes(vids)
   local list, known = {}, {}
   for _, vid in ipairs(vids) do
      if not known[vid] then
         known[vid] = true
         list[#list + 1] = self:volume(vid)
      end
   end
   return list
end

--- The volumes of `VID...` or `--group GROUP`.
-- @tparam table args with `vids`, `group`
-- @treturn {volume,...}
-- @raise `invalid`: neither or both; `no_such_volume`
function methods:volumes_or_group(args)
   if args.group and #args.vids > 0 then
      report.usage(self.verb, "name volumes or --group, not both")
   elseif not args.group and #args.vids == 0 then
      report.usage(self.verb, "say which volumes, or --group GROUP")
   elseif not args.group then
      return self:volumes(args.vids)
   end
   return self:pool():group(args.group):require_volumes()
end

--- Run a batch of the pool; some volumes may fail while others are done.
-- @tparam string operation `start`, `stop`, `remove`, `snapshot`
-- @tparam {volume,...} volumes
-- @tparam[opt] table options
-- @treturn table vid -> the operation's result (true if it is not known) of what was done
-- @return the error, if one or more failed
function methods:batch(operation, volumes, options)
   local pool = self:pool()
   local ok, result = require("byre.failure").catch(pool[operation], pool, volumes, options)
   if ok then
      return result
   end
   local done = {}
   for _, vid in ipairs(result.done or {}) do
      done[vid] = true
   end
   return done, result
end

--- Show what a verb has made of a volume, to programs only.
-- @tparam volume volume
function methods:show_volume(volume)
   if self.out.format ~= "text" then
      local record = require("byre.command.record")
      self.out:record(record.detail_fields, record.of_volume(volume))
   end
end

--- Split `VID@REV`.
-- @tparam string text
-- @treturn string the vid
-- @treturn ?string the id of the revision
-- @raise `invalid`: nothing behind the @
function methods:split_revision(text)
   local vid, revision = text:match("^([^@]*)@(.*)$")
   if revision == "" then
      report.usage(text, "there is no revision behind the @; byre revisions " .. vid .. " lists them")
   end
   return vid or text, revision
end

--- A message for the user, on standard error, unless -q.
-- @tparam string message
function methods:say(message)
   if not self.options.quiet then
      self:tell(message)
   end
end

--- A message for the user, on standard error.
-- @tparam string message
function methods:tell(message)
   self:clear_progress()
   io.stderr:write("byre: ", report.one_line(message), "\n")
end

--- Take the progress line away before something else is written.
function methods:clear_progress()
   if self.progress then
      self.progress:clear()
   end
end

--- Make sure that the user wants to destroy something.
-- @tparam string what as in "remove vm/a and its 3 revisions"
-- @tparam[opt] string consequence default: "for good"
-- @raise `invalid`: nobody there to ask, and no --yes; `denied`: the answer was no
function methods:confirm(what, consequence)
   if self.options.yes or self.options.dry_run then
      return
   end
   consequence = consequence or "for good"
   local terminal = require("byre.command.terminal")
   if not terminal.is_terminal("stdin") or not terminal.is_terminal("stderr") then
      report.usage(self.verb, ("this would %s, %s; to do it, say --yes"):format(what, consequence))
   elseif not terminal.ask(report.one_line(("byre: %s, %s?"):format(what, consequence))) then
      require("byre.failure").raise("denied", self.verb, "not confirmed; nothing was changed")
   end
end

--- Is nothing to be done but to show plans (-n)?
-- @treturn boolean
function methods:is_dry()
   return self.options.dry_run == true
end

--- Show what an operation would do to volumes.
-- @tparam {volume,...} volumes
-- @tparam string operation
-- @param ... its arguments
function methods:show_plans_of(volumes, operation, ...)
   local plans = {}
   for i, volume in ipairs(volumes) do
      plans[i] = volume:plan(operation, ...)
   end
   self:show_plans(plans)
end

--- Show what would be done.
-- @tparam {plan,...} plans
function methods:show_plans(plans)
   if self.out.format == "json" then
      local list = {}
      for i, plan in ipairs(plans) do
         list[i] = require("byre.plan").record(plan)
      end
      return self.out:json(list)
   end
   for _, plan in ipairs(plans) do
      self.out:write(tostring(plan), "\n")
   end
end

return context
