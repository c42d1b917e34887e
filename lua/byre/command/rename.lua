--- `byre rename`
-- @module byre.command.rename
local report = require("byre.command.report")
local settings = require("byre.command.settings")

local rename = {
   summary = "Give a volume another name, or a group.",
   description = [[Give a volume another name; its revisions go along. With a slash at the end of
both words all volumes of a group go to another group, all of them or none;
groups below it stay. A volume with a session is refused unless --state says
what becomes of it.]],
   examples = {
      { "byre rename appvms/work/private appvms/office/private" },
      { "byre rename appvms/work/ appvms/office/", "all volumes of a group" },
      { "byre rename --state current vm/a vm/b", "a session goes along" },
   },
}

function rename.parser(command)
   command:argument("VID|GROUP", "The volume, or a group with a slash behind it."):target("old")
   command:argument("NEW", "Its new name."):target("new")
   command:option("--state", "Of a volume with a session: \"current\" takes it along, \"committed\" drops it.")
      :choices({ "committed", "current" })
   settings.add_reflink(command)
end

-- the name of a group; nil: the word is that of a volume
local function group_in(word)
   return word:match("^(.*)/$")
end

local function confirm(context, volumes, state)
   local dropped = {}
   for _, volume in ipairs(state == "committed" and volumes or {}) do
      dropped[#dropped + 1] = volume:is_dirty() and volume.vid or nil
   end
   if #dropped > 0 then
      context:confirm((#dropped == 1 and "drop the session of " or "drop the sessions of ")
         .. table.concat(dropped, ", "))
   end
end

local function rename_group(context, name, new, options)
   local group = context:pool():group(name)
   if context:is_dry() then
      return context:show_plans(group:plan_rename(new, options))
   end
   local volumes = group:volumes()
   confirm(context, volumes, options.state)
   group:rename(new, options)
   if context.out.format ~= "text" then
      local fields, records = { { key = "vid" }, { key = "to" } }, {}
      for i, volume in ipairs(volumes) do
         records[i] = { vid = volume.vid, to = (new == "" and "" or new .. "/") .. volume.name }
      end
      context.out:list(fields, records)
   end
end

local function rename_volume(context, vid, new, options)
   local volume = context:volume(vid)
   if context:is_dry() then
      return context:show_plans({ volume:plan("rename", new, options) })
   end
   confirm(context, { volume }, options.state)
   volume:rename(new, options)
   context:show_volume(volume)
end

function rename.run(context, args)
   local options = { state = args.state, reflink = args.reflink }
   local group, new_group = group_in(args.old), group_in(args.new)
   if (group == nil) ~= (new_group == nil) then
      report.usage("rename", "a slash at the end says that a word is a group; both are, or neither is",
         group and "byre rename GROUP/ NEW/" or "byre rename VID NEW")
   elseif group then
      return rename_group(context, group, new_group, options)
   end
   rename_volume(context, args.old, args.new, options)
end

return rename
