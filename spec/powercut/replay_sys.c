/* replay_sys.c - loop devices and what btrfs remembers of them; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "replay.h"

/* somebody else may take a free device before we do */
#define ATTEMPTS 64

static int configure(const char *device, int file)
{
	struct loop_config config = {.fd = (unsigned int)file, .block_size = 512};
	int fd, r;

	fd = open(device, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf((char *)config.info.lo_file_name, sizeof config.info.lo_file_name, "byre-powercut");
	r = ioctl(fd, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
	close(fd);
	return r;
}

int loop_attach(const char *path, char *ret_device, size_t size)
{
	int control, file, i, r = -EBUSY;

	file = open(path, O_RDWR | O_CLOEXEC);
	if (file < 0)
		return -errno;
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0) {
		r = -errno;
		close(file);
		return r;
	}
	for (i = 0; i < ATTEMPTS && r == -EBUSY; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);

		if (number < 0) {
			r = -errno;
			break;
		}
		snprintf(ret_device, size, "/dev/loop%d", number);
		r = configure(ret_device, file);
	}
	close(control);
	close(file);
	return r;
}

int loop_detach(const char *device)
{
	int fd, r;

	fd = open(device, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = ioctl(fd, LOOP_CLR_FD) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* btrfs knows a device by the newest generation it has seen; a disk that goes
 * back in time has to be forgotten first */
int btrfs_forget(const char *device)
{
	struct btrfs_ioctl_vol_args args = {.fd = 0};
	int fd, r;

	fd = open("/dev/btrfs-control", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(args.name, sizeof args.name, "%s", device);
	r = ioctl(fd, BTRFS_IOC_FORGET_DEV, &args) < 0 ? -errno : 0;
	close(fd);
	return r == -ENOENT ? 0 : r;
}
