/* extents.c - sums over the map of a file, and whether two files have the same; plain C, no Lua here */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "extents.h"

int byre_extents_sum(int fd, struct byre_extents *ret_sum)
{
	struct byre_extents sum = {0};
	const struct byre_extent *extent;
	struct byre_map map;
	int r = byre_map_open(&map, fd, BYRE_BASIS_FIEMAP);

	while (r == 0 && (r = byre_map_next(&map, &extent)) == 0 && extent) {
		sum.count++;
		sum.allocated += extent->length;
		if (extent->flags & BYRE_EXTENT_SHARED)
			sum.shared += extent->length;
		if (extent->flags & BYRE_EXTENT_UNWRITTEN)
			sum.unwritten += extent->length;
	}
	byre_map_close(&map);
	if (r == 0)
		*ret_sum = sum;
	return r;
}

int byre_extents_same(int a, int b, bool *ret_same)
{
	struct byre_difference difference;
	uint64_t offset, length;
	int r = byre_difference_open(&difference, a, b, BYRE_BASIS_FIEMAP, false);

	if (r < 0)
		return r;
	if (difference.sides[0].size != difference.sides[1].size) {
		*ret_same = false;
	} else {
		r = byre_difference_next(&difference, &offset, &length);
		*ret_same = length == 0;
	}
	byre_difference_close(&difference);
	return r;
}

int byre_next_data(int fd, int64_t position, int64_t *ret_start, int64_t *ret_end)
{
	int64_t start = lseek(fd, position, SEEK_DATA), end;

	*ret_start = *ret_end = -1;
	if (start < 0)
		return errno == ENXIO ? 0 : -errno;
	end = lseek(fd, start, SEEK_HOLE);
	if (end < 0 && errno != ENXIO)
		return -errno;
	*ret_start = start;
	/* at least something, so that a file changed under us cannot hold anybody up */
	*ret_end = end > start ? end : start + 1;
	return 0;
}
