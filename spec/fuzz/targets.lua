--- What is fuzzed: a function for each parser, that gets any bytes and raises if a promise is broken.
--
-- Everywhere: nothing but errors of byre's own with the expected code, of one line; what is accepted
-- survives being written and read again.
local catalog = require("byre.catalog")
local discard = require("byre.discard")
local failure = require("byre.failure")
local layout = require("byre.layout")
local notes = require("byre.notes")
local units = require("byre.units")
local vid = require("byre.vid")

local targets = {}

-- the result of a parser, nil if it refused
local function attempt(code, fn, ...)
   local ok, result, more = pcall(fn, ...)
   if ok then
      return result, more
   end
   assert(failure.is(result), "not an error of byre's: " .. tostring(result))
   assert(result.code == code, ("%s instead of %s: %s"):format(result.code, code, tostring(result)))
   assert(not tostring(result):find("[%c]"), "not one line")
   assert(#tostring(result) < 4000, "endless")
end

local function lines(text)
   local list = {}
   for line in (text .. "\n"):gmatch("(.-)\n") do
      list[#list + 1] = line
   end
   return list
end

-- every file that a volume may have: path -> true
local function files_of(id)
   local set = {
      [layout.entry(id)] = true, [layout.removed(id)] = true, [layout.lost(id)] = true, [layout.discarded(id)] = true,
      [layout.revision(id, 1, 0)] = true, [layout.revision(id, layout.last_seq, math.maxinteger)] = true,
   }
   for _, role in ipairs(layout.roles) do
      set[layout.image(id, role)] = true
   end
   for path in pairs(set) do
      set[path] = true
   end
   return set
end

-- directories above a path
local function each_parent(path)
   return function(_, last)
      local parent = layout.directory(last)
      return parent ~= "." and parent or nil
   end, nil, path
end

local function check_inside(id, path)
   assert(path:sub(1, 1) ~= "/" and not path:find("//", 1, true) and #path < 4096, path)
   for component in path:gmatch("[^/]+") do
      assert(component ~= "." and component ~= ".." and #component + #"~12345678" <= 255, path)
   end
   assert(not path:find("[^%w_.+:/@~-]"), path)
   local is_own = path:sub(1, #layout.home + 1) == layout.home .. "/"
   assert(is_own or path:sub(1, #id) == id, path)
end

local function check_apart(a, b)
   local own, others = files_of(a), files_of(b)
   for path in pairs(own) do
      assert(not others[path], "shared: " .. path)
      for parent in each_parent(path) do
         assert(not others[parent], "a file and a directory: " .. parent)
      end
   end
   local name_in_both = layout.group_directory(a) == layout.group_directory(b)
   for path in pairs(name_in_both and own or {}) do
      if path:sub(1, #layout.home) ~= layout.home then
         assert(layout.parse(b, layout.basename(path)) == nil, "taken for another's: " .. path)
      end
   end
   assert((layout.lock(vid.group(a)) == layout.lock(vid.group(b))) == (vid.group(a) == vid.group(b)), "lock")
end

--- Lines of vids: accepted ones stay in the pool and share no file with one another.
function targets.vid(data)
   local accepted, seen = {}, {}
   for i, text in ipairs(lines(data)) do
      if i > 6 then
         break
      end
      local id = attempt("invalid", vid.check, text)
      attempt("invalid", vid.check_group, text)
      if id and not seen[id] then
         assert(id == text, "changed")
         seen[id] = true
         accepted[#accepted + 1] = id
      end
   end
   for _, a in ipairs(accepted) do
      assert((vid.group(a) == "" and "" or vid.group(a) .. "/") .. vid.name(a) == a, "parts")
      assert(attempt("invalid", vid.check_group, vid.group(a)), "the group of a volume is none")
      for path in pairs(files_of(a)) do
         check_inside(a, path)
      end
      for _, role in ipairs(layout.roles) do
         assert(layout.parse(a, layout.basename(layout.image(a, role))) == role, role)
      end
      for _, b in ipairs(accepted) do
         if a ~= b then
            check_apart(a, b)
         end
      end
   end
end

--- A size.
function targets.size(data)
   local size = attempt("invalid", units.parse_size, data)
   if size then
      assert(math.type(size) == "integer" and size >= 0, tostring(size))
      assert(units.parse_size(tostring(size)) == size and units.parse_size(size) == size, "written out")
      assert(#units.format_size(size) <= 7, units.format_size(size))
   end
   assert(attempt("invalid", units.parse_image_size, data) == (size ~= 0 and size or nil), "image size")
   local number = tonumber(data)
   if number then
      attempt("invalid", units.parse_size, number)
   end
end

--- A time; also as the number it may be.
function targets.time(data)
   local epoch = units.parse_time(data)
   if epoch ~= nil then
      assert(math.type(epoch) == "integer", tostring(epoch))
      local text = units.format_time(epoch)
      -- with an offset a time of the year 0000 or 9999 may be outside of what can be written
      local written = units.parse_time(text)
      assert(written == epoch or math.abs(written - epoch) < 86400 and (text:find("^0000") or text:find("^9999")), text)
   end
   local number = math.tointeger(tonumber(data))
   if number then
      local text = units.format_time(number)
      assert(#text == 20 and units.parse_time(text), text)
   end
end

--- First line: a vid; the others: names of files in its directory.
function targets.revision(data)
   local list = lines(data)
   local id = attempt("invalid", vid.check, list[1])
   id = id or "vm/disk"
   for i = 2, math.min(#list, 8) do
      -- names of files have no slashes, but may have newlines: those are behind a \r here
      local name = list[i]:gsub("/", "-"):gsub("\r", "\n")
      local role, revision = layout.parse(id, name), layout.find_revisions(id, { name })[1]
      assert((role == "revision") == (revision ~= nil), tostring(role))
      if revision then
         assert(math.type(revision.seq) == "integer" and revision.seq >= 0 and revision.seq <= layout.last_seq, name)
         assert(revision.id:find("^%d+$") and tonumber(revision.id) == revision.seq, name)
         assert(math.type(revision.time) == "integer", name)
         local own = layout.basename(layout.revision(id, revision.seq, revision.time))
         local parsed = layout.find_revisions(id, { own })[1]
         assert(parsed and parsed.seq == revision.seq and parsed.time == revision.time, own)
         local key = notes.key(id, { path = layout.group_directory(id) == "." and name
            or layout.group_directory(id) .. "/" .. name })
         assert(vid.name(id) .. ".img." .. key == name, key)
      elseif role == "temporary" then
         assert(name:find("~", 1, true), name)
      end
      assert(not role or name:sub(1, #vid.name(id)) == vid.name(id), name)
   end
end

-- Is what was written the same as what was read? Integers are exact, other numbers have 14 digits,
-- and one beyond all numbers is none.
local function same(a, b)
   if math.type(a) == "float" then
      return math.abs(a) == math.huge or type(b) == "number" and math.abs(a - b) <= math.abs(a) * 1e-13
   elseif type(a) ~= "table" or type(b) ~= "table" then
      return a == b
   end
   for key, value in pairs(a) do
      if not same(value, b[key]) then
         return false
      end
   end
   return true
end

local function check_settings(settings)
   assert(settings.size == nil or math.type(settings.size) == "integer" and settings.size > 0, "size")
   assert(settings.source == nil or vid.check(settings.source), "source")
   for _, key in ipairs({ "rw", "snap_on_start", "save_on_stop" }) do
      assert(type(settings[key]) == "boolean", key)
   end
end

-- notes on a revision, whatever stands there, can be read and changed
local function check_notes(raw)
   for key in pairs(raw.revisions or {}) do
      local revision = { path = "vm/disk.img." .. tostring(key) }
      local state = { vid = "vm/disk", raw = raw, revisions = { revision }, trash = {}, now = 0 }
      local noted = notes.of(state, revision)
      for tag in pairs(noted.tags) do
         assert(type(tag) == "string", "tag")
      end
      assert(noted.note == nil or type(noted.note) == "string", "note")
      assert(noted.hold_until == nil or noted.hold_until == true or math.type(noted.hold_until) == "integer", "hold")
      notes.is_held(state, revision)
      catalog.encode(notes.change(state, revision, { tag = "a", note = "b", hold_until = 1 }))
      catalog.encode(notes.change(state, revision, { untag = "a", note = false, hold_until = false }))
   end
end

-- A mark says of no session of another inode that it is over, nor of a later one.
local function check_mark(data)
   local function stat(ino, mtime) return { ino = ino, mtime = mtime, mtime_nsec = 5 } end
   local files = { dirty = stat(7, 1000), clean = stat(8, 900) }
   assert(type(discard.is_done(data, files)) == "boolean", "mark")
   local text = discard.describe(files)
   assert(not discard.is_done(text, files), text)
   assert(discard.is_done(text, { dirty = files.dirty, clean = stat(9, 900) }), text)
end

--- The catalog entry of a volume, and the mark of a session that is dropped.
function targets.volume(data)
   check_mark(data)
   local settings, raw = attempt("corrupt", catalog.decode_volume, "vm/disk", data)
   if not settings then
      return
   end
   check_settings(settings)
   check_notes(raw)
   local text = catalog.encode_volume(settings, raw)
   local again, raw_again = catalog.decode_volume("vm/disk", text)
   assert(same(settings, again), "settings")
   for key, value in pairs(raw) do
      assert(key == "kind" or same(value, raw_again[key]), "lost: " .. key)
   end
end

--- The catalog file of a pool.
function targets.pool(data)
   local ok, e = pcall(catalog.decode_pool, ".byre/pool.json", data)
   if not ok and failure.is(e) and e.code == "not_supported" then
      return
   end
   local settings, raw = attempt("corrupt", catalog.decode_pool, ".byre/pool.json", data)
   if settings then
      local again = catalog.decode_pool(".byre/pool.json", catalog.encode_pool(settings, raw))
      assert(same(settings, again), "settings")
   end
end

return targets
