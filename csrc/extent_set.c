/*
 * extent_set.c - which bytes on disk are held by which files; plain C, no Lua here
 *
 * References are collected, sorted, and walked through once.  What is held by the same files
 * is one group from then on, however many pieces it consists of: a history of n revisions has
 * some hundred groups where it has a million extents.  After that the references are gone.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "extent_walk.h"

#define REF_LENGTH_MAX (1u << 30)               /* a longer reference is several */
#define OUTSIDE UINT32_MAX                      /* the owner that is no file of the set */

/* Bytes held by the same files. */
struct group {
	struct byre_signature signature;
	uint64_t bytes;
	uint32_t owners;                /* files */
	uint32_t left;                  /* of them, and one for whoever is outside: not taken away */
	bool outside;
	uint32_t united;                /* the union that it was last counted for */
};

struct file {
	uint64_t own;                   /* bytes without a place that can be shared */
	uint64_t allocated, exclusive;
	size_t groups, groups_end;      /* its part of set->memberships */
	bool taken;
};

struct byre_extent_set {
	struct byre_array refs;              /* struct byre_ref */
	struct byre_array groups;            /* struct group */
	struct byre_array owners;            /* uint32_t: the files of each group, one group after the other */
	struct byre_array files;             /* struct file */
	uint32_t *table;                /* hash table of groups, by signature: index + 1 */
	size_t table_mask;
	uint32_t *memberships;          /* groups of each file, one file after the other */
	uint64_t total, freed;
	uint32_t unions;
};

static struct file *file_at(const struct byre_extent_set *set, uint32_t file)
{
	return (struct file *)set->files.data + file;
}

static struct group *group_at(const struct byre_extent_set *set, size_t group)
{
	return (struct group *)set->groups.data + group;
}

struct byre_extent_set *byre_extent_set_new(void)
{
	return calloc(1, sizeof(struct byre_extent_set));
}

void byre_extent_set_free(struct byre_extent_set *set)
{
	if (!set)
		return;
	byre_array_free(&set->refs);
	byre_array_free(&set->groups);
	byre_array_free(&set->owners);
	byre_array_free(&set->files);
	free(set->table);
	free(set->memberships);
	free(set);
}

int byre_extent_set_new_file(struct byre_extent_set *set, uint32_t *ret_file)
{
	struct file *file;

	if (set->files.count >= BYRE_REF_MARK - 1)
		return -EOVERFLOW;
	file = byre_array_add(&set->files, sizeof *file);
	if (!file)
		return -ENOMEM;
	memset(file, 0, sizeof *file);
	*ret_file = (uint32_t)set->files.count - 1;
	return 0;
}

int byre_extent_set_add(struct byre_extent_set *set, uint64_t start, uint64_t length, bool marked)
{
	if (length > UINT64_MAX - start)
		return -EINVAL;
	while (length > 0) {
		struct byre_ref *ref = byre_array_add(&set->refs, sizeof *ref);
		uint32_t piece = length < REF_LENGTH_MAX ? (uint32_t)length : REF_LENGTH_MAX;

		if (!ref)
			return -ENOMEM;
		ref->start = start;
		ref->length = piece;
		ref->file = ((uint32_t)set->files.count - 1) | (marked ? BYRE_REF_MARK : 0);
		start += piece;
		length -= piece;
	}
	return 0;
}

void byre_extent_set_add_own(struct byre_extent_set *set, uint64_t length)
{
	file_at(set, (uint32_t)set->files.count - 1)->own += length;
}

/* Groups by their owners */

static uint32_t *table_find(const struct byre_extent_set *set, const struct byre_signature *signature)
{
	size_t i = signature->a & set->table_mask;

	while (set->table[i] && memcmp(&group_at(set, set->table[i] - 1)->signature, signature, sizeof *signature) != 0)
		i = (i + 1) & set->table_mask;
	return &set->table[i];
}

static int table_grow(struct byre_extent_set *set)
{
	size_t size = set->table ? (set->table_mask + 1) * 2 : 1024, i;
	uint32_t *table = calloc(size, sizeof *table);

	if (!table)
		return -ENOMEM;
	free(set->table);
	set->table = table;
	set->table_mask = size - 1;
	for (i = 0; i < set->groups.count; i++)
		*table_find(set, &group_at(set, i)->signature) = (uint32_t)i + 1;
	return 0;
}

/* The group with these owners, made if it is new. */
static int group_get(struct byre_extent_set *set, const struct byre_signature *signature,
		     struct group **ret_group, bool *ret_new)
{
	struct group *group;
	uint32_t *slot;

	if (!set->table || set->groups.count * 2 > set->table_mask) {
		int r = set->groups.count < UINT32_MAX - 1 ? table_grow(set) : -EOVERFLOW;

		if (r < 0)
			return r;
	}
	slot = table_find(set, signature);
	*ret_new = *slot == 0;
	if (*slot == 0) {
		group = byre_array_add(&set->groups, sizeof *group);
		if (!group)
			return -ENOMEM;
		memset(group, 0, sizeof *group);
		group->signature = *signature;
		*slot = (uint32_t)set->groups.count;
	}
	*ret_group = group_at(set, *slot - 1);
	return 0;
}

static int add_owner(struct byre_extent_set *set, uint32_t file)
{
	uint32_t *owner = byre_array_add(&set->owners, sizeof *owner);

	if (!owner)
		return -ENOMEM;
	*owner = file;
	return 0;
}

