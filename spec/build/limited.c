/* limited.c - a program that gives Lua so many bytes and no more: limited BYTES SCRIPT ARG */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <byre.h>
#include <lauxlib.h>
#include <lualib.h>

struct budget {
	size_t used, limit;
};

static void *allocate(void *user, void *old, size_t old_size, size_t size)
{
	struct budget *budget = user;
	void *new;

	if (!old)
		old_size = 0;           /* it tells what the block is for */
	if (size > old_size && size - old_size > budget->limit - budget->used)
		return NULL;
	if (size == 0) {
		free(old);
		budget->used -= old_size;
		return NULL;
	}
	new = realloc(old, size);
	if (new)
		budget->used += size - old_size;
	return new;
}

static int protected_main(lua_State *L)
{
	char **argv = lua_touserdata(L, 1);

	luaL_openlibs(L);
	byre_preload(L);
	if (luaL_loadstring(L, argv[2]) != LUA_OK)
		return lua_error(L);
	lua_pushstring(L, argv[3]);
	lua_call(L, 1, 0);
	return 0;
}

int main(int argc, char **argv)
{
	struct budget budget = {0};
	lua_State *L;
	int status;

	if (argc != 4)
		return 2;
	budget.limit = strtoul(argv[1], NULL, 10);
	L = lua_newstate(allocate, &budget);
	if (!L)
		return 3;
	lua_pushcfunction(L, protected_main);
	lua_pushlightuserdata(L, argv);
	status = lua_pcall(L, 1, 0, 0);
	if (status == LUA_OK)
		puts("done");
	else if (status == LUA_ERRMEM)
		puts("not enough memory");
	else {
		budget.limit = SIZE_MAX;        /* an error may be an object, whose text has to be made */
		puts(luaL_tolstring(L, -1, NULL));
	}
	lua_close(L);
	return budget.used > 0 ? 4 : status != LUA_OK;
}
