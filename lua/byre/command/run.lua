--- `byre run`
-- @module byre.command.run
local report = require("byre.command.report")

local run = {
   summary = "Run a Lua script that has byre at hand.",
   description = [[Run a Lua script. `byre` is a global and can be required, as can the modules of
luaposix, dkjson and whatever stands beside the script. The script's words are in
`arg` and `...`; -p goes on to it as BYRE_POOL. - reads the script from standard
input.

An error of the script ends byre with exit code 1 and a traceback; os.exit works
as usual.]],
   examples = {
      { "byre run nightly.lua /srv/pool" },
      { "echo 'print(byre.version)' | byre run -" },
   },
   takes_rest = true,
}

function run.parser(command)
   command:argument("SCRIPT", "The script; - is standard input."):target("script")
   command:argument("ARG", "Words for the script."):target("words"):args("*")
end

-- modules beside the script can be required
local function add_path(script)
   local dir = script:match("^(.*/)[^/]*$") or "./"
   package.path = ("%s?.lua;%s?/init.lua"):format(dir, dir) .. (package.path ~= "" and ";" .. package.path or "")
end

local function set_arg(args)
   local words = table.move(args.rest, 1, #args.rest, 1, {})
   words[-1], words[0] = arg and arg[0] or "byre", args.script
   _G.arg = words
   return table.unpack(words)
end

local function traceback(err)
   if err == report.interrupted then
      return err
   end
   local text = debug.traceback(tostring(err), 2)
   -- what called the script is no news to its author
   return (text:gsub("\n\t%[C%]: in function 'xpcall'\n[^\n]*byre/command/run%.lua.*$", ""))
end

local function fail(message)
   io.stdout:flush()
   io.stderr:write(message:find("^byre: ") and "" or "byre: ", message, "\n")
   return report.exit.failed
end

function run.run(context, args)
   if context:is_dry() then
      report.usage("run", "-n cannot be kept: only the script knows what it will do")
   end
   local chunk, message = loadfile(args.script ~= "-" and args.script or nil)
   if not chunk then
      return fail(message)
   end
   _G.byre = require("byre")
   if context.options.pool then
      require("posix.stdlib").setenv("BYRE_POOL", context.options.pool)
   end
   if args.script ~= "-" then
      add_path(args.script)
   end
   local ok, err = xpcall(chunk, traceback, set_arg(args))
   if ok then
      return report.exit.done
   elseif err == report.interrupted then
      error(err, 0)
   end
   return fail(err)
end

return run
