/* lua_names.c - what the names of files say, for Lua */

#include <stdlib.h>
#include <string.h>

#include "lua_handles.h"
#include "revision.h"

struct named {
	struct byre_revision revision;
	const char *name;               /* of a string that is in a table of the stack */
	size_t start;                   /* where the digits are */
};

/* core.parse_stamp("2026-11-22T18:00:00") -> seconds since the epoch, or nil */
static int core_parse_stamp(lua_State *L)
{
	size_t length;
	const char *text = luaL_checklstring(L, 1, &length);
	int64_t time;

	if (byre_stamp_parse(text, length, &time))
		lua_pushinteger(L, time);
	else
		lua_pushnil(L);
	return 1;
}

/* by number, and by name where two have the same */
static int compare(const void *a, const void *b)
{
	const struct named *one = a, *other = b;

	if (one->revision.seq != other->revision.seq)
		return one->revision.seq < other->revision.seq ? -1 : 1;
	return strcmp(one->name, other->name);
}

static void push_revision(lua_State *L, const struct named *named, const char *directory)
{
	lua_createtable(L, 0, 4);
	lua_pushlstring(L, named->name + named->start, named->revision.digits);
	lua_setfield(L, -2, "id");
	lua_pushinteger(L, named->revision.seq);
	lua_setfield(L, -2, "seq");
	lua_pushinteger(L, named->revision.time);
	lua_setfield(L, -2, "time");
	lua_pushfstring(L, "%s%s", directory, named->name);
	lua_setfield(L, -2, "path");
}

/*
 * core.find_revisions(names, volume, directory): of the names of files, those of
 * revisions of a volume, oldest first: {id=, seq=, time=, path=}, the path being
 * directory .. name; and a list of the other names.
 */
static int core_find_revisions(lua_State *L)
{
	size_t length, volume_length, i, count, found = 0;
	const char *volume = luaL_checklstring(L, 2, &volume_length);
	const char *directory = luaL_checkstring(L, 3);
	struct named *list;
	lua_Integer others = 0;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 3);
	count = lua_rawlen(L, 1);
	list = lua_newuserdatauv(L, (count + 1) * sizeof *list, 0);
	lua_newtable(L);
	for (i = 0; i < count; i++) {
		struct named *next = &list[found];

		luaL_argcheck(L, lua_rawgeti(L, 1, (lua_Integer)i + 1) == LUA_TSTRING, 1, "a list of names");
		next->name = lua_tolstring(L, -1, &length);
		next->start = volume_length + sizeof ".img." - 1;
		if (length > volume_length && memcmp(next->name, volume, volume_length) == 0 &&
		    byre_revision_parse(next->name + volume_length, length - volume_length, &next->revision)) {
			found++;
			lua_pop(L, 1);
		} else {
			lua_rawseti(L, 5, ++others);
		}
	}
	qsort(list, found, sizeof *list, compare);
	lua_createtable(L, (int)found, 0);
	for (i = 0; i < found; i++) {
		push_revision(L, &list[i], directory);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	lua_insert(L, 5);
	return 2;
}

static const luaL_Reg functions[] = {
	{"parse_stamp", core_parse_stamp},
	{"find_revisions", core_find_revisions},
	{NULL, NULL}
};

void byre_open_names(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
	lua_pushinteger(L, BYRE_LAST_SEQ);
	lua_setfield(L, -2, "last_seq");
}
