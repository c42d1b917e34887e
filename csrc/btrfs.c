/* btrfs.c - items of the trees of btrfs, and who refers to an extent; plain C, no Lua here */

#include <errno.h>
#include <endian.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "extents.h"

/* of the extent tree in one go: enough to walk along it, few enough to leap */
#define REFS_AT_ONCE 64

int byre_btrfs_search(int fd, uint64_t tree, const struct byre_btrfs_key *min,
		      const struct byre_btrfs_key *max, unsigned wanted, void *buffer, unsigned *ret_count)
{
	struct btrfs_ioctl_search_args_v2 *args = buffer;
	struct btrfs_ioctl_search_key *key = &args->key;
	int r;

	memset(args, 0, sizeof *args);
	args->buf_size = BYRE_BTRFS_BUFFER - sizeof *args;
	key->tree_id = tree;
	key->min_objectid = min->object;
	key->min_type = min->type;
	key->min_offset = min->offset;
	key->max_objectid = max->object;
	key->max_type = max->type;
	key->max_offset = max->offset;
	key->max_transid = UINT64_MAX;
	key->nr_items = wanted;
	do
		r = ioctl(fd, BTRFS_IOC_TREE_SEARCH_V2, args);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	*ret_count = key->nr_items;
	return 0;
}

struct byre_btrfs_item byre_btrfs_item(const void *buffer, size_t *at)
{
	const uint8_t *place = ((const struct btrfs_ioctl_search_args_v2 *)buffer)->buf + *at;
	struct btrfs_ioctl_search_header header;

	/* items are packed, so a header may stand anywhere */
	memcpy(&header, place, sizeof header);
	*at += sizeof header + header.len;
	return (struct byre_btrfs_item){
		.key = { header.objectid, (uint8_t)header.type, header.offset },
		.generation = header.transid,
		.data = place + sizeof header,
		.length = header.len,
	};
}

/* References to extents that were added or dropped just now are in the tree after a commit. */
static int commit(int fd)
{
	uint64_t generation;

	if (ioctl(fd, BTRFS_IOC_START_SYNC, &generation) < 0 || ioctl(fd, BTRFS_IOC_WAIT_SYNC, &generation) < 0)
		return -errno;
	return 0;
}

int byre_btrfs_refs_open(struct byre_btrfs_refs *refs, int fd)
{
	int r;

	memset(refs, 0, sizeof *refs);
	refs->fd = fd;
	r = commit(fd);
	/* a file system that nobody can write to has nothing to commit */
	if (r < 0 && r != -EROFS)
		return r;
	refs->buffer = calloc(1, BYRE_BTRFS_BUFFER);
	return refs->buffer ? 0 : -ENOMEM;
}

static int find_subvolume(int fd, uint64_t *ret_tree)
{
	struct btrfs_ioctl_ino_lookup_args args = { .treeid = 0, .objectid = BTRFS_FIRST_FREE_OBJECTID };

	if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &args) < 0)
		return -errno;
	*ret_tree = args.treeid;
	return 0;
}

struct lineage {
	uint64_t tree;                  /* the subvolume it is about */
	uint64_t last_snapshot;         /* generation of the last snapshot made of it */
	bool descends;                  /* it is a snapshot itself */
	uint64_t others, snapshots;     /* the latest such generation of other subvolumes; of those that are snapshots */
};

static void max_into(uint64_t *maximum, uint64_t value)
{
	if (*maximum < value)
		*maximum = value;
}

static void see_subvolume(struct lineage *lineage, const struct byre_btrfs_item *item)
{
	static const uint8_t none[BTRFS_UUID_SIZE];
	struct btrfs_root_item root = {0};
	uint64_t last_snapshot;
	bool descends;

	memcpy(&root, item->data, item->length < sizeof root ? item->length : sizeof root);
	last_snapshot = le64toh(root.last_snapshot);
	descends = memcmp(root.parent_uuid, none, sizeof none) != 0;
	if (item->key.object == lineage->tree) {
		lineage->last_snapshot = last_snapshot;
		lineage->descends = descends;
		return;
	}
	max_into(&lineage->others, last_snapshot);
	if (descends)
		max_into(&lineage->snapshots, last_snapshot);
}

