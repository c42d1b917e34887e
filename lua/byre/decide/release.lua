--- Decide: give a pool back as a plain tree of images.
-- @module byre.decide.release
local failure = require("byre.failure")
local layout = require("byre.layout")
local plan = require("byre.plan")

-- Marks tell of images that are no volume's, or of data that may be missing: nobody else reads them.
local function require_settled(dir, files)
   for _, path in ipairs(files) do
      local id, mark = path:match("^" .. layout.catalog:gsub("%p", "%%%0") .. "/(.*)%.(%a+)$")
      local reason = mark == "removed" and "its removal or renaming was cut short"
         or mark == "lost" and "data of it may be missing"
         or mark == "discarded" and "dropping its session was cut short"
      if reason then
         failure.raise("not_supported", dir, ("cannot be released: %s: %s"):format(id, reason),
            { path = dir, volume = id, hint = "byre check tells more, byre check --repair mends" })
      end
   end
end

--- Plan the release of a pool: from one rename on it is none, and then the trash, which nobody else knows, and what was
-- byre's own go. Images stay as they are; a precache that is not a copy of its image goes first, since others look at
-- size and time only.
-- @tparam string dir
-- @tparam {table,...} states of all volumes
-- @tparam table own `files` and `directories` of `.byre`, the deepest first; `released`: the rename was done
-- by an attempt that was cut short
-- @treturn plan
-- @raise `not_supported`
return function(dir, states, own)
   require_settled(dir, own.released and {} or own.files)
   local caches, discarded, files, directories = {}, {}, {}, {}
   for _, state in ipairs(states) do
      for _, entry in ipairs(state.trash) do
         discarded[#discarded + 1] = plan.unlink(entry.path)
      end
      local precache = state.files.precache
      if precache and not precache.fresh then
         caches[#caches + 1] = plan.unlink(state.paths.precache)
      end
   end
   for i, path in ipairs(own.files) do
      files[i] = plan.unlink(path)
   end
   for i, path in ipairs(own.directories) do
      directories[i] = plan.remove_dir(path)
   end
   return plan.new("release", dir, {
      plan.phase({}, caches),
      plan.phase({}, not own.released and plan.rename(layout.pool_file, layout.released_file)),
   }, {
      -- as long as the catalog tells of the volumes
      plan.phase({ sync = true }, discarded),
      plan.phase({}, files, plan.unlink(layout.released_file), directories),
   })
end
