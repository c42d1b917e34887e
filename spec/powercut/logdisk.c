/* logdisk.c - a FUSE file system with one disk image that logs, in order, what is done to it
 *
 *     logdisk MOUNTPOINT IMAGE LOG
 *
 * MOUNTPOINT/disk is IMAGE; put a loop device on it.  Every write, discard and
 * flush goes into LOG before it is answered.  Each write(2) into MOUNTPOINT/mark
 * puts its text into the log, at its place among the others.
 */

#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "record.h"

#define DISK "disk"
#define MARK "mark"

/* larger than any request of a loop device and any mark */
#define MAX_WRITE (1 << 20)

struct logdisk {
	int image;
	int log;
};

static struct logdisk *self(void)
{
	return fuse_get_context()->private_data;
}

/* Append a record and what follows it in one call.  Returns 0 or -errno. */
static int log_append(enum record_type type, const char *data, uint64_t offset, uint64_t length)
{
	static const char zeros[8];
	struct record record = {.magic = RECORD_MAGIC, .type = type, .offset = offset, .length = length};
	size_t following = data ? length : 0;
	struct iovec parts[] = {
		{&record, sizeof record},
		{(void *)data, following},
		{(void *)zeros, RECORD_PADDED(following) - following},
	};
	struct timespec now;
	ssize_t n;

	clock_gettime(CLOCK_MONOTONIC, &now);
	record.nsec = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	n = writev(self()->log, parts, 3);
	if (n < 0)
		return -errno;
	return (size_t)n == sizeof record + RECORD_PADDED(following) ? 0 : -EIO;
}

static void *disk_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
	conn->max_write = MAX_WRITE;
	/* nothing may stand between the loop device and the log */
	config->direct_io = 1;
	return self();
}

static int disk_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof *st);
	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0700;
		st->st_nlink = 2;
	} else if (strcmp(path, "/" DISK) == 0) {
		if (fstat(self()->image, st) < 0)
			return -errno;
		st->st_mode = S_IFREG | 0600;
	} else if (strcmp(path, "/" MARK) == 0) {
		st->st_mode = S_IFREG | 0600;
		st->st_nlink = 1;
	} else {
		return -ENOENT;
	}
	return 0;
}

static int disk_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
			struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	static const char *const names[] = {".", "..", DISK, MARK};
	size_t i;

	(void)path, (void)offset, (void)fi, (void)flags;
	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (fill(buffer, names[i], NULL, 0, 0))
			return -ENOMEM;
	return 0;
}

static int disk_open(const char *path, struct fuse_file_info *fi)
{
	fi->direct_io = 1;
	fi->fh = strcmp(path, "/" MARK) == 0;
	return 0;
}

static int disk_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	(void)fi;
	return strcmp(path, "/" MARK) == 0 && size == 0 ? 0 : -EPERM;
}

static int disk_read(const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *fi)
{
	ssize_t n;

	(void)path;
	if (fi->fh)
		return 0;
	n = pread(self()->image, buffer, size, offset);
	return n < 0 ? -errno : (int)n;
}

static int disk_write(const char *path, const char *data, size_t size, off_t offset, struct fuse_file_info *fi)
{
	ssize_t n;
	int r;

	(void)path;
	r = log_append(fi->fh ? RECORD_MARK : RECORD_WRITE, data, (uint64_t)offset, size);
	if (r < 0 || fi->fh)
		return r < 0 ? r : (int)size;
	n = pwrite(self()->image, data, size, offset);
	return n < 0 ? -errno : (int)n;
}

static int disk_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	(void)path, (void)datasync;
	return fi->fh ? 0 : log_append(RECORD_FLUSH, NULL, 0, 0);
}

static int disk_fallocate(const char *path, int mode, off_t offset, off_t length, struct fuse_file_info *fi)
{
	int r;

	(void)path;
	if (fi->fh || !(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		return -EOPNOTSUPP;
	r = log_append(RECORD_DISCARD, NULL, (uint64_t)offset, (uint64_t)length);
	if (r < 0)
		return r;
	r = fallocate(self()->image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
	return r < 0 ? -errno : 0;
}

static const struct fuse_operations operations = {
	.init = disk_init,
	.getattr = disk_getattr,
	.readdir = disk_readdir,
	.open = disk_open,
	.truncate = disk_truncate,
	.read = disk_read,
	.write = disk_write,
	.fsync = disk_fsync,
	.fallocate = disk_fallocate,
};

int main(int argc, char **argv)
{
	struct logdisk disk;
	/* -s: one thread, so the order of the log is the order of the disk */
	char *arguments[] = {argv[0], "-s", "-f", "-o", "fsname=byre-powercut", argc > 1 ? argv[1] : NULL, NULL};

	if (argc != 4) {
		fprintf(stderr, "usage: logdisk MOUNTPOINT IMAGE LOG\n");
		return 2;
	}
	disk.image = open(argv[2], O_RDWR | O_CLOEXEC);
	if (disk.image < 0) {
		perror(argv[2]);
		return 1;
	}
	disk.log = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (disk.log < 0) {
		perror(argv[3]);
		return 1;
	}
	return fuse_main(6, arguments, &operations, &disk);
}
