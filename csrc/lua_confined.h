/* lua_confined.h - a Lua state for scripts that nobody trusts */

#ifndef BYRE_LUA_CONFINED_H
#define BYRE_LUA_CONFINED_H

#include <lua.h>

#include "data.h"

#define BYRE_CARRIED_MAX (64 << 20)     /* bytes of a value that goes in or out */
#define BYRE_STOPPED "stopped: the limit of %s is reached"

struct byre_sandbox {
	lua_State *L;                   /* NULL: none yet */
	lua_State *host;                /* whose services may be called */
	int services;                   /* their index there */
	const char *guard, *guard_name;
	size_t guard_length;
	size_t memory, used;            /* bytes */
	lua_Integer instructions;       /* left */
	double seconds, deadline;       /* CPU time, and the clock of this thread at its end */
	const char *spent;              /* the limit that was hit; NULL: none */
	struct byre_buffer input, message, out;
};

/*
 * Make the state, run the guard, close the state.  box.out becomes "+value", or
 * "-limit\0message" without a limit where there is none.  Returns 0 or -ENOMEM.
 */
int byre_run_confined(struct byre_sandbox *box);

#endif
