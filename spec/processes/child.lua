-- One of many processes at work on one pool: random operations, told in a log.
--
--    lua5.4 spec/processes/child.lua POOL LOG NUMBER SEED OPERATIONS
--
-- Who writes to an image has it for itself, as a guest has (a lock of the spec's own, in a directory
-- beside the pool); everything else is done at any time. With the lock goes a ledger of what the volume's
-- content has to be, which is compared before and after: an update that got lost shows at once. A killed
-- process leaves its ledger with the one change that may have happened.
--
-- Lines of the log: "operation", "refused CODE", "error ...", "done".
local byre = require("byre")
local core = require("byre.core")
local field = require("spec.processes.field")

local dir, log_path, number, seed, operations = table.unpack(arg)
number, operations = math.tointeger(tonumber(number)), math.tointeger(tonumber(operations))
math.randomseed(math.tointeger(tonumber(seed)))

local pool = byre.open_pool(dir, { lock_timeout = 30 })
local leases = assert(core.open_dir(dir .. "/../leases"))
local log = assert(io.open(log_path, "a"))
local token = field.last_token(log_path)

local function tell(...)
   log:write(table.concat({ ... }, " "), "\n")
   log:flush()
end

local function content(vid)
   local file <close> = io.open(dir .. "/" .. vid .. "-dirty.img", "rb") or io.open(dir .. "/" .. vid .. ".img", "rb")
   return file and file:read(field.slot * field.slots) or ""
end

local function committed(vid)
   local file <close> = io.open(dir .. "/" .. vid .. ".img", "rb")
   return file and file:read(field.slot * field.slots)
end

