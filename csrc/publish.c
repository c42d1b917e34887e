/* publish.c - files that get their name when they are whole; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "inject.h"

#define TMPFILE_MODE 0600
#define NAME_TRIES 100

/* how file systems and kernels say that they have no unnamed files */
static bool lacks_unnamed(int r)
{
	return r == -EOPNOTSUPP || r == -EISDIR || r == -ENOSYS;
}

/* "<name>~<random>" */
static int temporary_name(const char *name, char ret_name[NAME_MAX + 1])
{
	char random[BYRE_RANDOM_LENGTH + 1];
	int r = byre_random_name(random);

	if (r < 0)
		return r;
	if (strlen(name) + 1 + BYRE_RANDOM_LENGTH > NAME_MAX)
		return -ENAMETOOLONG;
	snprintf(ret_name, NAME_MAX + 1, "%s~%s", name, random);
	return 0;
}

static int unnamed_open(int dir, int *ret_fd)
{
	int fd, err = byre_injected(BYRE_CALL_TMPFILE);

	if (err)
		return -err;
	fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, TMPFILE_MODE);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int named_open(int dir, const char *name, char ret_name[NAME_MAX + 1], int *ret_fd)
{
	int i;

	for (i = 0; i < NAME_TRIES; i++) {
		int fd, r = temporary_name(name, ret_name);

		if (r < 0)
			return r;
		fd = openat(dir, ret_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, TMPFILE_MODE);
		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

/* The fallback keeps a descriptor of the directory, so that its name can be
 * removed whatever has become of the handle it was made with. */
static int named_tmpfile(const struct byre_parent *parent, struct byre_temporary *ret_temporary, int *ret_fd)
{
	int r, dir = fcntl(parent->fd, F_DUPFD_CLOEXEC, 3);

	if (dir < 0)
		return -errno;
	r = named_open(dir, parent->name, ret_temporary->name, ret_fd);
	if (r < 0) {
		close(dir);
		return r;
	}
	ret_temporary->kind = BYRE_NAMED;
	ret_temporary->parent = dir;
	return 0;
}

static int any_tmpfile(const struct byre_parent *parent, struct byre_temporary *ret_temporary, int *ret_fd)
{
	int r = unnamed_open(parent->fd, ret_fd);

	if (lacks_unnamed(r))
		return named_tmpfile(parent, ret_temporary, ret_fd);
	if (r == 0)
		ret_temporary->kind = BYRE_UNNAMED;
	return r;
}

int byre_tmpfile(int dir, const char *path, struct byre_temporary *ret_temporary, int *ret_fd)
{
	struct byre_parent parent;
	int fd = -1, r = byre_parent_open(dir, path, &parent);

	if (r < 0)
		return r;
	r = any_tmpfile(&parent, ret_temporary, &fd);
	byre_parent_close(&parent);
	if (r < 0)
		return r;
	/* the umask may have taken bits away */
	if (fchmod(fd, TMPFILE_MODE) < 0) {
		r = -errno;
		byre_temporary_discard(ret_temporary);
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

void byre_temporary_discard(struct byre_temporary *temporary)
{
	if (temporary->kind == BYRE_NAMED) {
		unlinkat(temporary->parent, temporary->name, 0);
		close(temporary->parent);
	}
	temporary->kind = BYRE_NOT_TEMPORARY;
}

static int unnamed_link(int fd, int dir, const char *name)
{
	char proc[sizeof "/proc/self/fd/" + 3 * sizeof fd];
	int err = byre_injected(BYRE_CALL_LINKAT_EMPTY_PATH);

	if (err == 0) {
		if (linkat(fd, "", dir, name, AT_EMPTY_PATH) == 0)
			return 0;
		err = errno;
	}
	/* ENOENT is how older kernels refuse it to unprivileged processes */
	if (err != ENOENT)
		return -err;
	snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, proc, dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int give_name(int fd, const struct byre_temporary *temporary, int dir, const char *name)
{
	int err = byre_injected(BYRE_CALL_LINKAT);

	if (err)
		return -err;
	if (temporary->kind == BYRE_NAMED)
		return byre_rename_noreplace(temporary->parent, temporary->name, dir, name);
	return unnamed_link(fd, dir, name);
}

/* No call links over an existing name: give it another one to rename.  It keeps
 * that if the rename fails, for what was linked and unlinked can never be linked
 * again. */
static int make_named(int fd, struct byre_temporary *temporary, int dir, const char *name)
{
	int i, r = -EEXIST;

	temporary->parent = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	if (temporary->parent < 0)
		return -errno;
	for (i = 0; i < NAME_TRIES && r == -EEXIST; i++) {
		r = temporary_name(name, temporary->name);
		if (r == 0)
			r = unnamed_link(fd, dir, temporary->name);
	}
	if (r < 0)
		close(temporary->parent);
	else
		temporary->kind = BYRE_NAMED;
	return r;
}

static int replace_name(int fd, struct byre_temporary *temporary, int dir, const char *name)
{
	int err = byre_injected(BYRE_CALL_RENAMEAT);

	if (temporary->kind == BYRE_UNNAMED) {
		int r = make_named(fd, temporary, dir, name);

		if (r < 0)
			return r;
	}
	if (err)
		return -err;
	return renameat(temporary->parent, temporary->name, dir, name) < 0 ? -errno : 0;
}

int byre_publish(int fd, struct byre_temporary *temporary, int dir, const char *path, bool replace)
{
	struct byre_parent parent;
	int r = byre_parent_open(dir, path, &parent);

	if (r < 0)
		return r;
	r = give_name(fd, temporary, parent.fd, parent.name);
	if (r == -EEXIST && replace)
		r = replace_name(fd, temporary, parent.fd, parent.name);
	byre_parent_close(&parent);
	if (r < 0)
		return r;
	if (temporary->kind == BYRE_NAMED)
		close(temporary->parent);
	temporary->kind = BYRE_NOT_TEMPORARY;
	return 0;
}