static int see_subvolumes(struct byre_btrfs_refs *refs, int fd, struct lineage *lineage)
{
	const struct byre_btrfs_key max = { UINT64_MAX, UINT8_MAX, UINT64_MAX };
	struct byre_btrfs_key min = { BTRFS_FS_TREE_OBJECTID, 0, 0 };
	unsigned count, i;
	size_t at;
	int r;

	refs->i = refs->count = 0;      /* the buffer is used for something else */
	while ((r = byre_btrfs_search(fd, BTRFS_ROOT_TREE_OBJECTID, &min, &max, UINT32_MAX, refs->buffer,
				      &count)) == 0 && count > 0) {
		for (i = 0, at = 0; i < count; i++) {
			const struct byre_btrfs_item item = byre_btrfs_item(refs->buffer, &at);

			min = item.key;
			if (item.key.type == BTRFS_ROOT_ITEM_KEY && (item.key.object == BTRFS_FS_TREE_OBJECTID ||
			    (item.key.object >= BTRFS_FIRST_FREE_OBJECTID && item.key.object <= BTRFS_LAST_FREE_OBJECTID)))
				see_subvolume(lineage, &item);
		}
		if (min.offset < UINT64_MAX)
			min.offset++;
		else if (min.type < UINT8_MAX)
			min = (struct byre_btrfs_key){ min.object, (uint8_t)(min.type + 1), 0 };
		else
			min = (struct byre_btrfs_key){ min.object + 1, 0, 0 };
	}
	return r;
}

/*
 * Two subvolumes share metadata only if one of them descends from the other, or both from a
 * third, and only what is older than the last snapshot of each.
 */
int byre_btrfs_refs_snapshotted(struct byre_btrfs_refs *refs, int fd, uint64_t *ret_generation)
{
	struct lineage lineage = {0};
	struct stat st;
	uint64_t sharers;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != refs->subvolume) {
		r = find_subvolume(fd, &lineage.tree);
		if (r == 0)
			r = see_subvolumes(refs, fd, &lineage);
		if (r < 0)
			return r;
		sharers = lineage.descends ? lineage.others : lineage.snapshots;
		refs->snapshotted = lineage.last_snapshot < sharers ? lineage.last_snapshot : sharers;
		refs->subvolume = st.st_dev;
	}
	*ret_generation = refs->snapshotted;
	return 0;
}

/* The next item at or behind an address; false: there is none. */
static int next_extent(struct byre_btrfs_refs *refs, uint64_t start, struct byre_btrfs_item *ret_item, bool *ret_found)
{
	const struct byre_btrfs_key max = { UINT64_MAX, UINT8_MAX, UINT64_MAX };
	const struct byre_btrfs_key min = { start, BTRFS_EXTENT_ITEM_KEY, 0 };

	/* beyond the buffer: leap */
	if (refs->i == refs->count) {
		int r = byre_btrfs_search(refs->fd, BTRFS_EXTENT_TREE_OBJECTID, &min, &max, REFS_AT_ONCE,
					  refs->buffer, &refs->count);
		if (r < 0)
			return r;
		refs->i = 0;
		refs->at = 0;
	}
	*ret_found = refs->count > 0;
	if (refs->count > 0) {
		*ret_item = byre_btrfs_item(refs->buffer, &refs->at);
		refs->i++;
	}
	return 0;
}

int byre_btrfs_refs_count(struct byre_btrfs_refs *refs, uint64_t start, uint64_t *ret_count)
{
	struct byre_btrfs_item item;
	bool found;
	int r;

	*ret_count = 0;
	while ((r = next_extent(refs, start, &item, &found)) == 0 && found) {
		if (item.key.object == start && item.key.type == BTRFS_EXTENT_ITEM_KEY &&
		    item.length >= sizeof(struct btrfs_extent_item)) {
			struct btrfs_extent_item extent;

			memcpy(&extent, item.data, sizeof extent);
			*ret_count = le64toh(extent.refs);
			return 0;
		}
		/* gone since: nobody refers to it */
		if (item.key.object > start) {
			refs->i = refs->count;
			return 0;
		}
	}
	return r;
}

void byre_btrfs_refs_close(struct byre_btrfs_refs *refs)
{
	free(refs->buffer);
	refs->buffer = NULL;
}
