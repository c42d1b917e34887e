--- Run shell commands in specs.
local shell = {}

--- The root of the source tree, where the specs run.
shell.root = assert(io.popen("pwd")):read("l")

--- Quote a word.
function shell.quote(word)
   return "'" .. word:gsub("'", "'\\''") .. "'"
end

--- A new directory; remove it with `shell.remove`, once or more often.
function shell.temporary_directory()
   return (shell.must("mktemp -d"):gsub("\n", ""))
end

function shell.remove(directory)
   shell.must(("! [ -e %s ] || { chmod -R u+rwX %s && rm -r %s; }"):format(
      shell.quote(directory), shell.quote(directory), shell.quote(directory)))
end

function shell.write(path, text)
   local file = assert(io.open(path, "wb"))
   assert(file:write(text))
   assert(file:close())
end

function shell.read(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read("a")
   file:close()
   return text
end

-- "export A='b'; " for each variable, `false` takes one away
local function exports(env)
   local list = {}
   for name, value in pairs(env or {}) do
      list[#list + 1] = value and ("export %s=%s\n"):format(name, shell.quote(value)) or ("unset %s\n"):format(name)
   end
   return table.concat(list)
end

--- Run a command.
-- @tparam string command
-- @tparam[opt] table options `dir`; `env`: table of variables; `stdin`: its text (default: none at all)
-- @treturn table `code` (128 + n for a signal), `out`, `err`
function shell.run(command, options)
   options = options or {}
   local err_path, in_path = os.tmpname(), "/dev/null"
   if options.stdin then
      in_path = os.tmpname()
      shell.write(in_path, options.stdin)
   end
   -- a make that runs the specs must not be felt by a make they run
   local pipe = io.popen(("unset MAKEFLAGS MAKELEVEL MFLAGS\n%s%s{ %s\n} 2>%s <%s"):format(exports(options.env),
      options.dir and ("cd %s || exit\n"):format(shell.quote(options.dir)) or "", command, err_path, in_path))
   local out = pipe:read("a")
   local _, how, code = pipe:close()
   local err = shell.read(err_path)
   os.remove(err_path)
   if options.stdin then
      os.remove(in_path)
   end
   return { code = how == "signal" and 128 + code or code, out = out, err = err }
end

--- Run a command that has to succeed.
-- @treturn string what it printed
function shell.must(command, options)
   local result = shell.run(command, options)
   if result.code ~= 0 then
      error(("%s: exit code %d\n%s%s"):format(command, result.code, result.out, result.err), 2)
   end
   return result.out
end

--- Run a command on a terminal of its own; what it writes to both streams is `out`.
-- @tparam string command
-- @tparam[opt] table options as for `run`; `stdin` is what is typed
-- @treturn table `code`, `out`
function shell.run_on_terminal(command, options)
   local line = ("script -qe -E never -c %s /dev/null"):format(shell.quote(command))
   local result = shell.run(line, options)
   return { code = result.code, out = result.out:gsub("\r\n", "\n") }
end

--- A directory with a pool in it, and commands run there: `byre` is the one just
-- built, and BYRE_POOL names the pool.
-- @tparam[opt] string options of `byre init`; false: no pool yet
-- @treturn table `dir`, `pool` (its path), `run`, `must`, `terminal` (methods with the command and what is typed),
-- `remove` (method)
function shell.workplace(options)
   local self = { dir = shell.temporary_directory() }
   self.pool = self.dir .. "/pool"
   local env = {
      PATH = shell.root .. "/build:" .. os.getenv("PATH"),
      BYRE_POOL = self.pool, LC_ALL = "C", NO_COLOR = false, COLUMNS = false, TERM = "xterm",
   }
   local function with(stdin)
      return { dir = self.dir, env = env, stdin = stdin }
   end
   function self.run(_, command, stdin) return shell.run(command, with(stdin)) end
   function self.must(_, command, stdin) return shell.must(command, with(stdin)) end
   function self.terminal(_, command, stdin) return shell.run_on_terminal(command, with(stdin)) end
   function self.remove() shell.remove(self.dir) end
   if options ~= false then
      self:must("byre init -q --no-setup-check " .. (options or "") .. " pool")
   end
   return self
end

return shell
