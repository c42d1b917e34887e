--- `byre remove`
-- @module byre.command.remove
local failure = require("byre.failure")
local report = require("byre.command.report")

local remove = {
   summary = "Remove volumes, or single revisions.",
   description = [[Remove volumes with all their revisions, or single revisions. What is removed
is gone; --yes says that this is meant. Where the volume or its pool has a trash,
single revisions go there: byre restore brings them back.]],
   examples = {
      { "byre remove --yes appvms/old/private" },
      { "byre remove --yes appvms/work/private@3 appvms/work/private@4", "two revisions" },
      { "byre remove -n appvms/old/private", "show what would be removed" },
   },
}

function remove.parser(command)
   command:argument("VID", "Volumes, or revisions as VID@REV."):target("names"):args("+")
   command:flag("--no-trash", "Remove revisions for good, also where there is a trash.")
   command:flag("--force", "Also volumes that are the source of others, which cannot start then.")
end

-- words of the command line -> volumes, and {volume=, id=} of revisions; all of them are there
local function find(context, names)
   local whole, revisions, known = {}, {}, {}
   for _, name in ipairs(names) do
      local vid, id = context:split_revision(name)
      local volume = context:volume(vid)
      if not known[name] then
         if id then
            volume:revision(id)
            revisions[#revisions + 1] = { volume = volume, id = id }
         else
            whole[#whole + 1] = volume
         end
      end
      known[name] = true
   end
   return whole, revisions
end

local function describe(whole, revisions)
   local words = {}
   for _, volume in ipairs(whole) do
      local count = #volume:revisions()
      words[#words + 1] = volume.vid
         .. (count == 0 and "" or count == 1 and " with 1 revision" or (" with %d revisions"):format(count))
   end
   for _, item in ipairs(revisions) do
      words[#words + 1] = item.volume.vid .. "@" .. item.id
   end
   return "remove " .. table.concat(words, ", ")
end

-- Is all of it going to be in the trash?
local function can_be_restored(whole, revisions, options)
   for _, item in ipairs(revisions) do
      if options.trash == false or not item.volume:status().trash then
         return false
      end
   end
   return #whole == 0
end

local function show_plans(context, whole, revisions, options)
   local plans = {}
   for i, item in ipairs(revisions) do
      plans[i] = item.volume:plan("remove_revision", item.id, options)
   end
   for _, volume in ipairs(whole) do
      plans[#plans + 1] = volume:plan("remove", options)
   end
   context:show_plans(plans)
end

local function remove_revisions(revisions, removed, options)
   local code
   for _, item in ipairs(revisions) do
      local ok, err = failure.catch(item.volume.remove_revision, item.volume, item.id, options)
      if ok then
         removed[#removed + 1] = { vid = item.volume.vid, revision = item.id }
      else
         code = report.show(err)
      end
   end
   return code
end

local function remove_volumes(context, whole, removed, options)
   if #whole == 0 then
      return nil
   end
   local done, err = context:batch("remove", whole, options)
   for _, volume in ipairs(whole) do
      removed[#removed + 1] = done[volume.vid] and { vid = volume.vid } or nil
   end
   return err and report.show(err)
end

function remove.run(context, args)
   local whole, revisions = find(context, args.names)
   local options = { force = args.force }
   if args.no_trash then
      options.trash = false
   end
   if context:is_dry() then
      return show_plans(context, whole, revisions, options)
   end
   context:confirm(describe(whole, revisions), can_be_restored(whole, revisions, options) and "into the trash" or nil)
   local removed = {}
   local code = remove_revisions(revisions, removed, options)
   code = remove_volumes(context, whole, removed, options) or code
   if context.out.format == "json" then
      context.out:list({ { key = "vid" }, { key = "revision" } }, removed)
   end
   return code and #removed > 0 and report.exit.partly or code
end

return remove
