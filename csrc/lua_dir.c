/* lua_dir.c - byre.dir: what is beneath an open directory */

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lua_handles.h"

/* bytes; most files of a catalog are smaller, and need no handle and no buffer of their own */
#define SMALL 4096

struct byre_dir *byre_new_dir(lua_State *L)
{
	struct byre_dir *d = lua_newuserdatauv(L, sizeof *d, 0);

	d->fd = -1;
	d->hold = (struct byre_hold){0};
	luaL_setmetatable(L, BYRE_DIR_TYPE);
	return d;
}

struct byre_dir *byre_check_dir(lua_State *L, int arg)
{
	struct byre_dir *d = luaL_checkudata(L, arg, BYRE_DIR_TYPE);

	luaL_argcheck(L, d->fd >= 0, arg, "closed directory");
	return d;
}

static bool check_follow(lua_State *L, int arg)
{
	bool follow;

	if (lua_isnoneornil(L, arg))
		return false;
	luaL_checktype(L, arg, LUA_TTABLE);
	lua_getfield(L, arg, "follow");
	follow = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return follow;
}

/* core.open_dir(path[, {follow=true}]) */
static int core_open_dir(lua_State *L)
{
	const char *path = byre_check_path(L, 1);
	bool follow = check_follow(L, 2);
	struct byre_dir *d = byre_new_dir(L);
	int r = byre_dir_open_anywhere(path, follow, &d->fd);

	return r < 0 ? byre_push_errno(L, -r, path) : 1;
}

static int dir_open_dir(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);
	struct byre_dir *below = byre_new_dir(L);
	int r = byre_dir_open(d->fd, path, &below->fd);

	return r < 0 ? byre_push_errno(L, -r, path) : 1;
}

static int dir_open(lua_State *L)
{
	static const char *const modes[] = {"r", "rw", "a", NULL};
	static const int flags[] = {O_RDONLY, O_RDWR, O_RDWR | O_APPEND};
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);
	int mode = luaL_checkoption(L, 3, "r", modes);
	struct byre_file *f = byre_new_file(L);
	const char *name = path;
	int at = byre_hold_find(&d->hold, d->fd, &name);
	int r = byre_file_open(at, name, flags[mode], &f->fd);

	return r < 0 ? byre_push_errno(L, -r, path) : 1;
}

/* dir:read(path): the content of a file of less than SMALL bytes; others are EFBIG */
static int dir_read(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2), *name = path;
	int at = byre_hold_find(&d->hold, d->fd, &name);
	char data[SMALL];
	size_t length;
	int fd, r = byre_file_open(at, name, O_RDONLY, &fd);

	if (r == 0) {
		r = byre_read(fd, data, sizeof data, 0, &length);
		close(fd);
	}
	if (r == 0 && length == sizeof data)
		r = -EFBIG;
	if (r < 0)
		return byre_push_errno(L, -r, path);
	lua_pushlstring(L, data, length);
	return 1;
}

/* The file keeps the handle it came from as its user value, for publish. */
static int dir_tmpfile(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);
	struct byre_file *f = byre_new_file(L);
	const char *name = path;
	int at, r;

	lua_pushvalue(L, 1);
	lua_setiuservalue(L, -2, 1);
	at = byre_hold_find(&d->hold, d->fd, &name);
	r = byre_tmpfile(at, name, &f->temporary, &f->fd);
	return r < 0 ? byre_push_errno(L, -r, path) : 1;
}

static int dir_stat(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);
	const char *name = path;
	int at = byre_hold_find(&d->hold, d->fd, &name);
	struct stat st;
	int r = byre_stat(at, name, &st);

	if (r < 0)
		return byre_push_errno(L, -r, path);
	byre_push_stat(L, &st, "device");
	return 1;
}

/* dir:make_dir(path, mode[, "exact"]): exact is whatever the umask is */
static int dir_make_dir(lua_State *L)
{
	static const char *const names[] = {"masked", "exact", NULL};
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);
	mode_t mode = byre_check_mode(L, 3);
	bool exact = luaL_checkoption(L, 4, "masked", names) == 1;

	byre_hold_drop(&d->hold);
	return byre_push_result(L, byre_make_dir(d->fd, path, mode, exact), path);
}

static int dir_remove_dir(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);

	byre_hold_drop(&d->hold);
	return byre_push_result(L, byre_remove_dir(d->fd, path), path);
}

static int dir_unlink(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2), *name = path;
	int at = byre_hold_find(&d->hold, d->fd, &name);

	return byre_push_result(L, byre_unlink(at, name), path);
}

static int dir_chmod(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = byre_check_path(L, 2);
	mode_t mode = byre_check_mode(L, 3);
	const char *name = path;
	int at = byre_hold_find(&d->hold, d->fd, &name);

	return byre_push_result(L, byre_chmod(at, name, mode), path);
}

