-- What a program under test starts brings its own sanitizer or wants none:
-- qemu-img hangs with one put before it.
local ok, stdlib = pcall(require, "posix.stdlib")
if ok then
   stdlib.setenv("LD_PRELOAD", nil)
   stdlib.setenv("LUA_INIT_5_4", nil)
end
