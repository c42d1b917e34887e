--- `byre resize`
-- @module byre.command.resize
local report = require("byre.command.report")
local settings = require("byre.command.settings")

local resize = {
   summary = "Give a volume another size.",
   description = [[Give a volume another size. A running volume's image changes at once, and loop
devices on it follow. What is inside, a file system for instance, has to be
told by its own means.

Shrinking cuts off what is behind the new end; it needs --shrink and --yes.]],
   examples = {
      { "byre resize appvms/work/private 20G" },
      { "byre resize appvms/work/private +5G", "5 GiB more than now" },
      { "byre resize --shrink --yes appvms/work/private 8G" },
   },
}

function resize.parser(command)
   command:argument("VID", "The volume."):target("vid")
   command:argument("SIZE", "The new size, or with + or - in front the change."):target("size")
   command:flag("--shrink", "Allow a smaller size (needs --yes).")
   settings.add_reflink(command)
end

-- "+5G" and "-5G" are about the size that the volume has now
local function target_size(volume, text)
   local units = require("byre.units")
   local sign, amount = text:match("^([+-])(.+)$")
   if not sign then
      return units.parse_size(text)
   end
   local now = volume:size() or 0
   local change = units.parse_size(amount)
   if sign == "+" and now > math.maxinteger - change then
      report.usage(text, "is too large; sizes end at 2^63 - 1 bytes")
   elseif sign == "-" and change >= now then
      report.usage(text, ("would leave nothing; the volume has %d bytes"):format(now))
   end
   return sign == "+" and now + change or now - change
end

function resize.run(context, args)
   local volume = context:volume(args.vid)
   local size = target_size(volume, args.size)
   local options = { shrink = args.shrink, reflink = args.reflink }
   if context:is_dry() then
      return context:show_plans({ volume:plan("resize", size, options) })
   end
   local now = volume:size()
   if args.shrink and now and size < now then
      context:confirm(("cut %d bytes off the end of %s"):format(now - size, volume.vid))
   end
   volume:resize(size, options)
   context:show_volume(volume)
end

return resize
