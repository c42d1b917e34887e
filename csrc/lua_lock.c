/* lua_lock.c - byre.lock: locks between processes */

#include <errno.h>
#include <unistd.h>

#include "lua_handles.h"

#define TIMEOUT_MAX 1e9                 /* seconds; longer is for ever anyway */

struct lock {
	int fd;                         /* -1 once released */
};

static struct lock *new_lock(lua_State *L)
{
	struct lock *l = lua_newuserdatauv(L, sizeof *l, 0);

	l->fd = -1;
	luaL_setmetatable(L, BYRE_LOCK_TYPE);
	return l;
}

static double check_timeout(lua_State *L, int arg)
{
	lua_Number timeout = luaL_checknumber(L, arg);

	luaL_argcheck(L, timeout >= 0, arg, "not a time to wait");
	return timeout < TIMEOUT_MAX ? timeout : TIMEOUT_MAX;
}

/* dir:lock(path, "shared"|"exclusive", seconds); EAGAIN brings the holder's pid, if known */
int byre_dir_lock(lua_State *L)
{
	static const char *const modes[] = {"shared", "exclusive", NULL};
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);
	bool exclusive = luaL_checkoption(L, 3, NULL, modes) == 1;
	double timeout = check_timeout(L, 4);
	struct lock *l = new_lock(L);
	pid_t holder;
	int r = byre_lock(d->fd, path, exclusive, timeout, &l->fd, &holder);
	int count;

	if (r == 0)
		return 1;
	count = byre_push_errno(L, -r, path);
	if (holder == 0)
		return count;
	lua_pushinteger(L, holder);
	return count + 1;
}

static int lock_fileno(lua_State *L)
{
	struct lock *l = luaL_checkudata(L, 1, BYRE_LOCK_TYPE);

	luaL_argcheck(L, l->fd >= 0, 1, "released lock");
	lua_pushinteger(L, l->fd);
	return 1;
}

/* Releasing twice is no mistake, so that what is released by hand can also be <close>. */
static int lock_release(lua_State *L)
{
	struct lock *l = luaL_checkudata(L, 1, BYRE_LOCK_TYPE);

	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	lua_pushboolean(L, 1);
	return 1;
}

static int lock_tostring(lua_State *L)
{
	struct lock *l = luaL_checkudata(L, 1, BYRE_LOCK_TYPE);

	return byre_push_handle_name(L, BYRE_LOCK_TYPE, l->fd);
}

static const luaL_Reg lock_meta[] = {
	{"__gc", lock_release}, {"__close", lock_release}, {"__tostring", lock_tostring},
	{NULL, NULL}
};

static const luaL_Reg lock_methods[] = {
	{"release", lock_release},
	{"close", lock_release},
	{"fileno", lock_fileno},
	{NULL, NULL}
};

void byre_open_locks(lua_State *L)
{
	byre_new_type(L, BYRE_LOCK_TYPE, lock_meta, lock_methods, NULL);
}
