/* holders.c - who has a file open for writing; plain C, no Lua here */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data.h"

/* The text of a small file of /proc, without the newline at its end; empty if it cannot be read. */
static void read_line(int dir, const char *name, char *line, size_t size)
{
	ssize_t length = 0;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		length = read(fd, line, size - 1);
		close(fd);
	}
	line[length > 0 ? length : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
}

/* "flags:" is the second line of a file of fdinfo, in octal */
static bool descriptor_writes(int process, const char *number)
{
	char name[64], text[256];
	const char *flags;
	ssize_t length;
	int fd;

	snprintf(name, sizeof name, "fdinfo/%.20s", number);
	fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, sizeof text - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	flags = strstr(text, "flags:");
	return flags && (strtol(flags + 6, NULL, 8) & O_ACCMODE) != O_RDONLY;
}

static bool process_writes(int process, const struct stat *file)
{
	struct dirent *entry;
	bool found = false;
	DIR *dir;
	int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return false;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return false;
	}
	while (!found && (entry = readdir(dir))) {
		struct stat st;

		found = isdigit((unsigned char)entry->d_name[0]) && fstatat(fd, entry->d_name, &st, 0) == 0 &&
			st.st_ino == file->st_ino && st.st_dev == file->st_dev &&
			descriptor_writes(process, entry->d_name);
	}
	closedir(dir);
	return found;
}

int byre_find_writer(int fd, struct byre_writer *ret_writer)
{
	struct stat st;
	struct dirent *entry;
	DIR *dir;

	memset(ret_writer, 0, sizeof *ret_writer);
	if (fstat(fd, &st) < 0)
		return -errno;
	dir = opendir("/proc");
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (ret_writer->pid == 0 && (entry = readdir(dir))) {
		int process;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		process = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue;
		if (process_writes(process, &st)) {
			ret_writer->pid = (pid_t)strtol(entry->d_name, NULL, 10);
			read_line(process, "comm", ret_writer->name, sizeof ret_writer->name);
		}
		close(process);
	}
	closedir(dir);
	return 0;
}
