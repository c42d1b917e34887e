/* lua_file.c - byre.file: owned file descriptors */

#include <errno.h>
#include <unistd.h>

#include "lua_handles.h"

#define READ_SIZE 65536

struct byre_file *byre_new_file(lua_State *L)
{
	struct byre_file *f = lua_newuserdatauv(L, sizeof *f, 1);

	f->fd = -1;
	f->temporary.kind = BYRE_NOT_TEMPORARY;
	luaL_setmetatable(L, BYRE_FILE_TYPE);
	return f;
}

struct byre_file *byre_check_file(lua_State *L, int arg)
{
	struct byre_file *f = luaL_checkudata(L, arg, BYRE_FILE_TYPE);

	luaL_argcheck(L, f->fd >= 0, arg, "closed file");
	return f;
}

static lua_Integer check_count(lua_State *L, int arg)
{
	lua_Integer count = luaL_checkinteger(L, arg);

	luaL_argcheck(L, count >= 0, arg, "negative");
	return count;
}

/* -1: where the file stands */
static off_t opt_offset(lua_State *L, int arg)
{
	return lua_isnoneornil(L, arg) ? -1 : (off_t)check_count(L, arg);
}

/* core.open(path, "r"|"w") */
static int core_open(lua_State *L)
{
	static const char *const modes[] = {"r", "w", NULL};
	const char *path = byre_check_path(L, 1);
	bool for_writing = luaL_checkoption(L, 2, "r", modes) == 1;
	struct byre_file *f = byre_new_file(L);
	int r = byre_foreign_open(path, for_writing, &f->fd);

	return r < 0 ? byre_push_errno(L, -r, path) : 1;
}

/* The directory handle a temporary file came from; raises if that was closed. */
static struct byre_dir *check_origin(lua_State *L, const struct byre_file *f)
{
	struct byre_dir *d;

	luaL_argcheck(L, f->temporary.kind != BYRE_NOT_TEMPORARY, 1, "not a temporary file");
	lua_getiuservalue(L, 1, 1);
	d = luaL_checkudata(L, -1, BYRE_DIR_TYPE);
	luaL_argcheck(L, d->fd >= 0, 1, "its directory is closed");
	lua_pop(L, 1);                  /* the file keeps it */
	return d;
}

static int file_publish(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	const char *path = byre_check_path(L, 2);
	bool replace = lua_toboolean(L, 3);
	struct byre_dir *d = check_origin(L, f);
	const char *name = path;
	int at = byre_hold_find(&d->hold, d->fd, &name);

	return byre_push_result(L, byre_publish(f->fd, &f->temporary, at, name, replace), path);
}

static int file_read(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	size_t length = (size_t)check_count(L, 2);
	off_t offset = opt_offset(L, 3);
	luaL_Buffer b;
	int r = byre_read(f->fd, luaL_buffinitsize(L, &b, length), length, offset, &length);

	if (r < 0)
		return byre_push_errno(L, -r, "read");
	luaL_pushresultsize(&b, length);
	return 1;
}

/*
 * Append to `b` what there is from `offset` (-1: where the file stands) on.
 * Returns 0 or -errno; may raise.
 */
static int read_rest(luaL_Buffer *b, int fd, off_t offset, lua_Integer max)
{
	lua_Integer total = 0;
	/* small files fit what the buffer has at hand: a larger one is taken without a collection before */
	size_t length, wanted = LUAL_BUFFERSIZE;

	for (;;) {
		off_t at = offset < 0 ? -1 : offset + (off_t)total;
		int r = byre_read(fd, luaL_prepbuffsize(b, wanted), wanted, at, &length);

		if (r < 0)
			return r;
		total += (lua_Integer)length;
		if (total > max)
			return -EFBIG;
		luaL_addsize(b, length);
		if (length < wanted)
			return 0;
		wanted = READ_SIZE;
	}
}

/* All of a file, or the rest of a stream; more than `max` bytes are EFBIG. */
static int file_read_all(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	lua_Integer max = lua_isnoneornil(L, 2) ? LUA_MAXINTEGER : check_count(L, 2);
	luaL_Buffer b;
	int r;

	luaL_buffinit(L, &b);
	r = read_rest(&b, f->fd, 0, max);
	if (r == -ESPIPE)
		r = read_rest(&b, f->fd, -1, max);
	if (r < 0)
		return byre_push_errno(L, -r, "read");
	luaL_pushresult(&b);
	return 1;
}

