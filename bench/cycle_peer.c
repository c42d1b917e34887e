/*
 * cycle_peer.c - a session of one volume by the calls that the driver file-reflink makes
 *
 *    cycle_peer DIR WRITES
 *
 * DIR holds volume.img, volume-precache.img and the one revision that is kept; it is
 * left like that.  Prints the seconds of the start and of the stop.  The writes
 * between them are not timed.
 */

#include <dirent.h>

#include "bench.h"

static const char clean[] = "volume.img";
static const char dirty[] = "volume-dirty.img";
static const char precache[] = "volume-precache.img";
static const char temporary[] = "volume.img~12345678";

struct revision {
	char name[256];
	long number;
};

/* The peer looks for the revisions by reading the directory, twice in a stop. */
static struct revision newest_revision(const char *path)
{
	struct revision found = { "", 0 };
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir)
		must(-1);
	while ((entry = readdir(dir))) {
		long number;

		if (sscanf(entry->d_name, "volume.img.%ld@", &number) == 1 && number > found.number) {
			found.number = number;
			snprintf(found.name, sizeof found.name, "%s", entry->d_name);
		}
	}
	closedir(dir);
	return found;
}

static void start(int dir, const char *path)
{
	struct stat st;

	newest_revision(path);
	unlinkat(dir, "volume-import.img", 0);
	fstatat(dir, dirty, &st, 0);
	must(fstatat(dir, clean, &st, 0));
	must(fstatat(dir, precache, &st, 0));
	must(renameat(dir, precache, dir, dirty));
	must(fsync(dir));
}

/* The peer's way to make a file: clone to a temporary name, sync, rename, sync the directory. */
static void copy_file(int dir, const char *from, const char *to, const struct timespec *mtime)
{
	int source = (int)must(openat(dir, from, O_RDONLY | O_CLOEXEC));
	int target = (int)must(openat(dir, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));

	must(ioctl(target, FICLONE, source));
	if (mtime) {
		struct timespec times[2] = { *mtime, *mtime };

		must(futimens(target, times));
	}
	must(fchmod(target, 0600));
	must(fsync(target));
	close(target);
	close(source);
	must(renameat(dir, temporary, dir, to));
	must(fsync(dir));
}

static void stop(int dir, const char *path)
{
	struct stat st;
	struct revision old;
	char name[300], stamp[40];
	struct tm tm;
	int fd;

	must(fstatat(dir, dirty, &st, 0));
	must(fstatat(dir, clean, &st, 0));
	old = newest_revision(path);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&st.st_mtime, &tm));
	snprintf(name, sizeof name, "volume.img.%ld@%s", old.number + 1, stamp);
	copy_file(dir, clean, name, NULL);
	newest_revision(path);
	if (old.number)
		must(unlinkat(dir, old.name, 0));
	must(fsync(dir));
	fd = (int)must(openat(dir, dirty, O_RDWR | O_CLOEXEC));
	must(fsync(fd));
	close(fd);
	unlinkat(dir, precache, 0);
	must(renameat(dir, dirty, dir, clean));
	must(fsync(dir));
	must(fstatat(dir, clean, &st, 0));
	copy_file(dir, clean, precache, &st.st_mtim);
}

int main(int argc, char **argv)
{
	double begun, started, stopping;
	int dir;

	if (argc != 3) {
		fprintf(stderr, "usage: cycle_peer DIR WRITES\n");
		return 2;
	}
	dir = (int)must(open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	srandom((unsigned)getpid());
	begun = bench_clock();
	start(dir, argv[1]);
	started = bench_clock();
	bench_write_blocks(dir, dirty, bench_number(argv[2]));
	stopping = bench_clock();
	stop(dir, argv[1]);
	printf("%.9f %.9f\n", started - begun, bench_clock() - stopping);
	return 0;
}
