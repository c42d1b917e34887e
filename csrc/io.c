/* io.c - open files: foreign ones, bytes, attributes; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "files.h"
#include "inject.h"

static int foreign_flags(const char *path, bool for_writing)
{
	struct stat st;

	if (!for_writing)
		return O_RDONLY;
	/* O_EXCL of a block device: not while it is mounted or part of something */
	if (stat(path, &st) == 0 && S_ISBLK(st.st_mode))
		return O_WRONLY | O_EXCL;
	return O_WRONLY | O_CREAT | O_TRUNC;
}

int byre_foreign_open(const char *path, bool for_writing, int *ret_fd)
{
	struct stat st;
	int fd;

	if (strcmp(path, "-") == 0)
		fd = fcntl(for_writing ? STDOUT_FILENO : STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = open(path, foreign_flags(path, for_writing) | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return -EISDIR;
	}
	*ret_fd = fd;
	return 0;
}

int byre_file_stat(int fd, struct stat *ret_st)
{
	uint64_t size;

	if (fstat(fd, ret_st) < 0)
		return -errno;
	if (S_ISBLK(ret_st->st_mode)) {
		if (ioctl(fd, BLKGETSIZE64, &size) < 0)
			return -errno;
		ret_st->st_size = (off_t)size;
	}
	return 0;
}

int byre_read(int fd, void *buffer, size_t length, off_t offset, size_t *ret_length)
{
	size_t done = 0;

	while (done < length) {
		char *at = (char *)buffer + done;
		ssize_t n;

		if (offset < 0)
			n = read(fd, at, length - done);
		else
			n = pread(fd, at, length - done, offset + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_length = done;
	return 0;
}

int byre_write(int fd, const void *data, size_t length, off_t offset)
{
	int err = byre_injected(BYRE_CALL_WRITE);
	size_t done = 0;

	if (err)
		return -err;
	while (done < length) {
		const char *at = (const char *)data + done;
		ssize_t n;

		if (offset < 0)
			n = write(fd, at, length - done);
		else
			n = pwrite(fd, at, length - done, offset + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

int byre_truncate(int fd, off_t size)
{
	int r;

	do
		r = ftruncate(fd, size);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

int byre_set_mtime(int fd, time_t seconds, long nanoseconds)
{
	struct timespec time = { .tv_sec = seconds, .tv_nsec = nanoseconds };
	struct timespec times[2] = { time, time };

	return futimens(fd, times) < 0 ? -errno : 0;
}
