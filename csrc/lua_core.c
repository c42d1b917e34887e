/* lua_core.c - byre.core: what the kernel can do, for Lua */

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "byre.h"
#include "inject.h"
#include "lua_handles.h"

#define SLEEP_MAX 0.25                   /* seconds */

int byre_push_errno(lua_State *L, int err, const char *what)
{
	const char *reason = strerror(err);

	if (err == BYRE_ENOTREG) {
		err = EINVAL;
		reason = "not a regular file";
	}
	lua_pushnil(L);
	lua_pushfstring(L, "%s: %s", what, reason);
	lua_pushinteger(L, err);
	return 3;
}

int byre_push_result(lua_State *L, int r, const char *what)
{
	if (r < 0)
		return byre_push_errno(L, -r, what);
	lua_pushboolean(L, 1);
	return 1;
}

const char *byre_check_path(lua_State *L, int arg)
{
	size_t length;
	const char *path = luaL_checklstring(L, arg, &length);

	luaL_argcheck(L, strlen(path) == length, arg, "path contains zeros");
	return path;
}

mode_t byre_check_mode(lua_State *L, int arg)
{
	lua_Integer mode = luaL_checkinteger(L, arg);

	luaL_argcheck(L, mode >= 0 && mode <= 07777, arg, "not a mode");
	return (mode_t)mode;
}

int byre_push_handle_name(lua_State *L, const char *type, int fd)
{
	if (fd < 0)
		lua_pushfstring(L, "%s (closed)", type);
	else
		lua_pushfstring(L, "%s (fd %d)", type, fd);
	return 1;
}

void byre_push_option(lua_State *L, int arg, const char *name, int type)
{
	if (lua_isnoneornil(L, arg)) {
		lua_pushnil(L);
		return;
	}
	luaL_checktype(L, arg, LUA_TTABLE);
	lua_getfield(L, arg, name);
	if (!lua_isnil(L, -1) && lua_type(L, -1) != type)
		luaL_argerror(L, arg, lua_pushfstring(L, "%s: %s expected, got %s", name,
						      lua_typename(L, type), luaL_typename(L, -1)));
}

void byre_new_type(lua_State *L, const char *name, const luaL_Reg *meta,
		   const luaL_Reg *methods, const luaL_Reg *more_methods)
{
	luaL_newmetatable(L, name);
	luaL_setfuncs(L, meta, 0);
	lua_newtable(L);
	luaL_setfuncs(L, methods, 0);
	if (more_methods)
		luaL_setfuncs(L, more_methods, 0);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}

void byre_set_integer(lua_State *L, const char *key, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, key);
}

static const char *type_name(mode_t mode, const char *device)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFBLK:
		return device ? device : "block";
	default:
		return device ? device : "char";
	}
}

void byre_push_stat(lua_State *L, const struct stat *st, const char *device)
{
	lua_createtable(L, 0, 13);
	lua_pushstring(L, type_name(st->st_mode, device));
	lua_setfield(L, -2, "type");
	byre_set_integer(L, "size", st->st_size);
	byre_set_integer(L, "blocks", st->st_blocks);
	byre_set_integer(L, "mode", st->st_mode & 07777);
	byre_set_integer(L, "nlink", (lua_Integer)st->st_nlink);
	byre_set_integer(L, "ino", (lua_Integer)st->st_ino);
	byre_set_integer(L, "dev", (lua_Integer)st->st_dev);
	byre_set_integer(L, "uid", st->st_uid);
	byre_set_integer(L, "gid", st->st_gid);
	byre_set_integer(L, "mtime", st->st_mtim.tv_sec);
	byre_set_integer(L, "mtime_nsec", st->st_mtim.tv_nsec);
	byre_set_integer(L, "ctime", st->st_ctim.tv_sec);
	byre_set_integer(L, "ctime_nsec", st->st_ctim.tv_nsec);
}

static int core_clock(lua_State *L)
{
	lua_pushnumber(L, byre_clock());
	return 1;
}

static int core_now(lua_State *L)
{
	lua_pushinteger(L, time(NULL));
	return 1;
}

static int core_clock_is_synchronised(lua_State *L)
{
	bool yes;
	int r = byre_clock_is_synchronised(&yes);

	if (r < 0)
		return byre_push_errno(L, -r, "clock");
	lua_pushboolean(L, yes);
	return 1;
}

