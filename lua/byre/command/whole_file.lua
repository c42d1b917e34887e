--- Write a file that is not there before it is whole: who reads it meanwhile sees the old one.
-- @module byre.command.whole_file
local core = require("byre.core")

local failure = require("byre.failure")
local layout = require("byre.layout")

local whole_file = {}

local default_mode = tonumber("644", 8)

local function fill(directory, name, path, text, mode)
   local file <close> = failure.check_path(path, directory:tmpfile(name))
   failure.check_path(path, file:write(text))
   failure.check_path(path, file:chmod(mode))
   failure.check_path(path, file:sync())
   failure.check_path(path, file:publish(name, true))
end

--- Write a file, in place of one that is there.
-- @tparam string path
-- @tparam string text
-- @tparam[opt] integer mode of the file (default: 0644)
-- @raise `invalid`: the name is that of something else than a file, or its directory is not there; `denied`,
-- `no_space`, `io`
function whole_file.write(path, text, mode)
   local directory_name, name = layout.directory(path), layout.basename(path)
   local directory, message, errno = core.open_dir(directory_name, { follow = true })
   if not directory then
      local e = failure.from_errno(directory_name, message, errno, { path = path })
      e.code = e.code == "corrupt" and "invalid" or e.code
      error(e, 0)
   end
   local closing <close> = directory
   local stat = name ~= "" and closing:stat(name)
   if name == "" or stat and stat.type ~= "file" then
      failure.raise("invalid", path, ("is a %s; give the name of a file"):format(stat and stat.type or "directory"),
         { path = path })
   end
   fill(closing, name, path, text, mode or default_mode)
end

return whole_file
