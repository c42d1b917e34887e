/* lua_sandbox.c - core.sandbox: run a script in a state of its own, here or in a child process */

#include <stdbool.h>
#include <string.h>

#include "lua_confined.h"
#include "lua_handles.h"
#include "lua_pack.h"

#define SANDBOX_TYPE "byre.sandbox"
#define CHILD_MEMORY ((size_t)256 << 20)        /* what a child may map besides the state's memory */

static int run_in_child(void *arg, struct byre_buffer *out)
{
	struct byre_sandbox *box = arg;
	int r = byre_run_confined(box);

	*out = box->out;
	return r;
}

static const char *limit_of_child(enum byre_confined end)
{
	switch (end) {
	case BYRE_CONFINED_CPU:
		return "time";
	case BYRE_CONFINED_WALL:
		return "waiting time";
	case BYRE_CONFINED_OUTPUT:
		return "output";
	default:
		return "memory or signals";
	}
}

static int push_limit(lua_State *L, const char *limit)
{
	lua_pushnil(L);
	lua_pushfstring(L, BYRE_STOPPED, limit);
	lua_pushstring(L, limit);
	return 3;
}

static int push_outcome(lua_State *L, struct byre_sandbox *box)
{
	const char *data = box->out.data, *end = data + box->out.length, *message;

	if (data == end)
		return push_limit(L, "output");
	if (*data == '+') {
		if (byre_unpack(L, data + 1, box->out.length - 1) == 0)
			return 1;
		return push_limit(L, "output");
	}
	message = memchr(data, '\0', box->out.length);
	if (*data != '-' || !message)
		return push_limit(L, "output");
	lua_pushnil(L);
	lua_pushlstring(L, message + 1, end - message - 1);
	lua_pushlstring(L, data + 1, message - data - 1);
	return 3;
}

static int sandbox_gc(lua_State *L)
{
	struct byre_sandbox *box = luaL_checkudata(L, 1, SANDBOX_TYPE);

	if (box->L)
		lua_close(box->L);
	box->L = NULL;
	byre_buffer_free(&box->input);
	byre_buffer_free(&box->message);
	byre_buffer_free(&box->out);
	return 0;
}

static lua_Number number_option(lua_State *L, const char *key, lua_Number most)
{
	lua_Number value;

	lua_getfield(L, 1, key);
	value = luaL_checknumber(L, -1);
	if (!(value > 0 && value <= most))
		luaL_error(L, "%s: a number above 0 and up to %f is needed", key, most);
	lua_pop(L, 1);
	return value;
}

/* Leaves the guard, its name and the services on the stack, where they are kept alive. */
static void read_options(lua_State *L, struct byre_sandbox *box)
{
	int r;

	luaL_checktype(L, 1, LUA_TTABLE);
	box->memory = (size_t)number_option(L, "memory", (lua_Number)((size_t)1 << 40));
	box->instructions = (lua_Integer)number_option(L, "instructions", 1e18);
	box->seconds = number_option(L, "seconds", 1e9);
	lua_getfield(L, 1, "input");
	r = byre_pack(L, -1, BYRE_CARRIED_MAX, &box->input);
	if (r < 0)
		luaL_error(L, "input: %s", byre_pack_reason(r));
	lua_pop(L, 1);
	lua_getfield(L, 1, "guard");
	box->guard = luaL_checklstring(L, -1, &box->guard_length);
	lua_getfield(L, 1, "name");
	box->guard_name = luaL_checkstring(L, -1);
	lua_getfield(L, 1, "services");
	luaL_checktype(L, -1, LUA_TTABLE);
	box->services = lua_gettop(L);
}

/* The seconds after which a child is killed; 0: no child. */
static lua_Number wall_option(lua_State *L)
{
	lua_Number wall = 0;

	if (lua_getfield(L, 1, "child_seconds") != LUA_TNIL)
		wall = number_option(L, "child_seconds", 1e9);
	lua_pop(L, 1);
	return wall;
}

static int run_confined(lua_State *L, struct byre_sandbox *box, lua_Number wall)
{
	struct byre_confine limits = {
		.cpu = box->seconds, .wall = wall, .memory = box->memory + CHILD_MEMORY,
		.output = BYRE_CARRIED_MAX + 1,
	};
	enum byre_confined end;
	int r = byre_confine(&limits, run_in_child, box, &box->out, &end);

	if (r < 0)
		return byre_push_errno(L, -r, "sandbox");
	return end == BYRE_CONFINED_DONE ? push_outcome(L, box) : push_limit(L, limit_of_child(end));
}

/*
 * core.sandbox{guard=, name=, input=, services=, memory=, instructions=, seconds=,
 * child_seconds=} -> result, or nil, message, limit ("" where it was none, an errno
 * where there was no child)
 */
static int core_sandbox(lua_State *L)
{
	struct byre_sandbox *box;
	lua_Number wall;
	int r;

	lua_settop(L, 1);
	box = lua_newuserdatauv(L, sizeof *box, 0);
	memset(box, 0, sizeof *box);
	luaL_setmetatable(L, SANDBOX_TYPE);
	read_options(L, box);
	wall = wall_option(L);
	box->host = L;
	if (wall > 0)
		return run_confined(L, box, wall);
	r = byre_run_confined(box);
	return r < 0 ? push_limit(L, "memory") : push_outcome(L, box);
}

void byre_open_sandbox(lua_State *L)
{
	luaL_newmetatable(L, SANDBOX_TYPE);
	lua_pushcfunction(L, sandbox_gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
	lua_pushcfunction(L, core_sandbox);
	lua_setfield(L, -2, "sandbox");
}
