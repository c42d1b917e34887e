/*
 * cycle_bare.c - a session of one volume by the fewest calls that lose nothing in a power cut
 *
 *    cycle_bare DIR WRITES [precache]
 *
 * DIR holds volume.img, volume.img.1 (the one revision that is kept) and, where it
 * is asked for, volume-precache.img; it is left like that.  Nothing is looked at,
 * locked or checked.  Prints the seconds of the start and of the stop.
 */

#include "bench.h"

static const char clean[] = "volume.img";
static const char dirty[] = "volume-dirty.img";
static const char precache[] = "volume-precache.img";
static const char old[] = "volume.img.1";
static const char new[] = "volume.img.2";

/* content before name, so that a name never shows half a file */
static void clone_file(int dir, const char *from, const char *to)
{
	int source = (int)must(openat(dir, from, O_RDONLY | O_CLOEXEC));
	int target = (int)must(openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));

	must(ioctl(target, FICLONE, source));
	must(fsync(target));
	must(linkat(target, "", dir, to, AT_EMPTY_PATH));
	close(target);
	close(source);
}

static void start(int dir, int with_precache)
{
	if (with_precache)
		must(renameat(dir, precache, dir, dirty));
	else
		clone_file(dir, clean, dirty);
	must(fsync(dir));
}

static void stop(int dir, int with_precache)
{
	int fd = (int)must(openat(dir, dirty, O_RDONLY | O_CLOEXEC));

	must(fsync(fd));
	close(fd);
	must(linkat(dir, clean, dir, new, 0));
	must(renameat(dir, dirty, dir, clean));
	must(fsync(dir));
	must(unlinkat(dir, old, 0));
	if (with_precache)
		clone_file(dir, clean, precache);
}

int main(int argc, char **argv)
{
	double begun, started, stopping, stopped;
	int dir, with_precache = argc == 4 && strcmp(argv[3], "precache") == 0;

	if (argc != 3 && !with_precache) {
		fprintf(stderr, "usage: cycle_bare DIR WRITES [precache]\n");
		return 2;
	}
	dir = (int)must(open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	srandom((unsigned)getpid());
	begun = bench_clock();
	start(dir, with_precache);
	started = bench_clock();
	bench_write_blocks(dir, dirty, bench_number(argv[2]));
	stopping = bench_clock();
	stop(dir, with_precache);
	stopped = bench_clock();
	must(renameat(dir, new, dir, old));
	printf("%.9f %.9f\n", started - begun, stopped - stopping);
	return 0;
}
