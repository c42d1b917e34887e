--- What is wrong with a pool, and what can be mended without guessing.
-- @module byre.check
local create = require("byre.decide.create")
local failure = require("byre.failure")
local layout = require("byre.layout")
local operation = require("byre.operation")
local plan = require("byre.plan")
local survey = require("byre.survey")
local vid = require("byre.vid")

local check = {}

-- Each looks at the state of a volume and tells what it finds; `mend` makes
-- the steps that put it right, where that needs no guess.
local rules = {}

rules[#rules + 1] = function(state, found)
   for _, role in ipairs(layout.roles) do
      local stat = state.files[role]
      if stat and stat.type ~= "file" then
         found("not_an_image", state.paths[role], ("is a %s, not a plain file"):format(stat.type))
      end
   end
end

rules[#rules + 1] = function(state, found)
   local disabled_session = state.config.snapshots_disabled and state.files.dirty
   if state.config.kind == "origin" and not state.files.clean and not disabled_session then
      found("missing_image", state.paths.clean, #state.revisions > 0
         and "the committed image is missing; byre revert --discard goes back to a revision"
         or "the committed image is missing")
   end
end

rules[#rules + 1] = function(state, found)
   local source = state.source
   if source and not source.config then
      found("missing_source", nil, ("its source %s is not in the pool"):format(source.vid))
   elseif source and not source.clean and not source.config.snapshots_disabled then
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
   if precache and precache.type == "file" and (precache.fresh == false or not state.config.precache) then
      found("stale_precache", state.paths.precache, "is not a copy of the committed image",
         plan.unlink(state.paths.precache))
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

local function check_volume(pool, id, options, findings)
   local ok, state = failure.catch(survey.volume, pool.store, id, pool.config)
   if not ok then
      findings[#findings + 1] = { code = "unreadable", volume = id, path = state.path, message = state.message }
      return
   end
   local found, steps = volume_findings(state)
   if options.repair and #steps > 0 then
      mend(pool, id, function(now)
         local _, fresh = volume_findings(now)
         return plan.new("repair", id, { plan.phase({}, fresh) })
      end)
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

local function check_temporaries(pool, temporaries, options, findings)
   for _, file in ipairs(temporaries) do
      -- its volume's lock tells that nobody is at work on it
      if options.repair then
         mend(pool, file.vid, function()
            return plan.new("repair", file.vid, { plan.phase({}, plan.unlink(file.path)) })
         end)
      end
      findings[#findings + 1] = { code = "temporary", volume = file.vid, path = file.path,
         message = "left by an operation that was cut short", repaired = options.repair or nil }
   end
end

local function check_removals(pool, removals, options, findings)
   for _, id in ipairs(removals) do
      local registered = pool.store:stat(layout.entry(id)) ~= nil
      if options.repair then
         mend(pool, id, function(state)
            if state.registered then
               return plan.new("repair", id, { plan.phase({}, plan.unlink(layout.removed(id))) })
            end
            return create.finish_removal(state)
         end)
      end
      findings[#findings + 1] = { code = "interrupted_removal", volume = id, path = layout.removed(id),
         message = registered and "a renaming was cut short" or "a removal or renaming was cut short",
         repaired = options.repair or nil }
   end
end

-- the vid whose image a file is, as far as its name tells
local function vid_of_image(path)
   local id = path:match("^(.*)%.img$")
   id = id and id:gsub("%-dirty$", ""):gsub("%-precache$", ""):gsub("%-import$", "")
      or path:match("^(.*)%.img%.%d+@[^/]*Z$")
   return id and failure.catch(vid.check, id) and id or nil
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
         if id and not store:stat(layout.entry(id)) and not store:stat(layout.removed(id)) then
            findings[#findings + 1] = { code = "unknown_image", volume = id, path = full,
               message = "belongs to no volume of the pool; byre adopt takes it in" }
         end
      end
   end
end

--- Check a pool, or some volumes of it.
-- @tparam pool pool
-- @tparam table options `repair`; `volumes`: list of vids (default: everything)
-- @treturn {table,...} `code`, `volume`, `path` (in the pool), `message`, `repaired`
function check.pool(pool, options)
   local findings = {}
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
   check_removals(pool, removals, options, findings)
   check_strangers(pool, ".", findings)
   return findings
end

return check