-- content with this process's slot changed
local function with_token(old, value)
   local start = number * field.slot
   local text = ("%d %d\n"):format(number, value)
   return old:sub(1, start) .. text .. old:sub(start + #text + 1)
end

local function ledger_path(vid)
   return ("%s/../leases/%s.ledger"):format(dir, vid:gsub("/", "."))
end

-- contents that the volume may have now; nil: any
local function read_ledger(vid)
   local file <close> = io.open(ledger_path(vid), "rb")
   local count = file and file:read("n")
   if not count or count == 0 then
      return nil
   end
   file:read(1)
   local list = {}
   for i = 1, count do
      list[i] = file:read(field.slot * field.slots) or ""
   end
   return list
end

-- a rename, so that a kill leaves the old or the new one
local function write_ledger(vid, list)
   local path = ledger_path(vid)
   local file <close> = assert(io.open(path .. number, "wb"))
   file:write(#list, "\n", table.concat(list))
   file:close()
   assert(os.rename(path .. number, path))
end

local function compare(vid, allowed, when)
   local now = content(vid)
   for _, one in ipairs(allowed or { now }) do
      if one == now then
         return now
      end
   end
   error(("lost update of %s, %s: %q instead of %q"):format(vid, when, now:gsub("%z+", " "),
      allowed[1]:gsub("%z+", " ")), 0)
end

-- Run a function while nobody else uses the images of some volumes as a guest. What it does may change the
-- content only as it says with `write` or `may_change`.
local function with_leases(vids, fn)
   local held = {}
   for i, vid in ipairs(vids) do
      held[i] = assert(leases:lock((vid:gsub("/", ".")), "exclusive", 120))
   end
   local ok, e = pcall(function()
      for _, vid in ipairs(vids) do
         write_ledger(vid, { compare(vid, read_ledger(vid), "before") })
      end
      local done, message = pcall(fn)
      for _, vid in ipairs(vids) do
         write_ledger(vid, { compare(vid, read_ledger(vid), "after") })
      end
      assert(done, message)
   end)
   for _, lock in pairs(held) do
      lock:release()
   end
   if not ok then
      error(e, 0)
   end
end

local function may_change(vid)
   write_ledger(vid, {})
end

-- a guest: writes the next token into its own place of the session's image
local function write(vid, path)
   token = token + 1
   tell("write", vid, token)
   local old = content(vid)
   write_ledger(vid, { with_token(old, token), old })
   local file <close> = assert(io.open(path, "r+b"))
   assert(file:write(with_token(old, token)))
   file:close()
   write_ledger(vid, { with_token(old, token) })
end

local function is_snapshot(revision)
   for tag in pairs(revision.tags) do
      if tag:find("^p%d") then
         return true
      end
   end
   return false
end

-- What was committed before has to be in the history now, unless others made so many snapshots meanwhile that
-- nothing else is kept.
local function check_history(volume, before)
   local snapshots, list = 0, volume:revisions()
   for _, revision in ipairs(list) do
      local file <close> = io.open(revision.path, "rb")
      if file and file:read(field.slot * field.slots) == before then
         return
      end
      snapshots = snapshots + (is_snapshot(revision) and 1 or 0)
   end
   assert(snapshots == #list, volume.vid .. ": what was committed is not in the history")
end

local acts = {}

function acts.session(vid)
   with_leases({ vid }, function()
      local volume = pool:volume(vid)
      write(vid, volume:start())
      if math.random(4) > 1 then
         local before = committed(vid)
         volume:stop()
         if not field.without_snapshots[vid] then
            check_history(volume, before)
         end
      end
   end)
end

function acts.stop(vid)
   with_leases({ vid }, function() pool:volume(vid):stop() end)
end

function acts.batch(vid)
   local group = vid:match("^(.*)/")
   local vids = {}
   for _, one in ipairs(field.vids) do
      vids[#vids + 1] = one:match("^(.*)/") == group and one or nil
   end
   table.sort(vids)
   with_leases(vids, function()
      pool:start(vids)
      pool:stop(vids)
   end)
end

function acts.snapshot(vid)
   pool:volume(vid):snapshot({ tag = "p" .. number })
end

function acts.annotate(vid)
   local volume = pool:volume(vid)
   local list = volume:revisions()
   if #list > 0 then
      volume:annotate(list[math.random(#list)].id, { note = "of " .. number, tag = "t" .. math.random(3) })
   end
end

function acts.revert(vid)
   with_leases({ vid }, function()
      may_change(vid)
      pool:volume(vid):revert(nil, { discard = math.random(2) == 1 })
   end)
end

function acts.discard(vid)
   with_leases({ vid }, function()
      may_change(vid)
      pool:volume(vid):stop({ discard = true })
   end)
end

function acts.resize(vid)
   with_leases({ vid }, function()
      pool:volume(vid):resize(field.size + math.random(0, 8) * 4096, { shrink = true })
   end)
end

function acts.import_volume(vid)
   local from = field.random_vid()
   if from == vid then return end
   with_leases({ vid }, function()
      may_change(vid)
      pool:volume(vid):import_volume(pool:volume(from), { state = "committed" })
   end)
end

function acts.import_data(vid)
   with_leases({ vid }, function()
      may_change(vid)
      local volume = pool:volume(vid)
      -- a whole image of its own, which says where it comes from
      local path = volume:import_data(field.size)
      local file = assert(io.open(path, "r+b"))
      file:write(("import %d\n"):format(number))
      file:close()
      volume:import_data_end(math.random(3) > 1)
   end)
end

function acts.clone()
   local vid = ("extra/p%d-%d"):format(number, math.random(3))
   local from = field.random_vid()
   local ok, e = pcall(pool.volume, pool, vid)
   if ok then
      e:remove({ force = true })
   else
      assert(byre.is_error(e) and e.code == "no_such_volume", tostring(e))
      pool:volume(from):clone(vid, { state = "committed" })
   end
end

function acts.rename()
   local vid = ("extra/p%d-%d"):format(number, math.random(3))
   local ok, volume = pcall(pool.volume, pool, vid)
   if ok then
      volume:rename(("moved/p%d/%d"):format(number, math.random(2)), { state = "current" })
   end
end

function acts.remove_moved()
   local ok, volume = pcall(pool.volume, pool, ("moved/p%d/%d"):format(number, math.random(2)))
   if ok then
      volume:remove({ force = true })
   end
end

function acts.snapshot_volume(vid)
   local id = ("snap%d/root"):format(number % 3)
   with_leases({ id }, function()
      local ok, volume = pcall(pool.volume, pool, id)
      if not ok then
         volume = pool:create_volume(id, { snap_on_start = true, save_on_stop = math.random(2) == 1, source = vid })
      end
      may_change(id)
      write(id, volume:start())
      may_change(id)
      volume:stop()
      if math.random(3) == 1 then
         volume:remove({ force = true })
      end
   end)
end

function acts.look(vid)
   local volume = pool:volume(vid)
   volume:status()
   volume:files()
   volume:revisions()
   volume:verify()
   -- while it runs a volume without snapshots has nothing committed
   if not field.without_snapshots[vid] then
      volume:export()
   end
   assert(volume:size() > 0, vid .. " has no size")
end

function acts.walk()
   local seen = {}
   for volume in pool:volumes() do
      seen[volume.vid] = true
   end
   for _, vid in ipairs(field.vids) do
      assert(seen[vid], vid .. " was not listed")
   end
end

function acts.set(vid)
   pool:volume(vid):set({ rw = math.random(2) == 1 })
   pool:volume(vid):set({ rw = true })
end

local names = {}
for name in pairs(acts) do
   names[#names + 1] = name
end
table.sort(names)
-- what most pools do most of the time
table.move({ "session", "session", "session", "session", "stop", "look", "snapshot" }, 1, 7, #names + 1, names)

for _ = 1, operations do
   local name, vid = names[math.random(#names)], field.random_vid()
   local ok, e = pcall(acts[name], vid)
   if not ok then
      local code = byre.is_error(e) and e.code or "bug"
      if not (field.legitimate[name] or {})[code] then
         tell("error", name, vid, code, (tostring(e):gsub("\n", " ")))
      end
      tell("refused", code)
   end
   tell("operation")
end
tell("done")
