--- `byre tag`
-- @module byre.command.tag
local annotation = require("byre.command.annotation")

local tag = {
   summary = "Give a revision tags.",
   description = [[Give a revision tags: words that stay with it and that a retention policy can
look at. A tag is of letters, digits and _ . : -]],
   examples = {
      { "byre tag appvms/work/private 2 release v1.2" },
   },
}

function tag.parser(command)
   annotation.words(command)
   command:argument("TAG", "The tags."):target("tags"):args("+")
end

function tag.run(context, args)
   annotation.write(context, args, { tag = args.tags })
end

return tag
