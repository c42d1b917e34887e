/* ability.c - what a kernel and a file system can do; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ability.h"
#include "inject.h"

int byre_can_openat2(int dir, bool *ret_can)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int err = byre_injected(BYRE_CALL_OPENAT2);
	long fd = -1;

	if (err == 0) {
		fd = syscall(SYS_openat2, dir, ".", &how, sizeof how);
		if (fd < 0)
			err = errno;
	}
	/* EPERM is how a seccomp filter says that it does not know the call */
	if (err && err != ENOSYS && err != EPERM)
		return -err;
	if (fd >= 0)
		close((int)fd);
	*ret_can = err == 0;
	return 0;
}

int byre_can_rename_noreplace(int dir, const char *from, const char *to, bool *ret_can)
{
	int err = byre_injected(BYRE_CALL_RENAMEAT2);

	if (err == 0 && renameat2(dir, from, dir, to, RENAME_NOREPLACE) < 0)
		err = errno;
	if (err && err != ENOSYS && err != EINVAL)
		return -err;
	*ret_can = err == 0;
	return 0;
}

int byre_is_nocow(int fd, bool *ret_nocow)
{
	int flags = 0;

	/* file systems without attributes have no such one */
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 && errno != ENOTTY && errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	*ret_nocow = (flags & FS_NOCOW_FL) != 0;
	return 0;
}

/* How the devices' space was handed out, by what it is for; free() it. */
static int space_infos(int fd, struct btrfs_ioctl_space_args **ret_args)
{
	struct btrfs_ioctl_space_args *args, count = {0};

	if (ioctl(fd, BTRFS_IOC_SPACE_INFO, &count) < 0)
		return -errno;
	args = calloc(1, sizeof *args + count.total_spaces * sizeof *args->spaces);
	if (!args)
		return -ENOMEM;
	args->space_slots = count.total_spaces;
	if (ioctl(fd, BTRFS_IOC_SPACE_INFO, args) < 0) {
		int err = errno;

		free(args);
		return -err;
	}
	*ret_args = args;
	return 0;
}

static int unallocated(int fd, uint64_t *ret_bytes)
{
	struct btrfs_ioctl_fs_info_args info = {0};
	uint64_t id;

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
		return -errno;
	*ret_bytes = 0;
	for (id = 1; id <= info.max_id; id++) {
		struct btrfs_ioctl_dev_info_args device = {.devid = id};

		if (ioctl(fd, BTRFS_IOC_DEV_INFO, &device) == 0)
			*ret_bytes += device.total_bytes - device.bytes_used;
		else if (errno != ENODEV)       /* its number was freed */
			return -errno;
	}
	return 0;
}

int byre_btrfs_space(int fd, struct byre_btrfs_space *ret_space)
{
	struct btrfs_ioctl_space_args *args = NULL;
	uint64_t i;
	int r = space_infos(fd, &args);

	if (r < 0)
		return r;
	*ret_space = (struct byre_btrfs_space){0};
	for (i = 0; i < args->total_spaces && i < args->space_slots; i++) {
		const struct btrfs_ioctl_space_info *space = &args->spaces[i];

		/* the reserve is a part of what is set aside for metadata */
		if (space->flags & BTRFS_SPACE_INFO_GLOBAL_RSV) {
			ret_space->metadata_used += space->total_bytes - space->used_bytes;
		} else if (space->flags & BTRFS_BLOCK_GROUP_METADATA) {
			ret_space->metadata += space->total_bytes;
			ret_space->metadata_used += space->used_bytes;
		}
	}
	free(args);
	return unallocated(fd, &ret_space->unallocated);
}
