/* logdisk.c - a FUSE file system with one disk image that logs, in order, what is done to it,
 * and fails where it is told to
 *
 *     logdisk MOUNTPOINT IMAGE LOG
 *
 * MOUNTPOINT/disk is IMAGE; put a loop device on it.  Every write, discard and
 * flush goes into LOG before it is answered.  Each write(2) into MOUNTPOINT/mark
 * puts its text into the log, at its place among the others.  As long as there
 * is a text in MOUNTPOINT/fail, writes that have this text in their data fail
 * with EIO: the data of a file, say, but none of its file system's own.
 */

#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <linux/falloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "record.h"

#define DISK "disk"
#define MARK "mark"
#define FAIL "fail"

/* larger than any request of a loop device and any mark */
#define MAX_WRITE (1 << 20)

struct logdisk {
	int image;
	int log;
	char bad[64];                   /* what must not be written */
	size_t bad_size;                /* 0: everything may */
};

/* what is in fi->fh of an open file */
enum which {WHICH_DISK, WHICH_MARK, WHICH_FAIL};

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
	} else if (strcmp(path, "/" MARK) == 0 || strcmp(path, "/" FAIL) == 0) {
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
	static const char *const names[] = {".", "..", DISK, MARK, FAIL};
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
	fi->fh = strcmp(path, "/" MARK) == 0 ? WHICH_MARK : strcmp(path, "/" FAIL) == 0 ? WHICH_FAIL : WHICH_DISK;
	return 0;
}

static int disk_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	(void)fi;
	if (size != 0 || strcmp(path, "/" DISK) == 0)
		return -EPERM;
	if (strcmp(path, "/" FAIL) == 0)
		self()->bad_size = 0;
	return 0;
}

static int disk_read(const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *fi)
{
	ssize_t n;

	(void)path;
	if (fi->fh != WHICH_DISK)
		return 0;
	n = pread(self()->image, buffer, size, offset);
	return n < 0 ? -errno : (int)n;
}

static int set_bad(const char *text, size_t size)
{
	struct logdisk *disk = self();

	if (size > sizeof disk->bad)
		return -EINVAL;
	memcpy(disk->bad, text, size);
	disk->bad_size = size;
	return (int)size;
}

static bool is_bad(const char *data, size_t size)
{
	const struct logdisk *disk = self();

	return disk->bad_size > 0 && memmem(data, size, disk->bad, disk->bad_size);
}

static int disk_write(const char *path, const char *data, size_t size, off_t offset, struct fuse_file_info *fi)
{
	ssize_t n;
	int r;

	(void)path;
	if (fi->fh == WHICH_FAIL)
		return set_bad(data, size);
	if (fi->fh == WHICH_DISK && is_bad(data, size))
		return -EIO;
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
	struct logdisk disk = {.bad_size = 0};
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
