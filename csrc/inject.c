/* inject.c - make system calls fail on request; plain C, no Lua here */

#include "inject.h"

#include <stdatomic.h>

const char *const byre_call_names[BYRE_CALLS + 1] = {
	[BYRE_CALL_OPENAT2] = "openat2",
	[BYRE_CALL_TMPFILE] = "tmpfile",
	[BYRE_CALL_LINKAT] = "linkat",
	[BYRE_CALL_LINKAT_EMPTY_PATH] = "linkat_empty_path",
	[BYRE_CALL_RENAMEAT] = "renameat",
	[BYRE_CALL_RENAMEAT2] = "renameat2",
	[BYRE_CALL_UNLINKAT] = "unlinkat",
	[BYRE_CALL_WRITE] = "write",
	[BYRE_CALL_FSYNC] = "fsync",
	[BYRE_CALL_SYNCFS] = "syncfs",
	[BYRE_CALL_SETLK] = "setlk",
	[BYRE_CALL_SETLEASE] = "setlease",
	[BYRE_CALL_FICLONE] = "ficlone",
};

static atomic_int errors[BYRE_CALLS];

int byre_injected(enum byre_call call)
{
	return atomic_load_explicit(&errors[call], memory_order_relaxed);
}

void byre_inject(enum byre_call call, int err)
{
	atomic_store_explicit(&errors[call], err, memory_order_relaxed);
}
