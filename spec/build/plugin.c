/* plugin.c - the same for a program that loads libbyre.so when it runs */

#include <dlfcn.h>
#include <stdio.h>

#include <lauxlib.h>
#include <lualib.h>

int main(int argc, char **argv)
{
	void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	lua_State *L = luaL_newstate();
	int (*preload)(lua_State *L);
	int failed;

	if (!library || !L) {
		fprintf(stderr, "%s\n", dlerror());
		return 2;
	}
	*(void **)&preload = dlsym(library, "byre_preload");
	luaL_openlibs(L);
	lua_pushcfunction(L, preload);
	failed = lua_pcall(L, 0, 0, 0) != LUA_OK || luaL_dostring(L, argv[2]);
	if (failed)
		fprintf(stderr, "%s\n", lua_tostring(L, -1));
	lua_close(L);
	return failed;
}
