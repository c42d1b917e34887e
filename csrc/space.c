/* space.c - blocks taken and given back inside a file; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

#include "data.h"

static int space_change(int fd, int mode, off_t offset, off_t length)
{
	int r;

	do
		r = fallocate(fd, mode, offset, length);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/* Give a range real blocks, which read as zeros; the file grows if the range ends behind it. */
int byre_allocate(int fd, off_t offset, off_t length)
{
	return space_change(fd, 0, offset, length);
}

/* Make a range zeros that take no space; the size stays. */
int byre_punch(int fd, off_t offset, off_t length)
{
	return space_change(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}