/* What only one file can have makes a group as well. */
static int add_own_bytes(struct byre_extent_set *set)
{
	uint32_t i;

	for (i = 0; i < set->files.count; i++) {
		struct byre_signature signature = {0};
		struct group *group;
		bool is_new;
		int r;

		if (file_at(set, i)->own == 0)
			continue;
		byre_signature_toggle(&signature, i);
		r = group_get(set, &signature, &group, &is_new);
		if (r == 0 && is_new) {
			r = add_owner(set, i);
			group->owners = 1;
		}
		if (r < 0)
			return r;
		group->bytes += file_at(set, i)->own;
	}
	return 0;
}

/* From the files of each group to the groups of each file. */
static int turn_round(struct byre_extent_set *set)
{
	const uint32_t *owner = set->owners.data;
	size_t i, j, sum = 0;

	set->memberships = malloc((set->owners.count + 1) * sizeof *set->memberships);
	if (!set->memberships)
		return -ENOMEM;
	for (i = 0; i < set->owners.count; i++)
		file_at(set, owner[i])->groups_end++;
	for (i = 0; i < set->files.count; i++) {
		struct file *file = file_at(set, (uint32_t)i);

		file->groups = sum;
		sum += file->groups_end;
		file->groups_end = file->groups;
	}
	for (i = 0; i < set->groups.count; i++)
		for (j = group_at(set, i)->owners; j > 0; j--)
			set->memberships[file_at(set, *owner++)->groups_end++] = (uint32_t)i;
	return 0;
}

static void sum_up(struct byre_extent_set *set)
{
	size_t i, j;

	for (i = 0; i < set->groups.count; i++) {
		struct group *group = group_at(set, i);

		group->left = group->owners + group->outside;
		set->total += group->bytes;
	}
	for (i = 0; i < set->files.count; i++) {
		struct file *file = file_at(set, (uint32_t)i);

		for (j = file->groups; j < file->groups_end; j++) {
			const struct group *group = group_at(set, set->memberships[j]);

			file->allocated += group->bytes;
			if (group->left == 1)
				file->exclusive += group->bytes;
		}
	}
}

/* What the walk finds becomes groups. */
struct grouping {
	struct byre_extent_set *set;
	int (*outside)(void *user, const struct byre_segment *segment, bool *ret_outside);
	void *user;
};

static int add_segment(void *user, const struct byre_walk *walk, const struct byre_segment *segment)
{
	const struct grouping *grouping = user;
	struct byre_extent_set *set = grouping->set;
	struct byre_signature signature = walk->signature;
	size_t owners = set->owners.count;
	struct group *group;
	bool outside, is_new;
	int r = grouping->outside(grouping->user, segment, &outside);

	if (r < 0)
		return r;
	if (outside)
		byre_signature_toggle(&signature, OUTSIDE);
	r = group_get(set, &signature, &group, &is_new);
	if (r == 0 && is_new) {
		r = byre_walk_owners(walk, &set->owners);
		group->owners = (uint32_t)(set->owners.count - owners);
		group->outside = outside;
	}
	if (r == 0)
		group->bytes += segment->length;
	return r;
}

static int add_segments(struct grouping *grouping)
{
	struct byre_extent_set *set = grouping->set;
	struct byre_walk walk = { .visit = add_segment, .user = grouping };
	int r;

	walk.active = calloc(set->files.count + 1, sizeof *walk.active);
	r = walk.active ? byre_walk(&walk, &set->refs) : -ENOMEM;
	free(walk.active);
	byre_array_free(&set->refs);
	return r;
}

int byre_extent_set_settle(struct byre_extent_set *set,
			   int (*outside)(void *user, const struct byre_segment *segment, bool *ret_outside),
			   void *user)
{
	struct grouping grouping = { set, outside, user };
	int r = add_segments(&grouping);

	if (r == 0)
		r = add_own_bytes(set);
	if (r == 0)
		r = turn_round(set);
	free(set->table);
	set->table = NULL;
	byre_array_free(&set->owners);
	if (r == 0)
		sum_up(set);
	return r;
}

/* What is asked once it has settled */

uint64_t byre_extent_set_total(const struct byre_extent_set *set)
{
	return set->total;
}

uint64_t byre_extent_set_allocated(const struct byre_extent_set *set, uint32_t file)
{
	return file_at(set, file)->allocated;
}

uint64_t byre_extent_set_exclusive(const struct byre_extent_set *set, uint32_t file)
{
	return file_at(set, file)->exclusive;
}

void byre_extent_set_take(struct byre_extent_set *set, uint32_t number)
{
	struct file *file = file_at(set, number);
	size_t i;

	if (file->taken)
		return;
	file->taken = true;
	for (i = file->groups; i < file->groups_end; i++) {
		struct group *group = group_at(set, set->memberships[i]);

		if (--group->left == 0)
			set->freed += group->bytes;
	}
}

void byre_extent_set_put_back(struct byre_extent_set *set, uint32_t number)
{
	struct file *file = file_at(set, number);
	size_t i;

	if (!file->taken)
		return;
	file->taken = false;
	for (i = file->groups; i < file->groups_end; i++) {
		struct group *group = group_at(set, set->memberships[i]);

		if (group->left++ == 0)
			set->freed -= group->bytes;
	}
}

uint64_t byre_extent_set_freed(const struct byre_extent_set *set)
{
	return set->freed;
}

void byre_extent_set_begin_union(struct byre_extent_set *set)
{
	set->unions++;
}

uint64_t byre_extent_set_unite(struct byre_extent_set *set, uint32_t number)
{
	const struct file *file = file_at(set, number);
	uint64_t added = 0;
	size_t i;

	for (i = file->groups; i < file->groups_end; i++) {
		struct group *group = group_at(set, set->memberships[i]);

		if (group->united != set->unions)
			added += group->bytes;
		group->united = set->unions;
	}
	return added;
}
