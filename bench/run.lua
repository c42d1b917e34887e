-- Measures byre beside its rivals: lua5.4 bench/run.lua --help
local argparse = require("argparse")
local core = require("byre.core")
local dkjson = require("dkjson")
local harness = require("bench.harness")
local shell = require("spec.support.shell")

local function parse(words)
   local parser = argparse("bench/run.lua", "Measure byre beside its rivals, on file systems of its own; needs root.")
   parser:option("--json", "Write the results to a file as well."):argname("FILE")
   parser:option("--only", "Only these files of bench/measures, and of them only measures with these names "
      .. "(Lua patterns)."):argname("FILES[/NAMES]")
   parser:option("--pairs", "How often byre and its rival run."):argname("N"):convert(function(text)
      local count = math.tointeger(tonumber(text))
      if count and count >= 1 then
         return count
      end
      return nil, "--pairs: a whole number of 1 or more, not " .. text
   end)
   parser:flag("--quick", "Everything once and small: shows that it works, measures nothing.")
   return parser:parse(words)
end

local function measures()
   local list = {}
   for path in shell.must("ls bench/measures/*.lua"):gmatch("[^\n]+") do
      list[#list + 1] = path
   end
   return list
end

local function first_line(command)
   return (shell.run(command).out:match("[^\n]*"))
end

local function about(options)
   return {
      time = os.date("!%Y-%m-%dT%H:%M:%SZ"), quick = options.quick or false, version = core.version,
      kernel = first_line("uname -sr"), processor = first_line("sed -n 's/^model name.*: //p' /proc/cpuinfo"),
      processors = tonumber(first_line("nproc")), load = tonumber(first_line("cut -d' ' -f1 /proc/loadavg")),
   }
end

local options = parse(arg)
io.stdout:setvbuf("line")
local bench = harness.new(options, print)
local document = { about = about(options), results = bench.results }
local failed = false
for _, path in ipairs(measures()) do
   if bench:wants_file(path:match("([^/]*)%.lua$")) then
      local ok, message = xpcall(function() dofile(path)(bench) end, debug.traceback)
      if not ok then
         failed = true
         io.stderr:write(path, ": ", tostring(message), "\n")
      end
   end
end
if options.json then
   shell.write(options.json, dkjson.encode(document, { indent = true }) .. "\n")
end
os.exit(not failed, true)
