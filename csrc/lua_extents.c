/* lua_extents.c - byre.core: what files hold on disk, and where they differ */

#include <errno.h>
#include <string.h>

#include "extents.h"
#include "lua_handles.h"

#define SHARES_TYPE "byre.shares"
#define DIFFERENCE_TYPE "byre.difference"

static const char *const basis_names[] = {"extents", "fiemap", "data", NULL};

/* core.basis(file) -> "extents" | "fiemap" | "data", the file system's name or nil */
static int core_basis(lua_State *L)
{
	const struct byre_file *f = byre_check_file(L, 1);
	enum byre_basis basis;
	const char *name;
	int r = byre_basis_find(f->fd, &basis);

	if (r == 0)
		r = byre_filesystem_name(f->fd, &name);
	if (r < 0)
		return byre_push_errno(L, -r, "basis");
	lua_pushstring(L, basis_names[basis]);
	lua_pushstring(L, name);
	return 2;
}

/* What many files hold: they are added, then it settles, then it may be asked. */
struct shares {
	struct byre_shares shares;
	lua_Integer files;
	enum { CLOSED, OPEN, SETTLED } state;
};

/* core.shares(basis) -> shares */
static int core_shares(lua_State *L)
{
	enum byre_basis basis = (enum byre_basis)luaL_checkoption(L, 1, NULL, basis_names);
	struct shares *s;
	int r;

	luaL_argcheck(L, basis != BYRE_BASIS_DATA, 1, "it does not tell who shares what");
	s = lua_newuserdatauv(L, sizeof *s, 1);
	memset(s, 0, sizeof *s);
	luaL_setmetatable(L, SHARES_TYPE);
	r = byre_shares_open(&s->shares, basis);
	if (r < 0)
		return byre_push_errno(L, -r, "shares");
	s->state = OPEN;
	return 1;
}

static struct shares *check_shares(lua_State *L, int state)
{
	struct shares *s = luaL_checkudata(L, 1, SHARES_TYPE);

	luaL_argcheck(L, s->state != CLOSED, 1, "closed shares");
	luaL_argcheck(L, (int)s->state == state, 1, state == OPEN ? "they have settled" : "they have not settled");
	return s;
}

static uint32_t check_number(lua_State *L, const struct shares *s, int arg)
{
	lua_Integer number = luaL_checkinteger(L, arg);

	luaL_argcheck(L, number >= 1 && number <= s->files, arg, "no such file");
	return (uint32_t)number - 1;
}

/* shares:add(file) -> its number */
static int shares_add(lua_State *L)
{
	struct shares *s = check_shares(L, OPEN);
	const struct byre_file *f = byre_check_file(L, 2);
	uint32_t number;
	int r = byre_shares_add(&s->shares, f->fd, &number);

	if (r < 0)
		return byre_push_errno(L, -r, "extents");
	s->files = (lua_Integer)number + 1;
	lua_pushinteger(L, s->files);
	return 1;
}

static int shares_close(lua_State *L)
{
	struct shares *s = luaL_checkudata(L, 1, SHARES_TYPE);

	if (s->state != CLOSED)
		byre_shares_close(&s->shares);
	s->state = CLOSED;
	return 0;
}

/* shares:settle() -> true */
static int shares_settle(lua_State *L)
{
	struct shares *s = check_shares(L, OPEN);
	int r = byre_shares_settle(&s->shares);

	if (r < 0) {
		shares_close(L);        /* half of it is of no use */
		return byre_push_errno(L, -r, "extents");
	}
	s->state = SETTLED;
	lua_pushboolean(L, 1);
	return 1;
}

/* shares:is_snapshotted(): was something counted as held by a snapshot of the subvolume that may not be? */
static int shares_is_snapshotted(lua_State *L)
{
	lua_pushboolean(L, check_shares(L, SETTLED)->shares.snapshotted);
	return 1;
}

static int push_bytes(lua_State *L, uint64_t bytes)
{
	lua_pushinteger(L, (lua_Integer)bytes);
	return 1;
}

static int shares_total(lua_State *L)
{
	return push_bytes(L, byre_extent_set_total(check_shares(L, SETTLED)->shares.set));
}

static int shares_allocated(lua_State *L)
{
	struct shares *s = check_shares(L, SETTLED);

	return push_bytes(L, byre_extent_set_allocated(s->shares.set, check_number(L, s, 2)));
}

static int shares_exclusive(lua_State *L)
{
	struct shares *s = check_shares(L, SETTLED);

	return push_bytes(L, byre_extent_set_exclusive(s->shares.set, check_number(L, s, 2)));
}

/* shares:take(number): from now on `freed` counts it among those that go */
static int shares_take(lua_State *L)
{
	struct shares *s = check_shares(L, SETTLED);

	byre_extent_set_take(s->shares.set, check_number(L, s, 2));
	return 0;
}

