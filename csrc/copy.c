/* copy.c - sparse copies of images between files, block devices and pipes; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "copy.h"
#include "files.h"

int byre_copy_fail(struct byre_copy_job *job, const char *doing, int r)
{
	job->copy->doing = doing;
	return r;
}

static int end_open(struct byre_copy_end *end, int fd)
{
	int r = byre_file_stat(fd, &end->st);

	if (r < 0)
		return r;
	if (S_ISDIR(end->st.st_mode))
		return -EISDIR;
	end->fd = fd;
	end->kind = S_ISREG(end->st.st_mode) ? BYRE_END_FILE :
		    S_ISBLK(end->st.st_mode) ? BYRE_END_DEVICE : BYRE_END_STREAM;
	end->size = end->kind == BYRE_END_STREAM ? -1 : end->st.st_size;
	return 0;
}

static int dst_open(struct byre_copy_end *dst, int fd)
{
	int r = end_open(dst, fd);

	/* positions mean nothing there, and what it holds is not ours to remove */
	if (r == 0 && dst->kind == BYRE_END_FILE && (fcntl(fd, F_GETFL) & O_APPEND))
		dst->kind = BYRE_END_STREAM;
	return r;
}

static bool same_end(const struct byre_copy_end *a, const struct byre_copy_end *b)
{
	if (a->kind != b->kind || a->kind == BYRE_END_STREAM)
		return false;
	if (a->kind == BYRE_END_DEVICE)
		return a->st.st_rdev == b->st.st_rdev;
	return a->st.st_dev == b->st.st_dev && a->st.st_ino == b->st.st_ino;
}

int byre_copy_report(struct byre_copy_job *job, int64_t position, bool at_once)
{
	struct byre_copy *copy = job->copy;

	copy->position = position;
	if (!copy->reports || (!at_once && position - copy->reported < BYRE_PROGRESS_STEP))
		return 0;
	copy->reported = position;
	return BYRE_COPY_REPORT;
}

int byre_copy_report_within(struct byre_copy_job *job, int64_t position, bool at_once)
{
	return job->src.kind == BYRE_END_STREAM ? 0 : byre_copy_report(job, position, at_once);
}

int byre_copy_try_again(int fd, short events)
{
	struct pollfd pfd = {.fd = fd, .events = events};

	return errno == EAGAIN && poll(&pfd, 1, -1) >= 0 ? 0 : -errno;
}

/* Fill the buffer unless the source ends first, or a signal comes: a pipe may keep us
 * waiting for ever, so whoever sent it gets his turn. */
