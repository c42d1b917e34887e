/* shares.c - what each of many files on one file system holds; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "extents.h"

int byre_shares_open(struct byre_shares *shares, enum byre_basis basis)
{
	memset(shares, 0, sizeof *shares);
	shares->basis = basis;
	shares->fd = -1;
	shares->set = byre_extent_set_new();
	return shares->set ? 0 : -ENOMEM;
}

static void close_first(struct byre_shares *shares)
{
	if (shares->fd >= 0)
		close(shares->fd);
	shares->fd = -1;
}

void byre_shares_close(struct byre_shares *shares)
{
	byre_extent_set_free(shares->set);
	shares->set = NULL;
	byre_btrfs_refs_close(&shares->refs);
	close_first(shares);
}

/* The first file stands for the file system. */
static int take_first(struct byre_shares *shares, int fd)
{
	shares->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (shares->fd < 0)
		return -errno;
	return shares->basis == BYRE_BASIS_EXTENTS ? byre_btrfs_refs_open(&shares->refs, shares->fd) : 0;
}

/* Metadata older than this may be a snapshot's too. */
static int check_place(struct byre_shares *shares, int fd, uint64_t *ret_snapshotted)
{
	bool same;
	int r;

	*ret_snapshotted = 0;
	if (shares->fd < 0 && (r = take_first(shares, fd)) < 0)
		return r;
	r = byre_same_filesystem(shares->fd, fd, &same);
	if (r < 0)
		return r;
	if (!same)
		return -EXDEV;
	return shares->basis == BYRE_BASIS_EXTENTS ?
		byre_btrfs_refs_snapshotted(&shares->refs, fd, ret_snapshotted) : 0;
}

static int add_extent(struct byre_shares *shares, const struct byre_extent *extent, uint64_t snapshotted)
{
	bool marked;

	if (shares->basis == BYRE_BASIS_FIEMAP) {
		marked = extent->flags & BYRE_EXTENT_SHARED;
	} else {
		marked = extent->generation <= snapshotted;
		shares->snapshotted |= marked;
	}
	return byre_extent_set_add(shares->set, extent->start, extent->disk_length, marked);
}

/* Add all that has a place on disk; `ret_mapped`: bytes of it and of what is with the metadata. */
static int add_map(struct byre_shares *shares, int fd, uint64_t snapshotted, uint64_t *ret_mapped)
{
	const struct byre_extent *extent;
	struct byre_map map;
	int r = byre_map_open(&map, fd, shares->basis);

	*ret_mapped = 0;
	while (r == 0 && (r = byre_map_next(&map, &extent)) == 0 && extent) {
		if (extent->flags & BYRE_EXTENT_PLACELESS)
			continue;
		*ret_mapped += extent->length;
		if (!(extent->flags & BYRE_EXTENT_INLINE))
			r = add_extent(shares, extent, snapshotted);
	}
	byre_map_close(&map);
	return r;
}

/*
 * What a file takes besides: XFS holds blocks ready for those of a shared file that are going
 * to be written to, and a long map needs blocks itself.  They come back with the file.
 */
static int add_rest(struct byre_shares *shares, int fd, uint64_t mapped)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_blocks * 512 > mapped)
		byre_extent_set_add_own(shares->set, (uint64_t)st.st_blocks * 512 - mapped);
	return 0;
}

int byre_shares_add(struct byre_shares *shares, int fd, uint32_t *ret_file)
{
	uint64_t snapshotted, mapped;
	int r = check_place(shares, fd, &snapshotted);

	if (r == 0)
		r = byre_extent_set_new_file(shares->set, ret_file);
	if (r == 0)
		r = add_map(shares, fd, snapshotted, &mapped);
	/* the extent items of btrfs tell all of it */
	if (r == 0 && shares->basis == BYRE_BASIS_FIEMAP)
		r = add_rest(shares, fd, mapped);
	return r;
}

/*
 * btrfs counts the references to an extent: more of them than ours are somebody else's.  A
 * file that a snapshot of the subvolume has as well is not counted twice.
 * FIEMAP tells only that there is more than one, so of what two files share it is not known
 * whether there is a third.
 */
static int is_outside(void *user, const struct byre_segment *segment, bool *ret_outside)
{
	struct byre_shares *shares = user;
	uint64_t count;
	int r;

	if (shares->basis == BYRE_BASIS_FIEMAP) {
		*ret_outside = segment->references == 1 && segment->marked;
		return 0;
	}
	r = byre_btrfs_refs_count(&shares->refs, segment->start, &count);
	if (r == 0)
		*ret_outside = segment->marked || count > segment->references;
	return r;
}

int byre_shares_settle(struct byre_shares *shares)
{
	int r = byre_extent_set_settle(shares->set, is_outside, shares);

	byre_btrfs_refs_close(&shares->refs);
	/* an image that somebody has open is not freed when it is removed */
	close_first(shares);
	return r;
}
