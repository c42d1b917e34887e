--- Reads scenarios: what is typed, what is to come out.
--
--    TEST: sentence that says the behaviour
--    POOL: options of byre init     (`none`: no pool; without it there is a plain one)
--    FILE: name                     (a file, its content between two lines of dashes)
--    RUN: shell command
--    STDIN: STDOUT: STDERR:         (between two lines of dashes; default: nothing at all)
--    EXIT: 2                        (default: 0)
--
-- In what is expected, `...` stands for any text on a line. Lines that begin
-- with # are comments.
local scenarios = {}

local blocks = { FILE = true, STDIN = true, STDOUT = true, STDERR = true }

local function read_block(lines)
   local first = lines()
   assert(first and first:find("^%-%-%-%-+$"), "a line of dashes is missing")
   local text = {}
   for line in lines do
      if line:find("^%-%-%-%-+$") then
         return table.concat(text)
      end
      text[#text + 1] = line .. "\n"
   end
   error("a block does not end")
end

local add = {}

function add.TEST(self, value)
   self[#self + 1] = { name = value, steps = {} }
end

function add.POOL(self, value)
   self[#self].pool = value
end

function add.FILE(self, value, text)
   table.insert(self[#self].steps, { file = value, text = text })
end

function add.RUN(self, value)
   table.insert(self[#self].steps, { run = value, STDOUT = "", STDERR = "", EXIT = 0 })
end

-- STDIN, STDOUT, STDERR and EXIT belong to the last command
local function add_to_run(self, key, value)
   local steps = self[#self].steps
   steps[#steps][key] = value
end

--- Read a file of scenarios.
-- @tparam string path
-- @treturn {table,...} `name`, `pool`, `steps`
function scenarios.read(path)
   local list = {}
   local lines = io.lines(path)
   for line in lines do
      local key, value = line:match("^(%u+):%s*(.*)$")
      if key then
         local text = blocks[key] and read_block(lines)
         if add[key] then
            add[key](list, value, text)
         else
            add_to_run(list, key, text or math.tointeger(value) or error(path .. ": " .. line))
         end
      else
         assert(line == "" or line:find("^#"), path .. ": " .. line)
      end
   end
   return list
end

--- Does a text look as expected?
-- @tparam string expected
-- @tparam string text
-- @treturn boolean
function scenarios.matches(expected, text)
   local pattern = expected:gsub("%W", "%%%0"):gsub("%%%.%%%.%%%.", "[^\n]*")
   return text:find("^" .. pattern .. "$") ~= nil
end

--- Scenario files of a directory.
-- @treturn {string,...}
function scenarios.files(directory)
   local list = {}
   for path in io.popen("ls " .. directory .. "/*.txt"):lines() do
      list[#list + 1] = path
   end
   return list
end

return scenarios
