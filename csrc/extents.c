/* extents.c - which blocks a file occupies, read through a bounded buffer (FIEMAP); plain C, no Lua here */

#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data.h"

#define MAP_EXTENTS 512

/* a place in the map of one file */
struct map {
	int fd;
	uint64_t next;          /* offset the next request begins at */
	unsigned i;             /* current extent in buffer */
	bool last;              /* nothing follows the buffer */
	struct fiemap *buffer;
};

static int map_open(struct map *map, int fd)
{
	memset(map, 0, sizeof *map);
	map->fd = fd;
	map->buffer = calloc(1, sizeof *map->buffer + MAP_EXTENTS * sizeof map->buffer->fm_extents[0]);
	return map->buffer ? 0 : -ENOMEM;
}

static int map_fetch(struct map *map)
{
	struct fiemap *buffer = map->buffer;
	int r;

	memset(buffer, 0, sizeof *buffer);
	buffer->fm_start = map->next;
	buffer->fm_length = FIEMAP_MAX_OFFSET - map->next;
	/* without it what was written but not yet given a place is missing */
	buffer->fm_flags = FIEMAP_FLAG_SYNC;
	buffer->fm_extent_count = MAP_EXTENTS;
	map->i = 0;
	do
		r = ioctl(map->fd, FS_IOC_FIEMAP, buffer);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == ENOTTY || errno == EBADR ? -EOPNOTSUPP : -errno;
	return 0;
}

/* The next extent of a file, or NULL after its last one.  It stays valid until the next call. */
static int map_next(struct map *map, const struct fiemap_extent **ret_extent)
{
	const struct fiemap_extent *extent;
	int r;

	*ret_extent = NULL;
	if (map->i == map->buffer->fm_mapped_extents) {
		if (map->last)
			return 0;
		r = map_fetch(map);
		if (r < 0)
			return r;
		if (map->buffer->fm_mapped_extents == 0) {
			map->last = true;
			return 0;
		}
	}
	extent = &map->buffer->fm_extents[map->i++];
	/* a map that does not advance must not keep us for ever */
	if ((extent->fe_flags & FIEMAP_EXTENT_LAST) || extent->fe_logical + extent->fe_length <= map->next)
		map->last = true;
	map->next = extent->fe_logical + extent->fe_length;
	*ret_extent = extent;
	return 0;
}

static void map_close(struct map *map)
{
	free(map->buffer);
}

int byre_extents_sum(int fd, struct byre_extents *ret_sum)
{
	struct byre_extents sum = {0};
	const struct fiemap_extent *extent;
	struct map map;
	int r = map_open(&map, fd);

	if (r < 0)
		return r;
	while ((r = map_next(&map, &extent)) == 0 && extent) {
		sum.count++;
		sum.allocated += extent->fe_length;
		if (extent->fe_flags & FIEMAP_EXTENT_SHARED)
			sum.shared += extent->fe_length;
		if (extent->fe_flags & FIEMAP_EXTENT_UNWRITTEN)
			sum.unwritten += extent->fe_length;
	}
	map_close(&map);
	if (r == 0)
		*ret_sum = sum;
	return r;
}

/* what the map says about the bytes from here on */
struct piece {
	uint64_t logical, physical, length;     /* length 0: nothing but zeros up to the end */
	bool known;
};

/* extents whose place on disk is missing, or not the whole truth about their content */
#define UNKNOWN_FLAGS (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED | \
	FIEMAP_EXTENT_DATA_ENCRYPTED | FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE | \
	FIEMAP_EXTENT_DATA_TAIL)

/* The next piece below size.  What was never written reads as zeros, like a hole. */
static int piece_next(struct map *map, uint64_t size, struct piece *ret_piece)
{
	const struct fiemap_extent *extent;
	int r;

	memset(ret_piece, 0, sizeof *ret_piece);
	do {
		r = map_next(map, &extent);
		if (r < 0)
			return r;
		if (!extent || extent->fe_logical >= size)
			return 0;
	} while (extent->fe_flags & FIEMAP_EXTENT_UNWRITTEN);
	ret_piece->logical = extent->fe_logical;
	ret_piece->physical = extent->fe_physical;
	ret_piece->length = extent->fe_length;
	if (ret_piece->length > size - ret_piece->logical)
		ret_piece->length = size - ret_piece->logical;
	ret_piece->known = !(extent->fe_flags & UNKNOWN_FLAGS);
	return 0;
}

static void piece_advance(struct piece *piece, uint64_t length)
{
	piece->logical += length;
	piece->physical += length;
	piece->length -= length;
}

/* The same blocks may be reported in one piece here and in several there. */
static int maps_same(struct map *a, struct map *b, uint64_t size, bool *ret_same)
{
	struct piece x = {0}, y = {0};

	for (;;) {
		uint64_t step;
		int r;

		if (x.length == 0 && (r = piece_next(a, size, &x)) < 0)
			return r;
		if (y.length == 0 && (r = piece_next(b, size, &y)) < 0)
			return r;
		if ((x.length && !x.known) || (y.length && !y.known))
			return -ENODATA;
		if (x.length == 0 || y.length == 0) {
			*ret_same = x.length == y.length;
			return 0;
		}
		if (x.logical != y.logical || x.physical != y.physical) {
			*ret_same = false;
			return 0;
		}
		step = x.length < y.length ? x.length : y.length;
		piece_advance(&x, step);
		piece_advance(&y, step);
	}
}

int byre_extents_same(int a, int b, bool *ret_same)
{
	struct stat st_a, st_b;
	struct map map_a, map_b;
	int r;

	if (fstat(a, &st_a) < 0 || fstat(b, &st_b) < 0)
		return -errno;
	if (!S_ISREG(st_a.st_mode) || !S_ISREG(st_b.st_mode))
		return -EINVAL;
	/* block numbers of two file systems have nothing to do with each other */
	if (st_a.st_dev != st_b.st_dev)
		return -EXDEV;
	if (st_a.st_ino == st_b.st_ino || st_a.st_size != st_b.st_size) {
		*ret_same = st_a.st_ino == st_b.st_ino;
		return 0;
	}
	r = map_open(&map_a, a);
	if (r < 0)
		return r;
	r = map_open(&map_b, b);
	if (r == 0) {
		r = maps_same(&map_a, &map_b, st_a.st_size, ret_same);
		map_close(&map_b);
	}
	map_close(&map_a);
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
