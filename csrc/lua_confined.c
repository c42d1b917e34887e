/*
 * lua_confined.c - a Lua state for scripts that nobody trusts, with as much
 * memory and time as they are given and nothing else
 *
 * The first script, the guard, is ours.  It gets everything the state has, and
 * decides what of it the others see.  What is here are the limits that no
 * script can get around:
 *
 *  - the allocator refuses what goes beyond the memory;
 *  - the count hook, which new coroutines inherit, takes instructions and CPU
 *    time off; once a limit is hit it raises at every further instruction, so
 *    whoever catches that error comes no further than the next one;
 *  - values go in and out as bytes (lua_pack.c), never as objects.
 *
 * A message handler runs while hooks are off: the guard must not let scripts
 * set one.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "lua_confined.h"
#include "lua_pack.h"

#define STEP 1000                       /* instructions between two looks at the limits */
#define BLOCK_MAX (4 << 20)             /* bytes: what one instruction works on stays small */

static double cpu_clock(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) < 0)
		return 0;
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static struct byre_sandbox *sandbox_of(lua_State *L)
{
	void *box;

	lua_getallocf(L, &box);
	return box;
}

static void *allocate(void *ud, void *block, size_t before, size_t wanted)
{
	struct byre_sandbox *box = ud;
	void *moved;

	if (!block)
		before = 0;             /* it tells the type of a new object */
	if (wanted == 0) {
		free(block);
		box->used -= before;
		return NULL;
	}
	if (wanted > before && (wanted > BLOCK_MAX || box->used - before + wanted > box->memory))
		return NULL;
	moved = realloc(block, wanted);
	if (!moved)
		return wanted <= before ? block : NULL;
	box->used += wanted - before;
	return moved;
}

/*
 * Push "file:line: " of the innermost function of a stranger's script, or "".
 * The guard names those "=file" and ours "@file", which messages show alike.
 */
static void push_place(lua_State *L)
{
	lua_Debug ar;
	int level;

	for (level = 0; lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (ar.source[0] == '=' && ar.currentline > 0) {
			lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
			return;
		}
	}
	lua_pushliteral(L, "");
}

/* Raises when a limit is hit. */
static void check_limits(lua_State *L, struct byre_sandbox *box)
{
	if (!box->spent && box->instructions < 0)
		box->spent = "instructions";
	if (!box->spent && cpu_clock() > box->deadline)
		box->spent = "time";
	if (!box->spent)
		return;
	push_place(L);
	lua_pushfstring(L, "%s" BYRE_STOPPED, lua_tostring(L, -1), box->spent);
	lua_error(L);
}

static void on_count(lua_State *L, lua_Debug *ar)
{
	struct byre_sandbox *box = sandbox_of(L);

	(void)ar;
	box->instructions -= STEP;
	if (box->spent || box->instructions < 0 || cpu_clock() > box->deadline)
		lua_sethook(L, on_count, LUA_MASKCOUNT, 1);
	check_limits(L, box);
}

/* The limit that a message of Lua's is about; "" where it is about none. */
static const char *limit_in(const char *message)
{
	static const char *const words[][2] = {
		{"not enough memory", "memory"},
		{"stack overflow", "stack"},
		{"C levels", "stack"},          /* 5.3 */
	};
	size_t i;

	for (i = 0; i < sizeof words / sizeof *words; i++)
		if (strstr(message, words[i][0]))
			return words[i][1];
	return "";
}

/*
 * checkpoint([message]): for the guard's functions that do much at one
 * instruction, or that catch errors: a limit that was hit is raised again.
 */
static int checkpoint(lua_State *L)
{
	struct byre_sandbox *box = sandbox_of(L);
	const char *message = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";

	if (!box->spent && strcmp(limit_in(message), "memory") == 0)
		box->spent = "memory";
	check_limits(L, box);
	return 0;
}

/* serve(box, services), protected, in the host: box.message asks {name, value}, and gets the answer. */
static int serve(lua_State *host)
{
	struct byre_sandbox *box = lua_touserdata(host, 1);
	int r = byre_unpack(host, box->message.data, box->message.length);

	box->message.length = 0;
	if (r == 0) {
		lua_geti(host, 3, 1);
		lua_gettable(host, 2);
		lua_geti(host, 3, 2);
		lua_call(host, 1, 1);
		r = byre_pack(host, -1, BYRE_CARRIED_MAX, &box->message);
	}
	return r < 0 ? luaL_error(host, "%s", byre_pack_reason(r)) : 0;
}

/* What a service raised becomes a string: objects stay where they are. */
static int as_text(lua_State *L)
{
	luaL_tolstring(L, 1, NULL);
	return 1;
}

