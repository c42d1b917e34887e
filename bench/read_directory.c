/*
 * read_directory.c - read the names in a directory, and nothing else
 *
 *    read_directory DIR
 *
 * Prints the seconds.
 */

#include <dirent.h>

#include "bench.h"

int main(int argc, char **argv)
{
	double begun = bench_clock();
	DIR *entries;

	if (argc != 2) {
		fprintf(stderr, "usage: read_directory DIR\n");
		return 2;
	}
	entries = fdopendir((int)must(open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
	while (readdir(entries))
		;
	closedir(entries);
	printf("%.9f\n", bench_clock() - begun);
	return 0;
}
