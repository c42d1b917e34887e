/*
 * fragment.c - make an image of many extents, as sessions of random writes leave it
 *
 *    fragment PATH EXTENTS
 *
 * Half of the blocks are written anew, in random order, while the old ones are shared
 * with a clone: so no two neighbours stand side by side on the disk.
 */

#include "bench.h"

#define WRITES_PER_SYNC 2000

static void write_dense(int fd, long blocks)
{
	static char chunk[256 * BLOCK];
	long done, part;

	memset(chunk, 'd', sizeof chunk);
	for (done = 0; done < blocks; done += part) {
		part = blocks - done < 256 ? blocks - done : 256;
		must(write(fd, chunk, (size_t)part * BLOCK));
	}
	must(fsync(fd));
}

static void shuffle(long *list, long count)
{
	long i;

	for (i = count - 1; i > 0; i--) {
		long other = random() % (i + 1), kept = list[i];

		list[i] = list[other];
		list[other] = kept;
	}
}

static void rewrite_every_second(int fd, long blocks)
{
	long i, count = blocks / 2;
	long *order = calloc((size_t)count + 1, sizeof *order);
	char block[BLOCK];

	if (!order)
		must(-1);
	memset(block, 'r', sizeof block);
	for (i = 0; i < count; i++)
		order[i] = 2 * i;
	shuffle(order, count);
	for (i = 0; i < count; i++) {
		must(pwrite(fd, block, sizeof block, order[i] * BLOCK));
		if (i % WRITES_PER_SYNC == 0)
			must(fsync(fd));
	}
	must(fsync(fd));
	free(order);
}

int main(int argc, char **argv)
{
	long blocks;
	int fd, kept;
	char name[4096];

	if (argc != 3) {
		fprintf(stderr, "usage: fragment PATH EXTENTS\n");
		return 2;
	}
	blocks = bench_number(argv[2]);
	fd = (int)must(open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	write_dense(fd, blocks);
	/* it goes at the end, by its name at once */
	snprintf(name, sizeof name, "%s.shared", argv[1]);
	kept = (int)must(open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	must(unlink(name));
	must(ioctl(kept, FICLONE, fd));
	rewrite_every_second(fd, blocks);
	return 0;
}
