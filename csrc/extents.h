/*
 * extents.h - where files have their blocks: maps, who shares them, how two files differ;
 * plain C, no Lua here
 *
 * Every function returns 0 or -errno unless it says otherwise.  It neither closes nor keeps
 * a descriptor it is given.
 */

#ifndef BYRE_EXTENTS_H
#define BYRE_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* filesystem.c */

/* Are they on one file system, with one way to count its blocks? */
int byre_same_filesystem(int a, int b, bool *ret_same);

/* The usual name of the file system that a file is on; NULL: not one we know. */
int byre_filesystem_name(int fd, const char **ret_name);

/* map.c */

/* What a map is made from, the best first. */
enum byre_basis {
	BYRE_BASIS_EXTENTS,     /* the extent items of btrfs; needs CAP_SYS_ADMIN */
	BYRE_BASIS_FIEMAP,
	BYRE_BASIS_DATA,        /* only where there is data (SEEK_DATA), not on which blocks */
};

/* The best that can be had of this file. */
int byre_basis_find(int fd, enum byre_basis *ret_basis);

enum {
	BYRE_EXTENT_SHARED    = 1,      /* others refer to it too; not from extent items */
	BYRE_EXTENT_UNWRITTEN = 2,      /* allocated, reads as zeros */
	BYRE_EXTENT_ENCODED   = 4,      /* compressed: `start` names it, blocks and bytes do not match */
	BYRE_EXTENT_PLACELESS = 8,      /* it takes blocks, but has no place as yet */
	BYRE_EXTENT_OPAQUE    = 16,     /* its place does not tell its content */
	BYRE_EXTENT_INLINE    = 32,     /* kept with the metadata */
};

/* `length` bytes of a file: `offset` bytes into what `disk_length` bytes on disk hold. */
struct byre_extent {
	uint64_t logical, length;
	uint64_t start, disk_length, offset;
	uint64_t generation;            /* of the metadata that says so; only from extent items */
	unsigned flags;
};

/* A place in the map of one file, read through a bounded buffer. */
struct byre_map {
	int fd;
	enum byre_basis basis;
	uint64_t next;                  /* offset the next request begins at */
	uint64_t inode;
	unsigned i, count;              /* what the buffer holds, and what of it was returned */
	size_t at;                      /* place in the buffer; only with extent items */
	bool last;                      /* nothing follows the buffer */
	void *buffer;
	struct byre_extent extent;
};

/* Data that was written but has no place yet is written out first. */
int byre_map_open(struct byre_map *map, int fd, enum byre_basis basis);

/* The next extent, or NULL after the last one.  It stays valid until the next call. */
int byre_map_next(struct byre_map *map, const struct byre_extent **ret_extent);
void byre_map_close(struct byre_map *map);

/* btrfs.c */

/* bytes; cleared before, since valgrind does not know what a search fills in */
#define BYRE_BTRFS_BUFFER (128 << 10)

struct byre_btrfs_key {
	uint64_t object;
	uint8_t type;
	uint64_t offset;
};

struct byre_btrfs_item {
	struct byre_btrfs_key key;
	uint64_t generation;            /* of the leaf it is in */
	const uint8_t *data;
	uint32_t length;
};

/*
 * The first items of a tree (0: that of the file's subvolume) from `min` to `max`, at most
 * `wanted`, into a buffer of BYRE_BTRFS_BUFFER bytes; none where there are none.
 * -EPERM without CAP_SYS_ADMIN, -ENOTTY on another file system.
 */
int byre_btrfs_search(int fd, uint64_t tree, const struct byre_btrfs_key *min,
		      const struct byre_btrfs_key *max, unsigned wanted, void *buffer, unsigned *ret_count);

/* The item at this place of the buffer (0: the first one), which moves on. */
struct byre_btrfs_item byre_btrfs_item(const void *buffer, size_t *at);

/*
 * How many references there are to extents, asked for in ascending order, and which
 * references may count for more than one file, since a snapshot of the subvolume has the
 * same metadata.
 */
struct byre_btrfs_refs {
	int fd;
	void *buffer;
	size_t at;
	unsigned i, count;
	dev_t subvolume;                /* that `snapshotted` is about */
	uint64_t snapshotted;           /* metadata up to this generation may be a snapshot's too */
};

/* Makes what was changed until now visible to it; `fd` has to stay open. */
int byre_btrfs_refs_open(struct byre_btrfs_refs *refs, int fd);
int byre_btrfs_refs_snapshotted(struct byre_btrfs_refs *refs, int fd, uint64_t *ret_generation);
int byre_btrfs_refs_count(struct byre_btrfs_refs *refs, uint64_t start, uint64_t *ret_count);
void byre_btrfs_refs_close(struct byre_btrfs_refs *refs);

/* extent_set.c */

/* Who refers to what: files are numbers from 0 on. */
struct byre_extent_set;

struct byre_extent_set *byre_extent_set_new(void);      /* NULL: no memory */
void byre_extent_set_free(struct byre_extent_set *set);

