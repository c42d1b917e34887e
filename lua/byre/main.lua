--- Entry of the command `byre`, called by the host.
-- @module byre.main
local main = {}

--- Run the command line.
-- @tparam table arg the words, as Lua's own global `arg`
-- @treturn integer the exit code
function main.run(arg)
   local status = require("byre.command").main(arg)
   if math.type(status) == "integer" then return status end
   return status == false and 1 or 0
end

return main
