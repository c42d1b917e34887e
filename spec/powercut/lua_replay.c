/* lua_replay.c - the replayer for Lua: logs, disks, loop devices, mounts
 *
 * Failure: nil, "what: reason", errno, as byre.core has it.
 */

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>

#include "replay.h"

#define LOG_TYPE "powercut.log"
#define DISK_TYPE "powercut.disk"

int luaopen_powercut_replay(lua_State *L);

static int push_errno(lua_State *L, int err, const char *what)
{
	lua_pushnil(L);
	lua_pushfstring(L, "%s: %s", what, strerror(err));
	lua_pushinteger(L, err);
	return 3;
}

static int push_result(lua_State *L, int r, const char *what)
{
	if (r < 0)
		return push_errno(L, -r, what);
	lua_pushboolean(L, 1);
	return 1;
}

/* replay.open_log(path) */
static int replay_open_log(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	struct log *log = lua_newuserdatauv(L, sizeof *log, 0);
	int r;

	memset(log, 0, sizeof *log);
	luaL_setmetatable(L, LOG_TYPE);
	r = log_open(path, log);
	return r < 0 ? push_errno(L, -r, path) : 1;
}

static int log_gc(lua_State *L)
{
	log_close(luaL_checkudata(L, 1, LOG_TYPE));
	return 0;
}

/* log:count() */
static int log_count(lua_State *L)
{
	struct log *log = luaL_checkudata(L, 1, LOG_TYPE);

	lua_pushinteger(L, (lua_Integer)log->count);
	return 1;
}

/* log:marks() -> {{at=, text=}, ...} */
static int log_marks(lua_State *L)
{
	struct log *log = luaL_checkudata(L, 1, LOG_TYPE);
	lua_Integer n = 0;
	size_t i;

	lua_newtable(L);
	for (i = 0; i < log->count; i++) {
		const struct record *record = log->records[i];

		if (record->type != RECORD_MARK)
			continue;
		lua_createtable(L, 0, 2);
		lua_pushinteger(L, (lua_Integer)i + 1);
		lua_setfield(L, -2, "at");
		lua_pushlstring(L, (const char *)(record + 1), record->length);
		lua_setfield(L, -2, "text");
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

/* log:flushes() -> list of record numbers */
static int log_flushes(lua_State *L)
{
	struct log *log = luaL_checkudata(L, 1, LOG_TYPE);
	lua_Integer n = 0;
	size_t i;

	lua_newtable(L);
	for (i = 0; i < log->count; i++) {
		if (log->records[i]->type != RECORD_FLUSH)
			continue;
		lua_pushinteger(L, (lua_Integer)i + 1);
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

/* replay.open_disk(base, work) */
static int replay_open_disk(lua_State *L)
{
	const char *base = luaL_checkstring(L, 1), *work = luaL_checkstring(L, 2);
	struct disk *disk = lua_newuserdatauv(L, sizeof *disk, 0);
	int r;

	*disk = (struct disk){.base = -1, .work = -1};
	luaL_setmetatable(L, DISK_TYPE);
	r = disk_open(base, work, disk);
	return r < 0 ? push_errno(L, -r, base) : 1;
}

static int lua_disk_close(lua_State *L)
{
	disk_close(luaL_checkudata(L, 1, DISK_TYPE));
	return 0;
}

/* disk:cut(log, record, "prefix"|"lost"|"subset"|"torn", seed) */
static int lua_disk_cut(lua_State *L)
{
	static const char *const cuts[] = {"prefix", "lost", "subset", "torn", NULL};
	struct disk *disk = luaL_checkudata(L, 1, DISK_TYPE);
	struct log *log = luaL_checkudata(L, 2, LOG_TYPE);
	lua_Integer record = luaL_checkinteger(L, 3);
	enum cut cut = (enum cut)luaL_checkoption(L, 4, NULL, cuts);
	lua_Integer seed = luaL_checkinteger(L, 5);

	luaL_argcheck(L, record >= 0 && (size_t)record <= log->count, 3, "no such record");
	luaL_argcheck(L, disk->base >= 0, 1, "closed disk");
	return push_result(L, disk_cut(disk, log, (size_t)record, cut, (uint64_t)seed), "cut");
}

/* replay.attach(file) -> loop device */
static int replay_attach(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	char device[32];
	int r = loop_attach(path, device, sizeof device);

	if (r < 0)
		return push_errno(L, -r, path);
	lua_pushstring(L, device);
	return 1;
}

/* replay.detach(device) */
static int replay_detach(lua_State *L)
{
	const char *device = luaL_checkstring(L, 1);

	return push_result(L, loop_detach(device), device);
}

/* replay.forget(device) */
static int replay_forget(lua_State *L)
{
	const char *device = luaL_checkstring(L, 1);

	return push_result(L, btrfs_forget(device), device);
}

/* replay.mount(device, directory, type) */
static int replay_mount(lua_State *L)
{
	const char *device = luaL_checkstring(L, 1), *directory = luaL_checkstring(L, 2);
	const char *type = luaL_checkstring(L, 3);

	return push_result(L, mount(device, directory, type, MS_NOATIME, NULL) < 0 ? -errno : 0, device);
}

/* replay.private_mounts(): what this process and its children mount is theirs
 * alone.  Another process that takes a copy of all mounts would keep ours alive. */
static int replay_private_mounts(lua_State *L)
{
	bool done = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;

	return push_result(L, done ? 0 : -errno, "mount namespace");
}

/* replay.unmount(directory) */
static int replay_unmount(lua_State *L)
{
	const char *directory = luaL_checkstring(L, 1);

	return push_result(L, umount2(directory, 0) < 0 ? -errno : 0, directory);
}

static const luaL_Reg log_methods[] = {
	{"count", log_count}, {"marks", log_marks}, {"flushes", log_flushes}, {"close", log_gc}, {NULL, NULL}
};

static const luaL_Reg disk_methods[] = {
	{"cut", lua_disk_cut}, {"close", lua_disk_close}, {NULL, NULL}
};

static const luaL_Reg functions[] = {
	{"open_log", replay_open_log}, {"open_disk", replay_open_disk}, {"attach", replay_attach},
	{"detach", replay_detach}, {"forget", replay_forget}, {"mount", replay_mount},
	{"unmount", replay_unmount}, {"private_mounts", replay_private_mounts}, {NULL, NULL}
};

static void new_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction gc)
{
	luaL_newmetatable(L, name);
	lua_pushcfunction(L, gc);
	lua_setfield(L, -2, "__gc");
	lua_newtable(L);
	luaL_setfuncs(L, methods, 0);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}

__attribute__((visibility("default"))) int luaopen_powercut_replay(lua_State *L)
{
	new_type(L, LOG_TYPE, log_methods, log_gc);
	new_type(L, DISK_TYPE, disk_methods, lua_disk_close);
	luaL_newlib(L, functions);
	return 1;
}
