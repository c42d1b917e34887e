/* copy.h - a copy at work: what copy.c and copy_put.c share; plain C, no Lua here */

#ifndef BYRE_COPY_H
#define BYRE_COPY_H

#include <sys/stat.h>

#include "data.h"

/* large enough that calls cost nothing, small enough to stay in the processor's cache */
#define BYRE_COPY_BUFFER (256 << 10)

enum byre_end_kind { BYRE_END_FILE, BYRE_END_DEVICE, BYRE_END_STREAM };

struct byre_copy_end {
	int fd;
	enum byre_end_kind kind;
	int64_t size;           /* -1: a stream has none */
	struct stat st;
};

struct byre_copy_job {
	struct byre_copy *copy;
	struct byre_copy_end src, dst;
	bool src_ended;
	char *buffer;
};

/* Note what could not be done.  Returns r. */
int byre_copy_fail(struct byre_copy_job *job, const char *doing, int r);

/* Pause for a report if the copy has gone far enough since the last one: everything before
 * this position is written, and nothing read that lies behind it is needed any more. */
int byre_copy_report(struct byre_copy_job *job, int64_t position, bool at_once);

/* The same while the buffer holds what comes after: it can be read again, but not from a stream. */
int byre_copy_report_within(struct byre_copy_job *job, int64_t position, bool at_once);

/* After a failed read or write: wait for a descriptor that came from elsewhere and is
 * non-blocking.  0 to try again, or -errno. */
int byre_copy_try_again(int fd, short events);

/* copy_put.c */

/* Give the destination what is in the buffer, or the zeros that a range of the source is. */
int byre_copy_put(struct byre_copy_job *job, size_t length, int64_t position);
int byre_copy_put_zeros(struct byre_copy_job *job, int64_t position, int64_t length);

/*
 * What is to be durable anyway goes to the disk while the rest is read, and out of
 * memory once it is there: a large copy is done sooner, and leaves the memory of the
 * machine to those who use it.
 */
int byre_copy_write_behind(struct byre_copy_job *job, int64_t position);

#endif
