--- What the specs of hosts need of the system: the packages of `tools/setup hosts`.
local busted = require("busted")
local filesystems = require("spec.support.filesystems")
local shell = require("spec.support.shell")

local needs = {}

--- Describe something that needs other people's programs. Where one is missing that is pending;
-- with CI=true it is an error.
-- @tparam string name
-- @tparam {[string]=string} programs what has to be there (a command, or a path) -> its package
-- @tparam function body
function needs.describe(name, programs, body)
   busted.describe(name, function()
      for program, package in pairs(programs) do
         local test = program:find("/", 1, true) and "test -e " or "command -v "
         if shell.run("PATH=$PATH:/usr/sbin:/sbin; " .. test .. program).code ~= 0 then
            local reason = ("needs %s (package %s; tools/setup hosts)"):format(program, package)
            if os.getenv("CI") == "true" then
               error(reason, 0)
            end
            return busted.pending(reason)
         end
      end
      body()
   end)
end

--- The same on a file system with reflinks, given to the body.
function needs.describe_on_reflinks(name, programs, body)
   needs.describe(name, programs, function()
      filesystems.each({ "btrfs" }, body)
   end)
end

return needs
