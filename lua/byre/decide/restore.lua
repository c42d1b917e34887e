--- Decide: bring a revision back from the trash, or empty the trash.
-- @module byre.decide.restore
local failure = require("byre.failure")
local history = require("byre.decide.history")
local plan = require("byre.plan")
local trash = require("byre.decide.trash")

local restore = {}

--- Find a revision in the trash by its id: of several, the one that was put there last.
-- @tparam table state
-- @tparam string id
-- @treturn table
-- @raise `no_such_revision`
function restore.find(state, id)
   for i = #state.trash, 1, -1 do
      if state.trash[i].id == id then
         return state.trash[i]
      end
   end
   history.refuse(state, "no_such_revision", ("no revision %s in the trash"):format(failure.quote(tostring(id))),
      { hint = "byre trash " .. state.vid .. " lists what there is" })
end

-- An origin's committed image is not its own history: a revision that is this image itself would not be seen.
local function require_past(state, entry)
   if state.config.kind == "origin" and entry == state.committed_in_trash then
      history.refuse(state, "exists", ("revision %s is what is committed now"):format(entry.id), { path = entry.path,
         hint = "it can be brought back once something else is committed" })
   end
end

-- Its number may be another one's by now, where somebody else made revisions; and whatever has its name would be lost.
local function require_free(state, entry)
   for _, revision in ipairs(state.revisions) do
      if revision.seq == entry.seq then
         history.refuse(state, "exists", ("revision %s is there already"):format(revision.id), { path = revision.path,
            hint = ("remove that one first: byre remove --no-trash %s@%s"):format(state.vid, revision.id) })
      end
   end
   for _, path in ipairs(state.strays) do
      if path == entry.home then
         history.refuse(state, "exists", ("%s is in its place"):format(path), { path = path })
      end
   end
end

--- Plan to bring a revision back: under its number, with what is noted of it.
-- @tparam table state
-- @tparam string id
-- @treturn plan
-- @raise `no_such_revision`; `exists`: there is a revision of its number, or it is the committed image
function restore.revision(state, id)
   local entry = restore.find(state, id)
   require_free(state, entry)
   require_past(state, entry)
   return plan.new("restore", state.vid, { plan.phase({}, plan.rename(entry.path, entry.home)) })
end

--- Plan to empty the trash.
-- @tparam table state
-- @tparam[opt] {string,...} paths of the entries that go (default: all)
-- @treturn plan
function restore.empty(state, paths)
   local wanted, entries = {}, {}
   for _, path in ipairs(paths or {}) do
      wanted[path] = true
   end
   for _, entry in ipairs(state.trash) do
      entries[#entries + 1] = (not paths or wanted[entry.path]) and entry or nil
   end
   local steps, gone = trash.empty(entries)
   return plan.new("empty_trash", state.vid, { plan.phase({}, steps) },
      { plan.phase({}, history.forget_notes(state, gone)) })
end

return restore
