/* cow_extent.c - in what pieces shared blocks are written anew (XFS); plain C, no Lua here */

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "data.h"

static int attributes_get(int fd, struct fsxattr *ret_attributes)
{
	if (ioctl(fd, FS_IOC_FSGETXATTR, ret_attributes) == 0)
		return 0;
	/* file systems without attributes have no such one */
	return errno == ENOTTY || errno == ENOSYS ? -EOPNOTSUPP : -errno;
}

static uint32_t hint_of(const struct fsxattr *attributes)
{
	return attributes->fsx_xflags & FS_XFLAG_COWEXTSIZE ? attributes->fsx_cowextsize : 0;
}

int byre_cow_extent_size(int fd, uint32_t *ret_bytes)
{
	struct fsxattr attributes;
	int r = attributes_get(fd, &attributes);

	if (r == 0)
		*ret_bytes = hint_of(&attributes);
	return r;
}

int byre_set_cow_extent_size(int fd, uint32_t bytes)
{
	struct fsxattr attributes;
	int r = attributes_get(fd, &attributes);

	/* nothing is to be taken away where there is no such attribute */
	if (r == -EOPNOTSUPP && bytes == 0)
		return 0;
	if (r < 0 || hint_of(&attributes) == bytes)
		return r;
	attributes.fsx_xflags &= ~(uint32_t)FS_XFLAG_COWEXTSIZE;
	attributes.fsx_xflags |= bytes ? FS_XFLAG_COWEXTSIZE : 0;
	attributes.fsx_cowextsize = bytes;
	if (ioctl(fd, FS_IOC_FSSETXATTR, &attributes) < 0)
		return -errno;
	/* ext4 takes the request and leaves this part of it out */
	r = attributes_get(fd, &attributes);
	return r == 0 && hint_of(&attributes) != bytes ? -EOPNOTSUPP : r;
}
