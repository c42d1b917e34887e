--- `byre report`
-- @module byre.command.report_pool
local report = require("byre.command.report")

local report_pool = {
   summary = "Draw the whole pool on a page of HTML.",
   description = [[Draw the whole pool on a page of HTML: where its space is, which volumes start from
which and what is outdated, the revisions of each volume with their holds and tags
and what becomes of them next, in how many pieces the images are, what is wrong.

The page is one file without scripts that needs no network. Nothing is changed.]],
   examples = {
      { "byre report -o pool.html" },
      { "byre report --json | jq '.volumes[] | select(.outdated) | .vid'", "the same as data" },
   },
}

function report_pool.parser(command)
   command:option("-o --output", "Where to write the page; - is standard output."):argname("FILE")
end

local function write(context, path, text)
   if path == "-" then
      context.out:write(text)
   else
      require("byre.command.whole_file").write(path, text)
   end
end

function report_pool.run(context, args)
   if context.out.format == "tabs" then
      report.usage("report", "a page has no lines with tabs; --json tells the same as data")
   elseif not args.output and context.out.format ~= "json" then
      report.usage("report", "say where to write the page: -o FILE", "byre report -o pool.html")
   end
   local data = require("byre.command.pool_page.data").of(context:pool())
   if context.out.format == "json" then
      context.out:json(data)
   end
   if args.output then
      write(context, args.output, require("byre.command.pool_page").html(data))
   end
   return #data.failures > 0 and report.exit.partly or nil
end

return report_pool
