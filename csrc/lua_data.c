/* lua_data.c - byre.core: the content of files, loop devices */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "extents.h"
#include "lua_handles.h"

#define REGIONS_TYPE "byre.regions"

/* more loop devices on one image than anybody has; with more, a second look is taken */
#define LOOPS_USUAL 16

/* What copy_go_on finds on the stack. */
enum { COPY_DST = 1, COPY_SRC, COPY_OPTIONS, COPY_CALLBACK, COPY_STATE };

static int copy_finish(lua_State *L, int r, const struct byre_copy *copy, const char *why_copied)
{
	if (r < 0)
		return byre_push_errno(L, -r, copy->doing);
	if (!why_copied) {
		lua_pushinteger(L, copy->written);
		return 1;
	}
	lua_pushliteral(L, "copied");
	lua_pushstring(L, why_copied);
	return 2;
}

/* What progress, just called, wants: 0 or -errno. */
static int copy_answer(lua_State *L)
{
	const struct byre_file *dst = lua_touserdata(L, COPY_DST), *src = lua_touserdata(L, COPY_SRC);
	bool stop = lua_isboolean(L, -1) && !lua_toboolean(L, -1);

	lua_settop(L, COPY_STATE);
	/* the numbers of closed descriptors may already belong to other files */
	if (dst->fd < 0 || src->fd < 0)
		return -EBADF;
	return stop ? -ECANCELED : 0;
}

/*
 * Go on with a copy until it ends.  As a continuation, so that progress may yield: status is
 * LUA_YIELD where it did and has returned since.  context is why_copied.
 */
static int copy_go_on(lua_State *L, int status, lua_KContext context)
{
	struct byre_copy *copy = lua_touserdata(L, COPY_STATE);
	int r = status == LUA_YIELD ? copy_answer(L) : 0;

	while (r == 0 && (r = byre_copy(copy)) == BYRE_COPY_REPORT) {
		lua_pushvalue(L, COPY_CALLBACK);
		lua_pushinteger(L, copy->position);
		if (copy->size < 0)
			lua_pushnil(L);
		else
			lua_pushinteger(L, copy->size);
		lua_callk(L, 2, 1, context, copy_go_on);
		r = copy_answer(L);
	}
	return copy_finish(L, r, copy, (const char *)context);
}

/* Of a part of the source only: what is around it in the destination stays. */
static void copy_part(lua_State *L, struct byre_copy *copy)
{
	byre_push_option(L, COPY_OPTIONS, "from", LUA_TNUMBER);
	byre_push_option(L, COPY_OPTIONS, "to", LUA_TNUMBER);
	if (!lua_isnil(L, -2) && !lua_isnil(L, -1)) {
		copy->position = luaL_checkinteger(L, -2);
		copy->size = luaL_checkinteger(L, -1);
		luaL_argcheck(L, copy->position >= 0 && copy->position <= copy->size, COPY_OPTIONS, "no part of a file");
		copy->begun = true;
	}
	lua_pop(L, 2);
}

/* Copy with the options at index 3; why_copied is NULL if nothing else was tried before. */
static int copy_watched(lua_State *L, const char *why_copied)
{
	const struct byre_file *dst = lua_touserdata(L, COPY_DST), *src = lua_touserdata(L, COPY_SRC);
	struct byre_copy *copy;
	struct byre_copy part = {0};

	lua_settop(L, COPY_OPTIONS);
	byre_push_option(L, COPY_OPTIONS, "durable", LUA_TBOOLEAN);
	part.durable = lua_toboolean(L, -1);
	lua_pop(L, 1);
	copy_part(L, &part);
	byre_push_option(L, COPY_OPTIONS, "progress", LUA_TFUNCTION);
	copy = lua_newuserdatauv(L, sizeof *copy, 1);
	/* no sooner: looking up an option may have closed them */
	*copy = part;
	copy->dst = dst->fd;
	copy->src = src->fd;
	copy->reports = !lua_isnil(L, COPY_CALLBACK);
	return copy_go_on(L, LUA_OK, (lua_KContext)why_copied);
}

/* file:copy_from(src[, {progress=, durable=, from=, to=}]) -> bytes of data written */
static int file_copy_from(lua_State *L)
{
	byre_check_file(L, 1);
	byre_check_file(L, 2);
	return copy_watched(L, NULL);
}