static int shares_put_back(lua_State *L)
{
	struct shares *s = check_shares(L, SETTLED);

	byre_extent_set_put_back(s->shares.set, check_number(L, s, 2));
	return 0;
}

static int shares_freed(lua_State *L)
{
	return push_bytes(L, byre_extent_set_freed(check_shares(L, SETTLED)->shares.set));
}

/* shares:union(numbers) -> bytes that at least one of them takes */
static int shares_union(lua_State *L)
{
	struct shares *s = check_shares(L, SETTLED);
	lua_Integer i, count;
	uint64_t sum = 0;

	luaL_checktype(L, 2, LUA_TTABLE);
	count = (lua_Integer)lua_rawlen(L, 2);
	byre_extent_set_begin_union(s->shares.set);
	for (i = 1; i <= count; i++) {
		lua_rawgeti(L, 2, i);
		sum += byre_extent_set_unite(s->shares.set, check_number(L, s, -1));
		lua_pop(L, 1);
	}
	return push_bytes(L, sum);
}

static const luaL_Reg shares_meta[] = {
	{"__gc", shares_close}, {"__close", shares_close},
	{NULL, NULL}
};

static const luaL_Reg shares_methods[] = {
	{"add", shares_add},
	{"settle", shares_settle},
	{"is_snapshotted", shares_is_snapshotted},
	{"total", shares_total},
	{"allocated", shares_allocated},
	{"exclusive", shares_exclusive},
	{"take", shares_take},
	{"put_back", shares_put_back},
	{"freed", shares_freed},
	{"union", shares_union},
	{"close", shares_close},
	{NULL, NULL}
};

/* User value 1 is a table of both files: as long as it lives they are not collected. */
struct difference {
	struct byre_difference difference;
	const struct byre_file *files[2];
	bool open;
};

/* core.difference(a, b, basis[, read = true]) -> difference; without reading, :next() fails with ENODATA where the maps
 * do not tell */
static int core_difference(lua_State *L)
{
	struct byre_file *a = byre_check_file(L, 1), *b = byre_check_file(L, 2);
	enum byre_basis basis = (enum byre_basis)luaL_checkoption(L, 3, NULL, basis_names);
	bool read = lua_isnoneornil(L, 4) || lua_toboolean(L, 4);
	struct difference *d = lua_newuserdatauv(L, sizeof *d, 1);
	int r;

	memset(d, 0, sizeof *d);
	luaL_setmetatable(L, DIFFERENCE_TYPE);
	lua_createtable(L, 2, 0);
	lua_pushvalue(L, 1);
	lua_rawseti(L, -2, 1);
	lua_pushvalue(L, 2);
	lua_rawseti(L, -2, 2);
	lua_setiuservalue(L, -2, 1);
	r = byre_difference_open(&d->difference, a->fd, b->fd, basis, read);
	if (r < 0)
		return byre_push_errno(L, -r, "difference");
	d->files[0] = a;
	d->files[1] = b;
	d->open = true;
	return 1;
}

/* difference:next() -> offset, length; nothing but nil behind the last one; length 0: nothing yet, go on */
static int difference_next(lua_State *L)
{
	struct difference *d = luaL_checkudata(L, 1, DIFFERENCE_TYPE);
	uint64_t offset, length;
	int r;

	luaL_argcheck(L, d->open, 1, "closed difference");
	luaL_argcheck(L, d->files[0]->fd >= 0 && d->files[1]->fd >= 0, 1, "closed file");
	r = byre_difference_next(&d->difference, &offset, &length);
	if (r < 0)
		return byre_push_errno(L, -r, "difference");
	if (r == 0) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushinteger(L, (lua_Integer)offset);
	lua_pushinteger(L, (lua_Integer)length);
	return 2;
}

static int difference_close(lua_State *L)
{
	struct difference *d = luaL_checkudata(L, 1, DIFFERENCE_TYPE);

	if (d->open)
		byre_difference_close(&d->difference);
	d->open = false;
	return 0;
}

static const luaL_Reg difference_meta[] = {
	{"__gc", difference_close}, {"__close", difference_close},
	{NULL, NULL}
};

static const luaL_Reg difference_methods[] = {
	{"next", difference_next},
	{"close", difference_close},
	{NULL, NULL}
};

static const luaL_Reg functions[] = {
	{"basis", core_basis},
	{"shares", core_shares},
	{"difference", core_difference},
	{NULL, NULL}
};

void byre_open_extents(lua_State *L)
{
	byre_new_type(L, SHARES_TYPE, shares_meta, shares_methods, NULL);
	byre_new_type(L, DIFFERENCE_TYPE, difference_meta, difference_methods, NULL);
	luaL_setfuncs(L, functions, 0);
}
