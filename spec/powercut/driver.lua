--- Runs byre's operations and says, in the log of the disk, what is promised.
--
-- Each operation is announced by a mark, runs, and is reported by another
-- mark; then what byre shows is compared with what the oracle foretold.
-- @module spec.powercut.driver
local byre = require("byre")
local dkjson = require("dkjson")

local compare = require("spec.powercut.compare")
local content = require("spec.powercut.content")
local model = require("spec.powercut.model")
local layout = require("byre.layout")
local observe = require("spec.powercut.observe")
local outside = require("spec.powercut.outside")
local predict = require("spec.powercut.predict")
local process = require("spec.powercut.process")

local driver = {}
driver.__index = driver

--- @tparam table options `pool`; `mark`: function that gets a text; `worker`: number, tells volumes of parallel
-- drivers apart; `volumes`, `exports`: where the model begins; `scratch`: a directory for files to import;
-- `subvolumes`: groups can be btrfs subvolumes
function driver.new(options)
   local self = setmetatable({ pool = options.pool, worker = options.worker or 1, count = 0, words = {},
      scratch = options.scratch, subvolumes = options.subvolumes, emit = options.mark,
      model = model.new(options.volumes, nil, options.exports), first = options.first or 0,
   }, driver)
   return self
end

function driver:mark(mark)
   if self.emit then
      self.emit(dkjson.encode(mark))
   end
   return self.model:apply(mark)
end

-- the word for the next version that a guest or a file writes
function driver:word(vid)
   self.words[vid] = (self.words[vid] or 0) + 1
   self.numbers = self.numbers or { count = self.first }
   if not self.numbers[vid] then
      self.numbers.count = self.numbers.count + 1
      self.numbers[vid] = self.worker * 1000 + self.numbers.count
   end
   return ("%d.%d"):format(self.numbers[vid], self.words[vid])
end

local calls = {}

function calls.create(pool, vid, op)
   return pool:create_volume(vid, {
      size = op.blocks and op.blocks * content.block, source = op.source, revisions_to_keep = op.keep,
      snap_on_start = op.kind:find("snapshot") ~= nil, save_on_stop = op.kind:find("origin") ~= nil,
      trash = op.window and "9d" or nil,
   })
end

function calls.start(pool, vid) pool:volume(vid):start() end
function calls.stop(pool, vid, op) pool:volume(vid):stop({ discard = op.discard }) end
function calls.revert(pool, vid, op)
   pool:volume(vid):revert(op.seq and tostring(op.seq), { discard = op.discard })
end
function calls.snapshot(pool, vid, op)
   pool:volume(vid):snapshot({ note = op.note, tag = op.tag, hold_until = op.hold })
end
function calls.annotate(pool, vid, op)
   pool:volume(vid):annotate(tostring(op.seq), { note = op.note, tag = op.tag, untag = op.untag, hold_until = op.hold })
end
-- what goes is shown first, and agreed to
-- does a revision stay because somebody has it open?
local function waits_for_a_user(pruned)
   for _, revision in ipairs(pruned.revisions) do
      if revision.guard == "in use" then
         return true
      end
   end
end

-- who syncs at random has a file open now and then, and byre leaves a revision then: it goes the next time
function calls.prune(pool, vid)
   repeat
      local hash = pool:prune({ volumes = { vid }, dry_run = true }).hash
      local result = pool:prune({ volumes = { vid }, confirm = hash })
      if result.failures[1] then
         error(result.failures[1].error, 0)
      end
   until not waits_for_a_user(result.volumes[1])
end
function calls.defrag(pool, vid) pool:volume(vid):defrag() end
function calls.remove_revision(pool, vid, op) pool:volume(vid):remove_revision(tostring(op.seq)) end
function calls.restore(pool, vid, op) pool:volume(vid):restore(tostring(op.seq)) end
function calls.empty_trash(pool, vid) pool:empty_trash({ volumes = { vid } }) end
function calls.remove(pool, vid) pool:remove({ vid }) end
function calls.set(pool, vid, op) pool:volume(vid):set({ revisions_to_keep = op.keep, rw = op.rw }) end
function calls.resize(pool, vid, op)
   pool:volume(vid):resize(op.blocks * content.block, { shrink = true })