static int file_clone_from(lua_State *L)
{
	struct byre_file *dst = byre_check_file(L, 1);
	struct byre_file *src = byre_check_file(L, 2);
	int r = byre_clone(dst->fd, src->fd);

	if (r < 0)
		return byre_push_errno(L, -r, "clone");
	lua_settop(L, 1);               /* return self, so calls chain */
	return 1;
}

enum reflink { REFLINK_AUTO, REFLINK_ALWAYS, REFLINK_NEVER };

static enum reflink check_reflink(lua_State *L, int arg)
{
	static const char *const names[] = {"auto", "always", "never"};
	const char *name;
	int i;

	byre_push_option(L, arg, "reflink", LUA_TSTRING);
	name = lua_tostring(L, -1);
	for (i = 0; name && i < 3; i++)
		if (strcmp(name, names[i]) == 0)
			break;
	if (i == 3)
		luaL_argerror(L, arg, lua_pushfstring(L, "reflink: invalid option '%s'", name));
	lua_pop(L, 1);
	return (enum reflink)i;
}

static int push_not_cloned(lua_State *L, int err, const char *reason)
{
	if (!byre_clone_cannot(err) && err != EAGAIN)
		return byre_push_errno(L, err, "clone");
	byre_push_errno(L, err, reason);
	lua_pushboolean(L, 1);
	return 4;
}

/* file:fill_from(src[, {reflink=, progress=, durable=}]) -> "reflinked" | "copied", reason; where
 * blocks cannot be shared, or not yet (EAGAIN), a fourth result says that a copy would do */
static int file_fill_from(lua_State *L)
{
	struct byre_file *dst = byre_check_file(L, 1);
	struct byre_file *src = byre_check_file(L, 2);
	enum reflink reflink = check_reflink(L, 3);
	const char *reason = "reflinks were not wanted";
	int r;

	if (reflink != REFLINK_NEVER) {
		r = byre_clone(dst->fd, src->fd);
		if (r == 0) {
			lua_pushliteral(L, "reflinked");
			return 1;
		}
		reason = byre_clone_reason(dst->fd, src->fd, -r);
		if (reflink == REFLINK_ALWAYS || !byre_clone_cannot(-r))
			return push_not_cloned(L, -r, reason);
	}
	return copy_watched(L, reason);
}

static int file_extents(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	struct byre_extents sum;
	int r = byre_extents_sum(f->fd, &sum);

	if (r < 0)
		return byre_push_errno(L, -r, "extents");
	lua_createtable(L, 0, 4);
	byre_set_integer(L, "count", (lua_Integer)sum.count);
	byre_set_integer(L, "allocated", (lua_Integer)sum.allocated);
	byre_set_integer(L, "shared", (lua_Integer)sum.shared);
	byre_set_integer(L, "unwritten", (lua_Integer)sum.unwritten);
	return 1;
}

static int regions_gc(lua_State *L)
{
	struct byre_region **regions = luaL_checkudata(L, 1, REGIONS_TYPE);

	free(*regions);
	*regions = NULL;
	return 0;
}

