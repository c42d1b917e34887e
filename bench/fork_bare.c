/*
 * fork_bare.c - snapshots of one image, by the calls that cannot be left out
 *
 *    fork_bare DIR COUNT
 *
 * DIR holds template.img.  For each snapshot a clone gets a name, and so does a
 * link to the template's image; then all of them are removed.  Prints the
 * seconds of both.
 */

#include "bench.h"

static void make(int dir, int template, long number)
{
	char name[64];
	int fd = (int)must(openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));

	must(ioctl(fd, FICLONE, template));
	snprintf(name, sizeof name, "fork%ld-dirty.img", number);
	must(linkat(fd, "", dir, name, AT_EMPTY_PATH));
	close(fd);
	snprintf(name, sizeof name, "fork%ld.img", number);
	must(linkat(dir, "template.img", dir, name, 0));
}

static void take_away(int dir, long number)
{
	char name[64];

	snprintf(name, sizeof name, "fork%ld-dirty.img", number);
	must(unlinkat(dir, name, 0));
	snprintf(name, sizeof name, "fork%ld.img", number);
	must(unlinkat(dir, name, 0));
}

int main(int argc, char **argv)
{
	double begun, made;
	long i, count;
	int dir, template;

	if (argc != 3) {
		fprintf(stderr, "usage: fork_bare DIR COUNT\n");
		return 2;
	}
	count = bench_number(argv[2]);
	dir = (int)must(open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	template = (int)must(openat(dir, "template.img", O_RDONLY | O_CLOEXEC));
	begun = bench_clock();
	for (i = 0; i < count; i++)
		make(dir, template, i);
	made = bench_clock();
	for (i = 0; i < count; i++)
		take_away(dir, i);
	printf("%.9f %.9f\n", made - begun, bench_clock() - made);
	return 0;
}
