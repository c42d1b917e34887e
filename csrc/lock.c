/* lock.c - locks between processes, held by an open file; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "files.h"
#include "inject.h"

#define LOCK_MODE 0600
#define PAUSE_MAX 50                    /* milliseconds */

void byre_pause(unsigned *milliseconds)
{
	struct timespec time = { .tv_nsec = (long)*milliseconds * 1000000 };

	nanosleep(&time, NULL);
	*milliseconds = *milliseconds * 2 < PAUSE_MAX ? *milliseconds * 2 : PAUSE_MAX;
}

/* What the umask took away would keep everybody out, us as well; a file with
 * another name somewhere is none that we made. */
static int lock_set_mode(int fd, const struct stat *st)
{
	if (st->st_nlink != 1 || (st->st_mode & 0777) == LOCK_MODE)
		return 0;
	return fchmod(fd, LOCK_MODE) < 0 ? -errno : 0;
}

static int lock_open(const struct byre_parent *parent, int *ret_fd)
{
	struct stat st;
	int r = 0;
	int fd = openat(parent->fd, parent->name,
			O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, LOCK_MODE);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = -BYRE_ENOTREG;
	else
		r = lock_set_mode(fd, &st);
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

/* One file, until it is ours, the time is over (-EAGAIN) or it lost its name
 * (-ESTALE). */
static int lock_wait(int fd, const struct byre_parent *parent, bool exclusive, double deadline,
		     pid_t *ret_holder)
{
	unsigned pause = 1;
	int r;

	while ((r = lock_try(fd, exclusive)) == -EAGAIN && byre_clock() < deadline)
		byre_pause(&pause);
	if (r == -EAGAIN) {
		*ret_holder = byre_find_locker(fd);
		/* nobody: it was given back while we looked */
		if (*ret_holder == 0)
			r = lock_try(fd, exclusive);
	}
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
		r = lock_wait(fd, parent, exclusive, deadline, ret_holder);
		if (r == 0)
			break;
		close(fd);
		if (r != -ESTALE)
			return r;
	}
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
