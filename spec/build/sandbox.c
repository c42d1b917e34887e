/* sandbox.c - a program that restricts the scripts of strangers: SCRIPT MEMORY INSTRUCTIONS SECONDS CHILD */

#include <stdio.h>
#include <stdlib.h>

#include <byre.h>
#include <lauxlib.h>
#include <lualib.h>

/* arguments: limits; protected, as a program without a panic function has to call it */
static int restrict_scripts(lua_State *L)
{
	struct byre_sandbox_limits limits = {
		.memory = (size_t)luaL_checkinteger(L, 1),
		.instructions = luaL_checkinteger(L, 2),
		.seconds = luaL_checknumber(L, 3),
		.child = (enum byre_sandbox_child)luaL_checkinteger(L, 4),
	};
	int top = lua_gettop(L);

	byre_preload(L);
	byre_sandbox(L, &limits);
	if (lua_gettop(L) != top)
		return luaL_error(L, "the stack is not as it was");
	return 0;
}

int main(int argc, char **argv)
{
	lua_State *L = luaL_newstate();
	int i, failed;

	if (!L || argc != 6)
		return 2;
	luaL_openlibs(L);
	lua_pushcfunction(L, restrict_scripts);
	for (i = 2; i < argc; i++)
		lua_pushnumber(L, strtod(argv[i], NULL));
	failed = lua_pcall(L, 4, 0, 0) || luaL_dostring(L, argv[1]);
	if (failed)
		fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
	lua_close(L);
	return failed;
}
