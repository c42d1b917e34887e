/* extents.c - sums over the map of a file, and whether two files have the same; plain C, no Lua here */

#include <errno.h>
#include <stdlib.h>
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

/* An extent belongs to the region that it begins in. */
static int regions_add(const struct byre_extent *extent, uint64_t size, struct byre_region **regions, size_t *count)
{
	uint64_t start = extent->logical - extent->logical % size;
	struct byre_region *last = *count > 0 ? *regions + *count - 1 : NULL;

	if (!last || last->start != start) {
		/* room doubles with each power of two */
		if ((*count & (*count - 1)) == 0) {
			struct byre_region *more = realloc(*regions, (*count ? 2 * *count : 1) * sizeof **regions);

			if (!more)
				return -ENOMEM;
			*regions = more;
		}
		last = *regions + (*count)++;
		*last = (struct byre_region){.start = start};
	}
	last->count++;
	last->allocated += extent->length;
	if (extent->flags & BYRE_EXTENT_SHARED)
		last->shared += extent->length;
	return 0;
}

int byre_extents_regions(int fd, uint64_t size, struct byre_region **ret_regions, size_t *ret_count)
{
	const struct byre_extent *extent;
	struct byre_region *regions = NULL;
	size_t count = 0;
	struct byre_map map;
	int r = byre_map_open(&map, fd, BYRE_BASIS_FIEMAP);

	while (r == 0 && (r = byre_map_next(&map, &extent)) == 0 && extent)
		r = regions_add(extent, size, &regions, &count);
	byre_map_close(&map);
	if (r < 0) {
		free(regions);
		return r;
	}
	*ret_regions = regions;
	*ret_count = count;
	return 0;
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
		/* nothing is read, so it never comes back without a stretch */
		r = byre_difference_next(&difference, &offset, &length);
		*ret_same = r == 0;
	}
	byre_difference_close(&difference);
	return r < 0 ? r : 0;
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
