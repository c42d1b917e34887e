/*
 * embed.c - a C program that keeps its disks in a byre pool; Lua and byre are linked into it
 *
 *	make && ./embed POOL VID
 *
 * Starts a volume (made if it is not there), writes into its image, stops it.
 */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <byre.h>
#include <lauxlib.h>
#include <lualib.h>

static const char script[] =
	"local byre, dir, vid, write = require 'byre', ...\n"
	"local function open_or(code, open, create)\n"
	"   local ok, result = pcall(open)\n"
	"   return ok and result or result.code == code and create() or error(result, 0)\n"
	"end\n"
	"local pool <close> = open_or('no_such_pool', function() return byre.open_pool(dir) end,\n"
	"   function() return byre.create_pool(dir, { setup_check = false }) end)\n"
	"local volume = open_or('no_such_volume', function() return pool:volume(vid) end,\n"
	"   function() return pool:create_volume(vid, { size = '16M', save_on_stop = true }) end)\n"
	"write(volume:start()) volume:stop()\n"
	"return volume:revision().id\n";

/* write(path): what the program itself does with an image */
static int write_image(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	int fd = open(path, O_WRONLY | O_CLOEXEC), bad = fd < 0 || write(fd, "written by C\n", 13) != 13;

	if ((fd >= 0 && close(fd) < 0) || bad)
		return luaL_error(L, "cannot write to %s", path);
	printf("image: %s\n", path);
	return 0;
}

int main(int argc, char **argv)
{
	lua_State *L = luaL_newstate();
	int status;

	if (!L || argc != 3)
		return fprintf(stderr, "usage: %s POOL VID\n", argv[0]), 2;
	luaL_openlibs(L);
	byre_preload(L);
	luaL_loadstring(L, script);
	lua_pushstring(L, argv[1]);
	lua_pushstring(L, argv[2]);
	lua_pushcfunction(L, write_image);
	status = lua_pcall(L, 3, 1, 0);
	/* an error is an object of byre's, or a string */
	fprintf(status ? stderr : stdout, "%s%s\n", status ? "" : "newest revision: ", luaL_tolstring(L, -1, NULL));
	lua_close(L);
	return status != LUA_OK;
}
