-- What goes into the trash and what leaves it, and every crash in between, in memory.
local catalog = require("byre.catalog")
local config = require("byre.config")
local copies = require("byre.decide.copies")
local crashes = require("spec.decide.crashes")
local create = require("byre.decide.create")
local duration = require("byre.retention.duration")
local executor = require("byre.executor")
local history = require("byre.decide.history")
local layout = require("byre.layout")
local notes = require("byre.notes")
local prune = require("byre.decide.prune")
local release = require("byre.decide.release")
local rename = require("byre.decide.rename")
local restore = require("byre.decide.restore")
local revert = require("byre.decide.revert")
local start = require("byre.decide.start")
local stop = require("byre.decide.stop")
local trash = require("byre.decide.trash")

local vid, look, run = crashes.vid, crashes.look, crashes.run
local day <const> = 86400

-- a store with a volume whose trash keeps things for so long
local function pool_with(options)
   local store = crashes.pool_with(options)
   local settings = crashes.settings(options.kind or "origin", options.keep)
   store:put(layout.entry(vid), catalog.encode_volume(config.with(settings, { trash = "2d" }), options.raw))
   return store
end

-- contents of what is in the trash
local function in_trash(store, id)
   local list = {}
   for i, entry in ipairs(look(store, id).trash) do
      list[i] = crashes.content(store, entry.path)
   end
   table.sort(list)
   return list
end