/* Have the host answer box.message; false: box.message says why not. */
static bool ask_host(struct byre_sandbox *box)
{
	lua_State *host = box->host;
	int top = lua_gettop(host);
	bool served;

	if (!lua_checkstack(host, 6))
		return false;
	lua_pushcfunction(host, as_text);
	lua_pushcfunction(host, serve);
	lua_pushlightuserdata(host, box);
	lua_pushvalue(host, box->services);
	served = lua_pcall(host, 2, 0, top + 1) == LUA_OK;
	if (!served) {
		box->message.length = 0;
		if (lua_type(host, -1) == LUA_TSTRING)
			byre_buffer_add(&box->message, lua_tostring(host, -1), lua_rawlen(host, -1));
	}
	lua_settop(host, top);
	return served;
}

/* service{name, value}: what the host's function of that name returns; for the guard. */
static int call_service(lua_State *L)
{
	struct byre_sandbox *box = sandbox_of(L);
	int r;

	check_limits(L, box);
	lua_settop(L, 1);
	box->message.length = 0;
	r = byre_pack(L, 1, BYRE_CARRIED_MAX, &box->message);
	if (r < 0)
		return luaL_error(L, "%s", byre_pack_reason(r));
	if (!ask_host(box)) {
		lua_pushlstring(L, box->message.data ? box->message.data : "", box->message.length);
		return lua_error(L);
	}
	if (byre_unpack(L, box->message.data, box->message.length) < 0)
		return luaL_error(L, "a service gave rubbish");
	return 1;
}

static const luaL_Reg libraries[] = {
	{"_G", luaopen_base},
	{LUA_TABLIBNAME, luaopen_table},
	{LUA_STRLIBNAME, luaopen_string},
	{LUA_MATHLIBNAME, luaopen_math},
	{LUA_UTF8LIBNAME, luaopen_utf8},
	{LUA_COLIBNAME, luaopen_coroutine},
	{NULL, NULL}
};

/* Everything inside the new state, protected: guard(input, service, checkpoint) -> box.out */
static int inside(lua_State *L)
{
	struct byre_sandbox *box = sandbox_of(L);
	const luaL_Reg *library;
	int r;

	for (library = libraries; library->func; library++) {
		luaL_requiref(L, library->name, library->func, 1);
		lua_pop(L, 1);
	}
	if (luaL_loadbufferx(L, box->guard, box->guard_length, box->guard_name, NULL) != LUA_OK)
		return lua_error(L);
	if (byre_unpack(L, box->input.data, box->input.length) < 0)
		return luaL_error(L, "the input is damaged");
	lua_pushcfunction(L, call_service);
	lua_pushcfunction(L, checkpoint);
	lua_call(L, 3, 1);
	check_limits(L, box);
	r = byre_pack(L, -1, BYRE_CARRIED_MAX, &box->out);
	return r < 0 ? luaL_error(L, "the result: %s", byre_pack_reason(r)) : 0;
}

/* No metamethod of an error object is called: it may be the script's. */
static int plain_message(lua_State *L)
{
	if (lua_type(L, 1) != LUA_TSTRING)
		lua_pushfstring(L, "the error object is a %s", luaL_typename(L, 1));
	return 1;
}

static void run_state(struct byre_sandbox *box)
{
	lua_State *L = box->L;
	const char *message, *limit;
	int status;

	byre_buffer_add(&box->out, "+", 1);
	lua_sethook(L, on_count, LUA_MASKCOUNT, STEP);
	lua_pushcfunction(L, plain_message);
	lua_pushcfunction(L, inside);
	status = lua_pcall(L, 0, 0, 1);
	lua_sethook(L, NULL, 0, 0);
	if (status == LUA_OK)
		return;
	message = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "no message";
	limit = box->spent ? box->spent : limit_in(message);
	if (!box->spent && strcmp(limit, "memory") == 0)
		message = "stopped: the limit of memory is reached";
	box->out.length = 0;
	byre_buffer_add(&box->out, "-", 1);
	byre_buffer_add(&box->out, limit, strlen(limit) + 1);
	byre_buffer_add(&box->out, message, strlen(message));
}

static lua_State *new_state(struct byre_sandbox *box)
{
#if LUA_VERSION_NUM >= 505
	return lua_newstate(allocate, box, luaL_makeseed(NULL));
#else
	return lua_newstate(allocate, box);
#endif
}

int byre_run_confined(struct byre_sandbox *box)
{
	box->deadline = cpu_clock() + box->seconds;
	box->L = new_state(box);
	if (!box->L)
		return -ENOMEM;
	run_state(box);
	lua_close(box->L);
	box->L = NULL;
	return box->out.length > 0 ? 0 : -ENOMEM;
}
