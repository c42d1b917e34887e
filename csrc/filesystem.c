/* filesystem.c - which file system a file is on; plain C, no Lua here */

#include <errno.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "extents.h"

/* not all of them are in linux/magic.h */
static const struct {
	unsigned magic;
	const char *name;
} names[] = {
	{ BTRFS_SUPER_MAGIC, "btrfs" }, { 0x58465342, "xfs" }, { EXT4_SUPER_MAGIC, "ext4" },
	{ TMPFS_MAGIC, "tmpfs" }, { 0x2fc12fc1, "zfs" }, { NFS_SUPER_MAGIC, "nfs" },
	{ OVERLAYFS_SUPER_MAGIC, "overlayfs" }, { 0x65735546, "fuse" }, { 0xca451a4e, "bcachefs" },
};

int byre_filesystem_name(int fd, const char **ret_name)
{
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	*ret_name = NULL;
	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].magic == (unsigned)fs.f_type)
			*ret_name = names[i].name;
	return 0;
}

/* Files of XFS may be on its realtime device, whose blocks are counted from 0 again. */
static bool is_realtime(int fd)
{
	struct fsxattr attributes;

	return ioctl(fd, FS_IOC_FSGETXATTR, &attributes) == 0 && (attributes.fsx_xflags & FS_XFLAG_REALTIME);
}

int byre_same_filesystem(int a, int b, bool *ret_same)
{
	struct btrfs_ioctl_fs_info_args info_a = {0}, info_b = {0};
	struct stat st_a, st_b;

	if (fstat(a, &st_a) < 0 || fstat(b, &st_b) < 0)
		return -errno;
	if (st_a.st_dev == st_b.st_dev)
		*ret_same = is_realtime(a) == is_realtime(b);
	else    /* every subvolume of btrfs is a device to stat */
		*ret_same = ioctl(a, BTRFS_IOC_FS_INFO, &info_a) == 0 && ioctl(b, BTRFS_IOC_FS_INFO, &info_b) == 0 &&
			memcmp(info_a.fsid, info_b.fsid, sizeof info_a.fsid) == 0;
	return 0;
}
