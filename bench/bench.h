/* bench.h - what the programs measured against byre share */

#ifndef BENCH_H
#define BENCH_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096

/* A rival that fails has measured nothing. */
#define must(call) bench_must((long)(call), #call, __FILE__, __LINE__)

static inline long bench_must(long result, const char *call, const char *file, int line)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "%s:%d: %s: %s\n", file, line, call, strerror(errno));
	exit(1);
}

static inline double bench_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A number on the command line. */
static inline long bench_number(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || number < 0) {
		fprintf(stderr, "not a number: %s\n", text);
		exit(2);
	}
	return number;
}

/* Write `count` blocks at random places, as a guest does; they stay in memory. */
static inline void bench_write_blocks(int dir, const char *name, long count)
{
	char block[BLOCK];
	struct stat st;
	int fd = (int)must(openat(dir, name, O_RDWR | O_CLOEXEC));

	memset(block, 'w', sizeof block);
	must(fstat(fd, &st));
	while (count-- > 0)
		must(pwrite(fd, block, sizeof block, random() % (st.st_size / BLOCK) * BLOCK));
	close(fd);
}

#endif
