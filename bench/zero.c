/*
 * zero.c - how fast zeros are found, beside how fast memory can be read
 *
 *    zero BYTES
 *
 * Prints two numbers: the seconds of the test that copies use, block by block as
 * they do, and of a loop that only adds words up.
 */

#include "bench.h"
#include "../csrc/zero.c"

#define ROUNDS 8

static double seconds_of_test(const char *data, size_t size)
{
	double begun = bench_clock();
	size_t i, found = 0;
	int round;

	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < size; i += BLOCK)
			found += byre_is_zero(data + i, BLOCK);
	if (found != ROUNDS * (size / BLOCK))
		must(-1);
	return bench_clock() - begun;
}

/* As fast as the compiler and the machine can: eight sums that do not wait for one another. */
__attribute__((optimize("O3"))) static double seconds_of_reading(const char *data, size_t size)
{
	double begun = bench_clock();
	const uint64_t *words = (const uint64_t *)data;
	uint64_t sums[8] = {0};
	size_t i, k;
	int round;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < size / sizeof *words; i += 8)
			for (k = 0; k < 8; k++)
				sums[k] += words[i + k];
		/* each round is done, whatever the compiler knows of the last one */
		__asm__ volatile("" : : "r"(sums) : "memory");
	}
	return bench_clock() - begun;
}

int main(int argc, char **argv)
{
	size_t size;
	void *data;

	if (argc != 2) {
		fprintf(stderr, "usage: zero BYTES\n");
		return 2;
	}
	size = (size_t)bench_number(argv[1]) / BLOCK * BLOCK;
	if (posix_memalign(&data, BLOCK, size) != 0)
		must(-1);
	memset(data, 0, size);
	printf("%.9f", seconds_of_test(data, size));
	printf(" %.9f\n", seconds_of_reading(data, size));
	free(data);
	return 0;
}
