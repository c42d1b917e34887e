// embed.cpp - the same in C++: byre.h brings what it needs of Lua

#include <byre.h>

#include <cstdio>

int main(int argc, char **argv)
{
	lua_State *L = luaL_newstate();

	if (!L || argc != 2 || BYRE_CHECK_VERSION())
		return 2;
	luaL_openlibs(L);
	byre_preload(L);
	bool failed = luaL_dostring(L, argv[1]);
	if (failed)
		std::fprintf(stderr, "%s\n", lua_tostring(L, -1));
	lua_close(L);
	return failed;
}