/* core.sleep(seconds): up to a quarter of a second, so that an interrupt of the host's gets its turn */
static int core_sleep(lua_State *L)
{
	lua_Number seconds = luaL_checknumber(L, 1);
	struct timespec time = {0};

	luaL_argcheck(L, seconds >= 0 && seconds <= SLEEP_MAX, 1, "not a time between 0 and 0.25 seconds");
	time.tv_nsec = (long)(seconds * 1e9);
	nanosleep(&time, NULL);
	return 0;
}

static int core_pid(lua_State *L)
{
	lua_pushinteger(L, getpid());
	return 1;
}

static int core_euid(lua_State *L)
{
	lua_pushinteger(L, geteuid());
	return 1;
}

static int core_random_name(lua_State *L)
{
	char name[BYRE_RANDOM_LENGTH + 1];
	int r = byre_random_name(name);

	if (r < 0)
		return byre_push_errno(L, -r, "random name");
	lua_pushstring(L, name);
	return 1;
}

/*
 * inject_errors{fsync = errno.EIO, ...}: for tests.  From now on, in the whole
 * process, these calls fail with these errors and all others work.
 */
static int core_inject_errors(lua_State *L)
{
	int errors[BYRE_CALLS] = {0};
	int call;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_pushnil(L);
	while (lua_next(L, 1)) {
		call = luaL_checkoption(L, 2, NULL, byre_call_names);
		errors[call] = (int)luaL_checkinteger(L, 3);
		lua_pop(L, 1);
	}
	for (call = 0; call < BYRE_CALLS; call++)
		byre_inject(call, errors[call]);
	return 0;
}

static const struct {
	const char *name;
	int value;
} errnos[] = {
#define E(name) {#name, name}
	E(E2BIG), E(EACCES), E(EAGAIN), E(EBADF), E(EBUSY), E(ECANCELED), E(ECHILD),
	E(ECONNREFUSED), E(EDEADLK), E(EDOM), E(EDQUOT), E(EEXIST), E(EFAULT), E(EFBIG),
	E(EINTR), E(EINVAL), E(EIO), E(EISDIR), E(ELOOP), E(EMFILE), E(EMLINK),
	E(ENAMETOOLONG), E(ENFILE), E(ENODATA), E(ENODEV), E(ENOENT), E(ENOEXEC), E(ENOLCK),
	E(ENOMEM), E(ENOSPC), E(ENOSYS), E(ENOTBLK), E(ENOTDIR), E(ENOTEMPTY), E(ENOTSUP),
	E(ENOTTY), E(ENXIO), E(EOPNOTSUPP), E(EOVERFLOW), E(EPERM), E(EPIPE), E(EPROTO),
	E(ERANGE), E(EROFS), E(ESPIPE), E(ESRCH), E(ESTALE), E(ETIMEDOUT), E(ETXTBSY),
	E(EUCLEAN), E(EWOULDBLOCK), E(EXDEV)
#undef E
};

static void open_errnos(lua_State *L)
{
	const size_t count = sizeof errnos / sizeof *errnos;
	size_t i;

	lua_createtable(L, 0, (int)count);
	for (i = 0; i < count; i++)
		byre_set_integer(L, errnos[i].name, errnos[i].value);
	lua_setfield(L, -2, "errno");
}

static const luaL_Reg functions[] = {
	{"clock", core_clock},
	{"clock_is_synchronised", core_clock_is_synchronised},
	{"now", core_now},
	{"sleep", core_sleep},
	{"pid", core_pid},
	{"euid", core_euid},
	{"random_name", core_random_name},
	{"inject_errors", core_inject_errors},
	{NULL, NULL}
};

int luaopen_byre_core(lua_State *L)
{
	luaL_checkversion(L);
	luaL_newlib(L, functions);
	lua_pushliteral(L, BYRE_VERSION);
	lua_setfield(L, -2, "version");
	open_errnos(L);
	byre_open_dirs(L);
	byre_open_entries(L);
	byre_open_files(L);
	byre_open_locks(L);
	byre_open_holds(L);
	byre_open_names(L);
	byre_open_data(L);
	byre_open_sandbox(L);
	byre_open_extents(L);
	byre_open_spawn(L);
	byre_open_abilities(L);
	return 1;
}
