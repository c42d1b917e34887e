-- What is noted of revisions goes with them, and comes before them, wherever it is cut short.
local copies = require("byre.decide.copies")
local crashes = require("spec.decide.crashes")
local history = require("byre.decide.history")
local import = require("byre.decide.import")
local layout = require("byre.layout")
local notes = require("byre.notes")
local plan = require("byre.plan")
local revert = require("byre.decide.revert")
local start = require("byre.decide.start")
local stop = require("byre.decide.stop")
local survey = require("byre.survey")

local vid = crashes.vid

local function annotate(store, id, wanted)
   crashes.run(store, copies.annotate(crashes.look(store), id, wanted))
end

-- content of a revision -> its note
local function noted(store)
   local state, seen = crashes.look(store), {}
   for _, revision in ipairs(survey.history(state)) do
      seen[crashes.content(store, revision.path)] = notes.of(state, revision).note or "none"
   end
   return seen
end

-- names under which something is noted
local function keys(store)
   local list = {}
   for key in pairs(crashes.look(store).raw.revisions or {}) do
      list[#list + 1] = key
   end
   return table.concat(list, " ")
end

-- the store as each crash in a plan leaves it
local function each_crash(store, decide, check)
   local whole = crashes.plan(store, decide)
   for count = 0, crashes.count_steps(whole) do
      local crashed = store:snapshot()
      crashes.run(crashed, crashes.prefix(whole, count))
      check(crashed, ("after %d steps of\n%s"):format(count, tostring(whole)))
   end
   crashes.run(store, whole)
end

local removals = {
   remove_revision = function(state) return revert.remove_revision(state, "2") end,
   stop = function(state) return stop(state, {}) end,
   import = function(state)
      return import.replace(state, "import_volume", {}, function(to, options)
         return plan.clone(layout.image(crashes.source, "clean"), to, options)
      end)
   end,
}

describe("notes on a revision", function()
   for name, decide in pairs(removals) do
      it("go after it, in " .. name, function()
         local store = crashes.pool_with({ keep = 1, revisions = 2, clean = "clean",
            dirty = name == "stop" and "dirty" or nil })
         annotate(store, "2", { note = "two" })
         each_crash(store, decide, function(crashed, label)
            local note = noted(crashed)["r2"]
            assert.is_true(note == nil or note == "two", label)
         end)
         assert.equal("", keys(store))
      end)
   end

   it("go after it, where a start takes all revisions but those that are held", function()
      local store = crashes.pool_with({ keep = -1, revisions = 3, clean = "clean" })
      annotate(store, "1", { note = "one" })
      annotate(store, "2", { note = "two", hold_until = true })
      each_crash(store, start, function(crashed, label)
         assert.equal("two", noted(crashed)["r2"], label)
         assert.is_true((noted(crashed)["r1"] or "one") == "one", label)
      end)
      assert.same({ r2 = "two" }, noted(store))
   end)

   it("are there when the revision is, in snapshot", function()
      for _, dirty in ipairs({ false, "dirty" }) do
         local store = crashes.pool_with({ keep = 3, revisions = 1, clean = "clean", dirty = dirty or nil })
         each_crash(store, function(state)
            return (copies.snapshot(state, { note = "now", hold_until = true }))
         end, function(crashed, label)
            assert.equal("none", noted(crashed)["r1"], label)
            local made = noted(crashed)[dirty or "clean"]
            assert.is_true(made == nil or made == "now", label)
         end)
         assert.equal("now", noted(store)[dirty or "clean"])
      end
   end)

   it("are not those of another one that had the same number at the same second", function()
      local function snapshot(state) return (copies.snapshot(state, {})) end
      local function snapshot_with_tag(state) return (copies.snapshot(state, { tag = "new" })) end
      for _, again in ipairs({ snapshot, snapshot_with_tag, removals.stop, removals.import,
         function(state) return revert.to(state, "1", { discard = true }) end }) do
         local dirty = again == removals.stop and "dirty" or nil
         local store = crashes.pool_with({ keep = 9, revisions = 1, clean = "clean", dirty = dirty })
         -- what a crash leaves of a snapshot with a note, or of its removal
         local state = crashes.look(store)
         local path = layout.revision(vid, history.next_seq(state), state.files.clean.mtime)
         local entry = notes.change(state, { path = path }, { note = "old", hold_until = true, tag = "old" })
         store:put(layout.entry(vid), require("byre.catalog").encode(entry))
         each_crash(store, again, function(crashed, label)
            assert.equal("none", noted(crashed).clean or "none", label)
         end)
         for _, revision in ipairs(crashes.look(store).revisions) do
            local of = notes.of(crashes.look(store), revision)
            assert.is_nil(of.hold_until)
            assert.is_nil(of.tags.old)
         end
         assert.equal("none", noted(store).clean)
      end
   end)

   it("keep it in the history when one goes back to it", function()
      local store = crashes.pool_with({ keep = 3, revisions = 2, clean = "clean" })
      annotate(store, "1", { hold_until = true, note = "held" })
      each_crash(store, function(state) return revert.to(state, "1", {}) end, function(crashed, label)
         assert.equal("held", noted(crashed).r1, label)
      end)
      assert.equal("r1", crashes.view(store).clean)
      assert.same({ "r1", "r2", "clean" }, crashes.view(store).history)
      -- and what is written then is not the held one's
      assert.equal(1, store:stat(layout.image(vid, "clean")).nlink)
   end)
end)
