/* path.c - open things beneath a directory; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"
#include "inject.h"

#define LEASE_PATIENCE 2.0              /* seconds */

static int path_check(const char *path)
{
	const char *p = path;

	if (*p == '\0')
		return -EINVAL;
	if (*p == '/')
		return -EXDEV;
	while (*p) {
		size_t length = strcspn(p, "/");

		if (length == 2 && p[0] == '.' && p[1] == '.')
			return -EXDEV;
		p += length;
		p += strspn(p, "/");
	}
	return 0;
}

/* open with O_NOFOLLOW calls a link where it wants a directory ENOTDIR */
static int error_of_open(int dir, const char *name, int err)
{
	struct stat st;

	if (err == ENOTDIR && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return -ELOOP;
	return -err;
}

/* a directory only to go on from; `name` has no slash */
static int step_open(int dir, const char *name, int *ret_fd)
{
	int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return error_of_open(dir, name, errno);
	*ret_fd = fd;
	return 0;
}

/* Component by component, for kernels without openat2.  Cuts `path` up. */
static int walk_open(int dir, char *path, int *ret_fd)
{
	int fd = dir;
	int r = 0;
	char *save, *name;

	for (name = strtok_r(path, "/", &save); name && r == 0; name = strtok_r(NULL, "/", &save)) {
		int next = -1;

		r = step_open(fd, name, &next);
		if (fd != dir)
			close(fd);
		fd = next;
	}
	if (r == 0)
		*ret_fd = fd;
	return r;
}

static int beneath_open(int dir, char *path, int *ret_fd)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int err = byre_injected(BYRE_CALL_OPENAT2);

	if (err == 0) {
		long fd = syscall(SYS_openat2, dir, path, &how, sizeof how);

		if (fd >= 0) {
			*ret_fd = (int)fd;
			return 0;
		}
		err = errno;
	}
	/* EPERM is how a seccomp filter says that it does not know the call */
	return err == ENOSYS || err == EPERM ? walk_open(dir, path, ret_fd) : -err;
}

int byre_parent_open(int dir, const char *path, struct byre_parent *ret_parent)
{
	char above[PATH_MAX];
	size_t end = strlen(path);
	size_t start;
	int r = path_check(path);

	if (r < 0)
		return r;
	while (path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/'; start--)
		;
	if (end - start > NAME_MAX || start >= sizeof above)
		return -ENAMETOOLONG;
	memcpy(ret_parent->name, path + start, end - start);
	ret_parent->name[end - start] = '\0';
	ret_parent->fd = dir;
	ret_parent->owned = start > 0;
	if (start == 0)
		return 0;
	memcpy(above, path, start);
	above[start] = '\0';
	return beneath_open(dir, above, &ret_parent->fd);
}

void byre_parent_close(struct byre_parent *parent)
{
	if (parent->owned)
		close(parent->fd);
	parent->owned = false;
}

int byre_dir_open(int dir, const char *path, int *ret_fd)
{
	struct byre_parent parent;
	int fd, r = byre_parent_open(dir, path, &parent);

	if (r < 0)
		return r;
	fd = openat(parent.fd, parent.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		r = error_of_open(parent.fd, parent.name, errno);
	else
		*ret_fd = fd;
	byre_parent_close(&parent);
	return r;
}

int byre_dir_open_anywhere(const char *path, bool follow, int *ret_fd)
{
	char name[PATH_MAX];
	size_t length = strlen(path);
	int fd;

	if (length >= sizeof name)
		return -ENAMETOOLONG;
	/* a slash at the end would follow a link in spite of O_NOFOLLOW */
	while (length > 1 && path[length - 1] == '/')
		length--;
	memcpy(name, path, length);
	name[length] = '\0';
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
	if (fd < 0)
		return follow ? -errno : error_of_open(AT_FDCWD, name, errno);
	*ret_fd = fd;
	return 0;
}

static int error_of_type(mode_t mode)
{
	if (S_ISREG(mode))
		return 0;
	if (S_ISLNK(mode))
		return -ELOOP;
	return S_ISDIR(mode) ? -EISDIR : -BYRE_ENOTREG;
}

/* O_NONBLOCK, needed in case a fifo takes the name, also gives up at once where
 * another process holds a lease; leases break soon */
static int patient_open(int dir, const char *name, int flags)
{
	double deadline = byre_clock() + LEASE_PATIENCE;
	unsigned pause = 1;
	int fd;

	while ((fd = openat(dir, name, flags | O_NONBLOCK)) < 0 && errno == EWOULDBLOCK &&
	       byre_clock() < deadline)
		byre_pause(&pause);
	return fd < 0 ? -errno : fd;
}

static int regular_open(int dir, const char *name, int flags, int *ret_fd)
{
	struct stat st;
	int fd, r;

	/* before opening: to open a device can mean something to it */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = error_of_type(st.st_mode);
	if (r < 0)
		return r;
	fd = patient_open(dir, name, flags | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	/* and after, for the name may be another file's by now */
	r = fstat(fd, &st) < 0 ? -errno : error_of_type(st.st_mode);
	if (r < 0)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}

int byre_file_open(int dir, const char *path, int flags, int *ret_fd)
{
	struct byre_parent parent;
	int r = byre_parent_open(dir, path, &parent);

	if (r < 0)
		return r;
	r = regular_open(parent.fd, parent.name, flags, ret_fd);
	byre_parent_close(&parent);
	return r;
}
