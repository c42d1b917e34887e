--- Where byre deliberately differs from the driver, and why its users are better off.
--
-- Not compared in any scenario:
--
-- * what is in `.byre/`: it is byre's own, and without it the pool is the driver's again.
-- * links of revisions: byre makes the former clean image itself the revision, the driver a copy of it.
-- * a missing precache, where byre makes none on purpose: on file systems without reflinks, where it would be a full
--   copy that doubles the space, and of volumes that are both snapshot and saved, where no start ever uses it.
--   A precache that is there must match. What a scenario does by hand to one that is not there is skipped.
--
-- A scenario deviates if its first difference is explained by a rule; the rest of it is not compared. A rule names
-- the scenarios of the published set; it may explain those of other sets too. A named scenario that does not deviate
-- any more is a failure, so the list stays true.
-- @module spec.conformance.deviations
local explain = require("spec.conformance.explain")

local deviations = {}

local is, all = explain.is, explain.all

--- The rules: `id`, `why`, `scenarios`, `fs` (default: all), `explains(step)`.
deviations.rules = {
   {
      id = "unsafe-name",
      why = "a vid that leaves the pool, clashes with the images of another volume or cannot get a revision is refused"
         .. " at once, not when it is too late",
      scenarios = { "name-1", "name-2", "name-3", "name-6", "name-7", "name-vm-metachar", "name-long", "name-clash",
         "vid-escape" },
      explains = function(step)
         local volume = explain.volume(step)
         return is(step, "create") and volume and explain.refused(step, "invalid") and explain.is_unsafe(volume.vid)
      end,
   },
   {
      id = "pool-is-a-link",
      why = "whoever can change the link could move the pool under a running machine; byre wants the directory itself",
      scenarios = { "pool-setup-bad-paths" },
      explains = function(step)
         return is(step, "pool_setup") and explain.refused(step, "exists")
            and step.before[explain.key(step, { image = function()
               return step.world.pools[step.op.pool].dir
            end }, "")].type == "l"
      end,
   },
   {
      id = "symbolic-link",
      why = "an image or directory that is a link may lie anywhere; the driver moves data into the pool, links the link"
         .. " or fails half-way, byre names it and touches nothing",
      scenarios = { "symlink-vmdir", "symlink-source", "symlink-dangling-dirty" },
      explains = function(step)
         return explain.meets_symlink(step)
      end,
   },
   {
      id = "stray-revision-name",
      why = "a file that only looks like a revision does not make a volume impossible to stop or remove, and is no"
         .. " revision with a made-up number",
      scenarios = { "revision-bad-names", "revision-odd-names" },
      explains = function(step)
         return all(step, function(d)
            if d.kind ~= "state" or d.field ~= "revisions" or d.got.error then
               return false
            elseif d.expected.error then
               return d.expected.error.class == "ValueError"
            end
            local proper = {}
            for _, revision in ipairs(d.expected) do
               if revision[1]:find("^%d+$") and (revision[2]:find("^%d+%-%d%d%-%d%dT") or revision[2] == "<NOW>") then
                  proper[#proper + 1] = revision
               end
            end
            return require("spec.conformance.compare").same(proper, d.got)
         end)
      end,
   },
   {
      id = "create-over-existing",
      why = "create never destroys a volume and its history",
      scenarios = { "origin-create-existing" },
      explains = function(step)
         return is(step, "create") and explain.refused(step, "exists")
      end,
   },
   {
      id = "other-kind",
      why = "a volume of another kind under the same name would delete the images that are there",
      scenarios = { "leftover-kind-change" },
      explains = function(step)
         return is(step, "volume_new") and explain.refused(step, "exists")
      end,
   },
   {
      id = "keep-below-minus-one",
      why = "the driver takes -2 for \"remove the two oldest at every stop\"; nobody means that",
      scenarios = { "keep-very-negative" },
      explains = function(step)
         local keep = is(step, "set") and step.op.value or is(step, "volume_new") and step.op.config.revisions_to_keep
            or is(step, "pool_setup") and step.world.pools[step.op.pool].revisions_to_keep
            or explain.volume(step) and explain.volume(step).settings.revisions_to_keep
         return explain.refused(step, "invalid") and math.type(keep) == "integer" and keep < -1
      end,
   },
   {
      id = "size-zero",
      why = "an image of 0 bytes is of no use to a machine; it is a mistake that is told at once",
      scenarios = { "import-data-sizes", "volatile-resize" },
      explains = function(step)
         local import = is(step, "import_data_end") and explain.image(step, step.before, "-import.img")
         return (step.op.size == 0 or import and import.size == 0) and explain.refused(step, "invalid")
      end,
   },
   {
      id = "verify-while-running",
      why = "a session begun without snapshots has no clean image; that is no reason not to start it after a"
         .. " crash",
      scenarios = { "origin-lifecycle-keep-1", "disabled-crash", "keep-from-disabled-dirty" },
      explains = function(step)
         return is(step, "verify") and explain.succeeded(step) and #step.differences == 1
            and explain.image(step, step.got.tree, "-dirty.img") and not explain.image(step, step.got.tree, ".img")
      end,
   },
   {
      id = "stop-after-snapshots-were-disabled",
      why = "a volume whose snapshots are enabled while it is dirty can be stopped, not only started, for ever",
      scenarios = { "keep-from-disabled-dirty" },
      explains = function(step)
         return is(step, "stop") and explain.succeeded(step) and explain.committed(step)
      end,
   },
   {
      id = "revert-keeps-current",
      why = "revert never discards what is committed, also where no revisions are to be kept",
      scenarios = {},
      explains = function(step)
         return is(step, "revert") and explain.more_history(step)
      end,
   },
   {
      id = "import-while-running",
      why = "the stop that follows would overwrite the import, which the driver reports as done",
      scenarios = { "import-volume-dirty-dst" },
      explains = function(step)
         return is(step, "import_data", "import_volume", "import_data_end") and explain.refused(step, "dirty")
            and explain.image(step, step.before, "-dirty.img")
      end,
   },
   {
      id = "import-keeps-history",
      why = "an import removes no revision of a volume whose snapshots are disabled; the driver takes -1 for \"remove"
         .. " the oldest\"",
      scenarios = { "disabled-import" },
      explains = function(step)
         local volume = explain.volume(step)
         return is(step, "import_data_end", "import_volume") and volume and volume.settings.revisions_to_keep == -1
            and explain.more_history(step)
      end,
   },
   {
      id = "start-keeps-import",
      why = "a start does not delete an import that somebody is still writing",
      scenarios = { "import-data-then-start", "recover-mid-import-volume", "origin-snapshot-resize-import" },
      explains = function(step)
         local volume = explain.volume(step)
         return is(step, "start") and volume and explain.keeps(step, function(path)
            return path == explain.key(step, volume, "-import.img")
         end)
      end,
   },
   {
      id = "foreign-temporaries",
      why = "temporary files of another volume, and other people's files, are left alone",
      scenarios = {},
      explains = function(step)
         return explain.volume(step) and explain.keeps(step, function(path)
            local own = explain.key(step, explain.volume(step), ".img")
            return path:find("~", 1, true) and (path:sub(1, #own) ~= own or not path:find("~<RND>$"))
         end)
      end,
   },
   {
      id = "failure-changes-nothing",
      why = "what fails leaves everything as it was; each failed attempt of the driver costs a revision or an image",
      scenarios = { "immutable-vmdir", "import-data-end-only", "snapshot-source-missing", "origin-snapshot-chain" },
      explains = function(step)
         return explain.both_failed(step) and explain.nothing_changed(step) and all(step, function(d)
            return d.kind ~= "result"
         end)
      end,
   },
   {
      id = "import-into-nothing",
      why = "an import that nothing could keep is refused: into a volume that was never created, or keeps no data",
      scenarios = { "import-data-uncreated", "import-volume-errors" },
      explains = function(step)
         local volume = explain.volume(step)
         return is(step, "import_data", "import_volume") and (explain.refused(step, "no_such_volume")
            or volume and explain.refused(step, "not_supported") and not volume.settings.save_on_stop)
      end,
   },
   {
      id = "own-clean-image",
      why = "a template without snapshots writes to its clean image again; a snapshot gets its own copy, which cannot"
         .. " change under it",
      scenarios = { "snapshot-source-disabled" },
      explains = function(step)
         local source = is(step, "start") and explain.source(step)
         return source and source.settings.revisions_to_keep == -1 and all(step, function(d)
            return d.kind == "links"
         end)
      end,
   },
   {
      id = "apart-from-the-source",
      why = "a file with names in two directories can lose the one that a commit replaces when the power goes; what is"
         .. " saved gets a clone of a source in another directory",
      scenarios = {
         "origin-snapshot-revert", "origin-snapshot-keep-1", "origin-snapshot-keep0", "restart-everything",
      },
      explains = function(step)
         local volume, source = explain.volume(step), explain.source(step)
         return is(step, "start") and source and volume.kind == "origin_snapshot"
            and source.vid:match("^(.*)/") ~= volume.vid:match("^(.*)/") and all(step, function(d)
               return d.kind == "links"
            end)
      end,
   },
   {
      id = "one-revision-for-one-state",
      why = "the same state of the template is kept once, not once for every session",
      scenarios = { "origin-snapshot-revert" },
      explains = function(step)
         local volume = explain.volume(step)
         return is(step, "stop") and volume and volume.kind == "origin_snapshot" and all(step, function(d)
            if d.kind == "state" then
               return d.field == "revisions" and d.where == step.op.vol and #d.got + 1 == #d.expected
            end
            local lost = d.kind == "tree" and d.got == "nothing" and step.expected.tree[d.where]
            for path, e in pairs(lost and step.got.tree or {}) do
               if path:find(".img.", 1, true) and e.sha256 == lost.sha256 and e.size == lost.size then
                  return true
               end
            end
            return false
         end)
      end,
   },
   {
      id = "stale-precache",
      why = "a clean image that was changed by hand is what starts, not a precache of what it was",
      scenarios = { "precache-same-mtime-size" },
      explains = function(step)
         local dirty = explain.image(step, step.got.tree, "-dirty.img")
         local clean = explain.image(step, step.before, ".img")
         return is(step, "start") and #step.differences == 1 and step.differences[1].field == "sha256"
            and dirty and clean and dirty.sha256 == clean.sha256
      end,
   },
   {
      id = "subvolumes",
      why = "directories of the pool may be subvolumes: where no link is possible the blocks are shared",
      scenarios = { "btrfs-subvolume-vmdir" }, fs = { "btrfs" },
      explains = function(step)
         local source = explain.source(step)
         local clean = source and step.got.tree[explain.key(step, source, ".img")]
         local dirty = explain.image(step, step.got.tree, "-dirty.img")
         return is(step, "start") and explain.succeeded(step) and step.expected.result.error.class == "EXDEV"
            and clean and dirty and dirty.sha256 == clean.sha256
      end,
   },
   {
      id = "dropped-at-the-next-start",
      why = "a revert or an import of a volume that begins anew at each start would be gone then, with a revision",
      scenarios = { "origin-snapshot-resize-import" },
      explains = function(step)
         local volume = explain.volume(step)
         return is(step, "revert", "import_data", "import_data_end", "import_volume")
            and volume and volume.settings.snap_on_start and volume.settings.save_on_stop
            and explain.refused(step, "not_supported")
      end,
   },
   {
      id = "size-of-stopped-snapshot",
      why = "a size that was set while a snapshot was stopped counts at its next start; the driver forgets it",
      scenarios = { "snapshot-resize" },
      explains = function(step)
         local volume = explain.volume(step)
         local dirty = is(step, "start") and explain.image(step, step.got.tree, "-dirty.img")
         return dirty and volume.settings.snap_on_start and dirty.size == volume.settings.size and all(step, function(d)
            return d.kind == "state" and d.where == step.op.vol and d.field == "size"
               or d.kind == "tree" and d.where == explain.key(step, volume, "-dirty.img")
               and (d.field == "size" or d.field == "sha256")
         end)
      end,
   },
   {
      id = "commit-without-copy",
      why = "a commit copies nothing, so it needs no space on a full disk",
      scenarios = { "enospc-stop", "enospc-precache" },
      explains = function(step)
         return is(step, "stop") and explain.succeeded(step) and explain.committed(step)
            and step.expected.result.error.message:find("No space left", 1, true)
      end,
   },
   {
      id = "time-of-content",
      why = "content that nobody wrote to keeps its time through a start and stop, also where a start has to copy it",
      scenarios = { "origin-write-clean-by-hand" },
      explains = function(step)
         return is(step, "stop") and explain.keeps_times(step)
      end,
   },
   {
      id = "time-in-whole-seconds",
      why = "a time is cut to whole seconds; the driver rounds .9999999 up, into the future",
      scenarios = {},
      explains = function(step)
         return all(step, explain.is_a_second_late)
      end,
   },
   {
      id = "years-after-9999",
      why = "an image with an absurd time can be stopped; its revision gets the last time that can be written",
      scenarios = {},
      explains = function(step)
         return explain.succeeded(step) and step.expected.result.error.class == "ValueError"
            and step.expected.result.error.message:find("year", 1, true) and explain.committed(step)
      end,
   },
   {
      id = "export-of-nothing",
      why = "what is not there is not exported: the error comes from byre, not from whoever opens the path",
      scenarios = {},
      explains = function(step)
         return is(step, "export") and explain.refused(step, "corrupt")
            and not explain.image(step, step.got.tree, ".img")
      end,
   },
   {
      id = "in-use",
      why = "an image that somebody has open for writing is neither frozen nor taken away from under him",
      scenarios = {},
      explains = function(step)
         return is(step, "start", "stop", "remove", "revert") and explain.refused(step, "running")
      end,
   },
}

local function contains(list, value)
   for _, item in ipairs(list) do
      if item == value then
         return true
      end
   end
   return false
end

-- the rules that name a scenario
local function rules_for(name, kind)
   local list = {}
   for _, rule in ipairs(deviations.rules) do
      if contains(rule.scenarios, name) and (not rule.fs or contains(rule.fs, kind)) then
         list[#list + 1] = rule
      end
   end
   return list
end

local function first_rule(rules, step)
   for _, rule in ipairs(rules) do
      if rule.explains(step) then
         return rule.id
      end
   end
end

-- One rule that explains all differences of the step, or rules that explain one each.
local function explained_by(rules, step)
   local id = first_rule(rules, step)
   if id then
      return id
   end
   local ids = {}
   for _, difference in ipairs(step.differences) do
      id = first_rule(rules, setmetatable({ differences = { difference } }, { __index = step }))
      if not id then
         return nil
      elseif not contains(ids, id) then
         ids[#ids + 1] = id
      end
   end
   return table.concat(ids, " and ")
end

--- The verdict on a scenario.
-- @tparam string name
-- @tparam string kind of file system
-- @tparam ?table step the one that differs
-- @treturn string `passed`, `failed` or `deviating`
-- @treturn ?string the rule, or what is wrong
function deviations.judge(name, kind, step)
   local named = rules_for(name, kind)
   if not step then
      if #named > 0 then
         return "failed", "listed deviation no longer happens: " .. named[1].id
      end
      return "passed"
   end
   local why = explained_by(#named > 0 and named or deviations.rules, step)
   if not why then
      return "failed"
   end
   return "deviating", #named > 0 and why or why .. ", unlisted"
end

return deviations
