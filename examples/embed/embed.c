/*
 * embed.c - a C program that keeps its disks in a byre pool
 *
 *	make && ./embed POOL VID
 *
 * Starts a volume (made if it is not there), writes into its image, stops it and prints
 * its revisions.  Lua and byre are inside; nothing of either has to be on disk.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <byre.h>
#include <lauxlib.h>
#include <lualib.h>

/* What C needs of byre, as three functions of strings. */
static const char script[] =
	"local byre = require 'byre'\n"
	"local dir, vid = ...\n"
	"local ok, pool = pcall(byre.open_pool, dir)\n"
	"if not ok and pool.code == 'no_such_pool' then\n"
	"   pool = byre.create_pool(dir, { setup_check = false })\n"
	"elseif not ok then\n"
	"   error(pool, 0)\n"
	"end\n"
	"local ok, volume = pcall(pool.volume, pool, vid)\n"
	"if not ok and volume.code == 'no_such_volume' then\n"
	"   volume = pool:create_volume(vid, { size = '16M', save_on_stop = true })\n"
	"elseif not ok then\n"
	"   error(volume, 0)\n"
	"end\n"
	"return {\n"
	"   start = function() return volume:start() end,\n"
	"   stop = function() volume:stop() end,\n"
	"   newest = function() return volume:revision().id end,\n"
	"}\n";

/* An error object or a string on top of the stack: say it, and take it away. */
static int failed(lua_State *L)
{
	fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
	lua_pop(L, 2);
	return 1;
}

/* Call a function of the table at index 1; its result is left on the stack. */
static int call(lua_State *L, const char *name)
{
	lua_getfield(L, 1, name);
	return lua_pcall(L, 0, 1, 0) == LUA_OK ? 0 : failed(L);
}

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int bad;

	if (fd < 0) {
		perror(path);
		return 1;
	}
	bad = write(fd, text, strlen(text)) < 0;
	if (bad)
		perror(path);
	return close(fd) < 0 || bad;
}

static int run(lua_State *L, const char *dir, const char *vid)
{
	if (luaL_loadstring(L, script) != LUA_OK)
		return failed(L);
	lua_pushstring(L, dir);
	lua_pushstring(L, vid);
	if (lua_pcall(L, 2, 1, 0) != LUA_OK)
		return failed(L);
	if (call(L, "start"))
		return 1;
	printf("image: %s\n", lua_tostring(L, -1));
	if (write_to(lua_tostring(L, -1), "written by C\n") || call(L, "stop") || call(L, "newest"))
		return 1;
	printf("newest revision: %s\n", lua_tostring(L, -1));
	return 0;
}

int main(int argc, char **argv)
{
	lua_State *L;
	int bad;

	if (argc != 3) {
		fprintf(stderr, "usage: %s POOL VID\n", argv[0]);
		return 2;
	}
	L = luaL_newstate();
	if (!L)
		return 1;
	luaL_openlibs(L);
	byre_preload(L);
	bad = run(L, argv[1], argv[2]);
	lua_close(L);
	return bad;
}
