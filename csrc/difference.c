/* difference.c - where two files differ, from their maps; plain C, no Lua here */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "extents.h"
#include "files.h"

#define BLOCK 4096u                     /* what is compared byte by byte is told in these */
#define WINDOW (64u << 10)
#define ENOUGH (16u << 20)              /* what is read of each file in one call */

static int side_open(struct byre_side *side, int fd, enum byre_basis basis)
{
	struct stat st;
	int r = byre_file_stat(fd, &st);

	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	side->fd = fd;
	side->size = (uint64_t)st.st_size;
	r = byre_map_open(&side->map, fd, basis);
	if (r < 0)
		return r;
	side->window = malloc(WINDOW);
	return side->window ? 0 : -ENOMEM;
}

static int find_same_file(struct byre_difference *difference, int a, int b)
{
	struct stat st_a, st_b;

	if (fstat(a, &st_a) < 0 || fstat(b, &st_b) < 0)
		return -errno;
	difference->same_file = st_a.st_dev == st_b.st_dev && st_a.st_ino == st_b.st_ino;
	return 0;
}

int byre_difference_open(struct byre_difference *difference, int a, int b, enum byre_basis basis, bool read)
{
	bool comparable = true;
	int r;

	memset(difference, 0, sizeof *difference);
	difference->read = read;
	r = find_same_file(difference, a, b);
	if (r == 0 && basis != BYRE_BASIS_DATA)
		r = byre_same_filesystem(a, b, &comparable);
	if (r < 0)
		return r;
	/* block numbers of two file systems have nothing to do with each other */
	if (!comparable)
		return -EXDEV;
	r = side_open(&difference->sides[0], a, basis);
	if (r == 0)
		r = side_open(&difference->sides[1], b, basis);
	if (r < 0) {
		byre_difference_close(difference);
		return r;
	}
	difference->size = difference->sides[0].size > difference->sides[1].size ?
		difference->sides[0].size : difference->sides[1].size;
	return 0;
}

void byre_difference_close(struct byre_difference *difference)
{
	int i;

	for (i = 0; i < 2; i++) {
		byre_map_close(&difference->sides[i].map);
		free(difference->sides[i].window);
		difference->sides[i].window = NULL;
	}
}

/* The next piece of data that does not end before here.  What was never written is zeros, like a hole. */
static int side_reach(struct byre_side *side, uint64_t at)
{
	struct byre_extent *piece = &side->piece;
	const struct byre_extent *extent;

	while (piece->logical + piece->length <= at) {
		int r = byre_map_next(&side->map, &extent);

		if (r < 0)
			return r;
		if (!extent || extent->logical >= side->size) {
			*piece = (struct byre_extent){ .logical = UINT64_MAX };
			return 0;
		}
		*piece = *extent;
		if (extent->flags & BYRE_EXTENT_UNWRITTEN)
			piece->length = 0;
		else if (piece->length > side->size - piece->logical)
			piece->length = side->size - piece->logical;
	}
	return 0;
}

static bool side_has_data(const struct byre_side *side, uint64_t at)
{
	return side->piece.logical <= at;
}

/* Where this side changes from zeros to data, or from one extent to another */
static uint64_t side_boundary(const struct byre_side *side, uint64_t at)
{
	return side_has_data(side, at) ? side->piece.logical + side->piece.length : side->piece.logical;
}

enum verdict { SAME, DIFFERENT, UNKNOWN };

/* both sides have data there */
static enum verdict compare_places(const struct byre_extent *a, const struct byre_extent *b, uint64_t at)
{
	uint64_t offset_a = a->offset + (at - a->logical), offset_b = b->offset + (at - b->logical);

	if ((a->flags | b->flags) & BYRE_EXTENT_OPAQUE)
		return UNKNOWN;
	if ((a->flags ^ b->flags) & BYRE_EXTENT_ENCODED)
		return DIFFERENT;
	if (a->flags & BYRE_EXTENT_ENCODED)
		return a->start == b->start && offset_a == offset_b ? SAME : DIFFERENT;
	return a->start + offset_a == b->start + offset_b ? SAME : DIFFERENT;
}

