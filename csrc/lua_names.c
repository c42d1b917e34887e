/* lua_names.c - what the names of files say, for Lua; lists of revisions */

#include <stdlib.h>
#include <string.h>

#include "lua_handles.h"
#include "revision.h"

#define REVISIONS_TYPE "byre.revisions"

struct named {
	struct byre_revision revision;
	size_t offset;                  /* of the name, in names */
	const char *name;               /* set once all names are there */
};

/*
 * The revisions of a volume, oldest first: a list whose items are made when they
 * are asked for, since most of a long history is only counted.  User value 1 is a
 * table of what belongs to it: at i the i-th item, once it was made, and the parts:
 */
enum { DIRECTORY = 0, ALL = -1, NAMES = -2 };

struct revisions {
	size_t start;                   /* where the digits are in a name */
	size_t count, room;
	struct named *all;
	size_t used, size;              /* bytes */
	char *names;
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

/* A larger copy of a part of the list on top of the stack, in memory of Lua's. */
static void *grow(lua_State *L, lua_Integer part, const void *old, size_t used, size_t size)
{
	void *new;

	lua_getiuservalue(L, -1, 1);
	new = lua_newuserdatauv(L, size, 0);
	if (used > 0)
		memcpy(new, old, used);
	lua_rawseti(L, -2, part);
	lua_pop(L, 1);
	return new;
}

struct byre_revisions_builder byre_new_revisions(lua_State *L, const char *volume, const char *directory)
{
	size_t length = strlen(volume);
	struct revisions *r = lua_newuserdatauv(L, sizeof *r, 1);

	*r = (struct revisions){.start = length + sizeof ".img." - 1};
	luaL_setmetatable(L, REVISIONS_TYPE);
	lua_newtable(L);
	lua_pushstring(L, directory);
	lua_rawseti(L, -2, DIRECTORY);
	lua_setiuservalue(L, -2, 1);
	return (struct byre_revisions_builder){.list = r, .volume = volume, .length = length};
}

bool byre_add_revision(lua_State *L, const struct byre_revisions_builder *b, const char *name)
{
	struct revisions *r = b->list;
	size_t length = strlen(name);
	struct named next = {.offset = r->used};

	if (strncmp(name, b->volume, b->length) != 0 ||
	    !byre_revision_parse(name + b->length, length - b->length, &next.revision))
		return false;
	if (r->count == r->room) {
		size_t room = r->room > 0 ? 2 * r->room : 4;

		r->all = grow(L, ALL, r->all, r->count * sizeof next, room * sizeof next);
		r->room = room;
	}
	if (r->size - r->used <= length) {
		size_t size = 2 * r->size + length + 1;

		r->names = grow(L, NAMES, r->names, r->used, size);
		r->size = size;
	}
	memcpy(r->names + r->used, name, length + 1);
	r->used += length + 1;
	r->all[r->count++] = next;
	return true;
}

/* by number, and by name where two have the same */
static int compare(const void *a, const void *b)
{
	const struct named *one = a, *other = b;

	if (one->revision.seq != other->revision.seq)
		return one->revision.seq < other->revision.seq ? -1 : 1;
	return strcmp(one->name, other->name);
}

void byre_sort_revisions(const struct byre_revisions_builder *b)
{
	struct revisions *r = b->list;
	size_t i;

	for (i = 0; i < r->count; i++)
		r->all[i].name = r->names + r->all[i].offset;
	if (r->count > 1)
		qsort(r->all, r->count, sizeof *r->all, compare);
}

static void push_item(lua_State *L, const struct named *named, size_t start, const char *directory)
{
	lua_createtable(L, 0, 4);
	lua_pushlstring(L, named->name + start, named->revision.digits);
	lua_setfield(L, -2, "id");
	lua_pushinteger(L, named->revision.seq);
	lua_setfield(L, -2, "seq");
	lua_pushinteger(L, named->revision.time);
	lua_setfield(L, -2, "time");
	lua_pushfstring(L, "%s%s", directory, named->name);
	lua_setfield(L, -2, "path");
}

/* revisions[i] */
static int revisions_index(lua_State *L)
{
	const struct revisions *r = luaL_checkudata(L, 1, REVISIONS_TYPE);
	int is_integer;
	lua_Integer i = lua_tointegerx(L, 2, &is_integer);

	if (!is_integer || i < 1 || (lua_Unsigned)i > r->count) {
		lua_pushnil(L);
		return 1;
	}
	lua_getiuservalue(L, 1, 1);
	if (lua_rawgeti(L, -1, i) == LUA_TTABLE)
		return 1;
	lua_rawgeti(L, -2, DIRECTORY);
	push_item(L, &r->all[i - 1], r->start, lua_tostring(L, -1));
	lua_pushvalue(L, -1);
	lua_rawseti(L, 3, i);
	return 1;
}

static int revisions_len(lua_State *L)
{
	const struct revisions *r = luaL_checkudata(L, 1, REVISIONS_TYPE);

	lua_pushinteger(L, (lua_Integer)r->count);
	return 1;
}

/*
 * core.find_revisions(names, volume, directory): of the names of files, those of
 * revisions of a volume, oldest first: {id=, seq=, time=, path=}, the path being
 * directory .. name, in a list for # and ipairs; and a list of the other names.
 */
static int core_find_revisions(lua_State *L)
{
	const char *volume = byre_check_path(L, 2);
	const char *directory = byre_check_path(L, 3);
	struct byre_revisions_builder b;
	lua_Integer i, others = 0;
	const char *name;
	size_t length;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 3);
	lua_newtable(L);
	b = byre_new_revisions(L, volume, directory);
	for (i = 1; i <= (lua_Integer)lua_rawlen(L, 1); i++) {
		luaL_argcheck(L, lua_rawgeti(L, 1, i) == LUA_TSTRING, 1, "a list of names");
		lua_insert(L, 5);
		name = lua_tolstring(L, 5, &length);
		if (strlen(name) != length || !byre_add_revision(L, &b, name)) {
			lua_pushvalue(L, 5);
			lua_rawseti(L, 4, ++others);
		}
		lua_remove(L, 5);
	}
	byre_sort_revisions(&b);
	lua_insert(L, 4);
	return 2;
}

static const luaL_Reg revisions_meta[] = {
	{"__index", revisions_index}, {"__len", revisions_len},
	{NULL, NULL}
};

static const luaL_Reg functions[] = {
	{"parse_stamp", core_parse_stamp},
	{"find_revisions", core_find_revisions},
	{NULL, NULL}
};

void byre_open_names(lua_State *L)
{
	luaL_newmetatable(L, REVISIONS_TYPE);
	luaL_setfuncs(L, revisions_meta, 0);
	lua_pop(L, 1);
	luaL_setfuncs(L, functions, 0);
	lua_pushinteger(L, BYRE_LAST_SEQ);
	lua_setfield(L, -2, "last_seq");
}
