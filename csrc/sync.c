/* sync.c - make files, directories and file systems durable; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "files.h"
#include "inject.h"

int byre_sync(int fd)
{
	int err = byre_injected(BYRE_CALL_FSYNC);

	if (err)
		return -err;
	return fsync(fd) < 0 ? -errno : 0;
}

int byre_sync_dir(int dir, const char *path)
{
	int fd, r = byre_dir_open(dir, path, &fd);

	if (r < 0)
		return r;
	r = byre_sync(fd);
	close(fd);
	return r;
}

int byre_sync_filesystem(int fd)
{
	int err = byre_injected(BYRE_CALL_SYNCFS);

	if (err)
		return -err;
	return syncfs(fd) < 0 ? -errno : 0;
}
