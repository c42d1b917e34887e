/*
 * byre.h - pools of copy-on-write disk images, for programs that embed Lua
 *
 * The library is a set of Lua modules, byre.core (in C) and the scripts above it, carried
 * inside libbyre: nothing has to be on disk, no path is changed, no global is set.  C has
 * two things to do: make the modules known to a Lua state, and run Lua in it.
 *
 *	#include <byre.h>
 *	#include <lauxlib.h>
 *	#include <lualib.h>
 *
 *	lua_State *L = luaL_newstate();
 *
 *	luaL_openlibs(L);
 *	byre_preload(L);
 *	if (luaL_dostring(L, "local byre = require 'byre' ..."))
 *		fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
 *	lua_close(L);
 *
 * What the modules do is in the manual: doc/api.md for Lua, doc/embedding.md for programs.
 *
 * Lua
 *
 *	libbyre is built for Lua 5.4, libbyre-lua5.3 for Lua 5.3; this header serves both.
 *	It takes Lua from the program: link liblua too, and where that is a static archive
 *	and libbyre a shared library, export it (cc -rdynamic).  The state needs the base,
 *	package, coroutine, table, string and math libraries; io and os may be left out.
 *
 * Threads
 *
 *	Nothing is shared between states: a program may have as many as it likes, each used
 *	by one thread at a time.  States in one process exclude each other from a group of
 *	volumes as processes do.  An operation blocks its thread until it is done.
 *
 * Coroutines
 *
 *	Operations may be called in coroutines, and the functions a pool was given (log,
 *	progress) may yield.  The operation keeps its lock until it is resumed to its end,
 *	or collected.
 *
 * Memory
 *
 *	Scripts allocate through the allocator of the state.  When it gives nothing more,
 *	the operation raises Lua's memory error and is undone, or done if it had committed.
 *	C itself takes a buffer of 256 KiB during a copy, and nothing that stays.
 *
 * Processes and signals
 *
 *	No signal handler is installed, the directory, umask and locale of the process are
 *	left alone, and all descriptors are close-on-exec.  A child made by fork must not use
 *	a pool opened before: it shares the locks.
 *
 * Strangers' scripts
 *
 *	Retention policies are scripts of a pool's users.  They run in states of their own with
 *	limits on memory, instructions and CPU time, where they compute and reach nothing else;
 *	byre_sandbox lowers the limits.
 *
 * C++
 *
 *	The functions have C linkage, and so has the Lua of <lua.hpp>, which is included here.
 *	Errors are raised by the Lua that the program brings: by longjmp, or by exceptions
 *	where it was compiled as C++.  Either may pass through byre.
 */

#ifndef BYRE_H
#define BYRE_H

#include <stddef.h>

#ifdef __cplusplus
#include <lua.hpp>
extern "C" {
#else
#include <lua.h>
#endif

/* The version of this header. */
#define BYRE_VERSION "0.1.0"
#define BYRE_VERSION_MAJOR 0
#define BYRE_VERSION_MINOR 1
#define BYRE_VERSION_PATCH 0

/* What libbyre shows; everything else in it is hidden. */
#if defined(__GNUC__)
#define BYRE_API __attribute__((visibility("default")))
#else
#define BYRE_API
#endif

/*
 * The version of the library that runs, as text: "0.1.0".
 *
 * Needs no Lua and cannot fail.
 */
BYRE_API const char *byre_version(void);

/*
 * Can the library that runs serve a program made for this version?
 *
 *	const char *why_not = BYRE_CHECK_VERSION();
 *
 * Returns NULL if it can, else a sentence.  It can if the major versions are equal (and
 * the minor ones, as long as the major one is 0) and the library is not the older one.
 * Needs no Lua; worth calling where libbyre is shared or loaded when the program runs.
 */
BYRE_API const char *byre_check_version(int major, int minor, int patch);

/* byre_check_version with the version of the header that the program was compiled with. */
#define BYRE_CHECK_VERSION() \
	byre_check_version(BYRE_VERSION_MAJOR, BYRE_VERSION_MINOR, BYRE_VERSION_PATCH)

/*
 * Make `require "byre"` work in a state.
 *
 * Fills package.preload with byre, what belongs to it, byre.core and dkjson; nothing is
 * loaded yet.  A dkjson that the state finds by itself, on its path or preloaded, goes before
 * ours.  To be called once for each state, after the package library is open; again does
 * no harm.
 *
 * The stack is left as it was.  Returns 0, so that it can be pushed as a C function and
 * called protected, which a program must do that has no panic function:
 *
 *	lua_pushcfunction(L, byre_preload);
 *	if (lua_pcall(L, 0, 0, 0) != LUA_OK)
 *		...
 *
 * Raises: out of memory; the state is of another version of Lua than libbyre.
 */
BYRE_API int byre_preload(lua_State *L);

/* Where strangers' scripts run. */
enum byre_sandbox_child {
	BYRE_CHILD_AS_ASKED = 0,        /* as the pool was opened: policy_child, default no */
	BYRE_CHILD_ALWAYS,              /* each in a child process, which the kernel ends as well */
	BYRE_CHILD_NEVER,               /* in the thread that calls: for programs that must not fork */
};

/* The most that a stranger's script gets; 0: what byre gives it (doc/pruning.md). */
struct byre_sandbox_limits {
	size_t memory;                  /* bytes of its Lua state */
	long long instructions;         /* of Lua's virtual machine */
	double seconds;                 /* CPU time */
	enum byre_sandbox_child child;
};

/*
 * Restrict the scripts of retention policies that a state runs.
 *
 *	struct byre_sandbox_limits limits = {.memory = 8 << 20, .child = BYRE_CHILD_NEVER};
 *
 *	byre_sandbox(L, &limits);
 *
 * Holds for everything this state does from now on, whatever is asked for elsewhere; a
 * second call replaces the first.  Not for other states: each has limits of its own.
 *
 * In the thread that calls, a script is ended by a count of its instructions and a look at
 * the clock of the thread every 1000 of them.  One instruction works on 4 MiB at most, so
 * that it ends soon.  The memory is that of malloc, besides the allocator of the state.  A
 * child process is forked: it is only safe where no other thread can hold a lock that malloc
 * or Lua needs.  The kernel ends it when it takes more CPU time, four times as much time and
 * 10 seconds, or maps 256 MiB more.
 *
 * A policy that meets a limit removes nothing; what was asked for raises `invalid` with the
 * limit in its field `limit`.  Below 4 MiB no policy can be loaded.
 *
 * To be called after byre_preload; loads the module byre.sandbox.  The stack is left as it
 * was.  Returns 0.  Raises: out of memory; a limit below 0.
 */
BYRE_API int byre_sandbox(lua_State *L, const struct byre_sandbox_limits *limits);

/*
 * The loader of the C module byre.core: pushes its table and returns 1.
 *
 * For programs that keep the scripts elsewhere and fill package.preload themselves:
 *
 *	luaL_requiref(L, "byre.core", luaopen_byre_core, 0);
 *
 * Raises: out of memory; the state is of another version of Lua than libbyre.
 */
BYRE_API int luaopen_byre_core(lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
