/* copy.c - sparse copies of images between files, block devices and pipes; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "data.h"
#include "extents.h"
#include "files.h"
#include "inject.h"

/* large enough that calls cost nothing, small enough to stay in the processor's cache */
#define BUFFER_SIZE (256 << 10)
/* the unit in which zeros become holes */
#define HOLE_SIZE 4096
/* a device may take long to zero a range, and the caller wants to hear of it */
#define ZERO_STEP (64 << 20)

enum end_kind { END_FILE, END_DEVICE, END_STREAM };

struct end {
	int fd;
	enum end_kind kind;
	int64_t size;           /* -1: a stream has none */
	struct stat st;
};

struct job {
	struct byre_copy *copy;
	struct end src, dst;
	bool src_ended;
	char *buffer;
};

static int fail(struct job *job, const char *doing, int r)
{
	job->copy->doing = doing;
	return r;
}

static int end_open(struct end *end, int fd)
{
	int r = byre_file_stat(fd, &end->st);

	if (r < 0)
		return r;
	if (S_ISDIR(end->st.st_mode))
		return -EISDIR;
	end->fd = fd;
	end->kind = S_ISREG(end->st.st_mode) ? END_FILE : S_ISBLK(end->st.st_mode) ? END_DEVICE : END_STREAM;
	end->size = end->kind == END_STREAM ? -1 : end->st.st_size;
	return 0;
}

static int dst_open(struct end *dst, int fd)
{
	int r = end_open(dst, fd);

	/* positions mean nothing there, and what it holds is not ours to remove */
	if (r == 0 && dst->kind == END_FILE && (fcntl(fd, F_GETFL) & O_APPEND))
		dst->kind = END_STREAM;
	return r;
}

static bool same_end(const struct end *a, const struct end *b)
{
	if (a->kind != b->kind || a->kind == END_STREAM)
		return false;
	if (a->kind == END_DEVICE)
		return a->st.st_rdev == b->st.st_rdev;
	return a->st.st_dev == b->st.st_dev && a->st.st_ino == b->st.st_ino;
}

/* Pause for a report if the copy has gone far enough since the last one: everything before
 * this position is written, and nothing read that lies behind it is needed any more. */
static int report(struct job *job, int64_t position, bool at_once)
{
	struct byre_copy *copy = job->copy;

	copy->position = position;
	if (!copy->reports || (!at_once && position - copy->reported < BYRE_PROGRESS_STEP))
		return 0;
	copy->reported = position;
	return BYRE_COPY_REPORT;
}

/* The same while the buffer holds what comes after: it can be read again, but not from a stream. */
static int report_within(struct job *job, int64_t position, bool at_once)
{
	return job->src.kind == END_STREAM ? 0 : report(job, position, at_once);
}

/* After a failed read or write: wait for a descriptor that came from elsewhere and is
 * non-blocking.  0 to try again, or -errno. */
static int try_again(int fd, short events)
{
	struct pollfd pfd = {.fd = fd, .events = events};

	return errno == EAGAIN && poll(&pfd, 1, -1) >= 0 ? 0 : -errno;
}

/* Fill the buffer unless the source ends first, or a signal comes: a pipe may keep us
 * waiting for ever, so whoever sent it gets his turn. */
static int read_full(struct job *job, size_t length, int64_t position, size_t *ret_length)
{
	const struct end *src = &job->src;
	size_t done = 0;

	while (done < length && !job->src_ended) {
		char *to = job->buffer + done;
		ssize_t n = src->kind == END_STREAM ? read(src->fd, to, length - done) :
			    pread(src->fd, to, length - done, position + done);
		int r = n < 0 ? try_again(src->fd, POLLIN) : 0;

		if (r == -EINTR && done > 0)
			break;
		if (r == -EINTR)
			r = report(job, position, true);
		if (r < 0)
			return fail(job, "read", r);
		if (r > 0)
			return r;
		if (n == 0)
			job->src_ended = true;
		if (n > 0)
			done += n;
	}
	*ret_length = done;
	return 0;
}

