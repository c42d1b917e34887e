--- `byre note`
-- @module byre.command.note
local annotation = require("byre.command.annotation")
local report = require("byre.command.report")

local note = {
   summary = "Write a note on a revision.",
   description = [[Write a note on a revision, in place of the one it had.]],
   examples = {
      { "byre note appvms/work/private 2 'before the upgrade'" },
      { "byre note --none appvms/work/private 2", "take the note away" },
   },
}

function note.parser(command)
   annotation.words(command)
   command:argument("TEXT", "The note."):target("text"):args("?")
   command:flag("--none", "Take the note away.")
end

function note.run(context, args)
   if (args.text == nil) == (args.none == nil) then
      report.usage("note", "say the text of the note, or --none")
   end
   annotation.write(context, args, { note = args.text or false })
end

return note
