/* host.c - the command `byre`: a Lua state with everything built in */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "byre.h"

/* the C modules that are linked in, those of luaposix and LuaExpat; the list is the Makefile's */
#define MODULE(name, open) int open(lua_State *L);
#include "linked_modules.h"
#undef MODULE

static const luaL_Reg linked_modules[] = {
#define MODULE(name, open) {name, open},
#include "linked_modules.h"
#undef MODULE
	{NULL, NULL}
};

static lua_State *volatile running;     /* whom a signal interrupts */
static volatile sig_atomic_t caught;    /* the signal, 0: none */
static volatile sig_atomic_t asked;     /* somebody wants to know how far we are */
static bool interrupted;                /* the signal has reached Lua */

static const char on_ask_key;           /* in the registry: the function that says how far we are */

static void say_how_far(lua_State *L)
{
	/* it says something or nothing; what it does not do is to end the operation */
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, &on_ask_key) != LUA_TFUNCTION || lua_pcall(L, 0, 0, 0) != LUA_OK)
		lua_pop(L, 1);
}

/* The one place where signals enter Lua code; raises where they are to end it. */
static void signals_enter(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	lua_sethook(L, NULL, 0, 0);
	if (asked && !caught) {
		asked = 0;
		say_how_far(L);
	}
	if (!caught)
		return;
	/* one that came in between has set the hook again */
	lua_sethook(L, NULL, 0, 0);
	interrupted = true;
	lua_pushliteral(L, "interrupted");
	lua_error(L);
}

static void hook_signals(lua_State *L)
{
	lua_sethook(L, signals_enter, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/*
 * An operation ends as it does on any other error: it undoes what it can.  The
 * handler is gone then, so a second signal ends the process; pools survive that.
 */
static void on_signal(int sig)
{
	caught = sig;
	if (running)
		hook_signals(running);
}

/* As dd has it; what a system call was doing goes on. */
static void on_ask(int sig)
{
	(void)sig;
	asked = 1;
	if (running)
		hook_signals(running);
}

/* host.on_ask(function): to be called when SIGUSR1 asks how far we are */
static int host_on_ask(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_settop(L, 1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &on_ask_key);
	return 0;
}

static int luaopen_byre_host(lua_State *L)
{
	static const luaL_Reg functions[] = {{"on_ask", host_on_ask}, {NULL, NULL}};

	luaL_newlib(L, functions);
	return 1;
}

/* What our parent had us ignore (nohup, a background job) stays ignored. */
static void catch_signals(lua_State *L)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	struct sigaction action, old;
	size_t i;

	running = L;
	memset(&action, 0, sizeof action);
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESETHAND;
	for (i = 0; i < sizeof signals / sizeof *signals; i++) {
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
	action.sa_handler = on_ask;
	action.sa_flags = SA_RESTART;
	if (sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGUSR1, &action, NULL);
}

/*
 * A missing descriptor 0, 1 or 2 would be given to the next image opened, and
 * messages would be written into it.  Put something there that fails instead.
 */
static bool fill_standard_descriptors(void)
{
	int fd;

	for (fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			return false;
	}
	return true;
}

/*
 * Error objects and "interrupted" speak for themselves; anything else is a
 * defect of ours or of a user's script, so say where.
 */
static int traceback(lua_State *L)
{
	if (interrupted)
		return 1;
	if (lua_type(L, 1) == LUA_TSTRING) {
		luaL_traceback(L, L, lua_tostring(L, 1), 1);
		return 1;
	}
	if (!luaL_getmetafield(L, 1, "__tostring"))
		lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
	else
		luaL_tolstring(L, 1, NULL);
	return 1;
}

/* Like lua_pcall, with a traceback; on error exactly one message is left. */
static int call_traced(lua_State *L, int nargs, int nresults)
{
	int func = lua_gettop(L) - nargs, status;

	lua_pushcfunction(L, traceback);
	lua_insert(L, func);
	status = lua_pcall(L, nargs, nresults, func);
	lua_remove(L, func);
	assert(status == LUA_OK || lua_gettop(L) == func);
	return status;
}

/*
 * Everything a command needs is built in.  What LUA_PATH or the current
 * directory offer is not looked at: the command often runs as root, in a
 * directory of somebody else.  `byre run` adds the directory of its script.
 */
static void close_paths(lua_State *L)
{
	lua_getglobal(L, "package");
	lua_pushliteral(L, "");
	lua_setfield(L, -2, "path");
	lua_pushliteral(L, "");
	lua_setfield(L, -2, "cpath");
	lua_pop(L, 1);
}

static void preload(lua_State *L)
{
	byre_preload(L);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
	luaL_setfuncs(L, linked_modules, 0);
	lua_pushcfunction(L, luaopen_byre_host);
	lua_setfield(L, -2, "byre.host");
	lua_pop(L, 1);
}

/* The global `arg`, as the standalone interpreter has it. */
static void set_arg(lua_State *L, int argc, char **argv)
{
	int i;

	lua_createtable(L, argc, 1);
	for (i = 0; i < argc; i++) {
		lua_pushstring(L, argv[i]);
		lua_rawseti(L, -2, i);
	}
	lua_setglobal(L, "arg");
}

/* pmain(argc, argv): everything, protected.  Returns the exit code. */
static int pmain(lua_State *L)
{
	int argc = (int)lua_tointeger(L, 1);
	char **argv = lua_touserdata(L, 2);

	lua_pushboolean(L, 1);          /* the libraries are to ignore LUA_PATH and the like */
	lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
	luaL_openlibs(L);
	close_paths(L);
	preload(L);
	set_arg(L, argc, argv);
	lua_getglobal(L, "require");
	lua_pushliteral(L, "byre.main");
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "run");
	lua_getglobal(L, "arg");
	lua_call(L, 1, 1);
	return 1;
}

/* The text of an error object of ours begins with our name. */
static void say(const char *message)
{
	fprintf(stderr, "%s%s\n", strncmp(message, "byre: ", 6) == 0 ? "" : "byre: ", message);
}

/* The exit code of the command; its one message has been printed. */
static int run(lua_State *L, int argc, char **argv)
{
	int code;

	lua_pushcfunction(L, pmain);
	lua_pushinteger(L, argc);
	lua_pushlightuserdata(L, argv);
	if (call_traced(L, 2, 1) == LUA_OK) {
		code = (int)lua_tointeger(L, -1);
	} else {
		code = EXIT_FAILURE;
		if (caught != SIGPIPE)
			say(lua_tostring(L, -1));
	}
	lua_pop(L, 1);
	return interrupted ? 128 + caught : code;
}

/* A result that did not reach the disk or the pipe is a failure, however we exit. */
static void close_stdout(void)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (fclose(stdout) == 0 && !failed)
		return;
	if (caught == SIGPIPE || errno == EPIPE)
		_exit(128 + SIGPIPE);
	fprintf(stderr, "byre: standard output: %s\n", errno ? strerror(errno) : "write failed");
	_exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	lua_State *L;
	int code;

	if (!fill_standard_descriptors() || atexit(close_stdout) != 0)
		return EXIT_FAILURE;
	L = luaL_newstate();
	if (!L) {
		fputs("byre: not enough memory\n", stderr);
		return EXIT_FAILURE;
	}
	catch_signals(L);
	code = run(L, argc, argv);
	running = NULL;
	lua_close(L);
	return code;
}
