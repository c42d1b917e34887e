/* loop.c - loop devices that show an image as a disk; plain C, no Lua here */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "data.h"

/* "loop17" -> 17 */
static bool parse_name(const char *name, unsigned *ret_number)
{
	int end = 0;

	return sscanf(name, "loop%u%n", ret_number, &end) == 1 && name[end] == '\0';
}

/* Who may not open the device can still see in /sys which path it was set up with. */
static bool backing_path_is(unsigned number, const struct stat *file)
{
	char name[64], path[4096];
	struct stat st;
	ssize_t length;
	int fd;

	snprintf(name, sizeof name, "/sys/block/loop%u/loop/backing_file", number);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, path, sizeof path - 1);
	close(fd);
	if (length <= 0)
		return false;
	path[length] = '\0';
	if (path[length - 1] == '\n')
		path[length - 1] = '\0';
	return stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

static bool loop_is_backed_by(unsigned number, const struct stat *file)
{
	char name[64];
	struct loop_info64 info = {0};
	int fd, r;

	snprintf(name, sizeof name, "/sys/block/loop%u/loop/backing_file", number);
	if (access(name, F_OK) < 0)
		return false;
	snprintf(name, sizeof name, "/dev/loop%u", number);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return backing_path_is(number, file);
	r = ioctl(fd, LOOP_GET_STATUS64, &info);
	close(fd);
	return r == 0 && info.lo_inode == file->st_ino && info.lo_device == file->st_dev;
}

static int compare_numbers(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

int byre_loop_devices(int fd, unsigned *numbers, size_t room, size_t *ret_count)
{
	struct stat st;
	struct dirent *entry;
	size_t count = 0;
	unsigned number;
	DIR *dir;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_count = 0;
	dir = opendir("/sys/block");
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		if (!parse_name(entry->d_name, &number) || !loop_is_backed_by(number, &st))
			continue;
		if (count < room)
			numbers[count] = number;
		count++;
	}
	closedir(dir);
	if (room)
		qsort(numbers, count < room ? count : room, sizeof *numbers, compare_numbers);
	*ret_count = count;
	return 0;
}

int byre_loop_set_capacity(const char *path)
{
	struct stat st;
	int r = 0;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	/* root may also use a device that is read-only */
	if (fd < 0 && (errno == EACCES || errno == EROFS))
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISBLK(st.st_mode) || major(st.st_rdev) != LOOP_MAJOR)
		r = -ENODEV;
	else if (ioctl(fd, LOOP_SET_CAPACITY, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}
