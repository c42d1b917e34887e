/*
 * data.h - the content of images: clones, copies, space, and the devices and
 * programs that work on it; plain C, no Lua here
 *
 * Every function returns 0 or -errno unless it says otherwise.  It neither closes
 * nor keeps a descriptor it is given, and leaves file positions alone, but for
 * those of streams and of a source searched for data.
 */

#ifndef BYRE_DATA_H
#define BYRE_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "window.h"

_Static_assert(sizeof(off_t) == 8, "images need 64-bit offsets: build with -D_FILE_OFFSET_BITS=64");

/* clone.c */

/* Make dst the same content as src by sharing all its blocks.  -EAGAIN: not yet (ZFS shares only
 * what it has committed). */
int byre_clone(int dst, int src);

/* Does this errno of byre_clone mean "cannot be cloned here", so that a copy is the right answer? */
bool byre_clone_cannot(int err);

/* One line that tells a user why src could not be cloned to dst; never NULL. */
const char *byre_clone_reason(int dst, int src, int err);

/* Do files in this directory share blocks?  Tried with real data, nothing is left behind. */
int byre_clone_probe(int dir, bool *ret_supported);

/* copy.c */

#define BYRE_PROGRESS_STEP (16 << 20)

#define BYRE_COPY_REPORT 1      /* paused: call again to go on */

/* what was written to a file since it had come to `start` */
struct byre_copy_fresh {
	int64_t start, bytes;
	unsigned calls;
};

/* All zero but for the first four when it begins; `begun`, with a position and a size, copies what is
 * between the two from one file to another and leaves the rest. */
struct byre_copy {
	int dst, src;
	bool durable;           /* it is going to be synced: most of it is on the disk already at the end */
	bool reports;           /* pause every BYRE_PROGRESS_STEP bytes, at signals and at the end */
	/* results, also after a failure and in a pause */
	int64_t position;       /* what lies before is copied */
	int64_t size;           /* of the source when the copy began; -1: not known */
	int64_t written;        /* bytes of data written, holes not counted */
	const char *doing;      /* what failed: "read", "write", ... */
	/* where it goes on */
	int64_t reported;
	bool begun, ended;
	struct byre_window windows[2];
	unsigned current, planned;
	struct byre_copy_fresh fresh;
	struct byre_range under_way;    /* on its way to the disk */
};

/*
 * Copy all of src.  A regular dst is replaced: it ends with src's size, and what is
 * zero becomes holes.  On a block device zeros are really zeros; what lies behind
 * the copy stays.  Anything else is a stream, read to its end or written in order.
 * Returns BYRE_COPY_REPORT in a pause, in which nothing but this struct is held: it may
 * be the end, and the descriptors may have other numbers afterwards.
 */
int byre_copy(struct byre_copy *copy);

/* zero.c */

bool byre_is_zero(const void *data, size_t length);

/* loop.c */

/* The numbers of the loop devices backed by this file, ascending: the first room of
 * them into numbers, how many there are into ret_count. */
int byre_loop_devices(int fd, unsigned *numbers, size_t room, size_t *ret_count);

/* Let a loop device take the present size of its file; -ENODEV if it is something else. */
int byre_loop_set_capacity(const char *path);

/* holders.c */

struct byre_writer {
	pid_t pid;              /* 0: none was found */
	char name[32];
};

/* A process that has this file open for writing, among those that this one may look at. */
int byre_find_writer(int fd, struct byre_writer *ret_writer);

/* buffer.c */

struct byre_buffer {
	char *data;
	size_t length, room;
};

/* Make room for so many bytes behind what is there.  Returns 0 or -ENOMEM. */
int byre_buffer_reserve(struct byre_buffer *buffer, size_t more);
int byre_buffer_add(struct byre_buffer *buffer, const void *data, size_t length);
void byre_buffer_free(struct byre_buffer *buffer);

/* spawn.c */

#define BYRE_SPAWN_STDOUT_MAX (256 << 20)       /* more is -EFBIG */
#define BYRE_SPAWN_STDERR_MAX (64 << 10)        /* of more, the end is kept */

struct byre_spawn {
	char *const *argv;      /* NULL-terminated, looked up in PATH */
	int in;                 /* standard input; -1: /dev/null */
	int out;                /* standard output; -1: captured */
	long timeout;           /* milliseconds until it is ended; -1: none */
	int (*tick)(void *);    /* called now and then; other than 0 ends it and is what byre_spawn returns */
	void *tick_arg;
};

struct byre_spawn_result {
	int status;             /* as from waitpid */
	bool timed_out;
	struct byre_buffer out, err;
};

/*
 * Run a program and wait for it.  It leads a process group of its own, so that what it has started
 * ends with it where it is made to end.  The result must be freed, also after a failure.
 */
int byre_spawn(const struct byre_spawn *spawn, struct byre_spawn_result *ret_result);
void byre_spawn_result_free(struct byre_spawn_result *result);

/* Wait for a child to end. */
int byre_wait_for(pid_t pid, int *ret_status);

/* confine.c */

struct byre_confine {
	double cpu;             /* seconds of computing */
	double wall;            /* seconds until it is killed, whatever it does */
	size_t memory;          /* bytes that it may map besides what this process has mapped */
	size_t output;          /* most bytes it may leave in its buffer */
};

enum byre_confined {
	BYRE_CONFINED_DONE,
	BYRE_CONFINED_CPU,
	BYRE_CONFINED_WALL,
	BYRE_CONFINED_OUTPUT,
	BYRE_CONFINED_KILLED,   /* by some other signal, or it gave up */
};

/*
 * Call run(arg, buffer) in a copy of this process, and take over what it has
 * left in the buffer.  Whatever else it changes stays in that copy.  Returns 0
 * or -errno; the buffer must be freed, also after a failure.
 */
int byre_confine(const struct byre_confine *limits,
		 int (*run)(void *arg, struct byre_buffer *out), void *arg,
		 struct byre_buffer *ret_out, enum byre_confined *ret_end);

/* space.c */

int byre_allocate(int fd, off_t offset, off_t length);
int byre_punch(int fd, off_t offset, off_t length);

/* cow_extent.c */

/* The hint of a file in what pieces its shared blocks are written anew; 0: none, the file system's own.
 * -EOPNOTSUPP: the file system has no such hint; to take it away is no failure there. */
int byre_cow_extent_size(int fd, uint32_t *ret_bytes);
int byre_set_cow_extent_size(int fd, uint32_t bytes);

#endif
