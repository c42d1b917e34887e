/* lua_entries.c - what is in a directory: the names, their types and sizes */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lua_handles.h"

#define ENTRIES_TYPE "byre.entries"

struct entries {
	DIR *dir;                       /* NULL once closed */
};

/*
 * dir:sizes(path, names): sizes of files in the directory `path`, in the order of
 * their names; false for one that is gone
 */
int byre_dir_sizes(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);
	struct byre_dir *in;
	lua_Integer i, count;
	int r;

	luaL_checktype(L, 3, LUA_TTABLE);
	count = (lua_Integer)lua_rawlen(L, 3);
	/* closed by its collection if a name is none */
	in = byre_new_dir(L);
	r = byre_dir_open(d->fd, path, &in->fd);
	if (r < 0)
		return byre_push_errno(L, -r, path);
	lua_createtable(L, (int)count, 0);
	for (i = 1; i <= count; i++) {
		struct stat st;

		lua_rawgeti(L, 3, i);
		r = byre_stat(in->fd, byre_check_path(L, -1), &st);
		if (r < 0 && r != -ENOENT)
			return byre_push_errno(L, -r, lua_tostring(L, -1));
		lua_pop(L, 1);
		if (r == 0)
			lua_pushinteger(L, st.st_size);
		else
			lua_pushboolean(L, 0);
		lua_rawseti(L, -2, i);
	}
	close(in->fd);
	in->fd = -1;
	return 1;
}

static struct entries *new_entries(lua_State *L)
{
	struct entries *e = lua_newuserdatauv(L, sizeof *e, 0);

	e->dir = NULL;
	luaL_setmetatable(L, ENTRIES_TYPE);
	return e;
}

static void close_entries(struct entries *e)
{
	closedir(e->dir);
	e->dir = NULL;
}

static int entries_close(lua_State *L)
{
	struct entries *e = luaL_checkudata(L, 1, ENTRIES_TYPE);

	if (e->dir)
		close_entries(e);
	return 0;
}

static const char *entry_type_name(int type)
{
	switch (type) {
	case DT_REG:
		return "file";
	case DT_DIR:
		return "directory";
	case DT_LNK:
		return "symlink";
	case DT_FIFO:
		return "fifo";
	case DT_SOCK:
		return "socket";
	case DT_BLK:
	case DT_CHR:
		return "device";
	default:
		return NULL;            /* gone before we could look */
	}
}

/* Set name -> type in the table at `kinds` unless it is a regular file. */
static void note_kind(lua_State *L, int kinds, DIR *dir, const struct dirent *entry)
{
	int type = byre_entry_type(dir, entry);

	if (type == DT_REG)
		return;
	lua_pushstring(L, entry_type_name(type));
	lua_setfield(L, kinds, entry->d_name);
}

/*
 * Append the names that start with `prefix` to the table at `names`; with `b` those of
 * revisions go to its list instead.  Returns 0 or -errno; may raise.
 */
static int list_names(lua_State *L, DIR *dir, const char *prefix, const struct byre_revisions_builder *b,
		      int names, int kinds)
{
	const size_t length = strlen(prefix);
	struct dirent *entry;
	lua_Integer count = 0;
	int r;

	while ((r = byre_entry_next(dir, &entry)) > 0) {
		if (strncmp(entry->d_name, prefix, length) != 0)
			continue;
		if (!b || !byre_add_revision(L, b, entry->d_name)) {
			lua_pushstring(L, entry->d_name);
			lua_rawseti(L, names, ++count);
		}
		note_kind(L, kinds, dir, entry);
	}
	return r;
}

/* dir:list(path[, prefix]): names, and name -> type of those that are no regular files */
int byre_dir_list(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);
	const char *prefix = luaL_optstring(L, 3, "");
	struct entries *e = new_entries(L);
	int r = byre_entries_open(d->fd, path, &e->dir);
	int top = lua_gettop(L);

	if (r < 0)
		return byre_push_errno(L, -r, path);
	lua_newtable(L);
	lua_newtable(L);
	r = list_names(L, e->dir, prefix, NULL, top + 1, top + 2);
	close_entries(e);
	return r < 0 ? byre_push_errno(L, -r, path) : 2;
}

/*
 * dir:find_revisions(path, volume, directory): of the names in a directory that start
 * with `volume` the revisions, as core.find_revisions has them; the other names; and
 * name -> type of those that are no regular files
 */
int byre_dir_find_revisions(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);
	const char *volume = byre_check_path(L, 3), *directory = byre_check_path(L, 4);
	struct entries *e = new_entries(L);
	int r = byre_entries_open(d->fd, path, &e->dir);
	int top = lua_gettop(L);
	struct byre_revisions_builder b;

	if (r < 0)
		return byre_push_errno(L, -r, path);
	lua_newtable(L);
	lua_newtable(L);
	b = byre_new_revisions(L, volume, directory);
	r = list_names(L, e->dir, volume, &b, top + 1, top + 2);
	close_entries(e);
	if (r < 0)
		return byre_push_errno(L, -r, path);
	byre_sort_revisions(&b);
	lua_insert(L, top + 1);
	return 3;
}

/* Iterator; upvalues: entries, path.  May raise: a loop has no place for an error. */
static int entries_next(lua_State *L)
{
	struct entries *e = luaL_checkudata(L, lua_upvalueindex(1), ENTRIES_TYPE);
	struct dirent *entry;
	int r = e->dir ? byre_entry_next(e->dir, &entry) : 0;

	if (r > 0) {
		lua_pushstring(L, entry->d_name);
		lua_pushstring(L, entry_type_name(byre_entry_type(e->dir, entry)));
		return 2;
	}
	if (e->dir)
		close_entries(e);
	if (r < 0)
		return luaL_error(L, "%s: %s", lua_tostring(L, lua_upvalueindex(2)), strerror(-r));
	lua_pushnil(L);
	return 1;
}

/* The entries are also the fourth value, which 5.4 closes when a loop is left. */
int byre_dir_each(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);
	struct entries *e = new_entries(L);
	int box = lua_gettop(L);
	int r = byre_entries_open(d->fd, path, &e->dir);

	if (r < 0)
		return byre_push_errno(L, -r, path);
	lua_pushvalue(L, box);
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, entries_next, 2);
	lua_pushnil(L);
	lua_pushnil(L);
	lua_pushvalue(L, box);
	return 4;
}

static const luaL_Reg entries_meta[] = {
	{"__gc", entries_close}, {"__close", entries_close},
	{NULL, NULL}
};

static const luaL_Reg no_methods[] = {
	{NULL, NULL}
};

void byre_open_entries(lua_State *L)
{
	byre_new_type(L, ENTRIES_TYPE, entries_meta, no_methods, NULL);
}
