/*
 * prune_each.c - remove revisions one by one, each durably
 *
 *    prune_each DIR
 *
 * Removes every file of DIR whose name begins with "volume.img.".  Prints the seconds.
 */

#include <dirent.h>

#include "bench.h"

int main(int argc, char **argv)
{
	double begun = bench_clock();
	struct dirent *entry;
	DIR *entries;
	int dir;

	if (argc != 2) {
		fprintf(stderr, "usage: prune_each DIR\n");
		return 2;
	}
	dir = (int)must(open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	entries = fdopendir((int)must(open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
	while ((entry = readdir(entries))) {
		if (strncmp(entry->d_name, "volume.img.", 11) != 0)
			continue;
		must(unlinkat(dir, entry->d_name, 0));
		must(fsync(dir));
	}
	printf("%.9f\n", bench_clock() - begun);
	closedir(entries);
	return 0;
}