static int write_full(struct job *job, const char *data, size_t length, int64_t position)
{
	const struct end *dst = &job->dst;
	int err = byre_injected(BYRE_CALL_WRITE);

	if (err)
		return fail(job, "write", -err);
	while (length > 0) {
		ssize_t n = dst->kind == END_STREAM ? write(dst->fd, data, length) :
			    pwrite(dst->fd, data, length, position);

		if (n <= 0) {
			int r = n < 0 ? try_again(dst->fd, POLLOUT) : -EIO;

			if (r == -EINTR)
				r = report_within(job, position, true);
			if (r < 0)
				return fail(job, "write", r);
			if (r > 0)
				return r;
			continue;
		}
		data += n;
		length -= n;
		position += n;
		job->copy->written += n;
	}
	return 0;
}

/* Let the device make zeros, taking blocks back if it can promise that they read as zeros. */
static int device_zero(int fd, int64_t position, int64_t length)
{
	uint64_t range[2] = {position, length};

	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, position, length) == 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EINVAL && errno != ENODEV && errno != ENOSYS)
		return -errno;
	return ioctl(fd, BLKZEROOUT, range) < 0 ? -errno : 0;
}

static int write_zeros(struct job *job, int64_t position, int64_t length)
{
	static const char zeros[64 << 10];
	int r;

	while (length > 0) {
		size_t step = length < (int64_t)sizeof zeros ? length : (int64_t)sizeof zeros;

		r = write_full(job, zeros, step, position);
		if (r == 0)
			r = report_within(job, position + step, false);
		if (r != 0)
			return r;
		position += step;
		length -= step;
	}
	return 0;
}

/* The range that begins here is zeros in the source. */
static int put_zeros(struct job *job, int64_t position, int64_t length)
{
	int r;

	/* the file was emptied first */
	if (job->dst.kind == END_FILE)
		return 0;
	while (job->dst.kind == END_DEVICE && length >= HOLE_SIZE) {
		int64_t step = length < ZERO_STEP ? length - length % HOLE_SIZE : ZERO_STEP;

		r = device_zero(job->dst.fd, position, step);
		if (r == -EINTR)
			continue;
		/* not by itself, or not in pieces so small */
		if (r == -EOPNOTSUPP || r == -EINVAL || r == -ENOTTY)
			break;
		if (r < 0)
			return fail(job, "write zeros", r);
		position += step;
		length -= step;
		r = report_within(job, position, false);
		if (r != 0)
			return r;
	}
	return write_zeros(job, position, length);
}

/* Write the blocks that are not zeros, neighbours in one call. */
static int put_sparse(struct job *job, const char *data, size_t length, int64_t position)
{
	size_t i = 0, start;

	while (i < length) {
		size_t block = length - i < HOLE_SIZE ? length - i : HOLE_SIZE;
		int r;

		if (byre_is_zero(data + i, block)) {
			i += block;
			continue;
		}
		start = i;
		do {
			i += block;
			block = length - i < HOLE_SIZE ? length - i : HOLE_SIZE;
		} while (block > 0 && !byre_is_zero(data + i, block));
		r = write_full(job, data + start, i - start, position + start);
		if (r != 0)
			return r;
	}
	return 0;
}

static int put_data(struct job *job, size_t length, int64_t position)
{
	switch (job->dst.kind) {
	case END_FILE:
		return put_sparse(job, job->buffer, length, position);
	case END_DEVICE:
		if (byre_is_zero(job->buffer, length))
			return put_zeros(job, position, length);
		return write_full(job, job->buffer, length, position);
	default:
		return write_full(job, job->buffer, length, position);
	}
}

/* Copy what stands between two positions; the source must not end before. */
static int copy_range(struct job *job, int64_t position, int64_t end)
{
	while (position < end) {
		size_t length = end - position < BUFFER_SIZE ? end - position : BUFFER_SIZE;
		int r = read_full(job, length, position, &length);

		if (r == 0 && job->src_ended)
			return fail(job, "source became shorter while it was read", -EIO);
		if (r == 0)
			r = put_data(job, length, position);
		if (r == 0)
			r = report(job, position + length, false);
		if (r != 0)
			return r;
		position += length;
	}
	return 0;
}

