/*
 * strike.h - see the system calls of a child that work on files, and let one
 * of them fail or be its last; plain C, no Lua here
 *
 * A seccomp filter hands every such call to the parent before it is made, and
 * the child waits: so the parent decides about exactly this call, whatever the
 * processor, and calls that are of no interest cost nothing.
 */

#ifndef BYRE_STRIKE_H
#define BYRE_STRIKE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How a call was met. */
struct strike_call {
	const char *name;
	bool changes;                   /* files, names, or what is durable */
	char path[2 * PATH_MAX + 8];    /* what it works on, as far as can be seen */
};

/* Install the filter in this process.  `every`: also calls that change nothing.
 * Returns 0 or -errno; *ret_listener is what the parent needs. */
int strike_filter(bool every, int *ret_listener);

/* Wait for the next call of the child.  Returns 0 or -errno (-ENOENT: it is gone). */
int strike_receive(int listener, uint64_t *ret_id, pid_t pid, struct strike_call *ret_call);

/* Let the call be made (err = 0) or fail instead.  Returns 0 or -errno. */
int strike_answer(int listener, uint64_t id, int err);

#endif
