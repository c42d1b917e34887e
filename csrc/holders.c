/* holders.c - who has a file open for writing, or locked; plain C, no Lua here */

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
#include "files.h"

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
static bool info_writes(const char *info)
{
	const char *flags = strstr(info, "flags:");

	return flags && (strtol(flags + 6, NULL, 8) & O_ACCMODE) != O_RDONLY;
}

/* "lock:" lines tell of the locks that belong to this very open file */
static bool info_locks(const char *info)
{
	return strstr(info, "OFDLCK") != NULL;
}

static bool descriptor_matches(int process, const char *number, bool (*matches)(const char *info))
{
	char name[64], info[512];
	ssize_t length;
	int fd;

	snprintf(name, sizeof name, "fdinfo/%.20s", number);
	fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, info, sizeof info - 1);
	close(fd);
	if (length <= 0)
		return false;
	info[length] = '\0';
	return matches(info);
}

static bool process_matches(int process, const struct stat *file, bool (*matches)(const char *info))
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
			descriptor_matches(process, entry->d_name, matches);
	}
	closedir(dir);
	return found;
}

/* The first process with a descriptor of this file that matches; pid 0: there is none. */
static int find_process(int fd, bool (*matches)(const char *info), struct byre_writer *ret_process)
{
	struct stat st;
	struct dirent *entry;
	DIR *dir;

	memset(ret_process, 0, sizeof *ret_process);
	if (fstat(fd, &st) < 0)
		return -errno;
	dir = opendir("/proc");
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (ret_process->pid == 0 && (entry = readdir(dir))) {
		int process;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		process = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue;
		if (process_matches(process, &st, matches)) {
			ret_process->pid = (pid_t)strtol(entry->d_name, NULL, 10);
			read_line(process, "comm", ret_process->name, sizeof ret_process->name);
		}
		close(process);
	}
	closedir(dir);
	return 0;
}

int byre_find_writer(int fd, struct byre_writer *ret_writer)
{
	return find_process(fd, info_writes, ret_writer);
}

pid_t byre_find_locker(int fd)
{
	struct byre_writer process;

	return find_process(fd, info_locks, &process) < 0 ? 0 : process.pid;
}
