--- What is wrong with a pool, and what can be mended without guessing.
-- @module byre.check
local core = require("byre.core")
local create = require("byre.decide.create")
local failure = require("byre.failure")
local hooks = require("byre.hooks")
local layout = require("byre.layout")
local operation = require("byre.operation")
local plan = require("byre.plan")
local pool_settings = require("byre.pool_settings")
local survey = require("byre.survey")
local vid = require("byre.vid")

local check = {}

-- Each looks at the state of a volume and tells what it finds; `mend` makes
-- the steps that put it right, where that needs no guess.
local rules = {}

-- What an operation that is at work shows as well as one that was cut short.
local passing = {
   missing_image = true, missing_source = true, half_commit = true, temporary = true, stale_precache = true,
   interrupted_revert = true, interrupted_removal = true, unknown_image = true,
}

rules[#rules + 1] = function(state, found)
   for _, role in ipairs(layout.roles) do
      local stat = state.files[role]
      if stat and stat.type ~= "file" then
         found("not_an_image", state.paths[role], ("is a %s, not a plain file"):format(stat.type))
      end
   end
end

rules[#rules + 1] = function(state, found)
   if survey.lacks_image(state) then
      found("missing_image", state.paths.clean, #state.revisions > 0
         and "the committed image is missing; byre revert --discard goes back to a revision"
         or "the committed image is missing")
   end
end

rules[#rules + 1] = function(state, found)
   local source = state.source
   if source and not source.config then
      found("missing_source", nil, ("its source %s is not in the pool"):format(source.vid))
   elseif source and not source.clean and not source.has_session then
      found("missing_source", source.path, ("its source %s has no committed image"):format(source.vid))
   end
end

rules[#rules + 1] = function(state, found)
   local revision = state.preserved
   if revision and state.config.kind == "origin" and revision == state.revisions[#state.revisions]
      and not state.files.dirty then
      found("half_commit", revision.path, "an operation was cut short after this name was given to the committed image",
         plan.unlink(revision.path))
   end
end

rules[#rules + 1] = function(state, found)
   if state.discard then
      found("interrupted_revert", layout.discarded(state.vid), state.discard == "done"
         and "the session was dropped, and its image is still there"
         or "the session was to be dropped, and was not", plan.unlink(layout.discarded(state.vid)))
   end
end

rules[#rules + 1] = function(state, found)
   for _, path in ipairs(state.temporaries) do
      found("temporary", path, "left by an operation that was cut short", plan.unlink(path))
   end
   for _, path in ipairs(state.strays) do
      found("stray_name", path, "looks like a revision but is none; it is left alone")
   end
   for _, path in ipairs(state.old_revisions) do
      found("old_revision", path, "is a revision as named in 2018; it is left alone")
   end
end

rules[#rules + 1] = function(state, found)
   if state.files.import then
      found("pending_import", state.paths.import, "an import was begun and not ended")
   end
   local precache = state.files.precache
   -- one that was made when snapshots were not disabled yet goes at the start
   local left = state.config.snapshots_disabled and state.files.dirty
   if precache and precache.type == "file" and (precache.fresh == false or left) then
      found("stale_precache", state.paths.precache, "is not a copy of the committed image",
         plan.unlink(state.paths.precache))
   end
end

rules[#rules + 1] = function(state, found)
   if state.clock and state.clock.damaged then
      found("damaged_clock", layout.trash_clock, "cannot be read: nothing leaves the trash by its age; remove it")
   end
end

rules[#rules + 1] = function(state, found)
   if state.lost then
      found("lost_data", layout.lost(state.vid),
         "data written to it could not be brought to the disk and may be missing; "
         .. "byre stop --discard drops the session, --force commits what is there")
   end
end

local function volume_findings(state)
   local findings, steps = {}, {}
   for _, rule in ipairs(rules) do
      rule(state, function(code, path, message, mend)
         findings[#findings + 1] = { code = code, volume = state.vid, path = path, message = message,
            mendable = mend ~= nil }
         steps[#steps + 1] = mend
      end)
   end
   return findings, steps
end

local function mend(pool, id, decide)
   operation.run(pool, { { vid = id, reads = false, may_be_missing = true, decide = decide } })
end

-- Call a function while no operation on a group is at work.
-- Returns whether that could be: nobody is waited for, who is at work may be so for hours.
local function undisturbed(pool, group, fn)
   local ok, lock = failure.catch(pool.store.lock, pool.store, group, "shared", 0)
   if not ok and lock.code == "busy" then
      return false
   elseif not ok and lock.code ~= "read_only" then
      error(lock, 0)
   end
   local done, e = pcall(fn)
   if ok then
      lock:release()
   end
   if not done then
      error(e, 0)
   end
   return true
end

-- Findings of one volume; those that an operation at work may show only if there is none.
local function look(pool, id)
   local function findings()
      return (volume_findings(survey.volume(pool.store, id, pool.config)))
   end
   local found, certain = findings(), {}
   for _, finding in ipairs(found) do
      certain[#certain + 1] = not passing[finding.code] and finding or nil
   end
   if #certain < #found then
      undisturbed(pool, vid.group(id), function() certain = findings() end)
   end
   return certain
end

local function repair(pool, id)
   local found, steps
   mend(pool, id, function(state)
      found, steps = volume_findings(state)
      return plan.new("repair", id, { plan.phase({}, steps) })
   end)
   return found
end

local function check_volume(pool, id, options, findings)
   local ok, found = failure.catch(look, pool, id)
   if not ok then
      findings[#findings + 1] = { code = "unreadable", volume = id, path = found.path, message = found.message }
      return
   end
   local mendable = false
   for _, finding in ipairs(found) do
      mendable = mendable or finding.mendable
   end
   if options.repair and mendable then
      found = repair(pool, id)
   end
   for _, finding in ipairs(found) do
      finding.repaired = options.repair and finding.mendable or nil
      finding.mendable = nil
      findings[#findings + 1] = finding
   end
end

-- "disk.removed" in "vm/" -> "vm/disk"; nil: it is no such file of a volume
local function vid_in_catalog(prefix, name, ending)
   local id = name and name:match("^(.*)%." .. ending .. "$")
   return id and failure.catch(vid.check, prefix .. id) and prefix .. id or nil
end

-- Names in the catalog that a crash left: vids of marks of removals, and
-- {vid, path} of files that were about to take the place of another.
local function catalog_leftovers(store, path, prefix, removals, temporaries)
   for name, kind in store:each(path) do
      local removed = vid_in_catalog(prefix, name, "removed")
      local written = vid_in_catalog(prefix, layout.without_temporary(name), "%a+")
      if kind == "directory" then
         catalog_leftovers(store, path .. "/" .. name, prefix .. name .. "/", removals, temporaries)
      elseif removed then
         removals[#removals + 1] = removed
      elseif written then
         temporaries[#temporaries + 1] = { vid = written, path = path .. "/" .. name }
      end
   end
   return removals, temporaries
end

-- Add a finding of a file that is still what it seemed to be while no operation is at work.
local function add_settled(pool, findings, finding, still)
   local there = false
   undisturbed(pool, finding.volume and vid.group(finding.volume) or "", function() there = still() end)
   findings[#findings + 1] = there and finding or nil
   return there
end

local function check_temporaries(pool, temporaries, options, findings)
   for _, file in ipairs(temporaries) do
      local found = add_settled(pool, findings, { code = "temporary", volume = file.vid, path = file.path,
         message = "left by an operation that was cut short", repaired = options.repair or nil },
         function() return pool.store:stat(file.path) ~= nil end)
      if found and options.repair then
         mend(pool, file.vid, function()
            return plan.new("repair", file.vid, { plan.phase({}, plan.unlink(file.path)) })
         end)
      end
   end
end

-- seconds; nobody writes a small file for so long
local long_ago = 3600

-- Files of the pool's own that were about to take the place of another. That of pool.json is somebody's at work only
-- while he has the lock of the top group; the other two are written under any lock.
local function check_pool_files(pool, options, findings)
   for name, kind in pool.store:each(layout.home) do
      local path, final = layout.home .. "/" .. name, kind == "file" and layout.without_temporary(name)
      final = final and layout.home .. "/" .. final
      local found = (final == layout.pool_file or final == layout.clock or final == layout.trash_clock)
         and add_settled(pool, findings, { code = "temporary", path = path,
            message = "left by an operation that was cut short", repaired = options.repair or nil },
            function()
               local stat = pool.store:stat(path)
               return stat ~= nil and (final == layout.pool_file or stat.ctime <= core.now() - long_ago)
            end)
      if found and options.repair then
         pool_settings.change(pool, "repair", nil, function() return { plan.phase({}, plan.unlink(path)) } end)
      end
   end
end

local function check_removals(pool, removals, options, findings)
   for _, id in ipairs(removals) do
      local finding = { code = "interrupted_removal", volume = id, path = layout.removed(id),
         repaired = options.repair or nil }
      local found = add_settled(pool, findings, finding, function()
         finding.message = pool.store:stat(layout.entry(id)) and "a renaming was cut short"
            or "a removal or renaming was cut short"
         return pool.store:stat(layout.removed(id)) ~= nil
      end)
      if found and options.repair then
         mend(pool, id, function(state)
            if state.registered then
               return plan.new("repair", id, { plan.phase({}, plan.unlink(layout.removed(id))) })
            end
            return create.finish_removal(state)
         end)
      end
   end
end

-- the vid whose image a file is, as far as its name tells
local function vid_of_image(path)
   local id = path:match("^(.*)%.img$")
   id = id and id:gsub("%-dirty$", ""):gsub("%-precache$", ""):gsub("%-import$", "")
      or (layout.without_trash(path) or path):match("^(.*)%.img%.%d+@[^/]*Z$")
   return id and failure.catch(vid.check, id) and id or nil
end

local function is_stranger(store, id, path)
   return not store:stat(layout.entry(id)) and not store:stat(layout.removed(id)) and store:stat(path) ~= nil
end

local function check_strangers(pool, path, findings)
   local store = pool.store
   for name, kind in store:each(path) do
      local full = path == "." and name or path .. "/" .. name
      if kind == "directory" and full ~= layout.home then
         check_strangers(pool, full, findings)
      elseif kind == "symlink" and store:stat(full) then
         findings[#findings + 1] = { code = "symlink", path = full, message = "is a symbolic link; byre follows none" }
      elseif kind == "file" then
         local id = vid_of_image(full)
         if id and is_stranger(store, id, full) then
            add_settled(pool, findings, { code = "unknown_image", volume = id, path = full,
               message = layout.without_trash(full) and "is in the trash of a volume that is not in the pool"
                  or "belongs to no volume of the pool; byre adopt takes it in" },
               function() return is_stranger(store, id, full) end)
         end
      end
   end
end

-- Hooks that cannot be loaded refuse every operation, a repair as well. Returns whether they are such.
local function check_hooks(pool, findings)
   local ok, e = failure.catch(hooks.of, pool)
   if not ok then
      findings[#findings + 1] = { code = "broken_hooks", path = layout.hooks,
         message = e.message .. "; every operation is refused until that is mended" }
   end
   return not ok
end

--- Check a pool, or some volumes of it.
-- @tparam pool pool
-- @tparam table options `repair`; `volumes`: list of vids (default: everything)
-- @treturn {table,...} `code`, `volume`, `path` (in the pool), `message`, `repaired`
function check.pool(pool, options)
   local findings = {}
   if check_hooks(pool, findings) then
      options = { volumes = options.volumes }
   end
   if options.volumes then
      for _, id in ipairs(options.volumes) do
         check_volume(pool, vid.check(id), options, findings)
      end
      return findings
   end
   for volume in pool:volumes() do
      check_volume(pool, volume.vid, options, findings)
   end
   local removals, temporaries = catalog_leftovers(pool.store, layout.catalog, "", {}, {})
   check_temporaries(pool, temporaries, options, findings)
   check_pool_files(pool, options, findings)
   check_removals(pool, removals, options, findings)
   check_strangers(pool, ".", findings)
   return findings
end

return check
