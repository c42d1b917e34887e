/* preload.c - what byre.h has besides byre.core: built-in scripts found through package.preload, settings of them */

#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "byre.h"
#include "preload.h"

const char *byre_version(void)
{
	return BYRE_VERSION;
}

const char *byre_check_version(int major, int minor, int patch)
{
	static const char why_not[] = "libbyre " BYRE_VERSION " cannot serve a program made for another version";
	bool same = major == BYRE_VERSION_MAJOR && (major > 0 || minor == BYRE_VERSION_MINOR);
	bool older = BYRE_VERSION_MINOR < minor || (BYRE_VERSION_MINOR == minor && BYRE_VERSION_PATCH < patch);

	return same && !older ? NULL : why_not;
}

/*
 * Look for a module where require looks after package.preload.  True: one was
 * found and run, its result is on top.  Raises what the searcher or it raises.
 */
static bool run_other(lua_State *L, const char *name)
{
	int i;

	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	if (lua_getfield(L, -1, "package") != LUA_TTABLE ||
	    lua_getfield(L, -1, "searchers") != LUA_TTABLE)
		return false;
	for (i = 2; lua_geti(L, -1, i) != LUA_TNIL; i++) {
		lua_pushstring(L, name);
		lua_call(L, 1, 2);
		if (lua_isfunction(L, -2)) {
			lua_pushstring(L, name);
			lua_insert(L, -2);
			lua_call(L, 2, 1);
			return true;
		}
		lua_pop(L, 2);
	}
	return false;
}

/* The loader of one script, its upvalue.  Called by require as loader(name, ...). */
static int run_script(lua_State *L)
{
	const struct byre_script *script = lua_touserdata(L, lua_upvalueindex(1));

	if (script->stand_back && run_other(L, script->name))
		return 1;
	if (luaL_loadbufferx(L, script->data, script->size, script->chunk, NULL) != LUA_OK)
		return lua_error(L);
	lua_pushstring(L, script->name);
	lua_call(L, 1, 1);
	return 1;
}

/* scripts(name) -> {text=, chunk=}, or nil: the text of a script that is built in */
static int find_script(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	const struct byre_script *script;

	for (script = byre_scripts; script->name; script++) {
		if (strcmp(script->name, name) != 0)
			continue;
		lua_createtable(L, 0, 2);
		lua_pushlstring(L, script->data, script->size);
		lua_setfield(L, -2, "text");
		lua_pushstring(L, script->chunk);
		lua_setfield(L, -2, "chunk");
		return 1;
	}
	return 0;
}

/* The module byre.scripts is a function: a sandbox gets our scripts through it. */
static int open_scripts(lua_State *L)
{
	lua_pushcfunction(L, find_script);
	return 1;
}

static bool known(lua_State *L, const char *table, const char *name)
{
	bool found;

	luaL_getsubtable(L, LUA_REGISTRYINDEX, table);
	found = lua_getfield(L, -1, name) != LUA_TNIL;
	lua_pop(L, 2);
	return found;
}

int byre_preload(lua_State *L)
{
	const struct byre_script *script;

	luaL_checkversion(L);
	luaL_checkstack(L, 4, NULL);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	lua_pushcfunction(L, luaopen_byre_core);
	lua_setfield(L, -2, "byre.core");
	lua_pushcfunction(L, open_scripts);
	lua_setfield(L, -2, "byre.scripts");
	for (script = byre_scripts; script->name; script++) {
		if (script->stand_back && known(L, LUA_PRELOAD_TABLE, script->name))
			continue;
		lua_pushlightuserdata(L, (void *)script);
		lua_pushcclosure(L, run_script, 1);
		lua_setfield(L, -2, script->name);
	}
	lua_pop(L, 1);
	return 0;
}

static void set_integer(lua_State *L, const char *name, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, name);
}

/* Push the limits as byre.sandbox takes them. */
static void push_limits(lua_State *L, const struct byre_sandbox_limits *limits)
{
	lua_createtable(L, 0, 4);
	if (limits->memory != 0)
		set_integer(L, "memory", (lua_Integer)limits->memory);
	if (limits->instructions != 0)
		set_integer(L, "instructions", limits->instructions);
	if (limits->seconds != 0) {
		lua_pushnumber(L, limits->seconds);
		lua_setfield(L, -2, "seconds");
	}
	if (limits->child != BYRE_CHILD_AS_ASKED) {
		lua_pushboolean(L, limits->child == BYRE_CHILD_ALWAYS);
		lua_setfield(L, -2, "child");
	}
}

int byre_sandbox(lua_State *L, const struct byre_sandbox_limits *limits)
{
	int top = lua_gettop(L);

	luaL_checkstack(L, 4, NULL);
	lua_getglobal(L, "require");
	lua_pushliteral(L, "byre.sandbox");
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "restrict");
	push_limits(L, limits);
	lua_call(L, 1, 0);
	lua_settop(L, top);
	return 0;
}
