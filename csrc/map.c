/* map.c - the extents of a file, one after the other; plain C, no Lua here */

#include <errno.h>
#include <linux/btrfs_tree.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "extents.h"

#define FIEMAP_EXTENTS 512
#define FIEMAP_BUFFER (sizeof(struct fiemap) + FIEMAP_EXTENTS * sizeof(struct fiemap_extent))

/* `count` extents from `start` on into the request; 0: nothing but writing out what has no place */
static int fiemap(int fd, struct fiemap *request, uint64_t start, uint64_t length, unsigned count)
{
	int r;

	memset(request, 0, sizeof *request);
	request->fm_start = start;
	request->fm_length = length;
	/* without it what was written but not yet given a place is missing */
	request->fm_flags = FIEMAP_FLAG_SYNC;
	request->fm_extent_count = count;
	do
		r = ioctl(fd, FS_IOC_FIEMAP, request);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == ENOTTY || errno == EBADR ? -EOPNOTSUPP : -errno;
	return 0;
}

int byre_basis_find(int fd, enum byre_basis *ret_basis)
{
	const struct byre_btrfs_key none = {0};
	struct fiemap request;
	unsigned count;
	void *buffer = calloc(1, BYRE_BTRFS_BUFFER);
	int r;

	if (!buffer)
		return -ENOMEM;
	r = byre_btrfs_search(fd, 0, &none, &none, 1, buffer, &count);
	free(buffer);
	if (r == 0) {
		*ret_basis = BYRE_BASIS_EXTENTS;
		return 0;
	}
	/* no privilege, another file system, an old kernel */
	if (r != -EPERM && r != -ENOTTY && r != -EOPNOTSUPP && r != -EINVAL)
		return r;
	r = fiemap(fd, &request, 0, 1, 0);
	*ret_basis = r == 0 ? BYRE_BASIS_FIEMAP : BYRE_BASIS_DATA;
	return r == -EOPNOTSUPP ? 0 : r;
}

int byre_map_open(struct byre_map *map, int fd, enum byre_basis basis)
{
	struct fiemap request;
	struct stat st;
	int r;

	memset(map, 0, sizeof *map);
	map->fd = fd;
	map->basis = basis;
	if (basis == BYRE_BASIS_DATA)
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	map->inode = st.st_ino;
	if (basis == BYRE_BASIS_EXTENTS) {
		r = fiemap(fd, &request, 0, 1, 0);
		if (r < 0)
			return r;
	}
	map->buffer = calloc(1, basis == BYRE_BASIS_EXTENTS ? (size_t)BYRE_BTRFS_BUFFER : FIEMAP_BUFFER);
	return map->buffer ? 0 : -ENOMEM;
}

static int fetch_fiemap(struct byre_map *map)
{
	struct fiemap *buffer = map->buffer;
	int r = fiemap(map->fd, buffer, map->next, FIEMAP_MAX_OFFSET - map->next, FIEMAP_EXTENTS);

	map->count = r < 0 ? 0 : buffer->fm_mapped_extents;
	return r;
}

static unsigned flags_of_fiemap(uint32_t flags)
{
	unsigned result = 0;

	if (flags & FIEMAP_EXTENT_SHARED)
		result |= BYRE_EXTENT_SHARED;
	if (flags & FIEMAP_EXTENT_UNWRITTEN)
		result |= BYRE_EXTENT_UNWRITTEN;
	if (flags & FIEMAP_EXTENT_ENCODED)
		result |= BYRE_EXTENT_ENCODED;
	if (flags & (FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL))
		result |= BYRE_EXTENT_INLINE;
	else if (flags & (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC))
		result |= BYRE_EXTENT_PLACELESS;
	/* how far into a compressed extent a piece begins is not told */
	if (flags & (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED |
		     FIEMAP_EXTENT_DATA_ENCRYPTED | FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE |
		     FIEMAP_EXTENT_DATA_TAIL))
		result |= BYRE_EXTENT_OPAQUE;
	return result;
}

