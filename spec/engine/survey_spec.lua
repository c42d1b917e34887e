local catalog = require("byre.catalog")
local config = require("byre.config")
local layout = require("byre.layout")
local memory_store = require("spec.support.memory_store")
local pools = require("spec.support.pools")
local survey = require("byre.survey")

local pool = config.pool("pool", {})

local function register(store, vid, values)
   store:put(layout.entry(vid), catalog.encode_volume(config.volume(vid, values, { sizeless = true }), nil))
end

local function look(store, vid, options)
   return survey.volume(store, vid or "vm/disk", pool, options)
end

local function paths(list)
   local found = {}
   for i, item in ipairs(list) do
      found[i] = item.path or item
   end
   table.sort(found)
   return found
end

describe("the state of a volume", function()
   local store

   before_each(function()
      store = memory_store.new()
      register(store, "vm/disk", { save_on_stop = true })
   end)

   it("says which images are there", function()
      store:put("vm/disk.img", "clean")
      store:put("vm/disk-dirty.img", "dirty")
      local state = look(store)
      assert.is_true(state.registered)
      assert.equal(5, state.files.clean.size)
      assert.equal(5, state.files.dirty.size)
      assert.is_nil(state.files.precache)
      assert.is_nil(state.files.import)
      assert.equal("vm/disk-import.img", state.paths.import)
   end)

   it("has revisions in the order of their numbers, whatever their times", function()
      for _, seq in ipairs({ 10, 2, 9, 1 }) do
         store:put(layout.revision("vm/disk", seq, 1000000 - seq), "r" .. seq)
      end
      local numbers = {}
      for i, revision in ipairs(look(store).revisions) do
         numbers[i] = revision.seq
      end
      assert.same({ 1, 2, 9, 10 }, numbers)
   end)

   it("knows temporaries, names that do not parse and revisions of 2018", function()
      store:put("vm/disk.img~a1b2c3d4", "")
      store:put("vm/disk.img.x@2026-11-22T18:00:00Z", "")
      store:put("vm/disk.img@2018-01-01T00:00:00Z", "")
      store:put("vm/disk2.img~a1b2c3d4", "")
      store:put("vm/disk.img.bak", "")
      local state = look(store)
      assert.same({ "vm/disk.img~a1b2c3d4" }, paths(state.temporaries))
      assert.same({ "vm/disk.img.x@2026-11-22T18:00:00Z" }, paths(state.strays))
      assert.same({ "vm/disk.img@2018-01-01T00:00:00Z" }, paths(state.old_revisions))
      assert.equal(0, #state.revisions)
   end)

   it("takes nothing of a volume whose name begins alike", function()
      register(store, "vm/disk2", { save_on_stop = true })
      store:put("vm/disk2.img", "")
      store:put("vm/disk2.img.1@2026-11-22T18:00:00Z", "")
      local state = look(store)
      assert.same({}, state.files)
      assert.equal(0, #state.revisions)
   end)

   it("knows a precache that is a copy of the clean image, and one that is not", function()
      store:put("vm/disk.img", "clean", 5)
      for _, case in ipairs({ { "clean", 5, true }, { "clean", 6, false }, { "longer", 5, false } }) do
         store:put("vm/disk-precache.img", case[1], case[2])
         assert.equal(case[3], look(store).files.precache.fresh)
      end
   end)

   it("trusts the blocks where the clean image was changed after the precache was made", function()
      store:put("vm/disk-precache.img", "clean", 5)
      store:put("vm/disk.img", "other", 5)
      assert.is_false(look(store).files.precache.fresh)
      store:put("vm/disk.img", "clean", 5)
      assert.is_true(look(store).files.precache.fresh)
   end)

   it("trusts the blocks where both were changed in the same tick of the kernel's clock", function()
      store:put("vm/disk-precache.img", "clean", 5)
      store:put("vm/disk.img", "other", 5)
      store:inode("vm/disk-precache.img").ctime = store:inode("vm/disk.img").ctime
      assert.is_false(look(store).files.precache.fresh)
   end)

   -- two sessions that were last written to in the same tick of the kernel's clock have images of the same time
   it("takes a revision for a copy of the source's content by its content, not by its size and time", function()
      register(store, "tpl/root", { save_on_stop = true })
      store:put("tpl/root.img", "source", 5)
      register(store, "vm/app", { snap_on_start = true, save_on_stop = true, source = "tpl/root" })
      local copy, other = layout.revision("vm/app", 1, 5), layout.revision("vm/app", 2, 5)
      store:put(other, "elsewh", 5)
      assert.is_nil(look(store, "vm/app", { source_copy = true }).source_copy)
      store:put(copy, "source", 5)
      assert.equal(copy, look(store, "vm/app", { source_copy = true }).source_copy)
   end)

   it("hides the half of a commit from the history", function()
      store:put("vm/disk.img", "clean")
      store:put(layout.revision("vm/disk", 1, 1), "r1")
      store:link("vm/disk.img", layout.revision("vm/disk", 2, 2))
      local state = look(store)
      assert.equal(2, state.preserved.seq)
      assert.equal(2, #state.revisions)
      assert.equal(1, #survey.history(state))
      assert.equal(1, survey.history(state)[1].seq)
   end)

   it("has a history in which a link to somebody else's image hides nothing", function()
      store:put("vm/disk.img", "clean")
      store:put(layout.revision("vm/disk", 1, 1), "r1")
      store:link("vm/disk.img", "vm/app.img")
      local state = look(store)
      assert.is_nil(state.preserved)
      assert.equal(1, #survey.history(state))
   end)

   it("of a vid that is not registered is refused, with a hint where images are", function()
      local e = pools.fails("no_such_volume", "byre: vm/none: no such volume in this pool",
         survey.require, look(store, "vm/none"))
      assert.is_nil(e.hint)
      store:put("vm/none.img", "")
      e = pools.fails("no_such_volume", "byre: vm/none: no such volume in this pool",
         survey.require, look(store, "vm/none"))
      assert.equal("its images are there but the pool does not know them; take them in with: byre adopt --only vm/none",
         e.hint)
   end)

   it("with a removal that was cut short says so", function()
      store:put(layout.removed("vm/gone"), "")
      assert.is_true(look(store, "vm/gone").removed)
      assert.is_false(look(store).removed)
   end)

   it("with a damaged entry is refused", function()
      store:put(layout.entry("vm/disk"), "{")
      local ok, e = pcall(look, store)
      assert.is_false(ok)
      assert.equal("corrupt", e.code)
   end)
end)

describe("a running snapshot", function()
   local store

   before_each(function()
      store = memory_store.new()
      register(store, "vm/root", { save_on_stop = true })
      register(store, "vm/disk", { snap_on_start = true, source = "vm/root" })
      store:put("vm/root.img", "one", 5)
   end)

   local function is_outdated()
      return survey.is_outdated(look(store))
   end

   it("that does not run is not out of date", function()
      assert.is_false(is_outdated())
   end)

   it("is out of date once its source has another image", function()
      store:link("vm/root.img", "vm/disk.img")
      assert.is_false(is_outdated())
      store:put("vm/new.img", "two", 6)
      store:rename("vm/new.img", "vm/root.img")
      assert.is_true(is_outdated())
   end)

   it("whose clean image is a copy is out of date once the source has another time", function()
      store:put("vm/disk.img", "one", 5)
      assert.is_false(is_outdated())
      store:put("vm/root.img", "two", 6)
      assert.is_true(is_outdated())
   end)

   it("whose source is gone is not out of date", function()
      store:link("vm/root.img", "vm/disk.img")
      store:unlink("vm/root.img")
      assert.is_false(is_outdated())
   end)

   it("knows its source", function()
      local state = look(store)
      assert.equal("vm/root", state.source.vid)
      assert.equal("vm/root.img", state.source.path)
      assert.equal(3, state.source.clean.size)
      store:unlink(layout.entry("vm/root"))
      assert.is_nil(look(store).source.config)
   end)
end)
