std = "lua54"
max_line_length = 120
self = false
exclude_files = { "build" }

-- the library also runs on Lua 5.3; the command does not have to
files["lua/byre"].std = "lua53"
files["lua/byre/command"].std = "lua54"
files["lua/byre/command.lua"].std = "lua54"
files["lua/byre/main.lua"].std = "lua54"
-- nbdkit calls functions by their names, lighttpd has its request in a global
files["examples/nbdkit"].std = "lua53"
files["examples/nbdkit"].ignore = { "11", "131" }
files["examples/lighttpd"].globals = { "lighty" }
files["examples/policies"] = {
   globals = { "policy", "keep", "compat", "space", "days", "GiB" },
   ignore = { "212" },
}
-- byre gives it to the file
files["examples/hooks"].globals = { "byre" }
files["spec"].std = "lua54+busted"
files[".busted"].std = "lua54"