/* "from -> to": either may be the one that is wrong */
static int push_pair_result(lua_State *L, int r, const char *from, const char *to)
{
	if (r < 0)
		return byre_push_errno(L, -r, lua_pushfstring(L, "%s -> %s", from, to));
	lua_pushboolean(L, 1);
	return 1;
}

static int dir_link(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *from = byre_check_path(L, 2);
	const char *to = byre_check_path(L, 3);
	const char *name = from, *other = to;
	int at = byre_hold_find(&d->hold, d->fd, &name);
	int other_at = byre_hold_find(&d->hold, d->fd, &other);

	return push_pair_result(L, byre_link(at, name, other_at, other), from, to);
}

static int dir_rename(lua_State *L)
{
	static const char *const names[] = {"replace", "noreplace", "exchange", NULL};
	static const unsigned flags[] = {0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *from = byre_check_path(L, 2);
	const char *to = byre_check_path(L, 3);
	int how = luaL_checkoption(L, 4, "replace", names);
	const char *name = from, *other = to;
	int at = byre_hold_find(&d->hold, d->fd, &name);
	int other_at = byre_hold_find(&d->hold, d->fd, &other);

	return push_pair_result(L, byre_rename(at, name, other_at, other, flags[how]), from, to);
}

static int dir_sync(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	const char *path = lua_isnoneornil(L, 2) ? NULL : byre_check_path(L, 2);
	const char *name = path;

	if (path) {
		int at = byre_hold_find_dir(&d->hold, d->fd, &name);

		return byre_push_result(L, byre_sync_dir(at, name), path);
	}
	return byre_push_result(L, byre_sync(d->fd), "fsync");
}

static int dir_sync_filesystem(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);

	return byre_push_result(L, byre_sync_filesystem(d->fd), "syncfs");
}

static void set_bytes(lua_State *L, const char *key, fsblkcnt_t blocks, unsigned long block_size)
{
	lua_pushinteger(L, (lua_Integer)(blocks * block_size));
	lua_setfield(L, -2, key);
}

static int dir_usage(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	struct statvfs st;

	if (fstatvfs(d->fd, &st) < 0)
		return byre_push_errno(L, errno, "statvfs");
	lua_createtable(L, 0, 3);
	set_bytes(L, "size", st.f_blocks, st.f_frsize);
	set_bytes(L, "used", st.f_blocks - st.f_bfree, st.f_frsize);
	set_bytes(L, "free", st.f_bavail, st.f_frsize);
	return 1;
}

static int dir_fileno(lua_State *L)
{
	lua_pushinteger(L, byre_check_dir(L, 1)->fd);
	return 1;
}

/* Closing twice is no mistake, so that what is closed by hand can also be <close>. */
static int dir_close(lua_State *L)
{
	struct byre_dir *d = luaL_checkudata(L, 1, BYRE_DIR_TYPE);

	byre_hold_drop(&d->hold);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	lua_pushboolean(L, 1);
	return 1;
}

static int dir_tostring(lua_State *L)
{
	struct byre_dir *d = luaL_checkudata(L, 1, BYRE_DIR_TYPE);

	return byre_push_handle_name(L, BYRE_DIR_TYPE, d->fd);
}

static const luaL_Reg dir_meta[] = {
	{"__gc", dir_close}, {"__close", dir_close}, {"__tostring", dir_tostring},
	{NULL, NULL}
};

static const luaL_Reg dir_methods[] = {
	{"open_dir", dir_open_dir},
	{"open", dir_open},
	{"read", dir_read},
	{"tmpfile", dir_tmpfile},
	{"stat", dir_stat},
	{"sizes", byre_dir_sizes},
	{"list", byre_dir_list},
	{"find_revisions", byre_dir_find_revisions},
	{"each", byre_dir_each},
	{"make_dir", dir_make_dir},
	{"remove_dir", dir_remove_dir},
	{"unlink", dir_unlink},
	{"chmod", dir_chmod},
	{"link", dir_link},
	{"rename", dir_rename},
	{"sync", dir_sync},
	{"sync_filesystem", dir_sync_filesystem},
	{"usage", dir_usage},
	{"hold", byre_dir_hold},
	{"is_held", byre_dir_is_held},
	{"lock", byre_dir_lock},
	{"fileno", dir_fileno},
	{"close", dir_close},
	{NULL, NULL}
};

static const luaL_Reg functions[] = {
	{"open_dir", core_open_dir},
	{NULL, NULL}
};

void byre_open_dirs(lua_State *L)
{
	byre_new_type(L, BYRE_DIR_TYPE, dir_meta, dir_methods, NULL);
	luaL_setfuncs(L, functions, 0);
}
