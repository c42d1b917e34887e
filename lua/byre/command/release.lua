--- `byre release`
-- @module byre.command.release
local annotation = require("byre.command.annotation")

local release = {
   summary = "End the hold on a revision.",
   description = [[End the hold on a revision: it goes when its time comes, as any other.]],
   examples = {
      { "byre release appvms/work/root 12" },
   },
}

function release.parser(command)
   annotation.words(command)
end

function release.run(context, args)
   annotation.write(context, args, { hold_until = false })
end

return release