/* The next range of data at or behind position, in whole blocks; *ret_start is size if there is none. */
static int find_data(struct job *job, int64_t position, int64_t *ret_start, int64_t *ret_end)
{
	int64_t size = job->src.size, start, end;
	int r = byre_next_data(job->src.fd, position, &start, &end);

	*ret_start = *ret_end = size;
	if (r == -EINVAL) {     /* it has no map: all of it may be data */
		*ret_start = position;
		return 0;
	}
	if (r < 0)
		return fail(job, "find data", r);
	if (start < 0 || start >= size)
		return 0;
	*ret_start = start - start % HOLE_SIZE;
	if (*ret_start < position)
		*ret_start = position;
	end += (HOLE_SIZE - end % HOLE_SIZE) % HOLE_SIZE;
	if (end < size)
		*ret_end = end;
	return 0;
}

/* The size is the one seen at the start: what is appended later is not copied. */
static int copy_sized(struct job *job)
{
	int64_t position = job->copy->position, start, end, size = job->src.size;
	struct stat st;
	int r;

	while (position < size) {
		r = find_data(job, position, &start, &end);
		if (r == 0)
			r = put_zeros(job, position, start - position);
		if (r == 0)
			r = copy_range(job, start, end);
		if (r != 0)
			return r;
		position = end;
	}
	if (job->src.kind == END_FILE) {
		if (fstat(job->src.fd, &st) < 0)
			return fail(job, "read", -errno);
		if (st.st_size < size)
			return fail(job, "source became shorter while it was read", -EIO);
	}
	return 0;
}

static int copy_stream(struct job *job)
{
	int64_t position = job->copy->position;
	size_t length;
	int r;

	while (!job->src_ended) {
		r = read_full(job, BUFFER_SIZE, position, &length);
		if (r == 0)
			r = put_data(job, length, position);
		if (r == 0)
			r = report(job, position + length, false);
		if (r != 0)
			return r;
		position += length;
	}
	if (job->dst.kind == END_FILE && (r = byre_truncate(job->dst.fd, position)) < 0)
		return fail(job, "set size", r);
	return 0;
}

/* A regular destination is emptied, then given its final size, so that a size the
 * file system cannot hold is refused before anything is copied. */
static int prepare(struct job *job)
{
	struct end *dst = &job->dst;
	int r;

	if (dst->kind == END_DEVICE && dst->size < job->src.size)
		return fail(job, "destination is smaller than the source", -ENOSPC);
	if (dst->kind != END_FILE)
		return 0;
	if (dst->size > 0 && (r = byre_truncate(dst->fd, 0)) < 0)
		return fail(job, "empty", r);
	if (job->src.size > 0 && (r = byre_truncate(dst->fd, job->src.size)) < 0)
		return fail(job, "set size", r);
	return 0;
}

static int job_open(struct job *job)
{
	struct byre_copy *copy = job->copy;
	int r = end_open(&job->src, copy->src);

	if (r < 0)
		return fail(job, "read", r);
	r = dst_open(&job->dst, copy->dst);
	if (r < 0)
		return fail(job, "write", r);
	if (same_end(&job->src, &job->dst))
		return fail(job, "source and destination are the same", -EINVAL);
	if (copy->begun) {
		job->src.size = copy->size;
		return 0;
	}
	r = prepare(job);
	copy->size = job->src.size;
	copy->begun = r == 0;
	return r;
}

int byre_copy(struct byre_copy *copy)
{
	struct job job = {.copy = copy};
	void *buffer;
	int r;

	if (copy->ended)
		return 0;
	copy->doing = "copy";
	r = job_open(&job);
	if (r < 0)
		return r;
	r = posix_memalign(&buffer, HOLE_SIZE, BUFFER_SIZE);
	if (r != 0)
		return -r;
	job.buffer = buffer;
	r = job.src.kind == END_STREAM ? copy_stream(&job) : copy_sized(&job);
	free(buffer);
	if (r == 0) {
		copy->ended = true;
		r = report(&job, job.src.kind == END_STREAM ? copy->position : copy->size, true);
	}
	return r;
}