static enum verdict compare_maps(const struct byre_side *a, const struct byre_side *b, uint64_t at)
{
	bool data_a = side_has_data(a, at), data_b = side_has_data(b, at);

	if (data_a && data_b)
		return compare_places(&a->piece, &b->piece, at);
	if (!data_a && !data_b)
		return SAME;
	return (data_a ? a : b)->piece.flags & BYRE_EXTENT_OPAQUE ? UNKNOWN : DIFFERENT;
}

/* The window holds the data from `at` on; behind the end of a file there are zeros. */
static int fill_windows(struct byre_difference *difference, uint64_t at)
{
	int i;

	if (at >= difference->window_start && at < difference->window_start + difference->window_length)
		return 0;
	difference->window_start = at - at % BLOCK;
	difference->window_length = WINDOW;
	difference->read_bytes += WINDOW;
	for (i = 0; i < 2; i++) {
		struct byre_side *side = &difference->sides[i];
		size_t length;
		int r = byre_read(side->fd, side->window, WINDOW, (off_t)difference->window_start, &length);

		if (r < 0)
			return r;
		memset(side->window + length, 0, WINDOW - length);
	}
	return 0;
}

/* The maps do not tell: compare up to the end of a block. */
static int compare_data(struct byre_difference *difference, uint64_t *length, enum verdict *ret_verdict)
{
	uint64_t at = difference->at, left = BLOCK - at % BLOCK;
	size_t offset;
	int r;

	if (!difference->read)
		return -ENODATA;
	r = fill_windows(difference, at);
	if (r < 0)
		return r;
	if (*length > left)
		*length = left;
	offset = (size_t)(at - difference->window_start);
	*ret_verdict = memcmp(difference->sides[0].window + offset, difference->sides[1].window + offset,
			      (size_t)*length) == 0 ? SAME : DIFFERENT;
	return 0;
}

/* Are the next bytes the same, and how many are that for certain? */
static int judge(struct byre_difference *difference, uint64_t *ret_length, enum verdict *ret_verdict)
{
	struct byre_side *a = &difference->sides[0], *b = &difference->sides[1];
	uint64_t at = difference->at, end = difference->size;
	int r = side_reach(a, at);

	if (r == 0)
		r = side_reach(b, at);
	if (r < 0)
		return r;
	if (side_boundary(a, at) < end)
		end = side_boundary(a, at);
	if (side_boundary(b, at) < end)
		end = side_boundary(b, at);
	*ret_length = end - at;
	*ret_verdict = compare_maps(a, b, at);
	return *ret_verdict == UNKNOWN ? compare_data(difference, ret_length, ret_verdict) : 0;
}

/* The stretch that is known differs; the next one has yet to begin. */
static int deliver(struct byre_difference *difference, uint64_t *ret_offset, uint64_t *ret_length)
{
	*ret_offset = difference->found_at;
	*ret_length = difference->found_length;
	difference->found_length = 0;
	return *ret_length > 0;
}

int byre_difference_next(struct byre_difference *difference, uint64_t *ret_offset, uint64_t *ret_length)
{
	uint64_t length, begun = difference->read_bytes;
	enum verdict verdict;

	if (difference->same_file)
		return 0;
	while (difference->at < difference->size) {
		int r = judge(difference, &length, &verdict);

		if (r < 0)
			return r;
		if (verdict == SAME && difference->found_length > 0)
			return deliver(difference, ret_offset, ret_length);
		if (verdict == DIFFERENT) {
			if (difference->found_length == 0)
				difference->found_at = difference->at;
			difference->found_length += length;
		}
		difference->at += length;
		if (difference->read_bytes - begun >= ENOUGH) {
			*ret_offset = difference->at;
			*ret_length = 0;
			return 1;
		}
	}
	return deliver(difference, ret_offset, ret_length);
}