static void take_fiemap(struct byre_map *map)
{
	const struct fiemap *buffer = map->buffer;
	const struct fiemap_extent *found = &buffer->fm_extents[map->i];

	map->extent = (struct byre_extent){
		.logical = found->fe_logical, .length = found->fe_length,
		.start = found->fe_physical, .disk_length = found->fe_length,
		.flags = flags_of_fiemap(found->fe_flags),
	};
	if (found->fe_flags & FIEMAP_EXTENT_LAST)
		map->last = true;
}

static int fetch_items(struct byre_map *map)
{
	const struct byre_btrfs_key min = { map->inode, BTRFS_EXTENT_DATA_KEY, map->next };
	const struct byre_btrfs_key max = { map->inode, BTRFS_EXTENT_DATA_KEY, UINT64_MAX };

	map->at = 0;
	return byre_btrfs_search(map->fd, 0, &min, &max, UINT32_MAX, map->buffer, &map->count);
}

/* false: the item is a hole */
static bool take_item(struct byre_map *map)
{
	const struct byre_btrfs_item item = byre_btrfs_item(map->buffer, &map->at);
	const struct btrfs_file_extent_item *found = (const void *)item.data;
	struct byre_extent *extent = &map->extent;

	*extent = (struct byre_extent){ .logical = item.key.offset, .generation = item.generation };
	if (item.length < offsetof(struct btrfs_file_extent_item, disk_bytenr))
		return false;
	if (found->compression || found->encryption || found->other_encoding)
		extent->flags |= BYRE_EXTENT_ENCODED;
	if (found->type == BTRFS_FILE_EXTENT_INLINE) {
		extent->length = le64toh(found->ram_bytes);
		extent->flags |= BYRE_EXTENT_INLINE | BYRE_EXTENT_OPAQUE;
		return true;
	}
	if (item.length < sizeof *found)
		return false;
	if (found->type == BTRFS_FILE_EXTENT_PREALLOC)
		extent->flags |= BYRE_EXTENT_UNWRITTEN;
	extent->length = le64toh(found->num_bytes);
	extent->start = le64toh(found->disk_bytenr);
	extent->disk_length = le64toh(found->disk_num_bytes);
	extent->offset = le64toh(found->offset);
	return extent->start != 0;
}

static int next_data(struct byre_map *map)
{
	int64_t start, end;
	int r = byre_next_data(map->fd, (int64_t)map->next, &start, &end);

	/* it cannot tell: all of it may be data */
	if (r == -EINVAL) {
		start = (int64_t)map->next;
		end = INT64_MAX;
	} else if (r < 0) {
		return r;
	}
	if (start < 0 || start == INT64_MAX) {
		map->last = true;
		return 0;
	}
	map->extent = (struct byre_extent){
		.logical = (uint64_t)start, .length = (uint64_t)(end - start),
		.flags = BYRE_EXTENT_OPAQUE | BYRE_EXTENT_PLACELESS,
	};
	return 0;
}

/* Fill map->extent from the buffer, which has something; false: with a hole. */
static bool take(struct byre_map *map)
{
	bool data = true;
	uint64_t end;

	if (map->basis == BYRE_BASIS_EXTENTS)
		data = take_item(map);
	else
		take_fiemap(map);
	map->i++;
	/* a map that does not advance must not keep us for ever */
	end = map->extent.logical + (data && map->extent.length ? map->extent.length : 1);
	if (end <= map->next)
		map->last = true;
	map->next = end;
	return data;
}

int byre_map_next(struct byre_map *map, const struct byre_extent **ret_extent)
{
	int r;

	*ret_extent = NULL;
	if (map->basis == BYRE_BASIS_DATA) {
		r = map->last ? 0 : next_data(map);
		if (r < 0 || map->last)
			return r;
		map->next = map->extent.logical + map->extent.length;
		*ret_extent = &map->extent;
		return 0;
	}
	do {
		if (map->i == map->count) {
			if (map->last)
				return 0;
			map->i = map->count = 0;
			r = map->basis == BYRE_BASIS_EXTENTS ? fetch_items(map) : fetch_fiemap(map);
			if (r < 0)
				return r;
			if (map->count == 0) {
				map->last = true;
				return 0;
			}
		}
	} while (!take(map));
	*ret_extent = &map->extent;
	return 0;
}

void byre_map_close(struct byre_map *map)
{
	free(map->buffer);
	map->buffer = NULL;
}
