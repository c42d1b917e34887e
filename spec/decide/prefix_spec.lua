-- Every prefix of every plan is a possible crash. Each is made in memory, the
-- state is read again as the next process would, and then: no image is lost or
-- mixed, no revision that was listed is lost unless the plan prunes it, and the
-- operation, done again, succeeds and ends where it would have ended.
local catalog = require("byre.catalog")
local copies = require("byre.decide.copies")
local crashes = require("spec.decide.crashes")
local create = require("byre.decide.create")
local defrag = require("byre.decide.defrag")
local import = require("byre.decide.import")
local layout = require("byre.layout")
local memory_store = require("spec.support.memory_store")
local plan = require("byre.plan")
local prune = require("byre.decide.prune")
local rename = require("byre.decide.rename")
local resize = require("byre.decide.resize")
local revert = require("byre.decide.revert")
local start = require("byre.decide.start")
local stop = require("byre.decide.stop")

local vid, source = crashes.vid, crashes.source
local settings, look, pool_with, view = crashes.settings, crashes.look, crashes.pool_with, crashes.view
local prefix, count_steps, run = crashes.prefix, crashes.count_steps, crashes.run
local content, contains, crash_everywhere = crashes.content, crashes.contains, crashes.crash_everywhere

describe("a crash anywhere in", function()
   for _, keep in ipairs({ 0, 1, 2, 3, 9 }) do
      for revisions = 0, 3 do
         it(("stop loses nothing (revisions_to_keep %d, %d revisions)"):format(keep, revisions), function()
            local store = pool_with({ keep = keep, revisions = revisions, clean = "clean", dirty = "dirty" })
            local before = view(store)
            crash_everywhere(store, function(state) return stop(state, {}) end, function(now, label)
               local before_it, after_it = now.dirty == "dirty" and now.clean == "clean", now.clean == "dirty"
               assert.is_true(before_it or now.dirty == nil and after_it, label)
               if now.dirty then
                  assert.same(before.history, now.history, label)
               elseif keep > 0 then
                  assert.is_true(contains(now.history, "clean"), label)
               end
               for i = math.max(1, revisions - keep + 2), revisions do
                  assert.is_true(keep == 0 or contains(now.history, "r" .. i), label)
               end
            end)
         end)
      end
   end

   it("stop without snapshots loses nothing", function()
      for _, clean in ipairs({ false, "clean" }) do
         local store = pool_with({ keep = -1, dirty = "dirty", clean = clean or nil })
         crash_everywhere(store, function(state) return stop(state, {}) end, function(now, label)
            assert.is_true(now.dirty == "dirty" or now.clean == "dirty", label)
         end)
      end
   end)

   it("stop after snapshots were enabled again loses nothing (no committed image)", function()
      local store = pool_with({ keep = 1, dirty = "dirty" })
      crash_everywhere(store, function(state) return stop(state, {}) end, function(now, label)
         assert.is_true(now.dirty == "dirty" or now.clean == "dirty", label)
      end)
   end)

   it("stop --discard keeps the committed image and the history", function()
      local store = pool_with({ keep = 2, revisions = 2, clean = "clean", dirty = "dirty" })
      crash_everywhere(store, function(state) return stop(state, { discard = true }) end, function(now, label)
         assert.equal("clean", now.clean, label)
         assert.same({ "r1", "r2" }, now.history, label)
      end)
   end)

   for _, precache in ipairs({ false, "clean", "other" }) do
      it(("start keeps the committed image (precache: %s)"):format(tostring(precache)), function()
         local store = pool_with({ keep = 1, revisions = 1, clean = "clean" })
         if precache then
            store:put(layout.image(vid, "precache"), precache, precache == "clean" and 5000 or 5001)
         end
         crash_everywhere(store, start, function(now, label)
            assert.equal("clean", now.clean, label)
            assert.is_true(now.dirty == nil or now.dirty == "clean", label)
            assert.same({ "r1" }, now.history, label)
         end)
      end)
   end

   it("a session with a size for what is written anew loses nothing", function()
      local values = settings("origin", 2)
      values.cow_extent_size = 65536
      local store = pool_with({ keep = 2, revisions = 1, clean = "clean" })
      store:put(layout.entry(vid), catalog.encode_volume(values, nil))
      crash_everywhere(store, start, function(now, label)
         assert.is_true(now.clean == "clean" and (now.dirty == nil or now.dirty == "clean"), label)
      end)
      run(store, start(look(store)))
      assert.equal(65536, store:inode(layout.image(vid, "dirty")).cow_extent_size)
      store:inode(layout.image(vid, "dirty")).content = "written by the guest"
      crash_everywhere(store, function(state) return stop(state, {}) end, function(now, label)
         assert.is_true(now.dirty ~= nil and now.clean == "clean" or now.clean == "written by the guest", label)
      end)
      run(store, stop(look(store), {}))
      assert.equal(0, store:inode(layout.image(vid, "clean")).cow_extent_size)
   end)

   it("start without snapshots always leaves the image under one name", function()
      local store = pool_with({ keep = -1, revisions = 2, clean = "clean" })
      crash_everywhere(store, start, function(now, label)
         assert.is_true(now.clean == "clean" or now.dirty == "clean", label)
      end)
   end)

   it("start without snapshots never writes to an inode that somebody else has", function()
      local store = pool_with({ keep = -1, clean = "clean" })
      store:link(layout.image(vid, "clean"), "vm/app/root.img")
      run(store, start(look(store)))
      store:inode(layout.image(vid, "dirty")).content = "written by the guest"
      assert.equal("clean", content(store, "vm/app/root.img"))
   end)

   it("start of a snapshot gives the source's content, again and again", function()
      local store = pool_with({ kind = "snapshot" })
      crash_everywhere(store, start, function(now, label)
         assert.is_true(now.dirty == nil or now.dirty == "template", label)
      end)
      run(store, start(look(store)))
      crash_everywhere(store, start, function(now, label)
         assert.equal("template", now.dirty, label)
      end)
   end)

   it("start of an origin_snapshot keeps what was committed until the session is there", function()
      local store = pool_with({ kind = "origin_snapshot", keep = 2, revisions = 1, clean = "committed" })
      local whole = start(look(store))
      for count = 0, count_steps(whole) do
         local crashed = store:snapshot()
         run(crashed, prefix(whole, count))
         local now = view(crashed)
         assert.is_true(now.clean == "committed" or now.dirty == "template")
         run(crashed, start(look(crashed)))
         assert.equal("template", view(crashed).dirty)
         run(crashed, stop(look(crashed), {}))
         assert.equal("template", view(crashed).clean)
         assert.is_true(contains(view(crashed).history, "r1"))
      end
   end)

   it("start of an origin_snapshot takes no revision for the source's content that only looks like it", function()
      local store = pool_with({ kind = "origin_snapshot", keep = 3, clean = "committed" })
      local time = store:inode(layout.image(source, "clean")).mtime
      store:put(layout.revision(vid, 1, time), "tempLATE", time)
      local whole = start(look(store))
      for count = 0, count_steps(whole) do
         local crashed = store:snapshot()
         run(crashed, prefix(whole, count))
         local now = view(crashed)
         assert.is_true(now.clean == "committed" or now.clean == "template" and now.dirty == "template")
         assert.is_true(contains(now.history, "tempLATE"))
      end
      run(store, whole)
      assert.equal("template", view(store).clean)
   end)

   it("stop of an origin_snapshot loses nothing, also on an unchanged source", function()
      local store = pool_with({ kind = "origin_snapshot", keep = 3 })
      for session = 1, 3 do
         run(store, start(look(store)))
         store:inode(layout.image(vid, "dirty")).content = "session " .. session
         crash_everywhere(store, function(state) return stop(state, {}) end, function(now, label)
            assert.is_true(now.dirty == "session " .. session or now.clean == "session " .. session, label)
            assert.is_true(contains(now.history, "template") or now.clean == "template", label)
         end)
         run(store, stop(look(store), {}))
      end
   end)

   for _, id in ipairs({ "1", "2", "3", false }) do
      it(("revert keeps the current state and the wanted one (to %s)"):format(id or "the newest"), function()
         local store = pool_with({ keep = 3, revisions = 3, clean = "clean" })
         local wanted = "r" .. (id or "3")
         crash_everywhere(store, function(state) return revert.to(state, id or nil, {}) end, function(now, label)
            assert.is_true(now.clean == "clean" or contains(now.history, "clean"), label)
            assert.is_true(now.clean == wanted or contains(now.history, wanted), label)
            for i = 1, 3 do
               assert.is_true(now.clean == "r" .. i or contains(now.history, "r" .. i), label)
            end
         end, function(crashed) return content(crashed, layout.image(vid, "clean")) == wanted end)
      end)
   end

   for _, clean in ipairs({ "clean", false }) do
      it(("revert --discard is before or after, session and all (committed image: %s)"):format(clean), function()
         local store = pool_with({ keep = 3, revisions = 3, clean = clean or nil, dirty = "dirty" })
         crash_everywhere(store, function(state) return revert.to(state, "2", { discard = true }) end,
            function(now, label)
               local before = now.dirty == "dirty" and now.clean == (clean or nil)
               local after = now.dirty == nil and now.clean == "r2"
               assert.is_true(before or after, label)
               assert.is_true(after or contains(now.history, "r2"), label)
               assert.is_true(before or not clean or contains(now.history, "clean"), label)
            end, function(crashed) return content(crashed, layout.image(vid, "clean")) == "r2" end)
      end)
   end

   it("revert --discard costs no session of later", function()
      local store = pool_with({ keep = 3, revisions = 2, clean = "clean", dirty = "dirty" })
      local whole = revert.to(look(store), "1", { discard = true })
      for count = 0, count_steps(whole) do
         local crashed = store:snapshot()
         run(crashed, prefix(whole, count))
         local state = look(crashed)
         local before = state.files.dirty ~= nil
         run(crashed, crashes.plan(crashed, start))
         -- the guest writes, and the same image may be another inode's successor
         crashed:put(layout.image(vid, "dirty"), "later")
         assert.equal("later", view(crashed).dirty, count)
         run(crashed, crashes.plan(crashed, function(now) return stop(now, {}) end))
         assert.equal("later", view(crashed).clean)
         assert.is_true(contains(view(crashed).history, before and "clean" or "r1"))
         assert.is_nil(look(crashed).discard)
      end
   end)

   it("revert --discard ends no session that was written to since, whatever somebody does by hand", function()
      local store = pool_with({ keep = 3, revisions = 2, clean = "clean", dirty = "dirty" })
      run(store, prefix(revert.to(look(store), "1", { discard = true }), 1))
      assert.equal("begun", look(store).discard)
      store:put(layout.image(vid, "dirty"), "later", 7000)
      store:rename(layout.revision(vid, 2, 200), layout.image(vid, "clean"))
      assert.equal("later", view(store).dirty)
   end)

   it("prune loses no revision but those that go, and asks for nothing again that was agreed to", function()
      local store = pool_with({ keep = 9, revisions = 5, clean = "clean" })
      local function decide(state)
         return prune.decide(state, state.revisions, prune.by_number(state.revisions, 3),
            { policy_hash = state.raw.confirmed_policy or "agreed", clock = { latest = 1 << 40 } })
      end
      local agreed = decide(look(store)).prune.hash
      crash_everywhere(store, function(state)
         return prune.decide(state, state.revisions, prune.by_number(state.revisions, 3),
            { policy_hash = "agreed", confirm = #state.revisions == 5 and agreed or decide(state).prune.hash })
      end, function(now, label)
         assert.equal("clean", now.clean, label)
         for i = 3, 5 do
            assert.is_true(contains(now.history, "r" .. i), label)
         end
      end)
   end)

   it("resize keeps a whole image", function()
      local store = pool_with({ keep = 1, revisions = 1, clean = "clean" })
      crash_everywhere(store, function(state) return resize(state, 100, {}) end, function(now, label)
         assert.equal("clean", now.clean, label)
         assert.same({ "r1" }, now.history, label)
      end)
   end)

   for _, precache in ipairs({ false, "clean" }) do
      it(("defrag keeps the content and the history (precache: %s)"):format(tostring(precache)), function()
         local store = pool_with({ keep = 2, revisions = 2, clean = "clean" })
         if precache then
            store:put(layout.image(vid, "precache"), precache, 5000)
         end
         crash_everywhere(store, function(state)
            state.regions, state.free = { { start = 0, count = 9, allocated = 5, shared = 5 } }, 100
            return defrag.plan(state, {})
         end, function(now, label)
            assert.equal("clean", now.clean, label)
            assert.same({ "r1", "r2" }, now.history, label)
         end)
      end)
   end

   it("defrag of a volume whose commit was cut short brings no revision back", function()
      local store = pool_with({ keep = 2, revisions = 2, clean = "clean" })
      store:link(layout.image(vid, "clean"), layout.revision(vid, 3, 5000))
      local state = look(store)
      state.regions, state.free = { { start = 0, count = 9, allocated = 5, shared = 5 } }, 100
      run(store, defrag.plan(state, {}))
      assert.same({ "r1", "r2" }, view(store).history)
      assert.equal("clean", view(store).clean)
   end)

   for _, keep in ipairs({ 0, 1, 2 }) do
      it(("the end of an import loses nothing (revisions_to_keep %d)"):format(keep), function()
         local store = pool_with({ keep = keep, revisions = 2, clean = "clean", import = "imported" })
         local function finish(state)
            return import.finish(state, true, {})
         end
         crash_everywhere(store, finish, function(now, label, crashed)
            assert.is_true(now.clean == "clean" and content(crashed, layout.image(vid, "import")) == "imported"
               or now.clean == "imported", label)
            assert.is_true(keep == 0 or now.clean == "clean" or contains(now.history, "clean"), label)
         end, function(crashed) return content(crashed, layout.image(vid, "clean")) == "imported" end)
      end)
   end

   it("taking over another image loses nothing", function()
      local store = pool_with({ keep = 2, revisions = 2, clean = "clean" })
      crash_everywhere(store, function(state)
         return import.replace(state, "import_volume", {}, function(to, options)
            return plan.clone(layout.image(source, "clean"), to, options)
         end)
      end, function(now, label)
         assert.is_true(now.clean == "clean" or now.clean == "template" and contains(now.history, "clean"), label)
         assert.is_true(contains(now.history, "r2"), label)
      end, function(crashed) return content(crashed, layout.image(vid, "clean")) == "template" end)
   end)

   it("snapshot of a running volume keeps history and session", function()
      local store = pool_with({ keep = 2, revisions = 2, clean = "clean", dirty = "dirty" })
      local whole = copies.snapshot(look(store), {})
      for count = 0, count_steps(whole) do
         local crashed = store:snapshot()
         run(crashed, prefix(whole, count))
         local now = view(crashed)
         assert.equal("clean", now.clean)
         assert.equal("dirty", now.dirty)
         run(crashed, copies.snapshot(look(crashed), {}))
         run(crashed, stop(look(crashed), {}))
         assert.same("dirty", view(crashed).clean)
         assert.is_true(contains(view(crashed).history, "dirty"))
      end
   end)

   it("the next stop keeps a snapshot that the user made while it ran", function()
      local store = pool_with({ keep = 1, revisions = 1, clean = "clean", dirty = "at the snapshot" })
      run(store, copies.snapshot(look(store), {}))
      store:inode(layout.image(vid, "dirty")).content = "at the stop"
      run(store, stop(look(store), {}))
      assert.same({ "at the snapshot" }, view(store).history)
      assert.equal("at the stop", view(store).clean)
   end)

   it("create leaves nothing that is in the way of another try", function()
      local store = memory_store.new()
      local values = settings("origin", 1)
      crash_everywhere(store, function(state) return create.new(state, values) end, function() end,
         function(crashed) return look(crashed).registered end)
   end)

   it("remove leaves the whole volume, or none and what can be cleared", function()
      local store = pool_with({ keep = 2, revisions = 2, clean = "clean", dirty = "dirty" })
      crash_everywhere(store, create.remove, function(now, label)
         if now.registered then
            assert.same({ history = { "r1", "r2" }, clean = "clean", dirty = "dirty", registered = true }, now, label)
         end
      end, function(crashed)
         local state = look(crashed)
         if state.registered then
            return false
         elseif state.removed then
            run(crashed, create.finish_removal(state))
         end
         return true
      end)
   end)

   it("remove never blocks the name", function()
      local store = pool_with({ keep = 2, revisions = 2, clean = "clean" })
      local before, whole = view(store), create.remove(look(store))
      for count = 0, count_steps(whole) do
         local crashed = store:snapshot()
         run(crashed, prefix(whole, count))
         if look(crashed).registered then
            assert.same(before, view(crashed))
            run(crashed, create.remove(look(crashed)))
         end
         run(crashed, create.new(look(crashed), settings("origin", 1)))
         assert.same({ history = {}, clean = "", registered = true }, view(crashed))
      end
   end)

   it("rename leaves one whole volume under one of the two names", function()
      for _, dirty in ipairs({ false, "dirty" }) do
         local store = pool_with({ keep = 2, revisions = 2, clean = "clean", dirty = dirty or nil })
         local new = "vm/other/disk"
         local before = view(store)
         local options = { state = "current" }
         local whole = rename(look(store), look(store, new), options)
         for count = 0, count_steps(whole) do
            local crashed = store:snapshot()
            run(crashed, prefix(whole, count))
            local old_view, new_view = view(crashed), view(crashed, new)
            assert.is_true(old_view.registered ~= new_view.registered, count)
            assert.same(before, old_view.registered and old_view or new_view)
            if old_view.registered then
               run(crashed, rename(look(crashed), look(crashed, new), options))
            end
            assert.same(before, view(crashed, new))
            -- what is left under the old name is known as garbage
            run(crashed, create.new(look(crashed), settings("origin", 1)))
            assert.same(before, view(crashed, new))
         end
      end
   end)

   it("the renaming of a group leaves each volume whole under one of its names", function()
      local twin, new, new_twin = "vm/work/root", "vm/other/private", "vm/other/root"
      local store = pool_with({ keep = 2, revisions = 2, clean = "clean", dirty = "dirty" })
      store:put(layout.entry(twin), store:read(layout.entry(vid)))
      store:put(layout.image(twin, "clean"), "twin", 5000)
      local options = { state = "current" }
      local function decide(at, from, to)
         return rename(look(at, from), look(at, to), options)
      end
      local first, second = decide(store, vid, new), decide(store, twin, new_twin)
      local before = { [new] = view(store), [new_twin] = view(store, twin) }
      -- more than the phases they share allow: any part of the one with any part of the other
      for count = 0, count_steps(first) do
         for count_of_twin = 0, count_steps(second) do
            local crashed = store:snapshot()
            run(crashed, prefix(first, count))
            run(crashed, prefix(second, count_of_twin))
            for to, from in pairs({ [new] = vid, [new_twin] = twin }) do
               local label = ("%s after %d and %d steps"):format(from, count, count_of_twin)
               local old_view, new_view = view(crashed, from), view(crashed, to)
               assert.is_true(old_view.registered ~= new_view.registered, label)
               assert.same(before[to], old_view.registered and old_view or new_view, label)
               if old_view.registered then
                  run(crashed, decide(crashed, from, to))
               end
               assert.same(before[to], view(crashed, to), label)
            end
         end
      end
   end)
end)
