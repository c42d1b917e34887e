/* lua_ability.c - byre.core: what a kernel and a file system can do */

#include "ability.h"
#include "lua_handles.h"

static int push_boolean_result(lua_State *L, int r, bool value, const char *what)
{
	if (r < 0)
		return byre_push_errno(L, -r, what);
	lua_pushboolean(L, value);
	return 1;
}

/* core.openat2_supported(dir) -> boolean */
static int core_openat2_supported(lua_State *L)
{
	bool can = false;
	int r = byre_can_openat2(byre_check_dir(L, 1)->fd, &can);

	return push_boolean_result(L, r, can, "openat2");
}

/* core.noreplace_supported(dir, from, to) -> boolean: `from` is renamed to `to` if it is */
static int core_noreplace_supported(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *from = byre_check_path(L, 2), *to = byre_check_path(L, 3);
	bool can = false;
	int r = byre_can_rename_noreplace(d->fd, from, to, &can);

	return push_boolean_result(L, r, can, "renameat2");
}

/* core.is_nocow(file or dir) -> boolean */
static int core_is_nocow(lua_State *L)
{
	bool nocow = false;
	int fd = luaL_testudata(L, 1, BYRE_DIR_TYPE) ? byre_check_dir(L, 1)->fd : byre_check_file(L, 1)->fd;
	int r = byre_is_nocow(fd, &nocow);

	return push_boolean_result(L, r, nocow, "attributes");
}

/* core.btrfs_space(dir) -> {metadata=, metadata_used=, unallocated=}, bytes; ENOTTY: it is no btrfs */
static int core_btrfs_space(lua_State *L)
{
	struct byre_btrfs_space space;
	int r = byre_btrfs_space(byre_check_dir(L, 1)->fd, &space);

	if (r < 0)
		return byre_push_errno(L, -r, "btrfs space");
	lua_createtable(L, 0, 3);
	byre_set_integer(L, "metadata", (lua_Integer)space.metadata);
	byre_set_integer(L, "metadata_used", (lua_Integer)space.metadata_used);
	byre_set_integer(L, "unallocated", (lua_Integer)space.unallocated);
	return 1;
}

static const luaL_Reg functions[] = {
	{"openat2_supported", core_openat2_supported},
	{"noreplace_supported", core_noreplace_supported},
	{"is_nocow", core_is_nocow},
	{"btrfs_space", core_btrfs_space},
	{NULL, NULL}
};

void byre_open_abilities(lua_State *L)
{
	luaL_setfuncs(L, functions, 0);
}
