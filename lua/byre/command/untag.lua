--- `byre untag`
-- @module byre.command.untag
local annotation = require("byre.command.annotation")

local untag = {
   summary = "Take tags from a revision.",
   description = [[Take tags from a revision. A tag that it does not have is no error.]],
   examples = {
      { "byre untag appvms/work/private 2 release" },
   },
}

function untag.parser(command)
   annotation.words(command)
   command:argument("TAG", "The tags."):target("tags"):args("+")
end

function untag.run(context, args)
   annotation.write(context, args, { untag = args.tags })
end

return untag
