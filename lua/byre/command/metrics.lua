--- `byre metrics`
-- @module byre.command.metrics
local events = require("byre.events")
local failure = require("byre.failure")
local open_metrics = require("byre.command.open_metrics")
local report = require("byre.command.report")
local whole_file = require("byre.command.whole_file")

local metrics = {
   summary = "Figures of the pool for monitoring, as OpenMetrics.",
   description = [[Print figures of the pool and of each volume in the text format of OpenMetrics,
which is also what the textfile collector of node_exporter reads. Figures that
nobody can know are left out.

To know what volumes hold alone, the maps of all images are read.]],
   examples = {
      { "byre metrics" },
      { "byre metrics -o byre.prom", "in place of the file, which is whole at any time" },
      { "byre metrics --no-volumes --no-space", "of a very large pool: few figures, and quick" },
   },
}

function metrics.parser(command)
   command:option("-o --output", "Write to this file, atomically."):argname("FILE")
   command:flag("--no-volumes", "Only figures of the pool.")
   command:flag("--no-space", "Do not read the maps of images.")
end

-- name, what it is; what the pool is asked for
local pool_families = {
   { "byre_pool_size_bytes", "Size of the file system that holds the pool." },
   { "byre_pool_used_bytes", "Used space of the file system." },
   { "byre_pool_free_bytes", "Free space of the file system, for the user of the pool." },
   { "byre_pool_images_bytes", "What the images take together." },
   { "byre_pool_volumes", "Volumes by kind." },
   { "byre_pool_damaged_volumes", "Volumes that cannot be looked at; they are left out of all other figures." },
   { "byre_pool_sessions", "Volumes with a session." },
   { "byre_pool_running_volumes", "Volumes whose image somebody has open for writing." },
   { "byre_pool_dirty_volumes", "Volumes with a session that its stop would commit." },
   { "byre_pool_outdated_volumes", "Volumes whose source has newer content than they run with." },
   { "byre_pool_revisions", "Revisions of all volumes." },
   { "byre_pool_trash_revisions", "Revisions in the trash of all volumes." },
   { "byre_prune_last_run_timestamp_seconds", "When a policy was last applied." },
   { "byre_prune_due_revisions", "Revisions that go when the pool is pruned now." },
   { "byre_prune_waiting_revisions", "Revisions that would go but wait for somebody to agree." },
   { "byre_prune_failed_volumes", "Volumes that cannot be pruned." },
}

local volume_families = {
   { "byre_volume_size_bytes", "Size of the volume." },
   { "byre_volume_allocated_bytes", "What its images take, whoever else has that too." },
   { "byre_volume_exclusive_bytes", "What is free when the volume is removed and nothing else." },
   { "byre_volume_history_bytes", "What is free when its revisions are removed." },
   { "byre_volume_revisions", "Its revisions." },
   { "byre_volume_trash_revisions", "Revisions in its trash." },
   { "byre_volume_trash_bytes", "What is free when its trash is emptied." },
   { "byre_volume_session", "1: it has a session." },
   { "byre_volume_running", "1: somebody has its image open for writing." },
   { "byre_volume_dirty", "1: its session would be committed by a stop." },
   { "byre_volume_outdated", "1: its source has newer content than it runs with." },
   { "byre_volume_committed_timestamp_seconds", "Last write to its committed content." },
   { "byre_volume_last_stop_timestamp_seconds", "Its last stop, as far as events were kept." },
   { "byre_volume_newest_revision_timestamp_seconds", "Last write to the content of its newest revision." },
}

local function begin(pool, families)
   local figures = open_metrics.new({ pool = pool.dir })
   for _, list in ipairs(families) do
      for _, family in ipairs(list) do
         figures:family(family[1], family[2])
      end
   end
   return figures
end

local kinds = { "origin", "origin_snapshot", "snapshot", "volatile" }