-- every state that a user could go back to, in the trash or not, but for the committed one
local function reachable(store)
   local list = in_trash(store)
   for _, content in ipairs(crashes.view(store).history) do
      list[#list + 1] = content
   end
   table.sort(list)
   return list
end

-- check(store, label) after each prefix of a plan, and after all of it
local function crash_everywhere(store, decide, check)
   local whole = crashes.plan(store, decide)
   for count = 0, crashes.count_steps(whole) do
      local crashed = store:snapshot()
      run(crashed, crashes.prefix(whole, count))
      check(crashed, ("after %d steps of\n%s"):format(count, tostring(whole)))
      -- once more, as the next process would
      run(crashed, crashes.plan(crashed, function(state) return stop(state, {}) end))
      check(crashed, ("after %d steps of\n%s\nand a stop"):format(count, tostring(whole)))
   end
   run(store, whole)
end

local function steps(the_plan)
   local list = {}
   for _, phase in ipairs(the_plan.phases) do
      for _, step in ipairs(phase) do
         list[#list + 1] = step.op .. " " .. layout.basename(step.from or step.path or step.to)
      end
   end
   return list
end

describe("the name of a revision in the trash", function()
   local name = layout.trash("vm/disk.img.3@2026-11-21T09:00:00Z", 1795533382)

   it("is its own and the time", function()
      assert.equal("vm/disk.img.3@2026-11-21T09:00:00Z~trash-2026-11-24T15:16:22Z", name)
      assert.equal("trash", layout.parse("vm/disk", layout.basename(name)))
      assert.equal("vm/disk.img.3@2026-11-21T09:00:00Z", layout.without_trash(name))
      assert.is_nil(layout.without_trash("vm/disk.img.3@2026-11-21T09:00:00Z"))
      assert.is_nil(layout.without_temporary(name))
   end)

   it("is read with the time it was put there, in that order, and other names are left", function()
      local entries, others = layout.find_trash("vm/disk", {
         "disk.img", "disk.img.2@2026-11-21T09:00:00Z~trash-2026-11-24T15:16:22Z",
         "disk.img.3@2026-11-21T09:00:00Z~trash-2026-11-23T15:16:22Z", "disk.img.4@2026-11-21T09:00:00Z",
         "disk.img.3@2026-11-21T09:00:00Z~trash-2026-13-23T15:16:22Z", "disk.img~trash-2026-11-23T15:16:22Z",
         "disk-b.img.3@2026-11-21T09:00:00Z~trash-2026-11-23T15:16:22Z",
         "disk.img.x@2026-11-21T09:00:00Z~trash-2026-11-23T15:16:22Z",
      })
      assert.same({ "3", "2" }, { entries[1].id, entries[2].id })
      assert.same({ "vm/disk.img.2@2026-11-21T09:00:00Z", 1795533382, 2 },
         { entries[2].home, entries[2].removed, entries[2].seq })
      assert.equal(6, #others)
   end)

   it("is no revision to file-reflink, which removes it as a temporary file", function()
      -- its glob: V.img.*?@????-??-??T??:??:??Z
      local pattern = "^vm/disk%.img%..*.@....%-..%-..T..:..:..Z$"
      assert.matches(pattern, "vm/disk.img.3@2026-11-21T09:00:00Z")
      assert.not_matches(pattern, name)
      assert.matches("^vm/disk.*%.img.*~.*$", name)
   end)
end)

describe("the time in the trash", function()
   local now = 1795533382

   local function state_with(entries, clock, window)
      local state = { vid = "vm/a", now = now, trash = {}, clock = clock,
         config = { trash = duration.parse(window or "2d") } }
      for i, removed in ipairs(entries) do
         state.trash[i] = { id = tostring(i), seq = i, removed = removed, path = "t" .. i, home = "h" .. i }
      end
      return state
   end

   local function expired(entries, clock, window)
      local ids = {}
      for i, entry in ipairs(trash.expired(state_with(entries, clock, window))) do
         ids[i] = entry.id
      end
      return ids
   end

   local right = { mark = { latest = now - 60 } }

   it("is the window, to the second", function()
      assert.same({ "1", "2" }, expired({ now - 3 * day, now - 2 * day, now - 2 * day + 1, now }, right))
      assert.same({ "1" }, expired({ now - 32 * day, now - 30 * day }, right, "1mo"))
      local state = state_with({ now }, right)
      assert.equal(now + 2 * day, trash.expires(state, state.trash[1]))
   end)

   it("has no end where the trash is off", function()
      local state = state_with({ now - 900 * day }, nil)
      state.config.trash = nil
      assert.same({}, trash.expired(state))
      assert.is_nil(trash.expires(state, state.trash[1]))
      assert.is_nil(trash.note_clock(state, false))
   end)

   it("goes on for what comes from the future", function()
      assert.same({}, expired({ now + 1, now + 900 * day }, right))
   end)

   it("does not end by a clock that is behind, not synchronised any more, or not known", function()
      local old = { now - 9 * day }
      assert.same({}, expired(old, { mark = { latest = now + 1 } }))
      assert.same({}, expired(old, { mark = { latest = now, synchronised = true }, synchronised = false }))
      assert.same({}, expired(old, { damaged = true }))
      assert.same({ "1" }, expired(old, { mark = { latest = now + 1 }, synchronised = true }))
      assert.same({ "1" }, expired(old, { mark = { latest = now, synchronised = true }, synchronised = true }))
   end)

   it("begins anew when the clock has gone ahead, and only once", function()
      local leap = { latest = now - 10 * day }
      assert.same({}, expired({ now - 10 * day }, { mark = leap }))
      assert.same({}, expired({ now - 10 * day }, {}))
      -- the next look: not yet
      assert.same({}, expired({ now - 10 * day }, { mark = { latest = now - 60, ahead = now - 60 } }))
      assert.same({}, expired({ now - 10 * day }, { mark = { latest = now - 60, ahead = now - 2 * day + 1 } }))
      assert.same({ "1" }, expired({ now - 10 * day }, { mark = { latest = now - 60, ahead = now - 2 * day } }))
      -- looked at once a week: it always seems to go ahead
      local week = { mark = { latest = now - 7 * day, ahead = now - 7 * day } }
      assert.same({ "1", "2" }, expired({ now - 9 * day, now - 7 * day, now - 6 * day }, week))
   end)

   it("is told as it is going to be", function()
      local state = state_with({ now - 10 * day }, { mark = { latest = now - 60, ahead = now - day } })
      assert.equal(now + day, trash.expires(state, state.trash[1]))
   end)

   it("notes the clock once an hour, where the trash is in use, and never a wrong one", function()
      local function noted(entries, clock, fills)
         local step = trash.note_clock(state_with(entries, clock), fills)
         return step and catalog.decode_clock(layout.trash_clock, step.data)
      end
      assert.is_nil(noted({}, {}, false))
      assert.same({ latest = now, synchronised = false }, noted({}, {}, true))
      assert.same({ latest = now, synchronised = true }, noted({ now }, { synchronised = true }, false))
      assert.is_nil(noted({ now }, right, true))
      assert.same({ latest = now, synchronised = false, ahead = 5 },
         noted({ now }, { mark = { latest = now - 3600, ahead = 5 } }, true))
      assert.same({ latest = now, synchronised = false, ahead = now },
         noted({ now }, { mark = { latest = now - 2 * day, ahead = 5 } }, false))
      assert.is_nil(noted({ now }, { mark = { latest = now + 1 } }, true))
      assert.is_nil(noted({ now }, { damaged = true }, true))
      assert.same({ latest = now, synchronised = true },
         noted({ now }, { mark = { latest = now + 999 }, synchronised = true }, true))
   end)
end)

describe("with a trash", function()
   for keep = 0, 3 do
      it(("no revision is lost by a stop, whenever it is cut (revisions_to_keep %d)"):format(keep), function()
         local store = pool_with({ keep = keep, revisions = 3, clean = "clean", dirty = "dirty" })
         crash_everywhere(store, function(state) return stop(state, {}) end, function(crashed, label)
            local list = reachable(crashed)
            for i = 1, 3 do
               assert.is_true(crashes.contains(list, "r" .. i), label)
            end
            local now = crashes.view(crashed)
            assert.is_true(now.dirty == "dirty" and now.clean == "clean" or now.clean == "dirty", label)
            assert.is_true(keep == 0 or now.clean == "clean" or crashes.contains(list, "clean"), label)
         end)
         assert.equal(keep, #crashes.view(store).history)
      end)
   end

   it("nothing is lost by a start without snapshots, and no image in the trash is written to", function()
      local store = pool_with({ keep = -1, revisions = 2, clean = "clean" })
      -- a commit that was cut short: the newest revision is the committed image itself
      store:link(layout.image(vid, "clean"), layout.revision(vid, 3, 5000))
      crash_everywhere(store, start, function(crashed, label)
         local list = reachable(crashed)
         assert.is_true(crashes.contains(list, "r1") and crashes.contains(list, "r2"), label)
      end)
   end)

   it("a session of a volume without snapshots shares its inode with nothing in the trash", function()
      local store = pool_with({ keep = -1, revisions = 2, clean = "clean" })
      store:link(layout.image(vid, "clean"), layout.revision(vid, 3, 5000))
      run(store, start(look(store)))
      store:inode(layout.image(vid, "dirty")).content = "written by the guest"
      assert.same({ "clean", "r1", "r2" }, in_trash(store))
   end)

   it("nothing is lost by a removal, a restore, and a prune", function()
      local function decide(state)
         return prune.decide(state, state.revisions, prune.by_number(state.revisions, 2), {})
      end
      local store = pool_with({ keep = 9, revisions = 4, clean = "clean" })
      local function check(crashed, label)
         assert.same({ "r1", "r2", "r3", "r4" }, reachable(crashed), label)
         assert.equal("clean", crashes.view(crashed).clean)
      end
      crash_everywhere(store, function(state) return revert.remove_revision(state, "3") end, check)
      assert.same({ "r3" }, in_trash(store))
      crash_everywhere(store, function(state) return restore.revision(state, "3") end, check)
      assert.same({}, in_trash(store))
      crash_everywhere(store, decide, check)
      assert.same({ "r1", "r2" }, in_trash(store))
      assert.same({ "r3", "r4" }, crashes.view(store).history)
   end)

   it("a rename takes it along, whole or not at all", function()
      for _, crosses in ipairs({ false, true }) do
         local store = pool_with({ keep = 3, revisions = 3, clean = "clean" })
         run(store, revert.remove_revision(look(store), "2"))
         local new, options = "vm/other/disk", { crosses_device = crosses }
         local whole = rename(look(store), look(store, new), options)
         for count = 0, crashes.count_steps(whole) do
            local crashed = store:snapshot()
            run(crashed, crashes.prefix(whole, count))
            local id = look(crashed).registered and vid or new
            assert.same({ "r2" }, in_trash(crashed, id), count)
            assert.same({ "r1", "r3" }, crashes.view(crashed, id).history)
            if id == vid then
               run(crashed, rename(look(crashed), look(crashed, new), options))
            end
            run(crashed, restore.revision(look(crashed, new), "2"))
            assert.same({ "r1", "r2", "r3" }, crashes.view(crashed, new).history)
         end
      end
   end)

   it("a removal of the volume leaves nothing of it, also when it is cut", function()
      local store = pool_with({ keep = 3, revisions = 3, clean = "clean" })
      run(store, revert.remove_revision(look(store), "2"))
      local whole = create.remove(look(store))
      for count = 0, crashes.count_steps(whole) do
         local crashed = store:snapshot()
         run(crashed, crashes.prefix(whole, count))
         if look(crashed).registered then
            assert.same({ "r2" }, in_trash(crashed))
         else
            run(crashed, create.new(look(crashed), crashes.settings("origin", 1)))
            assert.same({}, in_trash(crashed), count)
         end
      end
   end)

   it("images of it are in the way of a volume of this name", function()
      local store = pool_with({ keep = 3 })
      store:unlink(layout.entry(vid))
      store:put(layout.trash(layout.revision(vid, 1, 5), 6), "somebody's")
      local e = select(2, pcall(create.new, look(store), crashes.settings("origin", 1)))
      assert.equal("byre: vm/work/private: images of this name are in the pool", tostring(e))
   end)

   it("a number is not given again, and so each comes back under its own", function()
      local store = pool_with({ keep = 1, revisions = 1, clean = "clean", dirty = "one" })
      run(store, revert.remove_revision(look(store), "1"))
      run(store, stop(look(store), {}))
      assert.equal(2, look(store).revisions[1].seq)
      local the_plan = copies.snapshot(look(store), {})
      assert.matches("%.img%.3@", the_plan.phases[#the_plan.phases][1].to)
      store:put(layout.trash(layout.revision(vid, layout.last_seq, 1), 6), "the last one")
      local e = select(2, pcall(history.next_seq, look(store)))
      assert.equal("not_supported", e.code)
   end)

   it("what is noted goes along and comes back, and goes when its time is up", function()
      local store = pool_with({ keep = 9, revisions = 3, clean = "clean", dirty = "dirty",
         raw = { revisions = { [("2@%s"):format("1970-01-01T00:03:20Z")] = { note = "before the upgrade" } } } })
      run(store, revert.remove_revision(look(store), "2"))
      run(store, copies.annotate(look(store), "3", { note = "another" }))
      run(store, copies.snapshot(look(store), { tag = "x" }))
      run(store, restore.revision(look(store), "2"))
      local state = look(store)
      assert.equal("before the upgrade", notes.of(state, history.find(state, "2")).note)
      run(store, revert.remove_revision(state, "2"))
      local path = look(store).trash[1].path
      store:rename(path, layout.trash(layout.revision(vid, 2, 200), 1000))
      run(store, crashes.plan(store, function(now) return stop(now, {}) end))
      state = look(store)
      assert.equal(0, #state.trash)
      assert.is_nil(state.raw.revisions["2@1970-01-01T00:03:20Z"])
      assert.equal("another", notes.of(state, history.find(state, "3")).note)
   end)

   it("what has had its time goes last, with the next stop or prune", function()
      local store = pool_with({ keep = 2, revisions = 2, clean = "clean", dirty = "dirty" })
      store:put(layout.trash(layout.revision(vid, 7, 5), 6), "old")
      store:put(layout.trash_clock, catalog.encode({ latest = require("byre.core").now() }))
      local whole = stop(look(store), {})
      local list, commit = steps(whole), 0
      for i = 1, whole.commit do
         commit = commit + #whole.phases[i]
      end
      local at
      for i, step in ipairs(list) do
         at = step:find("^unlink .*~trash") and i or at
      end
      assert.is_true(at > commit)
      run(store, whole)
      assert.same({ "r1" }, in_trash(store))
      store:put(layout.trash(layout.revision(vid, 7, 5), 6), "old")
      local the_plan = prune.decide(look(store), look(store).revisions, prune.by_number(look(store).revisions, 2), {})
      assert.same({ "7" }, { the_plan.prune.emptied[1].id })
      run(store, the_plan)
      assert.same({ "r1" }, in_trash(store))
   end)

   it("a removal past it is for good", function()
      local store = pool_with({ keep = 3, revisions = 3, clean = "clean" })
      run(store, revert.remove_revision(look(store), "2", { trash = false }))
      assert.same({}, in_trash(store))
      assert.same({ "r1", "r3" }, crashes.view(store).history)
   end)

   it("a restore takes nobody's place", function()
      local store = pool_with({ keep = 3, revisions = 3, clean = "clean" })
      store:put(layout.trash(layout.revision(vid, 3, 7), 9), "of somebody else")
      local e = select(2, pcall(restore.revision, look(store), "3"))
      assert.equal("exists", e.code)
      assert.equal("byre: vm/work/private: revision 3 is there already", tostring(e))
      e = select(2, pcall(restore.revision, look(store), "9"))
      assert.equal('byre: vm/work/private: no revision "9" in the trash', tostring(e))
   end)

   it("a release removes it once the pool is none any more", function()
      local store = pool_with({ keep = 3, revisions = 3, clean = "clean" })
      run(store, revert.remove_revision(look(store), "2"))
      local own = { files = { layout.entry(vid) }, directories = {} }
      store:put(layout.pool_file, "{}")
      local whole = release("pool", { look(store) }, own)
      assert.same({ "rename pool.json", "unlink private.img.2@1970-01-01T00:03:20Z" },
         { steps(whole)[1], (steps(whole)[2]:gsub("~.*", "")) })
      assert.is_true(whole.phases[2].cleanup and whole.phases[2].sync)
      assert.is_nil(executor.run(store, { whole }, { log = function() end })[whole])
      assert.same({}, in_trash(store))
   end)
end)

describe("a rule on space", function()
   -- every image frees 10 bytes
   local function gauge_of(free)
      local gauge = { ids = {}, total = 1000 }
      function gauge.settle() end
      function gauge:take(id) table.insert(self.ids, id) end
      function gauge:put_back() table.remove(self.ids) end
      function gauge:free() return free + 10 * #self.ids end
      function gauge.taken() return 0 end
      return gauge
   end

   local function decide(free, wanted)
      local store = pool_with({ keep = 9, revisions = 4, clean = "clean" })
      local state = look(store)
      state.clock = { mark = { latest = state.now } }
      for i = 1, 2 do
         table.insert(state.trash, { id = "t" .. i, seq = 10 + i, removed = state.now - i, path = "t" .. i,
            home = "h" .. i })
      end
      local judged = prune.by_number(state.revisions, 1)
      judged.policy.space = { free = wanted, order = "best_gain" }
      return prune.decide(state, state.revisions, judged, { gauge = gauge_of(free), confirm = "x", agreed = true })
   end

   it("empties the trash first, only as far as needed", function()
      local result = decide(100, 110).prune
      assert.same({ "t1" }, { result.emptied[1].id, result.emptied[2] })
      assert.same({}, result.removed)
      result = decide(100, 100).prune
      assert.same({}, result.emptied)
   end)

   it("lets revisions go when it is empty, and past it", function()
      local result = decide(100, 130).prune
      assert.equal(2, #result.emptied)
      assert.same({ "1" }, result.removed)
      assert.is_false(result.trash)
      assert.equal(0, result.space.missing)
   end)
end)
