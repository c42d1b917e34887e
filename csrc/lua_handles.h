/* lua_handles.h - the handles of byre.core as the binding files share them */

#ifndef BYRE_LUA_HANDLES_H
#define BYRE_LUA_HANDLES_H

#include <lauxlib.h>
#include <lua.h>

#include "files.h"

#define BYRE_FILE_TYPE "byre.file"
#define BYRE_DIR_TYPE "byre.dir"
#define BYRE_LOCK_TYPE "byre.lock"
#define BYRE_HOLD_TYPE "byre.hold"

/* A userdata of 5.3 has exactly one user value, so `n` is 1 wherever it matters. */
#if LUA_VERSION_NUM < 504
#define lua_newuserdatauv(L, size, n) lua_newuserdata(L, size)
#define lua_setiuservalue(L, idx, n) lua_setuservalue(L, idx)
#define lua_getiuservalue(L, idx, n) lua_getuservalue(L, idx)
#endif

/* User value 1 of a temporary file is the directory handle it came from. */
struct byre_file {
	int fd;                         /* -1 once closed */
	struct byre_temporary temporary;
};

struct byre_dir {
	int fd;                         /* -1 once closed */
	struct byre_hold hold;
};

/* Push nil, "what: reason", errno; `err` is positive.  Returns 3. */
int byre_push_errno(lua_State *L, int err, const char *what);

/* Push true, or what byre_push_errno pushes when `r` is -errno. */
int byre_push_result(lua_State *L, int r, const char *what);

/* A path without zero bytes; raises otherwise. */
const char *byre_check_path(lua_State *L, int arg);

/* Permission bits; raises otherwise. */
mode_t byre_check_mode(lua_State *L, int arg);

/* Push a table of what lstat knows.  `device` names devices: "device", or NULL
 * for "block" and "char". */
void byre_push_stat(lua_State *L, const struct stat *st, const char *device);

/*
 * Push a closed handle, to be filled by the caller: the box comes first, so a
 * memory error cannot leak a descriptor.
 */
struct byre_file *byre_new_file(lua_State *L);
struct byre_dir *byre_new_dir(lua_State *L);

/* An open handle; raises otherwise. */
struct byre_file *byre_check_file(lua_State *L, int arg);
struct byre_dir *byre_check_dir(lua_State *L, int arg);

/* Push "type (fd n)" or "type (closed)".  Returns 1. */
int byre_push_handle_name(lua_State *L, const char *type, int fd);

/* Push option `name` of the table at `arg`, nil if there is none.  Raises if it is
 * neither nil nor of this type. */
void byre_push_option(lua_State *L, int arg, const char *name, int type);

/* Set a field of the table on top of the stack. */
void byre_set_integer(lua_State *L, const char *key, lua_Integer value);

/* Create the metatable of a handle type; pushes nothing. */
void byre_new_type(lua_State *L, const char *name, const luaL_Reg *meta,
		   const luaL_Reg *methods, const luaL_Reg *more_methods);

/* What each binding file adds to the module table on top of the stack. */
void byre_open_dirs(lua_State *L);
void byre_open_entries(lua_State *L);
void byre_open_files(lua_State *L);
void byre_open_locks(lua_State *L);
void byre_open_holds(lua_State *L);
void byre_open_names(lua_State *L);
void byre_open_data(lua_State *L);
void byre_open_sandbox(lua_State *L);
void byre_open_extents(lua_State *L);
void byre_open_spawn(lua_State *L);
void byre_open_abilities(lua_State *L);

/*
 * A list of revisions that is being made: pushed by byre_new_revisions, and on top of
 * the stack whenever a name is added.  The texts have to stay where they are.
 */
struct byre_revisions_builder {
	struct revisions *list;
	const char *volume;             /* its name */
	size_t length;                  /* of that */
};

struct byre_revisions_builder byre_new_revisions(lua_State *L, const char *volume, const char *directory);

/* False: this is no revision of the volume. */
bool byre_add_revision(lua_State *L, const struct byre_revisions_builder *b, const char *name);

/* Once all names are there. */
void byre_sort_revisions(const struct byre_revisions_builder *b);

/* dir:list, dir:lock and file:fill_from ... live in files of their own */
int byre_dir_list(lua_State *L);
int byre_dir_find_revisions(lua_State *L);
int byre_dir_each(lua_State *L);
int byre_dir_sizes(lua_State *L);
int byre_dir_lock(lua_State *L);
int byre_dir_hold(lua_State *L);
int byre_dir_is_held(lua_State *L);
extern const luaL_Reg byre_file_data_methods[];

#endif
