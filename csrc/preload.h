/* preload.h - the Lua scripts built in, and how a state finds them */

#ifndef BYRE_PRELOAD_H
#define BYRE_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

struct byre_script {
	const char *name;               /* as require is given it */
	const char *chunk;              /* as tracebacks show it, with "@" in front */
	const char *data;
	size_t size;
	bool stand_back;                /* where the state finds another one by itself */
};

/*
 * Made by tools/embed.lua, ends with a NULL name: the library's scripts in
 * libbyre, the library's and the command's in the host.
 */
extern const struct byre_script byre_scripts[];

#endif
