/* names.c - look at, make, move and remove names beneath a directory; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "files.h"
#include "inject.h"

int byre_random_name(char ret_name[BYRE_RANDOM_LENGTH + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	const unsigned count = sizeof letters - 1;
	int done = 0;

	while (done < BYRE_RANDOM_LENGTH) {
		unsigned char byte;

		if (getrandom(&byte, 1, 0) != 1) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		/* the last bytes of the range would make some letters likelier */
		if (byte < 256 / count * count)
			ret_name[done++] = letters[byte % count];
	}
	ret_name[done] = '\0';
	return 0;
}

int byre_stat(int dir, const char *path, struct stat *ret_st)
{
	struct byre_parent parent;
	int r = byre_parent_open(dir, path, &parent);

	if (r < 0)
		return r;
	if (fstatat(parent.fd, parent.name, ret_st, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	byre_parent_close(&parent);
	return r;
}

/* Give a directory that we made the bits that the umask took away. */
static int exact_mode(int dir, const char *name, mode_t mode)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 0777) == mode)
		return 0;
	return fchmodat(dir, name, (st.st_mode & 07000) | mode, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int byre_make_dir(int dir, const char *path, mode_t mode, bool exact)
{
	struct byre_parent parent;
	int r = byre_parent_open(dir, path, &parent);

	if (r < 0)
		return r;
	if (mkdirat(parent.fd, parent.name, mode) < 0) {
		r = -errno;
	} else if (exact) {
		r = exact_mode(parent.fd, parent.name, mode);
		if (r < 0)
			unlinkat(parent.fd, parent.name, AT_REMOVEDIR);
	}
	byre_parent_close(&parent);
	return r;
}

static int name_unlink(int dir, const char *path, int flags)
{
	struct byre_parent parent;
	int r = byre_parent_open(dir, path, &parent);

	if (r < 0)
		return r;
	r = -byre_injected(BYRE_CALL_UNLINKAT);
	if (r == 0 && unlinkat(parent.fd, parent.name, flags) < 0)
		r = -errno;
	byre_parent_close(&parent);
	return r;
}

int byre_remove_dir(int dir, const char *path)
{
	return name_unlink(dir, path, AT_REMOVEDIR);
}

int byre_unlink(int dir, const char *path)
{
	return name_unlink(dir, path, 0);
}

static int regular_chmod(int dir, const char *name, mode_t mode)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -BYRE_ENOTREG;
	return fchmodat(dir, name, mode, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int byre_chmod(int dir, const char *path, mode_t mode)
{
	struct byre_parent parent;
	int r = byre_parent_open(dir, path, &parent);

	if (r < 0)
		return r;
	r = regular_chmod(parent.fd, parent.name, mode);
	byre_parent_close(&parent);
	return r;
}

/* how much of a path stands before its last component */
static size_t above_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) + 1 : 0;
}

/* One descriptor for both where they are names in one directory. */
static int pair_open(int from_dir, const char *from, int to_dir, const char *to,
		     struct byre_parent *ret_from, struct byre_parent *ret_to)
{
	size_t above = above_length(from);
	int r = byre_parent_open(from_dir, from, ret_from);

	if (r < 0)
		return r;
	if (from_dir == to_dir && above_length(to) == above && from[above] && to[above] &&
	    memcmp(from, to, above) == 0)
		r = byre_parent_open(ret_from->fd, to + above, ret_to);
	else
		r = byre_parent_open(to_dir, to, ret_to);
	if (r < 0)
		byre_parent_close(ret_from);
	return r;
}

static void pair_close(struct byre_parent *from, struct byre_parent *to)
{
	byre_parent_close(from);
	byre_parent_close(to);
}

static int name_link(int from_dir, const char *from, int to_dir, const char *to)
{
	struct stat st;
	int err = byre_injected(BYRE_CALL_LINKAT);

	if (err)
		return -err;
	if (fstatat(from_dir, from, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	return linkat(from_dir, from, to_dir, to, 0) < 0 ? -errno : 0;
}

int byre_link(int from_dir, const char *from, int to_dir, const char *to)
{
	struct byre_parent source, target;
	int r = pair_open(from_dir, from, to_dir, to, &source, &target);

	if (r < 0)
		return r;
	r = name_link(source.fd, source.name, target.fd, target.name);
	pair_close(&source, &target);
	return r;
}

static int name_rename(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	int err = byre_injected(flags ? BYRE_CALL_RENAMEAT2 : BYRE_CALL_RENAMEAT);

	if (err)
		return -err;
	return renameat2(from_dir, from, to_dir, to, flags) < 0 ? -errno : 0;
}

int byre_rename_noreplace(int from_dir, const char *from, int to_dir, const char *to)
{
	int r = name_rename(from_dir, from, to_dir, to, RENAME_NOREPLACE);

	/* EINVAL is a file system that does not know the flag */
	if (r != -EINVAL && r != -ENOSYS)
		return r;
	r = name_link(from_dir, from, to_dir, to);
	if (r == 0 && unlinkat(from_dir, from, 0) < 0) {
		r = -errno;
		unlinkat(to_dir, to, 0);
	}
	return r;
}

int byre_rename(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	struct byre_parent source, target;
	int r = pair_open(from_dir, from, to_dir, to, &source, &target);

	if (r < 0)
		return r;
	if (flags == RENAME_NOREPLACE)
		r = byre_rename_noreplace(source.fd, source.name, target.fd, target.name);
	else
		r = name_rename(source.fd, source.name, target.fd, target.name, flags);
	pair_close(&source, &target);
	return r;
}

int byre_entries_open(int dir, const char *path, DIR **ret_entries)
{
	DIR *entries;
	int fd, r = byre_dir_open(dir, path, &fd);

	if (r < 0)
		return r;
	entries = fdopendir(fd);
	if (!entries) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_entries = entries;
	return 0;
}

int byre_entry_next(DIR *entries, struct dirent **ret_entry)
{
	struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(entries);
		if (!entry)
			return -errno;
	} while (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
	*ret_entry = entry;
	return 1;
}

int byre_entry_type(DIR *entries, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(dirfd(entries), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN;
	return IFTODT(st.st_mode);
}
