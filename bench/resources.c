/*
 * resources.c - what a command takes
 *
 *    resources PROGRAM [ARG...]
 *
 * Prints five numbers: seconds until it ended, seconds until its first output (0:
 * none), the most memory it had in bytes, seconds of its own and in the kernel.
 */

#include <sys/resource.h>
#include <sys/wait.h>

#include "bench.h"

static void run(char **argv, int output)
{
	must(dup2(output, STDOUT_FILENO));
	must(execvp(argv[0], argv));
}

/* reads all there is; seconds on the clock when the first of it came */
static double drain(int input)
{
	static char buffer[65536];
	double first = 0;
	ssize_t n;

	while ((n = must(read(input, buffer, sizeof buffer))) > 0) {
		if (first == 0)
			first = bench_clock();
	}
	return first;
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	double begun = bench_clock(), first;
	struct rusage usage;
	int ends[2], status;
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: resources PROGRAM [ARG...]\n");
		return 2;
	}
	must(pipe(ends));
	pid = (pid_t)must(vfork());
	if (pid == 0) {
		close(ends[0]);
		run(argv + 1, ends[1]);
	}
	close(ends[1]);
	first = drain(ends[0]);
	must(wait4(pid, &status, 0, &usage));
	if (status != 0) {
		fprintf(stderr, "%s failed\n", argv[1]);
		return 1;
	}
	printf("%.9f %.9f %ld %.6f %.6f\n", bench_clock() - begun, first ? first - begun : 0,
	       usage.ru_maxrss * 1024, seconds(usage.ru_utime), seconds(usage.ru_stime));
	return 0;
}