end
function calls.import_data(pool, vid, op) pool:volume(vid):import_data(op.blocks * content.block) end
function calls.import_data_end(pool, vid, op)
   local volume = pool:volume(vid)
   if op.v then
      local file <close> = assert(io.open(pool.dir .. "/" .. vid .. "-import.img", "r+b"))
      assert(file:write(content.image(op.v)))
   end
   volume:import_data_end(op.v ~= nil, { discard = op.discard })
end
function calls.import_volume(pool, vid, op)
   pool:volume(vid):import_volume(pool:volume(op.from), { state = op.state, discard = op.discard })
end
-- call a function with the path of a file that has the content of an operation
local function with_file(op, scratch, fn)
   local path = ("%s/import-%s"):format(scratch, op.n)
   local file <close> = assert(io.open(path, "wb"))
   assert(file:write(content.image(op.v)))
   file:close()
   fn(path)
   os.remove(path)
end
local function import_file(volume, op, scratch)
   with_file(op, scratch, function(path)
      volume:import_file(path, { format = "raw", discard = op.discard })
   end)
end
function calls.create_from(pool, vid, op, scratch)
   with_file(op, scratch, function(path)
      pool:create_volume_from(vid, { save_on_stop = true, revisions_to_keep = op.keep }, path, { format = "raw" })
   end)
end
function calls.export_file(pool, vid, op)
   pool:volume(vid):export_file(outside.export_path(pool.dir, op.file),
      { revision = op.seq and tostring(op.seq), state = op.state, format = "raw" })
end
function calls.adopt(pool, vid, op)
   local adoption <close> = byre.propose_adoption(pool.dir)
   local wanted
   for _, item in ipairs(adoption.volumes) do
      wanted = item.vid == vid and item or wanted
   end
   assert(wanted, "there is nothing to adopt")
   wanted.settings = { save_on_stop = true, revisions_to_keep = op.keep }
   adoption.volumes = { wanted }
   local _, failures = adoption:run()
   if failures[1] then
      error(failures[1].error, 0)
   end
end
function calls.release(pool) byre.release_pool(pool.dir) end
function calls.import_file(pool, vid, op, scratch)
   import_file(pool:volume(vid), op, scratch)
end
-- from a pool of its own, on another file system
function calls.import_foreign(pool, vid, op, scratch)
   local dir = ("%s/foreign-%s"):format(scratch, op.n)
   local other <close> = byre.create_pool(dir, { setup_check = false })
   local source = other:create_volume("source", { size = content.block, save_on_stop = true })
   import_file(source, { n = op.n, v = op.v }, scratch)
   pool:volume(vid):import_volume(source, { discard = op.discard })
   process.must("rm -r %s", dir)
end
function calls.clone(pool, vid, op)
   pool:volume(vid):clone(op.new, { state = op.state, revision = op.seq and tostring(op.seq) })
end
function calls.rename(pool, vid, op)
   pool:volume(vid):rename(op.new, { state = op.state })
end

-- all that are left in their group
function calls.rename_group(pool, vid, op)
   pool:group(layout.group_directory(vid)):rename(op.group, { state = op.state })
end

