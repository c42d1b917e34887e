--- Many processes at work on one pool at once, some of them killed: what comes of it.
local byre = require("byre")
local core = require("byre.core")
local field = require("spec.processes.field")
local pools = require("spec.support.pools")
local scratch = require("spec.core.scratch")

local campaign = {}

-- lines of a log: word -> count; list of errors
local function read_log(path)
   local counts, errors = {}, {}
   for line in io.lines(path) do
      local word, rest = line:match("^(%S+) ?(.*)$")
      counts[word] = (counts[word] or 0) + 1
      if word == "error" then
         errors[#errors + 1] = rest
      end
   end
   return counts, errors
end

local function new_process(self, number)
   local process = { number = number, log = ("%s/log.%d"):format(self.dir, number), kills = 0 }
   pools.write(process.log, "")
   return process
end

-- start a process for what is left of its operations; false: there is nothing left
local function launch(self, process)
   local counts = read_log(process.log)
   if counts.done then
      return false
   end
   self.seed = self.seed + 1
   process.pipe = assert(io.popen(("echo $$; exec %s spec/processes/child.lua '%s' '%s' %d %d %d 2>&1"):format(
      scratch.lua(), self.pool.dir, process.log, process.number, self.seed,
      math.max(0, self.operations - (counts.operation or 0)))))
   process.pid = process.pipe:read("l")
   return true
end

local function is_alive(process)
   local file <close> = io.open(("/proc/%s/stat"):format(process.pid))
   local state = file and file:read("a"):match("%) (%a)")
   return state ~= nil and state ~= "Z"
end

local function collect(self, process)
   local output = process.pipe:read("a")
   process.pipe:close()
   process.pipe = nil
   if output ~= "" then
      self.errors[#self.errors + 1] = output
   end
end

-- Kill one now and then; start it again until everybody is done.
local function supervise(self)
   local running = self.processes
   local next_kill = core.clock() + self.kill_every
   while #running > 0 do
      scratch.sh("sleep 0.05")
      if core.clock() > next_kill then
         local victim = running[math.random(#running)]
         if is_alive(victim) then
            scratch.sh("kill -9 %s 2>/dev/null || true", victim.pid)
            self.kills = self.kills + 1
         end
         next_kill = core.clock() + self.kill_every * (0.5 + math.random())
      end
      local left = {}
      for _, process in ipairs(running) do
         if not is_alive(process) then
            collect(self, process)
            left[#left + 1] = launch(self, process) and process or nil
         else
            left[#left + 1] = process
         end
      end
      running = left
   end
end

local function sum_up(self)
   for _, process in ipairs(self.processes) do
      local counts, errors = read_log(process.log)
      self.done = self.done + (counts.operation or 0)
      self.refused = self.refused + (counts.refused or 0)
      table.move(errors, 1, #errors, #self.errors + 1, self.errors)
   end
end

-- numbers of the history grow, and every image in it is one
local function check_history(self, volume)
   local last = 0
   for _, revision in ipairs(volume:revisions()) do
      if revision.seq <= last or revision.size <= 0 then
         self.errors[#self.errors + 1] = ("%s: revision %s after %d"):format(volume.vid, revision.id, last)
      end
      last = revision.seq
   end
end

-- what is left is clean: a repair, then nothing to find; every volume goes on
local function check_pool(self)
   local pool = self.pool
   pool:check({ repair = true })
   for _, vid in ipairs(field.vids) do
      pool:volume(vid):import_data_end(false)
   end
   for _, finding in ipairs(pool:check()) do
      self.errors[#self.errors + 1] = ("after the repair: %s %s %s"):format(finding.code, finding.path, finding.message)
   end
   for volume in pool:volumes() do
      volume:verify()
      volume:start()
      volume:stop()
      check_history(self, volume)
   end
   for _, vid in ipairs(field.vids) do
      pool:volume(vid)
   end
   local locked = pool.store.lock
   for group = 0, 3 do
      locked(pool.store, "group" .. group, "exclusive", 0):release()
   end
end

--- Run one.
-- @param fs
-- @tparam table options `processes`, `operations` (of each), `kill_every` (seconds), `seed`
-- @treturn table `errors`, `done`, `refused`, `kills`
function campaign.run(fs, options)
   local self = {
      seed = options.seed, operations = options.operations, kill_every = options.kill_every,
      errors = {}, kills = 0, done = 0, refused = 0, processes = {},
   }
   math.randomseed(options.seed)
   self.dir = fs:fresh()
   scratch.sh("mkdir %s/leases", self.dir)
   self.pool = byre.create_pool(self.dir .. "/pool", { setup_check = false, revisions_to_keep = 3 })
   for _, vid in ipairs(field.vids) do
      pools.origin(self.pool, vid, { size = field.size,
         revisions_to_keep = field.without_snapshots[vid] and -1 or nil })
   end
   for number = 1, options.processes do
      self.processes[number] = new_process(self, number)
      launch(self, self.processes[number])
   end
   supervise(self)
   sum_up(self)
   local ok, e = pcall(check_pool, self)
   if not ok then
      self.errors[#self.errors + 1] = "at the end: " .. tostring(e)
   end
   self.pool:close()
   return self
end

return campaign