/* file:regions(size) -> list of {start=, count=, allocated=, shared=} */
static int file_regions(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	lua_Integer size = luaL_checkinteger(L, 2);
	struct byre_region **regions;
	size_t count, i;
	int r;

	luaL_argcheck(L, size > 0, 2, "not a size");
	regions = lua_newuserdatauv(L, sizeof *regions, 1);
	*regions = NULL;
	luaL_setmetatable(L, REGIONS_TYPE);
	r = byre_extents_regions(f->fd, size, regions, &count);
	if (r < 0)
		return byre_push_errno(L, -r, "extents");
	lua_createtable(L, (int)count, 0);
	for (i = 0; i < count; i++) {
		lua_createtable(L, 0, 4);
		byre_set_integer(L, "start", (lua_Integer)(*regions)[i].start);
		byre_set_integer(L, "count", (lua_Integer)(*regions)[i].count);
		byre_set_integer(L, "allocated", (lua_Integer)(*regions)[i].allocated);
		byre_set_integer(L, "shared", (lua_Integer)(*regions)[i].shared);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

static int file_same_extents(lua_State *L)
{
	struct byre_file *a = byre_check_file(L, 1);
	struct byre_file *b = byre_check_file(L, 2);
	bool same;
	int r = byre_extents_same(a->fd, b->fd, &same);

	if (r == -ENODATA)
		return byre_push_errno(L, -r, "where the blocks of a file are is not known");
	if (r < 0)
		return byre_push_errno(L, -r, "same_extents");
	lua_pushboolean(L, same);
	return 1;
}

/* file:next_data(position) -> start, end; nothing but nil if only a hole is left */
static int file_next_data(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	lua_Integer position = luaL_checkinteger(L, 2);
	int64_t start, end;
	int r = byre_next_data(f->fd, position, &start, &end);

	if (r < 0)
		return byre_push_errno(L, -r, "next_data");
	if (start < 0) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushinteger(L, start);
	lua_pushinteger(L, end);
	return 2;
}

static int file_allocate(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	off_t offset = luaL_checkinteger(L, 2), length = luaL_checkinteger(L, 3);

	return byre_push_result(L, byre_allocate(f->fd, offset, length), "allocate");
}

static int file_punch(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	off_t offset = luaL_checkinteger(L, 2), length = luaL_checkinteger(L, 3);

	return byre_push_result(L, byre_punch(f->fd, offset, length), "punch");
}

static int file_cow_extent_size(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	uint32_t bytes;
	int r = byre_cow_extent_size(f->fd, &bytes);

	if (r < 0)
		return byre_push_errno(L, -r, "cow_extent_size");
	lua_pushinteger(L, bytes);
	return 1;
}

/* file:set_cow_extent_size(bytes): 0 leaves it to the file system */
static int file_set_cow_extent_size(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	lua_Integer bytes = luaL_checkinteger(L, 2);

	luaL_argcheck(L, bytes >= 0 && bytes <= UINT32_MAX, 2, "not a size below 4 GiB");
	return byre_push_result(L, byre_set_cow_extent_size(f->fd, (uint32_t)bytes), "set_cow_extent_size");
}

static int core_reflink_supported(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	bool supported;
	int r = byre_clone_probe(d->fd, &supported);

	if (r < 0)
		return byre_push_errno(L, -r, "reflink_supported");
	lua_pushboolean(L, supported);
	return 1;
}

static int core_loop_devices(lua_State *L)
{
	struct byre_file *f = byre_check_file(L, 1);
	unsigned usual[LOOPS_USUAL], *numbers = usual;
	size_t room = LOOPS_USUAL, count, i;
	int r;

	while ((r = byre_loop_devices(f->fd, numbers, room, &count)) == 0 && count > room) {
		numbers = lua_newuserdatauv(L, count * sizeof *numbers, 1);
		room = count;
	}
	if (r < 0)
		return byre_push_errno(L, -r, "loop_devices");
	lua_createtable(L, (int)count, 0);
	for (i = 0; i < count; i++) {
		lua_pushfstring(L, "/dev/loop%d", (int)numbers[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* core.find_writer(file) -> pid, name; nothing but nil if none is found */
static int core_find_writer(lua_State *L)
{
	const struct byre_file *f = byre_check_file(L, 1);
	struct byre_writer writer;
	int r = byre_find_writer(f->fd, &writer);

	if (r < 0)
		return byre_push_errno(L, -r, "find_writer");
	if (writer.pid == 0) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushinteger(L, writer.pid);
	lua_pushstring(L, writer.name);
	return 2;
}

static int core_loop_set_capacity(lua_State *L)
{
	const char *path = byre_check_path(L, 1);

	return byre_push_result(L, byre_loop_set_capacity(path), path);
}

const luaL_Reg byre_file_data_methods[] = {
	{"fill_from", file_fill_from},
	{"copy_from", file_copy_from},
	{"clone_from", file_clone_from},
	{"extents", file_extents},
	{"regions", file_regions},
	{"same_extents", file_same_extents},
	{"next_data", file_next_data},
	{"allocate", file_allocate},
	{"punch", file_punch},
	{"cow_extent_size", file_cow_extent_size},
	{"set_cow_extent_size", file_set_cow_extent_size},
	{NULL, NULL}
};

static const luaL_Reg functions[] = {
	{"reflink_supported", core_reflink_supported},
	{"find_writer", core_find_writer},
	{"loop_devices", core_loop_devices},
	{"loop_set_capacity", core_loop_set_capacity},
	{NULL, NULL}
};

void byre_open_data(lua_State *L)
{
	luaL_newmetatable(L, REGIONS_TYPE);
	lua_pushcfunction(L, regions_gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
	luaL_setfuncs(L, functions, 0);
}
