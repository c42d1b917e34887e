/* lua_hold.c - byre.hold: as long as there is one, a directory handle keeps open what it has walked to */

#include "lua_handles.h"

/* User value 1 is the directory handle. */
struct hold {
	struct byre_dir *dir;           /* NULL once released */
};

/* dir:hold(): from now on directories that are walked to stay open, until each hold was released or collected */
int byre_dir_hold(lua_State *L)
{
	struct byre_dir *d = byre_check_dir(L, 1);
	struct hold *h = lua_newuserdatauv(L, sizeof *h, 1);

	h->dir = NULL;
	luaL_setmetatable(L, BYRE_HOLD_TYPE);
	lua_pushvalue(L, 1);
	lua_setiuservalue(L, -2, 1);
	h->dir = d;
	d->hold.users++;
	return 1;
}

/* dir:is_held(): is there such a hold? */
int byre_dir_is_held(lua_State *L)
{
	lua_pushboolean(L, byre_check_dir(L, 1)->hold.users > 0);
	return 1;
}

/* Releasing twice is no mistake, nor is it once the directory is closed. */
static int hold_release(lua_State *L)
{
	struct hold *h = luaL_checkudata(L, 1, BYRE_HOLD_TYPE);

	if (h->dir && --h->dir->hold.users == 0)
		byre_hold_drop(&h->dir->hold);
	h->dir = NULL;
	lua_pushboolean(L, 1);
	return 1;
}

static int hold_tostring(lua_State *L)
{
	const struct hold *h = luaL_checkudata(L, 1, BYRE_HOLD_TYPE);

	return byre_push_handle_name(L, BYRE_HOLD_TYPE, h->dir ? h->dir->fd : -1);
}

static const luaL_Reg hold_meta[] = {
	{"__gc", hold_release}, {"__close", hold_release}, {"__tostring", hold_tostring},
	{NULL, NULL}
};

static const luaL_Reg hold_methods[] = {
	{"release", hold_release},
	{"close", hold_release},
	{NULL, NULL}
};

void byre_open_holds(lua_State *L)
{
	byre_new_type(L, BYRE_HOLD_TYPE, hold_meta, hold_methods, NULL);
}
