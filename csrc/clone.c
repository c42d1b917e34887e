/* clone.c - share blocks between two regular files; plain C, no Lua here */

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ability.h"
#include "data.h"
#include "files.h"
#include "inject.h"

/* larger than any block, so that no file system keeps it inside its metadata */
#define PROBE_SIZE (256 << 10)

static int check_regular(int fd, struct stat *ret_st)
{
	if (fstat(fd, ret_st) < 0)
		return -errno;
	if (S_ISREG(ret_st->st_mode))
		return 0;
	return S_ISDIR(ret_st->st_mode) ? -EISDIR : -EINVAL;
}

int byre_clone(int dst, int src)
{
	struct stat from, to;
	int r;

	/* on devices the same request number may mean something else */
	r = check_regular(src, &from);
	if (r < 0)
		return r;
	r = check_regular(dst, &to);
	if (r < 0)
		return r;
	r = byre_injected(BYRE_CALL_FICLONE);
	if (r)
		return -r;
	do
		r = ioctl(dst, FICLONE, src);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	/* what stood behind the end of the source is still there */
	if (to.st_size > from.st_size && ftruncate(dst, from.st_size) < 0)
		return -errno;
	return 0;
}

bool byre_clone_cannot(int err)
{
	switch (err) {
	case EBADF:
	case EINVAL:
	case EOPNOTSUPP:
	case ENOTTY:
	case EXDEV:
	case ENOSYS:
		return true;
	default:
		return false;
	}
}

static bool is_nocow(int fd)
{
	bool nocow;

	return byre_is_nocow(fd, &nocow) == 0 && nocow;
}

const char *byre_clone_reason(int dst, int src, int err)
{
	struct stat from, to;

	if (check_regular(src, &from) < 0 || check_regular(dst, &to) < 0)
		return "only regular files can share blocks";
	switch (err) {
	case EXDEV:
		return "the files are on different file systems";
	case EOPNOTSUPP:
	case ENOTTY:
	case ENOSYS:
		return "the file system has no reflinks";
	case EAGAIN:
		return "the file system has not committed the data of the source yet";
	case EINVAL:
		if (is_nocow(dst) != is_nocow(src))
			return is_nocow(src) ?
			       "the source has the no-copy-on-write attribute (chattr +C), the new file has not" :
			       "the new file has the no-copy-on-write attribute (chattr +C), the source has not";
		return "the file system refused to share the blocks of these files";
	default:
		return "the blocks of these files cannot be shared";
	}
}

/* A file that goes away with its descriptor. */
static int nameless_file(int dir, int *ret_fd)
{
	struct byre_temporary temporary;
	int r = byre_tmpfile(dir, ".byre-probe", &temporary, ret_fd);

	if (r == 0)
		byre_temporary_discard(&temporary);
	return r;
}

/* 0 if the file is exactly this, -EIO if it is anything else. */
static int compare_whole(int fd, const char *data, size_t length)
{
	char part[4096];
	size_t done, n;
	int r;

	for (done = 0; ; done += n) {
		r = byre_read(fd, part, sizeof part, done, &n);
		if (r < 0)
			return r;
		if (n == 0)
			return done == length ? 0 : -EIO;
		if (n > length - done || memcmp(part, data + done, n) != 0)
			return -EIO;
	}
}

/* A file system may accept the clone of an empty file, or of one still in memory,
 * and refuse a real one: so the data is on disk before it is cloned, and read back. */
static int probe_files(int dst, int src, char *data, bool *ret_supported)
{
	int r;

	memset(data, 'b', PROBE_SIZE);
	memcpy(data, "byre", 4);
	memcpy(data + PROBE_SIZE - 4, "eryb", 4);
	r = byre_write(src, data, PROBE_SIZE, 0);
	if (r == 0)
		r = byre_sync(src);
	if (r < 0)
		return r;
	r = byre_clone(dst, src);
	if (r < 0 && byre_clone_cannot(-r)) {
		*ret_supported = false;
		return 0;
	}
	if (r < 0)
		return r;
	r = compare_whole(dst, data, PROBE_SIZE);
	if (r == 0)
		*ret_supported = true;
	return r;
}

int byre_clone_probe(int dir, bool *ret_supported)
{
	char *data = malloc(PROBE_SIZE);
	int src, dst, r;

	if (!data)
		return -ENOMEM;
	r = nameless_file(dir, &src);
	if (r < 0)
		goto err0;
	r = nameless_file(dir, &dst);
	if (r < 0)
		goto err1;
	r = probe_files(dst, src, data, ret_supported);
	close(dst);
err1:
	close(src);
err0:
	free(data);
	return r;
}
