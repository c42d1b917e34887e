/* embed.c - a program with a Lua state of its own that carries byre along */

#include <stdio.h>

#include <byre.h>
#include <lauxlib.h>
#include <lualib.h>

int main(int argc, char **argv)
{
	lua_State *L = luaL_newstate();
	int failed;

	if (!L || argc != 2)
		return 2;
	luaL_openlibs(L);
	byre_preload(L);
	failed = luaL_dostring(L, argv[1]);
	if (failed)
		fprintf(stderr, "%s\n", lua_tostring(L, -1));
	lua_close(L);
	return failed;
}
