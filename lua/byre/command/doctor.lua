--- `byre doctor`
-- @module byre.command.doctor
local core = require("byre.core")
local layout = require("byre.layout")
local report = require("byre.command.report")

local doctor = {
   summary = "Try what this machine and a file system can do for images.",
   description = [[Try what this machine and the file system of a directory can do for images, and
say what that means. Without DIR it is the pool of -p, or else the directory where
you are. Of a pool the images are looked at as well.

STATE is "ok", "limited" (byre works, at the cost that is told), or "problem":
something ought to be done, and the exit code is 1. Nothing is left behind.]],
   examples = {
      { "byre doctor" },
      { "byre doctor .", "before a pool is made there" },
      { "byre doctor --json", "for a program" },
   },
}

local style = { ok = "green", limited = "yellow", problem = "red" }

local fields = {
   { key = "name", title = "WHAT" },
   { key = "state", title = "STATE", style = function(text) return style[text] end },
   { key = "found", title = "FOUND" },
   { key = "meaning", title = "WHAT IT MEANS" },
}

function doctor.parser(command)
   command:argument("DIR", "A directory, or a pool."):target("dir"):args("?")
end

-- The pool that a directory is, if it is one; any other directory may be another user's.
local function pool_at(dir, options)
   local handle = core.open_dir(dir, { follow = true })
   local is_pool = handle and handle:stat(layout.pool_file)
   if handle then
      handle:close()
   end
   return is_pool and require("byre").open_pool(dir, options) or nil
end

local function directory(context, args)
   local dir = args.dir or context.options.pool or os.getenv("BYRE_POOL") or ""
   return dir ~= "" and dir or "."
end

function doctor.run(context, args)
   local dir = directory(context, args)
   local pool <close> = pool_at(dir, context:pool_options())
   local findings = require("byre.command.trials").run(dir, pool)
   context.out:list(fields, findings)
   for _, finding in ipairs(findings) do
      if finding.state == "problem" then
         return report.exit.failed
      end
   end
end

return doctor
