/* lock.c - locks between processes, held by an open file; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "inject.h"

#define PAUSE_MAX 50                    /* milliseconds */
#define PID_WIDTH 12                    /* fixed, so that a write replaces the last one whole */

double byre_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void byre_pause(unsigned *milliseconds)
{
	struct timespec time = { .tv_nsec = (long)*milliseconds * 1000000 };

	nanosleep(&time, NULL);
	*milliseconds = *milliseconds * 2 < PAUSE_MAX ? *milliseconds * 2 : PAUSE_MAX;
}

static int lock_open(const struct byre_parent *parent, int *ret_fd)
{
	struct stat st;
	int r = 0;
	int fd = openat(parent->fd, parent->name,
			O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -BYRE_ENOTREG;
	if (r < 0)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}

/* -EAGAIN: somebody else has it */
static int lock_try(int fd, bool exclusive)
{
	struct flock lock = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
	int err = byre_injected(BYRE_CALL_SETLK);

	if (err)
		return -err;
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

/* A lock of a file that lost its name keeps nobody out.  Returns 0, 1 or -errno. */
static int lock_has_name(int fd, const struct byre_parent *parent)
{
	struct stat ours, named;

	if (fstat(fd, &ours) < 0)
		return -errno;
	if (fstatat(parent->fd, parent->name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* Only to inform: a full file system must not stop anybody from locking. */
static void pid_write(int fd)
{
	char text[PID_WIDTH + 1];

	snprintf(text, sizeof text, "%-*d\n", PID_WIDTH - 1, (int)getpid());
	if (byre_write(fd, text, PID_WIDTH, 0) < 0)
		(void)byre_truncate(fd, 0);
}

/* 0 if nobody wrote one or its process is gone */
static pid_t pid_read(int fd)
{
	char text[PID_WIDTH + 1];
	size_t length;
	long pid;

	if (byre_read(fd, text, PID_WIDTH, 0, &length) < 0)
		return 0;
	text[length] = '\0';
	pid = strtol(text, NULL, 10);
	if (pid <= 0 || pid > INT_MAX || (kill((pid_t)pid, 0) < 0 && errno == ESRCH))
		return 0;
	return (pid_t)pid;
}

/* One file, until it is ours, the time is over (-EAGAIN) or it lost its name
 * (-ESTALE). */
static int lock_wait(int fd, const struct byre_parent *parent, bool exclusive, double deadline)
{
	unsigned pause = 1;
	int r;

	while ((r = lock_try(fd, exclusive)) == -EAGAIN && byre_clock() < deadline)
		byre_pause(&pause);
	if (r < 0)
		return r;
	r = lock_has_name(fd, parent);
	if (r < 0)
		return r;
	return r ? 0 : -ESTALE;
}

static int lock_parent(const struct byre_parent *parent, bool exclusive, double deadline,
		       int *ret_fd, pid_t *ret_holder)
{
	int fd = -1;

	for (;;) {
		int r = lock_open(parent, &fd);

		if (r < 0)
			return r;
		r = lock_wait(fd, parent, exclusive, deadline);
		if (r == 0)
			break;
		if (r == -EAGAIN)
			*ret_holder = pid_read(fd);
		close(fd);
		if (r != -ESTALE)
			return r;
	}
	pid_write(fd);
	*ret_fd = fd;
	return 0;
}

int byre_lock(int dir, const char *path, bool exclusive, double timeout,
	      int *ret_fd, pid_t *ret_holder)
{
	double deadline = byre_clock() + timeout;
	struct byre_parent parent;
	int r = byre_parent_open(dir, path, &parent);

	*ret_holder = 0;
	if (r < 0)
		return r;
	r = lock_parent(&parent, exclusive, deadline, ret_fd, ret_holder);
	byre_parent_close(&parent);
	return r;
}
