--- Pages of the manual: what is in them, and what their examples do.
--
-- Fenced blocks of a page are run from top to bottom in one empty directory on
-- a file system with reflinks:
--
--    ```console     lines that begin with "$ " are commands ("> " goes on with one) of one
--                   shell for the whole page; what stands below them is what they print.
--                   "..." stands for anything, on a line of its own for any lines.  Times
--                   and durations may differ.
--    ```sh          a script, run as it stands; it has to succeed
--    ```lua         the same with lua5.4
--    ```c           the same, linked with libbyre.a
--    ```lua ignore  (or sh, c) is not run
--
-- Blocks of other languages are not looked at.
local shell = require("spec.support.shell")

local pages = {}

--- The pages of the manual, and the README.
function pages.list()
   local list = { "README.md" }
   for path in shell.must("ls doc/*.md"):gmatch("[^\n]+") do
      list[#list + 1] = path
   end
   return list
end

local runnable = { console = true, sh = true, lua = true, c = true }

-- "$ a", "> b", "output" -> { {line=, command="a\nb", expected="output"}, ... }
local function parse_console(page, block)
   local commands = {}
   local number = block.line
   for text in block.text:gmatch("([^\n]*)\n") do
      number = number + 1
      local last = commands[#commands]
      if text:find("^%$ ") then
         commands[#commands + 1] = { kind = "console", line = number, command = text:sub(3), expected = {} }
      elseif not last then
         error(("%s:%d: a console block begins with a command"):format(page, number))
      elseif text:find("^> ") and #last.expected == 0 then
         last.command = last.command .. "\n" .. text:sub(3)
      else
         table.insert(last.expected, text)
      end
   end
   return commands
end

--- Read a page.
-- @treturn table `path`, `lines`, `blocks` ({line, language, ignore, text}), `headings`, `links`
function pages.read(path)
   local page = { path = path, blocks = {}, headings = {}, links = {}, text = shell.read(path) }
   local block
   local number = 0
   for line in (page.text .. "\n"):gmatch("([^\n]*)\n") do
      number = number + 1
      if block and line == "```" then
         page.blocks[#page.blocks + 1], block = block, nil
      elseif block then
         block.text = block.text .. line .. "\n"
      elseif line:find("^```") then
         local language, rest = line:match("^```(%w*)%s*(.*)$")
         block = { line = number, language = language, ignore = rest == "ignore", text = "" }
      else
         page.headings[#page.headings + 1] = line:match("^#+ (.*)$")
         for target in line:gmatch("%]%(([^)%s]+)%)") do
            page.links[#page.links + 1] = { line = number, target = target }
         end
      end
   end
   assert(not block, path .. ": a block has no end")
   return page
end

--- What is to be run of a page, in order.
function pages.steps(page)
   local steps = {}
   for _, block in ipairs(page.blocks) do
      if runnable[block.language] and not block.ignore then
         if block.language == "console" then
            table.move(parse_console(page.path, block), 1, 1000, #steps + 1, steps)
         else
            steps[#steps + 1] = { kind = block.language, line = block.line, text = block.text }
         end
      end
   end
   return steps
end

local mark = "@@step@@"

local function command_for(step, index, base)
   if step.kind == "console" then
      return "eval " .. shell.quote(step.command)
   end
   local file = ("%s/step%d.%s"):format(base, index, step.kind)
   shell.write(file, step.text)
   if step.kind == "sh" then
      return "bash -eu " .. file
   elseif step.kind == "lua" then
      return "lua5.4 " .. file
   end
   return ("cc -Wall -Wextra -Werror -I%s/csrc $(pkg-config --cflags lua5.4) -o %s.out %s %s/%s/libbyre.a "
      .. "-l:liblua5.4.a -lm && %s.out"):format(shell.root, file, file, shell.root,
      os.getenv("BYRE_BUILD") or "build", file)
end

-- one bash script for the page; each step between two marks
local function script_for(steps, base)
   local lines = {
      "exec 2>&1 </dev/null", "cd " .. shell.quote(base .. "/work"), "unset BYRE_POOL", "shopt -s expand_aliases",
      "export LC_ALL=C.UTF-8 TZ=UTC NO_COLOR=1 TERM=dumb PATH=$PATH:/usr/sbin:/sbin", "status=0",
   }
   for i, step in ipairs(steps) do
      lines[#lines + 1] = ("printf '%s %d\\n'; (exit $status)"):format(mark, i)
      lines[#lines + 1] = command_for(step, i, base)
      lines[#lines + 1] = ("status=$?; printf '\\n%s end %%d\\n' $status"):format(mark)
   end
   return table.concat(lines, "\n") .. "\n"
end

--- Run a page; each step gets `output` and `status`.
-- @param page of `pages.read`
-- @tparam string base an empty directory on a file system with reflinks
-- @treturn table the steps
function pages.run(page, base)
   local steps = pages.steps(page)
   shell.must("mkdir -p " .. shell.quote(base .. "/work"))
   shell.write(base .. "/page.bash", script_for(steps, base))
   local out = shell.run('eval "$(tools/env ${BYRE_BUILD:-build})"; bash ' .. shell.quote(base .. "/page.bash")).out
   for i, output, status in out:gmatch(mark .. " (%d+)\n(.-)\n" .. mark .. " end (%d+)\n") do
      local step = steps[tonumber(i)]
      step.output, step.status = output:gsub("\n$", ""), tonumber(status)
   end
   return steps
end

-- what differs from run to run
local function normalise(line)
   return (line:gsub("%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ", "TIME"):gsub("%d+%.%d ms", "N ms")
      :gsub("process %d+", "process N"):gsub("%s+$", ""))
end

local function line_matches(expected, actual)
   if not expected:find("...", 1, true) then
      return expected == actual
   end
   local pattern = expected:gsub("[%^%$%(%)%%%[%]%*%+%-%?]", "%%%0"):gsub("%.%.%.", "\0"):gsub("%.", "%%.")
   return actual:find("^" .. pattern:gsub("\0", ".*") .. "$") ~= nil
end

local function lines_match(expected, i, actual, j)
   if not expected[i] then
      return not actual[j]
   elseif expected[i] == "..." then
      for k = j, #actual + 1 do
         if lines_match(expected, i + 1, actual, k) then
            return true
         end
      end
      return false
   end
   return actual[j] ~= nil and line_matches(expected[i], actual[j]) and lines_match(expected, i + 1, actual, j + 1)
end

local function normalised(lines)
   local list = {}
   for i, line in ipairs(lines) do
      list[i] = normalise(line)
   end
   while list[#list] == "" do
      list[#list] = nil
   end
   return list
end

local function split(text)
   local lines = {}
   for line in (text == "" and "" or text .. "\n"):gmatch("([^\n]*)\n") do
      lines[#lines + 1] = line
   end
   return lines
end

--- Did a step do what the page says?
-- @treturn ?string what is wrong
function pages.judge(page, step)
   local where = ("%s:%d: "):format(page.path, step.line)
   if not step.output then
      return where .. "was not reached"
   elseif step.kind ~= "console" then
      return step.status ~= 0 and ("%sexit code %d\n%s"):format(where, step.status, step.output) or nil
   end
   local expected, actual = normalised(step.expected), normalised(split(step.output))
   if not lines_match(expected, 1, actual, 1) then
      return ("%s$ %s\nexpected:\n%s\ngot:\n%s\n"):format(where, step.command, table.concat(step.expected, "\n"),
         step.output)
   end
end

return pages
