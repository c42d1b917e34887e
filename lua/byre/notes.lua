--- What users say of revisions: tags, a note, a hold.
--
-- Pure. Notes stand in the volume's catalog entry under the part of the
-- revision's file name that tells it from every other one, `4@2026-11-22T…Z`:
-- numbers alone are used again once all revisions are gone. Even that name may
-- come again (the newest revision is removed, and the same content becomes one
-- once more), so notes go with their revision, after it: a power cut in between
-- leaves notes of nothing, never a revision without its hold. Whoever makes a
-- revision first takes away what is noted under its name.
-- @module byre.notes
local failure = require("byre.failure")
local layout = require("byre.layout")

local notes = {}

--- The key of a revision among the notes.
-- @tparam string volume its vid
-- @tparam table revision with `path`
-- @treturn string
function notes.key(volume, revision)
   return revision.path:sub(#layout.image(volume, "clean") + 2)
end

--- What is noted of a revision.
-- @tparam table state of `byre.survey`
-- @tparam table revision
-- @treturn table `tags` (name -> true), `note`, `hold_until` (epoch, or true: no end)
function notes.of(state, revision)
   local stored = (state.raw and state.raw.revisions or {})[notes.key(state.vid, revision)] or {}
   local tags = {}
   for _, tag in ipairs(type(stored.tags) == "table" and stored.tags or {}) do
      tags[tag] = true
   end
   return { tags = tags, note = stored.note, hold_until = stored.hold_until }
end

--- Is anything noted of a revision?
-- @tparam table state
-- @tparam table revision
-- @treturn boolean
function notes.exist(state, revision)
   return next((state.raw and state.raw.revisions or {})[notes.key(state.vid, revision)] or {}) ~= nil
end

--- Is a revision held now?
-- @tparam table state
-- @tparam table revision
-- @treturn boolean
function notes.is_held(state, revision)
   local hold = notes.of(state, revision).hold_until
   return hold == true or math.type(hold) == "integer" and hold > state.now
end

local function as_list(value)
   return type(value) == "table" and value or { value }
end

local function all(values, test)
   for _, value in ipairs(as_list(values)) do
      if type(value) ~= "string" or not test(value) then
         return false
      end
   end
   return type(values) == "string" or type(values) == "table"
end

local changes = {
   tag = function(value)
      return all(value, function(tag) return tag:find("^[%w_.:-]+$") end), "must be letters, digits and _ . : -"
   end,
   untag = function(value)
      return all(value, function() return true end), "must be a tag"
   end,
   note = function(value)
      return value == false or type(value) == "string", "must be text, or false for none"
   end,
   hold_until = function(value)
      return type(value) == "boolean" or math.type(value) == "integer",
         "must be a time in seconds since the epoch, true for no end, or false for no hold"
   end,
}

local function check(volume, wanted)
   for key, value in pairs(wanted) do
      local rule = changes[key]
      if not rule then
         failure.raise("invalid", volume, ("a revision has no %s; it has tag, untag, note and hold_until"):format(
            failure.quote(tostring(key))), { volume = volume })
      end
      local ok, reason = rule(value)
      if not ok then
         failure.raise("invalid", volume, ("%s: %s"):format(key, reason), { volume = volume })
      end
   end
end

local function sorted(set)
   local list = {}
   for tag in pairs(set) do
      list[#list + 1] = tag
   end
   table.sort(list)
   return list
end

local function with_revisions(raw, revisions)
   local copy = {}
   for key, value in pairs(raw) do
      copy[key] = value
   end
   copy.revisions = next(revisions) and revisions or nil
   return copy
end

--- The catalog entry without what is noted under some paths.
-- @tparam table state
-- @tparam {string,...} paths of revisions
-- @tparam[opt] string added one more, that does not count if nothing is noted on the others
-- @treturn ?table the entry; nil: nothing is noted there
function notes.without(state, paths, added)
   local left, found = {}, false
   for key, value in pairs(state.raw and state.raw.revisions or {}) do
      left[key] = value
   end
   for _, path in ipairs(paths) do
      local key = notes.key(state.vid, { path = path })
      found = found or left[key] ~= nil
      left[key] = nil
   end
   if added then
      left[notes.key(state.vid, { path = added })] = nil
   end
   return found and with_revisions(state.raw, left) or nil
end

-- the notes on the revisions that are there, also in the trash
local function living(state)
   local kept = {}
   local function keep(path)
      local key = notes.key(state.vid, { path = path })
      kept[key] = (state.raw.revisions or {})[key]
   end
   for _, revision in ipairs(state.revisions) do
      keep(revision.path)
   end
   for _, entry in ipairs(state.trash) do
      keep(entry.home)
   end
   return kept
end

--- The catalog entry with other notes on one revision, and without those on
-- revisions that are gone. A revision that is still to be made begins with none.
-- @tparam table state
-- @tparam table revision
-- @tparam table wanted `tag`, `untag` (one or a list), `note`, `hold_until`; false takes a note or a hold away
-- @treturn table the entry
-- @raise `invalid`
function notes.change(state, revision, wanted)
   check(state.vid, wanted)
   local kept, key = living(state), notes.key(state.vid, revision)
   local now = kept[key] and notes.of(state, revision) or { tags = {} }
   for _, tag in ipairs(as_list(wanted.tag)) do
      now.tags[tag] = true
   end
   for _, tag in ipairs(as_list(wanted.untag)) do
      now.tags[tag] = nil
   end
   local stored = {}
   for name, value in pairs(kept[key] or {}) do
      stored[name] = value
   end
   local tags = sorted(now.tags)
   stored.tags = #tags > 0 and tags or nil
   for _, name in ipairs({ "note", "hold_until" }) do
      if wanted[name] ~= nil then
         stored[name] = wanted[name] or nil
      end
   end
   kept[key] = next(stored) and stored or nil
   return with_revisions(state.raw, kept)
end

return notes
