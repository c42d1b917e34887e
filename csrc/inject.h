/*
 * inject.h - make system calls fail on request, so that specs reach the code
 * behind a failure; plain C, no Lua here
 *
 * One table for the whole process, empty unless a spec fills it.
 */

#ifndef BYRE_INJECT_H
#define BYRE_INJECT_H

enum byre_call {
	BYRE_CALL_OPENAT2,
	BYRE_CALL_TMPFILE,              /* openat with O_TMPFILE */
	BYRE_CALL_LINKAT,
	BYRE_CALL_LINKAT_EMPTY_PATH,    /* linkat of a descriptor itself */
	BYRE_CALL_RENAMEAT,
	BYRE_CALL_RENAMEAT2,            /* with a flag */
	BYRE_CALL_UNLINKAT,
	BYRE_CALL_WRITE,
	BYRE_CALL_FSYNC,
	BYRE_CALL_SYNCFS,
	BYRE_CALL_SETLK,
	BYRE_CALL_SETLEASE,
	BYRE_CALL_FICLONE,
	BYRE_CALLS
};

/* The errno to fail with instead of making this call, or 0. */
int byre_injected(enum byre_call call);

/* What they are called outside: "openat2", "tmpfile", ...; ends with NULL. */
extern const char *const byre_call_names[];

/* Let `call` fail with `err` from now on; 0 lets it work again. */
void byre_inject(enum byre_call call, int err);

#endif