int byre_extent_set_new_file(struct byre_extent_set *set, uint32_t *ret_file);

/* The file last made refers to these bytes on disk; `marked` is for the callback of settle. */
int byre_extent_set_add(struct byre_extent_set *set, uint64_t start, uint64_t length, bool marked);

/* It takes so many bytes that nobody else can have. */
void byre_extent_set_add_own(struct byre_extent_set *set, uint64_t length);

/* Bytes on disk with the references that were added to them. */
struct byre_segment {
	uint64_t start, length;
	uint64_t references, marked;
};

/*
 * Nothing is added from now on, and the rest may be called, which nothing else may.
 * Segments come in ascending order; `outside` tells whether somebody else refers to one.
 */
int byre_extent_set_settle(struct byre_extent_set *set,
			   int (*outside)(void *user, const struct byre_segment *segment, bool *ret_outside),
			   void *user);

/* Bytes that all files take together; that one takes; that only this one takes. */
uint64_t byre_extent_set_total(const struct byre_extent_set *set);
uint64_t byre_extent_set_allocated(const struct byre_extent_set *set, uint32_t file);
uint64_t byre_extent_set_exclusive(const struct byre_extent_set *set, uint32_t file);

/* Take a file away, or back in; bytes that only files taken away take. */
void byre_extent_set_take(struct byre_extent_set *set, uint32_t file);
void byre_extent_set_put_back(struct byre_extent_set *set, uint32_t file);
uint64_t byre_extent_set_freed(const struct byre_extent_set *set);

/* Begin a union of files; bytes that this one adds to it. */
void byre_extent_set_begin_union(struct byre_extent_set *set);
uint64_t byre_extent_set_unite(struct byre_extent_set *set, uint32_t file);

/* shares.c */

/* What each of many files on one file system holds. */
struct byre_shares {
	enum byre_basis basis;
	struct byre_extent_set *set;    /* may be asked once it has settled */
	struct byre_btrfs_refs refs;
	int fd;
	bool snapshotted;               /* some of it may be held by a snapshot of the subvolume; counted as if it was */
};

/* Must be closed, also after a failure. */
int byre_shares_open(struct byre_shares *shares, enum byre_basis basis);
void byre_shares_close(struct byre_shares *shares);

/* -EXDEV: the file is on another file system than those before. */
int byre_shares_add(struct byre_shares *shares, int fd, uint32_t *ret_file);
int byre_shares_settle(struct byre_shares *shares);

/* extents.c */

struct byre_extents {
	uint64_t count;
	uint64_t allocated;     /* bytes, unwritten ones included */
	uint64_t shared;        /* of them, used by other files too */
	uint64_t unwritten;     /* of them, allocated but never written */
};

/* Sums over the map of a file; -EOPNOTSUPP where the file system has no maps. */
int byre_extents_sum(int fd, struct byre_extents *ret_sum);

/* the extents that begin in a part of a file */
struct byre_region {
	uint64_t start;
	uint64_t count, allocated, shared;      /* as above */
};

/* The parts of a file, each of `size` bytes, that have extents; to be freed by the caller. */
int byre_extents_regions(int fd, uint64_t size, struct byre_region **ret_regions, size_t *ret_count);

/*
 * Do both files hold the same blocks at the same offsets?  Then their contents are
 * equal.  -ENODATA if the maps do not tell, -EXDEV if they cannot be compared.
 */
int byre_extents_same(int a, int b, bool *ret_same);

/*
 * The next range of data at or behind position, as lseek tells it; start is -1 where only a
 * hole is left.  -EINVAL if the file cannot tell: all of it may be data.
 */
int byre_next_data(int fd, int64_t position, int64_t *ret_start, int64_t *ret_end);

/* difference.c */

/* Where two files differ, one stretch after the other. */
struct byre_difference {
	struct byre_side {
		int fd;
		uint64_t size;
		struct byre_map map;
		struct byre_extent piece;       /* length 0: zeros up to the end */
		char *window;                   /* data that has to be compared */
	} sides[2];
	bool same_file;
	bool read;                      /* may data be read where maps do not tell? */
	uint64_t at, size;
	uint64_t found_at, found_length;        /* of what differs, as far as it is known */
	uint64_t window_start, window_length, read_bytes;
};

/*
 * Maps of another basis than DATA need one file system (-EXDEV).  Without `read` a place
 * that does not tell its content is -ENODATA.
 */
int byre_difference_open(struct byre_difference *difference, int a, int b, enum byre_basis basis, bool read);

/*
 * The next stretch that differs: 1.  Behind the last one: 0.  After much reading also 1 with length 0, at the offset
 * got to, so that whoever waits can be interrupted.  The shorter file counts as followed by zeros.  A stretch that
 * was written again may hold the same as before.
 */
int byre_difference_next(struct byre_difference *difference, uint64_t *ret_offset, uint64_t *ret_length);
void byre_difference_close(struct byre_difference *difference);

#endif