local function add_volume(figures, status, last_stop)
   local labels = { volume = status.vid }
   local function add(name, value)
      figures:add("byre_volume_" .. name, value, labels)
   end
   add("size_bytes", status.size)
   add("revisions", status.revision_count)
   add("trash_revisions", status.trash_count)
   for _, key in ipairs({ "session", "running", "dirty", "outdated" }) do
      add(key, status[key])
   end
   add("committed_timestamp_seconds", status.committed_time)
   add("last_stop_timestamp_seconds", last_stop)
   add("newest_revision_timestamp_seconds", status.revision_time)
end

-- Look at all volumes. Returns the errors of those that cannot be looked at.
local function add_volumes(figures, pool, each)
   local counts = { session = 0, running = 0, dirty = 0, outdated = 0 }
   local by_kind, revisions, trash, damaged = {}, 0, 0, {}
   local last_stops = each and events.last_done(pool, "stop") or {}
   for volume in pool:volumes() do
      local ok, status = failure.catch(volume.status, volume)
      if ok then
         by_kind[status.kind] = (by_kind[status.kind] or 0) + 1
         revisions, trash = revisions + status.revision_count, trash + status.trash_count
         for key, count in pairs(counts) do
            counts[key] = count + (status[key] and 1 or 0)
         end
         if each then
            add_volume(figures, status, last_stops[status.vid])
         end
      elseif status.code ~= "no_such_volume" then      -- removed meanwhile
         damaged[#damaged + 1] = status
      end
   end
   for _, kind in ipairs(kinds) do
      figures:add("byre_pool_volumes", by_kind[kind] or 0, { kind = kind })
   end
   figures:add("byre_pool_damaged_volumes", #damaged)
   figures:add("byre_pool_sessions", counts.session)
   for _, key in ipairs({ "running", "dirty", "outdated" }) do
      figures:add(("byre_pool_%s_volumes"):format(key), counts[key])
   end
   figures:add("byre_pool_revisions", revisions)
   figures:add("byre_pool_trash_revisions", trash)
   return damaged
end

local function add_space(figures, pool, each)
   local measured = pool:space()
   figures:add("byre_pool_images_bytes", measured.allocated)
   for volume in each and measured:volumes() or function() end do
      for _, key in ipairs({ "allocated", "exclusive", "history", "trash" }) do
         figures:add(("byre_volume_%s_bytes"):format(key), volume[key], { volume = volume.vid })
      end
   end
end

local function add_prune(figures, pool)
   local result = pool:prune({ dry_run = true })
   local due, waiting = 0, 0
   for _, volume in ipairs(result.volumes) do
      if volume.unconfirmed then
         waiting = waiting + #volume.removed
      else
         due = due + #volume.removed
      end
   end
   figures:add("byre_prune_last_run_timestamp_seconds", pool:last_prune())
   figures:add("byre_prune_due_revisions", due)
   figures:add("byre_prune_waiting_revisions", waiting)
   figures:add("byre_prune_failed_volumes", #result.failures)
end

function metrics.run(context, args)
   if args.output and context:is_dry() then
      report.usage("metrics", "-n writes no file; leave out -o to see the figures")
   end
   local pool = context:pool()
   local figures = begin(pool, { pool_families, args.no_volumes and {} or volume_families })
   for key, value in pairs(pool:usage()) do
      figures:add(("byre_pool_%s_bytes"):format(key), value)
   end
   local damaged = add_volumes(figures, pool, not args.no_volumes)
   if not args.no_space then
      add_space(figures, pool, not args.no_volumes)
   end
   add_prune(figures, pool)
   if args.output then
      whole_file.write(args.output, figures:text())
   elseif context.out.format == "json" then
      context.out:json(figures.families)
   else
      context.out:write(figures:text())
   end
   for _, err in ipairs(damaged) do
      report.show(err)
   end
   return #damaged > 0 and report.exit.partly or nil
end

return metrics