static int file_write(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	size_t length;
	const char *data = luaL_checklstring(L, 2, &length);
	off_t offset = opt_offset(L, 3);

	return byre_push_result(L, byre_write(f->fd, data, length, offset), "write");
}

static int file_truncate(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	off_t size = (off_t)check_count(L, 2);

	return byre_push_result(L, byre_truncate(f->fd, size), "truncate");
}

static int file_set_mtime(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	lua_Integer seconds = luaL_checkinteger(L, 2);
	lua_Integer nanoseconds = luaL_optinteger(L, 3, 0);

	luaL_argcheck(L, nanoseconds >= 0 && nanoseconds < 1000000000, 3, "not below a second");
	return byre_push_result(L, byre_set_mtime(f->fd, (time_t)seconds, (long)nanoseconds), "set mtime");
}

static int file_chmod(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	mode_t mode = byre_check_mode(L, 2);

	return byre_push_result(L, fchmod(f->fd, mode) < 0 ? -errno : 0, "chmod");
}

static int file_stat(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	struct stat st;
	int r = byre_file_stat(f->fd, &st);

	if (r < 0)
		return byre_push_errno(L, -r, "stat");
	byre_push_stat(L, &st, NULL);
	return 1;
}

static int file_sync(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);

	return byre_push_result(L, byre_sync(f->fd), "fsync");
}

static int file_sync_filesystem(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);

	return byre_push_result(L, byre_sync_filesystem(f->fd), "syncfs");
}

static int push_whether(lua_State *L, int r, bool whether, const char *what)
{
	if (r < 0)
		return byre_push_errno(L, -r, what);
	lua_pushboolean(L, whether);
	return 1;
}

static int file_has_writers(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	bool writers = false;
	int r = byre_has_writers(f->fd, &writers);

	return push_whether(L, r, writers, "has_writers");
}

static int file_has_users(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	bool users = false;
	int r = byre_has_users(f->fd, &users);

	return push_whether(L, r, users, "has_users");
}

static int file_fileno(lua_State *L)
{
	lua_pushinteger(L, byre_check_file(L, 1)->fd);
	return 1;
}

/* Closing twice is no mistake, so that what is closed by hand can also be <close>. */
static int file_close(lua_State *L)
{
	struct byre_file *f = luaL_checkudata(L, 1, BYRE_FILE_TYPE);
	int r = 0;

	byre_temporary_discard(&f->temporary);
	if (f->fd >= 0 && close(f->fd) < 0)
		r = -errno;
	f->fd = -1;
	return byre_push_result(L, r, "close");
}

static int file_gc(lua_State *L)
{
	struct byre_file *f = luaL_checkudata(L, 1, BYRE_FILE_TYPE);

	byre_temporary_discard(&f->temporary);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	return 0;
}

static int file_tostring(lua_State *L)
{
	struct byre_file *f = luaL_checkudata(L, 1, BYRE_FILE_TYPE);

	return byre_push_handle_name(L, BYRE_FILE_TYPE, f->fd);
}

static const luaL_Reg file_meta[] = {
	{"__gc", file_gc}, {"__close", file_gc}, {"__tostring", file_tostring},
	{NULL, NULL}
};

static const luaL_Reg file_methods[] = {
	{"publish", file_publish},
	{"read", file_read},
	{"read_all", file_read_all},
	{"write", file_write},
	{"truncate", file_truncate},
	{"set_mtime", file_set_mtime},
	{"chmod", file_chmod},
	{"stat", file_stat},
	{"sync", file_sync},
	{"sync_filesystem", file_sync_filesystem},
	{"has_writers", file_has_writers},
	{"has_users", file_has_users},
	{"fileno", file_fileno},
	{"close", file_close},
	{NULL, NULL}
};

static const luaL_Reg functions[] = {
	{"open", core_open},
	{NULL, NULL}
};

void byre_open_files(lua_State *L)
{
	byre_new_type(L, BYRE_FILE_TYPE, file_meta, file_methods, byre_file_data_methods);
	luaL_setfuncs(L, functions, 0);
}
