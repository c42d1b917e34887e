/* lua_spawn.c - byre.core: other programs */

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "data.h"
#include "lua_handles.h"

#define SPAWN_RESULT_TYPE "byre.spawn_result"
#define TIMEOUT_MAX 1e6          /* seconds, more than a week */
#define WATCHED 256             /* bytes of the output that `watch` gets, the last ones */

/* The arguments of a program, as strings that live as long as the table at `arg`.
 * Pushes what holds the array; raises if they are not strings. */
static char **check_argv(lua_State *L, int arg)
{
	size_t i, n, length;
	char **argv;

	luaL_checktype(L, arg, LUA_TTABLE);
	n = lua_rawlen(L, arg);
	luaL_argcheck(L, n > 0, arg, "no program");
	argv = lua_newuserdatauv(L, (n + 1) * sizeof *argv, 1);
	for (i = 0; i < n; i++) {
		luaL_argcheck(L, lua_rawgeti(L, arg, (lua_Integer)i + 1) == LUA_TSTRING, arg, "not all strings");
		argv[i] = (char *)lua_tolstring(L, -1, &length);
		luaL_argcheck(L, strlen(argv[i]) == length, arg, "a string contains zeros");
		lua_pop(L, 1);
	}
	argv[n] = NULL;
	return argv;
}

/* A file among the options, or NULL.  Keeps it on the stack. */
static const struct byre_file *check_stream(lua_State *L, int arg, const char *name)
{
	byre_push_option(L, arg, name, LUA_TUSERDATA);
	return luaL_testudata(L, -1, BYRE_FILE_TYPE);
}

/* The descriptor of option `name`, -1 where `index` holds nil; raises if it is no open file. */
static int stream_fd(lua_State *L, int arg, int index, const struct byre_file *f, const char *name)
{
	if (lua_isnil(L, index))
		return -1;
	if (!f || f->fd < 0)
		return luaL_argerror(L, arg, lua_pushfstring(L, "%s: open file expected", name));
	return f->fd;
}

static int spawn_result_gc(lua_State *L)
{
	byre_spawn_result_free(luaL_checkudata(L, 1, SPAWN_RESULT_TYPE));
	return 0;
}

/* Push an empty result that is freed with its userdata. */
static struct byre_spawn_result *new_spawn_result(lua_State *L)
{
	struct byre_spawn_result *result = lua_newuserdatauv(L, sizeof *result, 1);

	memset(result, 0, sizeof *result);
	luaL_setmetatable(L, SPAWN_RESULT_TYPE);
	return result;
}

static void push_spawn_result(lua_State *L, const struct byre_spawn_result *result, bool captured)
{
	lua_createtable(L, 0, 3);
	if (WIFEXITED(result->status))
		byre_set_integer(L, "status", WEXITSTATUS(result->status));
	else
		byre_set_integer(L, "signal", WTERMSIG(result->status));
	if (result->timed_out) {
		lua_pushboolean(L, 1);
		lua_setfield(L, -2, "timed_out");
	}
	if (captured) {
		lua_pushlstring(L, result->out.data, result->out.length);
		lua_setfield(L, -2, "stdout");
	}
	lua_pushlstring(L, result->err.data, result->err.length);
	lua_setfield(L, -2, "stderr");
}

/* What a tick needs: who watches is in the stack, nil for nobody. */
struct watch {
	lua_State *L;
	int function;
	const struct byre_spawn_result *result;
};

/* watch(context, function) -> whether it is to go on */
static int call_watch(lua_State *L)
{
	const struct watch *watch = lua_touserdata(L, 1);
	const struct byre_buffer *out = &watch->result->out;
	size_t length = out->length < WATCHED ? out->length : WATCHED;

	if (lua_isnil(L, 2))
		return 0;
	lua_pushlstring(L, length > 0 ? out->data + out->length - length : "", length);
	lua_call(L, 1, 1);
	return 1;
}

/* Any call gives the host the chance to raise what a signal asked for; what is raised is kept on the stack.
 * Raises nothing itself: the program has to be ended first. */
static int tick(void *arg)
{
	struct watch *watch = arg;
	lua_State *L = watch->L;
	bool cancelled;

	lua_pushcfunction(L, call_watch);
	lua_pushlightuserdata(L, watch);
	lua_pushvalue(L, watch->function);
	if (lua_pcall(L, 2, 1, 0) != LUA_OK)
		return -ECANCELED;
	cancelled = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
	lua_pop(L, 1);
	return cancelled ? -ECANCELED : 0;
}

/* Option `timeout`, seconds -> milliseconds; -1: none. */
static long check_timeout(lua_State *L, int arg)
{
	lua_Number seconds;

	byre_push_option(L, arg, "timeout", LUA_TNUMBER);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return -1;
	}
	seconds = lua_tonumber(L, -1);
	luaL_argcheck(L, seconds >= 0 && seconds <= TIMEOUT_MAX, arg, "timeout: out of range");
	lua_pop(L, 1);
	return (long)(seconds * 1000);
}

/* core.spawn(argv[, {stdin=, stdout=, timeout=, watch=}]) -> {status=, signal=, timed_out=, stdout=, stderr=}
 * watch(text) is called now and then, and at the end, with what was printed last; what it raises, or false, ends the
 * program. */
static int core_spawn(lua_State *L)
{
	const struct byre_file *in, *out;
	struct watch watch = {.L = L, .function = 5};
	struct byre_spawn spawn = {.tick = tick, .tick_arg = &watch};
	struct byre_spawn_result *result;
	int top, r;

	lua_settop(L, 2);
	spawn.timeout = check_timeout(L, 2);
	in = check_stream(L, 2, "stdin");
	out = check_stream(L, 2, "stdout");
	byre_push_option(L, 2, "watch", LUA_TFUNCTION);
	watch.result = result = new_spawn_result(L);
	/* last: looking up an option may run anything, which closes files and takes arguments away */
	spawn.argv = check_argv(L, 1);
	spawn.in = stream_fd(L, 2, 3, in, "stdin");
	spawn.out = stream_fd(L, 2, 4, out, "stdout");
	luaL_checkstack(L, LUA_MINSTACK, NULL);
	top = lua_gettop(L);
	r = byre_spawn(&spawn, result);
	if (r == 0)
		r = tick(&watch);
	if (r < 0) {
		byre_spawn_result_free(result);
		if (lua_gettop(L) > top)        /* what tick has caught */
			return lua_error(L);
		return byre_push_errno(L, -r, spawn.argv[0]);
	}
	push_spawn_result(L, result, spawn.out < 0);
	byre_spawn_result_free(result);         /* it may be large: not only when it is collected */
	return 1;
}

static const luaL_Reg functions[] = {
	{"spawn", core_spawn},
	{NULL, NULL}
};

void byre_open_spawn(lua_State *L)
{
	luaL_newmetatable(L, SPAWN_RESULT_TYPE);
	lua_pushcfunction(L, spawn_result_gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
	luaL_setfuncs(L, functions, 0);
}
