/* copy_put.c - the destination of a copy: data, holes and zeros; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "copy.h"
#include "inject.h"

/* a device may take long to zero a range, and the caller wants to hear of it */
#define ZERO_STEP (64 << 20)
/* scattered smaller writes only get slower when they are hurried to the disk */
#define WRITE_OUT_SIZE (64 << 10)

static int write_full(struct byre_copy_job *job, const char *data, size_t length, int64_t position)
{
	const struct byre_copy_end *dst = &job->dst;
	int err = byre_injected(BYRE_CALL_WRITE);

	if (err)
		return byre_copy_fail(job, "write", -err);
	while (length > 0) {
		ssize_t n = dst->kind == BYRE_END_STREAM ? write(dst->fd, data, length) :
			    pwrite(dst->fd, data, length, position);

		if (n <= 0) {
			int r = n < 0 ? byre_copy_try_again(dst->fd, POLLOUT) : -EIO;

			if (r == -EINTR)
				r = byre_copy_report_within(job, position, true);
			if (r < 0)
				return byre_copy_fail(job, "write", r);
			if (r > 0)
				return r;
			continue;
		}
		data += n;
		length -= n;
		position += n;
		job->copy->written += n;
		job->copy->fresh.bytes += n;
		job->copy->fresh.calls++;
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

static int write_zeros(struct byre_copy_job *job, int64_t position, int64_t length)
{
	static const char zeros[64 << 10];
	int r;

	while (length > 0) {
		size_t step = length < (int64_t)sizeof zeros ? length : (int64_t)sizeof zeros;

		r = write_full(job, zeros, step, position);
		if (r == 0)
			r = byre_copy_report_within(job, position + step, false);
		if (r != 0)
			return r;
		position += step;
		length -= step;
	}
	return 0;
}

int byre_copy_put_zeros(struct byre_copy_job *job, int64_t position, int64_t length)
{
	int r;

	/* the file was emptied first */
	if (job->dst.kind == BYRE_END_FILE)
		return 0;
	while (job->dst.kind == BYRE_END_DEVICE && length >= BYRE_BLOCK) {
		int64_t step = length < ZERO_STEP ? length - length % BYRE_BLOCK : ZERO_STEP;

		r = device_zero(job->dst.fd, position, step);
		if (r == -EINTR)
			continue;
		/* not by itself, or not in pieces so small */
		if (r == -EOPNOTSUPP || r == -EINVAL || r == -ENOTTY)
			break;
		if (r < 0)
			return byre_copy_fail(job, "write zeros", r);
		position += step;
		length -= step;
		r = byre_copy_report_within(job, position, false);
		if (r != 0)
			return r;
	}
	return write_zeros(job, position, length);
}

/* Write the blocks that are not zeros, neighbours in one call. */
static int put_sparse(struct byre_copy_job *job, const char *data, size_t length, int64_t position)
{
	size_t i = 0, start;

	while (i < length) {
		size_t block = length - i < BYRE_BLOCK ? length - i : BYRE_BLOCK;
		int r;

		if (byre_is_zero(data + i, block)) {
			i += block;
			continue;
		}
		start = i;
		do {
			i += block;
			block = length - i < BYRE_BLOCK ? length - i : BYRE_BLOCK;
		} while (block > 0 && !byre_is_zero(data + i, block));
		r = write_full(job, data + start, i - start, position + start);
		if (r != 0)
			return r;
	}
	return 0;
}

int byre_copy_put(struct byre_copy_job *job, size_t length, int64_t position)
{
	switch (job->dst.kind) {
	case BYRE_END_FILE:
		return put_sparse(job, job->buffer, length, position);
	case BYRE_END_DEVICE:
		if (byre_is_zero(job->buffer, length))
			return byre_copy_put_zeros(job, position, length);
		return write_full(job, job->buffer, length, position);
	default:
		return write_full(job, job->buffer, length, position);
	}
}

int byre_copy_write_behind(struct byre_copy_job *job, int64_t position)
{
	struct byre_copy *copy = job->copy;
	struct byre_copy_fresh *fresh = &copy->fresh;
	int fd = job->dst.fd, r = 0;

	if (!copy->durable || job->dst.kind != BYRE_END_FILE || fresh->bytes < BYRE_WINDOW_SIZE / 4)
		return 0;
	if (fresh->bytes / fresh->calls >= WRITE_OUT_SIZE) {
		r = byre_begin_write_out(fd, fresh->start, position);
		if (r == 0 && copy->under_way.end > 0)
			r = byre_end_write_out(fd, copy->under_way.start, copy->under_way.end);
		copy->under_way = (struct byre_range){fresh->start, position};
	}
	*fresh = (struct byre_copy_fresh){.start = position};
	return r < 0 ? byre_copy_fail(job, "write", r) : 0;
}