local function steps(plan)
   local list = {}
   for _, phase in ipairs(plan.phases) do
      table.move(phase, 1, #phase, #list + 1, list)
   end
   return list
end

-- What a user does before an operation; all of it is durable then.
local prepare = {}

function prepare.defrag(self, op)
   op.rewrites = #self.pool:volume(op.vids[1]):plan("defrag").phases > 0
end

function prepare.export_file(self)
   outside.make_exports(self.pool)
end

function prepare.rename(self, op)
   if op.subvolume then
      outside.make_subvolume(self.pool, op.new)
   end
   op.crosses = not self.pool.store:can_link(layout.group_directory(op.vids[1]), layout.group_directory(op.new))
end

function prepare.rename_group(self, op)
   if op.subvolume then
      outside.make_subvolume(self.pool, predict.new_vid(op, op.vids[1]))
   end
   op.crosses = not self.pool.store:can_link(layout.group_directory(op.vids[1]), op.group)
end

-- the number of the revision that is going to stand for the source's content; 0: the clean image does; nil: neither
local function taken_for(pool, vid)
   local clean = layout.image(vid, "clean")
   for _, step in ipairs(steps(pool:volume(vid):plan("start"))) do
      if step.to == clean then
         return step.op == "link" and math.tointeger(step.from:match("%.img%.(%d+)@")) or nil
      end
   end
   return 0
end

-- revisions that are going to stand for the source's content
function prepare.start(self, op)
   op.taken = {}
   for _, vid in ipairs(op.vids) do
      if self.model.volumes[vid].kind == "origin_snapshot" then
         op.taken[vid] = taken_for(self.pool, vid)
      end
   end
end

local function drop_in(self, op)
   if op.name == "adopt" and not op.dropped then
      outside.drop_in(self.pool, op)
      self:mark({ what = "dropped", n = op.n })
   end
end

local batches = { start = true, stop = true, snapshot = true, revert = true, remove = true }

local function call(self, op)
   if #op.vids > 1 and op.name ~= "rename_group" then
      assert(batches[op.name], op.name)
      self.pool[op.name](self.pool, op.vids, op.name == "stop" and { discard = op.discard } or {})
   else
      drop_in(self, op)
      calls[op.name](self.pool, op.vids[1], op, self.scratch)
   end
end

--- Run an operation.
-- @tparam table op see `predict.after`; gets its number here
-- @raise what byre raises; "oracle: …" where byre did something else than foretold
function driver:run(op)
   self.count = self.count + 1
   op.n = ("%d.%d"):format(self.worker, self.count + self.first)
   if prepare[op.name] then
      prepare[op.name](self, op)
   end
   local after = self:mark({ what = "begin", op = op })
   call(self, op)
   self:mark({ what = "end", n = op.n })
   for vid in pairs(after) do
      local why = self:differs(vid)
      if why then
         error(("oracle: after %s: %s: %s"):format(op.name, vid, why), 0)
      end
   end
   local why = outside.differs(self.pool, self.model)
   if why then
      error(("oracle: after %s: %s"):format(op.name, why), 0)
   end
end

local function history(revisions)
   local list = {}
   for i, revision in ipairs(revisions) do
      list[i] = ("%d=[%s]%s%s%s"):format(revision.seq, revision.v, revision.note and " " .. revision.note or "",
         revision.tags and " #" .. revision.tags or "", revision.held and " held " .. tostring(revision.held) or "")
   end
   return table.concat(list, " ")
end

local function by_seq(list)
   local sorted = table.move(list, 1, #list, 1, {})
   table.sort(sorted, function(a, b) return a.seq < b.seq end)
   return sorted
end

-- how what is seen of a volume differs from what it should be right now
local function differs(expected, seen)
   if compare.unsound(seen) then
      return compare.unsound(seen)
   elseif not predict.saves(expected) then
      return nil
   end
   for _, key in ipairs({ "kind", "keep", "rw", "clean", "dirty" }) do
      if expected[key] ~= seen[key] then
         return ("%s is %s, not %s"):format(key, tostring(seen[key]), tostring(expected[key]))
      end
   end
   local now, wanted = history(seen.visible), history(predict.visible(expected))
   if now ~= wanted then
      return ("the history is %s, not %s"):format(now, wanted)
   end
   now, wanted = history(by_seq(seen.trash)), history(by_seq(expected.trash))
   return now ~= wanted and ("in the trash is %s, not %s"):format(now, wanted) or nil
end

--- How a volume differs from what it should be right now; nil: not at all.
-- @tparam string vid
-- @treturn ?string
-- @treturn ?table what `observe.volume` has seen
function driver:differs(vid)
   local expected = self.model.volumes[vid]
   local listed, seen = pcall(observe.volume, self.pool, vid)
   if not expected then
      return listed and "still there" or nil
   elseif not listed then
      return tostring(seen)
   end
   return differs(expected, seen), seen
end

--- Write into a running volume as its guest, and make it durable or not.
function driver:write(vid, indexes, sync)
   local path = self.pool:volume(vid):path()
   local word = self:word(vid)
   if not predict.saves(self.model.volumes[vid]) then
      return content.write(path, indexes, word)
   end
   local blocks = {}
   for index in pairs(indexes) do
      blocks[#blocks + 1] = index
   end
   self:mark({ what = "write", vid = vid, blocks = blocks, word = word })
   content.write(path, indexes, word)
   if sync then
      local file = assert(self.pool.store.dir:open(vid .. "-dirty.img", "rw"))
      assert(file:sync())
      file:close()
      self:mark({ what = "synced", vid = vid })
   end
end

return driver
