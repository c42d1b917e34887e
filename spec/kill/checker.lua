--- What is there, and whether it is what was or what should be.
-- @module spec.kill.checker
local byre = require("byre")
local core = require("byre.core")
local dkjson = require("dkjson")

local layout = require("byre.layout")

local checker = {}

local roles = { clean = true, dirty = true, import = true }

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read("a")
end

-- the path of a file, without the time at which it was put into the trash: no two runs have the same
local function timeless(path)
   local home = layout.without_trash(path)
   return home and home .. "~trash" or path
end

-- every file below a directory but the locks: path -> what it is
local function list(dir, path, found)
   for name in dir:each(path) do
      local full = path == "." and name or path .. "/" .. name
      local stat = dir:stat(full)
      if stat.type == "directory" and full ~= ".byre/lock" then
         found[full] = { type = "directory", mode = stat.mode }
         list(dir, full, found)
      elseif stat.type == "file" then
         found[timeless(full)] = { type = "file", path = full, mode = stat.mode,
            mtime = stat.mtime, nsec = stat.mtime_nsec }
      end
   end
   return found
end

local function view_revisions(volume, revisions, files)
   local seen = {}
   for i, revision in ipairs(revisions) do
      seen[i] = {
         id = revision.id, time = revision.time,
         content = files[timeless(revision.path:sub(#volume.pool.dir + 2))].content,
         notes = dkjson.encode({ revision.tags, revision.note, revision.hold_until }),
      }
   end
   return seen
end

local function view(volume, files)
   local seen = { settings = dkjson.encode(volume.config, { keyorder = { "size" } }), images = {} }
   for _, file in ipairs(volume:files()) do
      if roles[file.role] then
         seen.images[file.role] = files[file.path:sub(#volume.pool.dir + 2)].content
      end
   end
   seen.revisions = view_revisions(volume, volume:revisions(), files)
   seen.trash = view_revisions(volume, volume:trash(), files)
   return seen
end

--- Look at a pool as a user does, and at all of its files.
-- @treturn table `files` (path -> table), `volumes` (vid -> table), `findings` (text -> path or true)
function checker.look(dir)
   local handle = assert(core.open_dir(dir .. "/pool"))
   local seen = { files = list(handle, ".", {}), volumes = {}, findings = {} }
   handle:close()
   for path, file in pairs(seen.files) do
      file.content = file.type == "file" and read(dir .. "/pool/" .. (file.path or path))
   end
   local pool <close> = byre.open_pool(dir .. "/pool")
   for volume in pool:volumes() do
      seen.volumes[volume.vid] = view(volume, seen.files)
   end
   for _, finding in ipairs(pool:check()) do
      seen.findings[("%s %s %s"):format(finding.code, finding.volume, finding.path)] = finding.path or true
   end
   return seen
end

--- Contents in few words.
local function brief(content)
   return content and ("%d bytes %q"):format(#content, content:sub(1, 16):gsub("%z", "")) or "none"
end

local function differing_images(now, want)
   for role in pairs(roles) do
      if now.images[role] ~= want.images[role] then
         return ("%s image: %s, not %s"):format(role, brief(now.images[role]), brief(want.images[role]))
      end
   end
end

local function same_revision(a, b)
   return a.id == b.id and a.time == b.time and a.content == b.content and a.notes == b.notes
end

-- all revisions wanted, in order; others only as they were before
local function differing_revisions(now, want, before, keeps)
   local next_wanted = 1
   local function was_there(revision)
      if keeps.twice and revision.content == before.images.clean then
         return true
      end
      for _, old in ipairs(before and before.revisions or {}) do
         if same_revision(old, revision) then
            return true
         end
      end
   end
   for _, revision in ipairs(now.revisions) do
      local wanted = want.revisions[next_wanted]
      if wanted and same_revision(revision, wanted) then
         next_wanted = next_wanted + 1
      elseif not was_there(revision) then
         return ("revision %s (%s) is new or has changed"):format(revision.id, brief(revision.content))
      end
   end
   local missing = want.revisions[next_wanted]
   return missing and ("revision %s (%s) is missing"):format(missing.id, brief(missing.content))
end

local function has(revisions, revision)
   for _, item in ipairs(revisions) do
      if same_revision(item, revision) then
         return true
      end
   end
   return false
end

-- What is wanted in the trash is there, or a revision as yet; and nothing else is there but what was there, or was a
-- revision.
local function differing_trash(now, want, before)
   for _, entry in ipairs(want.trash) do
      if not has(now.trash, entry) and not has(now.revisions, entry) then
         return ("revision %s (%s) is missing in the trash"):format(entry.id, brief(entry.content))
      end
   end
   for _, entry in ipairs(now.trash) do
      if not has(want.trash, entry) and not (before and (has(before.trash, entry) or has(before.revisions, entry))) then
         return ("revision %s (%s) in the trash is new or has changed"):format(entry.id, brief(entry.content))
      end
   end
end

-- How a volume differs from what is wanted; nil: not at all.
local function difference(now, want, before, keeps)
   if not now or not want then
      return now ~= want and (now and "it is there" or "it is not there") or nil
   elseif now.settings ~= want.settings then
      return ("settings %s, not %s"):format(now.settings, want.settings)
   end
   return differing_images(now, want) or differing_revisions(now, want, before, keeps)
      or differing_trash(now, want, before)
end

local function unit_difference(unit, now, want, before, keeps)
   for _, vid in ipairs(unit) do
      local why = difference(now.volumes[vid], want.volumes[vid], before.volumes[vid], keeps)
      if why then
         return vid .. ": " .. why
      end
   end
end

-- each image is as before or as after
local function is_mixed(now, before, after, keeps)
   for role in pairs(roles) do
      local content = now.images[role]
      if content ~= before.images[role] and content ~= after.images[role] then
         return false
      end
   end
   return not differing_revisions(now, after, before, keeps) or not differing_revisions(now, before, before, keeps)
end

-- halfway states that an operation may leave, see `spec.kill.operations`
local function is_between(unit, now, states, keeps)
   local vid = unit[1]
   local seen, before, after = now.volumes[vid], states.before.volumes[vid], states.after.volumes[vid]
   if keeps.session and seen and before and after then
      return is_mixed(seen, before, after, keeps)
   end
   return false
end

--- What a unit is: `"before"`, `"after"`, `"between"`; or nil and why it is none of these.
-- @tparam {string,...} unit vids
-- @tparam table now
-- @tparam table states `before`, `after`
-- @tparam table keeps
function checker.classify(unit, now, states, keeps)
   local from_after = unit_difference(unit, now, states.after, states.before, keeps)
   if not from_after then
      return "after"
   end
   local from_before = unit_difference(unit, now, states.before, states.before, { twice = keeps.twice })
   if not from_before then
      return "before"
   elseif is_between(unit, now, states, keeps) then
      return "between"
   end
   return nil, ("not as before (%s) and not as after (%s)"):format(from_before, from_after)
end

local function belongs(path, vid)
   path = path:gsub("^%.byre/volume/", "")
   if path:sub(1, #vid) ~= vid then
      return false
   end
   local rest = path:sub(#vid + 1)
   for _, start in ipairs({ ".img", "-dirty.img", "-import.img", "-precache.img", ".json", ".removed", ".lost",
      ".discarded" }) do
      if rest:sub(1, #start) == start then
         return true
      end
   end
   return false
end

local function touched(path, units)
   -- when pruning was last seen to be on time, and a trash: of the pool, not of a volume
   if path == layout.clock or path == layout.trash_clock then
      return true
   end
   for _, unit in ipairs(units) do
      for _, vid in ipairs(unit) do
         if belongs(path, vid) then
            return true
         end
      end
   end
   return false
end

local function same_file(a, b)
   for _, key in ipairs({ "type", "mode", "mtime", "nsec", "content" }) do
      if a[key] ~= b[key] then
         return false
      end
   end
   return true
end

-- the settings of the pool, which the operation changes, are as after
local function are_settings_after(path, seen, states)
   local wanted = path == layout.pool_file and states.after.files[path].content
   return wanted and wanted ~= states.before.files[path].content and seen ~= nil and seen.content == wanted
end

-- what was about to become a file of the pool's own, and is named by a check
local function is_named_leftover(path, findings)
   local final = layout.without_temporary(path)
   return final == layout.pool_file and findings[("temporary nil %s"):format(path)] ~= nil
end

--- What else has changed in the pool; nil: nothing.
-- @tparam table now
-- @tparam table states of `rig.dry_run`
-- @tparam {unit,...} units what may change
function checker.strangers(now, states, units)
   local before = states.before
   for path, file in pairs(before.files) do
      local seen = now.files[path]
      if file.type == "file" and not touched(path, units) and not (seen and same_file(seen, file))
         and not are_settings_after(path, seen, states)
      then
         return path .. (seen and " has changed" or " is gone")
      end
   end
   for path, file in pairs(now.files) do
      if file.type == "file" and not before.files[path] and not touched(path, units)
         and not is_named_leftover(path, now.findings)
      then
         return path .. " is new"
      end
   end
end

--- Files that should not be there; `named`: findings of a check that may excuse them.
function checker.leftover(now, states, named)
   local excused = {}
   for _, path in pairs(named or {}) do
      excused[path] = true
   end
   for path, file in pairs(now.files) do
      local known = states.before.files[path] or states.after.files[path]
      if file.type == "file" and not known and not excused[path] and not path:find("-precache%.img$") then
         return path .. " is left over"
      end
   end
end

-- images that were nobody's before are still, if under other names
local function was_stranger(text, states)
   local start = text:match("^unknown_image %S+ ")
   for known in pairs(start and states.before.findings or {}) do
      if known:sub(1, #start) == start then
         return true
      end
   end
   return false
end

--- A finding of the check that was neither there before nor is there after; nil: none.
function checker.new_finding(now, states)
   for text in pairs(now.findings) do
      local known = states.before.findings[text] or states.after.findings[text] or was_stranger(text, states)
      if not known then
         return "check finds: " .. text
      end
   end
end

return checker