static int read_full(struct byre_copy_job *job, size_t length, int64_t position, size_t *ret_length)
{
	const struct byre_copy_end *src = &job->src;
	size_t done = 0;

	while (done < length && !job->src_ended) {
		char *to = job->buffer + done;
		ssize_t n = src->kind == BYRE_END_STREAM ? read(src->fd, to, length - done) :
			    pread(src->fd, to, length - done, position + done);
		int r = n < 0 ? byre_copy_try_again(src->fd, POLLIN) : 0;

		if (r == -EINTR && done > 0)
			break;
		if (r == -EINTR)
			r = byre_copy_report(job, position, true);
		if (r < 0)
			return byre_copy_fail(job, "read", r);
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

/* Copy what stands between two positions; the source must not end before. */
static int copy_range(struct byre_copy_job *job, int64_t position, int64_t end)
{
	while (position < end) {
		size_t length = end - position < BYRE_COPY_BUFFER ? end - position : BYRE_COPY_BUFFER;
		int r = read_full(job, length, position, &length);

		if (r == 0 && job->src_ended)
			return byre_copy_fail(job, "source became shorter while it was read", -EIO);
		if (r == 0)
			r = byre_copy_put(job, length, position);
		if (r == 0)
			r = byre_copy_report(job, position + length, false);
		if (r != 0)
			return r;
		position += length;
	}
	return 0;
}

/* Copy what is left of a window. */
static int copy_window(struct byre_copy_job *job, const struct byre_window *window)
{
	int64_t position = job->copy->position;
	unsigned i;
	int r;

	for (i = 0; i < window->count; i++) {
		struct byre_range range = window->ranges[i];

		if (range.end <= position)
			continue;
		if (range.start < position)
			range.start = position;
		r = byre_copy_put_zeros(job, position, range.start - position);
		if (r == 0)
			r = copy_range(job, range.start, range.end);
		if (r != 0)
			return r;
		position = range.end;
	}
	return byre_copy_write_behind(job, position);
}

/* The window that is copied and the next one, which is read from the disk meanwhile. */
static int plan_windows(struct byre_copy_job *job)
{
	struct byre_copy *copy = job->copy;
	int r = 0;

	while (r == 0 && copy->planned < 2) {
		unsigned last = (copy->current + copy->planned + 1) % 2;
		int64_t position = copy->planned > 0 ? copy->windows[last].end : copy->position;

		r = byre_window_plan(&copy->windows[!last], job->src.fd, job->src.size, position);
		if (r == 0)
			copy->planned++;
	}
	return r < 0 ? byre_copy_fail(job, "find data", r) : 0;
}

static int copy_windows(struct byre_copy_job *job)
{
	struct byre_copy *copy = job->copy;
	int r;

	while ((r = plan_windows(job)) == 0 && copy->windows[copy->current].count > 0) {
		const struct byre_window *window = &copy->windows[copy->current];

		r = copy_window(job, window);
		if (r != 0)
			return r;
		byre_window_forget(window, job->src.fd);
		copy->current = !copy->current;
		copy->planned--;
	}
	return r;
}

/* The size is the one seen at the start: what is appended later is not copied. */
static int copy_sized(struct byre_copy_job *job)
{
	int64_t size = job->src.size;
	struct stat st;
	int r = copy_windows(job);

	if (r == 0)
		r = byre_copy_put_zeros(job, job->copy->position, size - job->copy->position);
	if (r != 0)
		return r;
	if (job->src.kind == BYRE_END_FILE) {
		if (fstat(job->src.fd, &st) < 0)
			return byre_copy_fail(job, "read", -errno);
		if (st.st_size < size)
			return byre_copy_fail(job, "source became shorter while it was read", -EIO);
	}
	return 0;
}

static int copy_stream(struct byre_copy_job *job)
{
	int64_t position = job->copy->position;
	size_t length;
	int r;

	while (!job->src_ended) {
		r = read_full(job, BYRE_COPY_BUFFER, position, &length);
		if (r == 0)
			r = byre_copy_put(job, length, position);
		if (r == 0)
			r = byre_copy_write_behind(job, position + length);
		if (r == 0)
			r = byre_copy_report(job, position + length, false);
		if (r != 0)
			return r;
		position += length;
	}
	if (job->dst.kind == BYRE_END_FILE && (r = byre_truncate(job->dst.fd, position)) < 0)
		return byre_copy_fail(job, "set size", r);
	return 0;
}

/* A regular destination is emptied, then given its final size, so that a size the
 * file system cannot hold is refused before anything is copied. */
static int prepare(struct byre_copy_job *job)
{
	struct byre_copy_end *dst = &job->dst;
	int r;

	if (dst->kind == BYRE_END_DEVICE && dst->size < job->src.size)
		return byre_copy_fail(job, "destination is smaller than the source", -ENOSPC);
	if (dst->kind != BYRE_END_FILE)
		return 0;
	if (dst->size > 0 && (r = byre_truncate(dst->fd, 0)) < 0)
		return byre_copy_fail(job, "empty", r);
	if (job->src.size > 0 && (r = byre_truncate(dst->fd, job->src.size)) < 0)
		return byre_copy_fail(job, "set size", r);
	return 0;
}

static int job_open(struct byre_copy_job *job)
{
	struct byre_copy *copy = job->copy;
	int r = end_open(&job->src, copy->src);

	if (r < 0)
		return byre_copy_fail(job, "read", r);
	r = dst_open(&job->dst, copy->dst);
	if (r < 0)
		return byre_copy_fail(job, "write", r);
	if (same_end(&job->src, &job->dst))
		return byre_copy_fail(job, "source and destination are the same", -EINVAL);
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
	struct byre_copy_job job = {.copy = copy};
	void *buffer;
	int r;

	if (copy->ended)
		return 0;
	copy->doing = "copy";
	r = job_open(&job);
	if (r < 0)
		return r;
	r = posix_memalign(&buffer, BYRE_BLOCK, BYRE_COPY_BUFFER);
	if (r != 0)
		return -r;
	job.buffer = buffer;
	r = job.src.kind == BYRE_END_STREAM ? copy_stream(&job) : copy_sized(&job);
	free(buffer);
	if (r == 0) {
		copy->ended = true;
		r = byre_copy_report(&job, job.src.kind == BYRE_END_STREAM ? copy->position : copy->size, true);
	}
	return r;
}
