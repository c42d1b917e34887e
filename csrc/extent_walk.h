/* extent_walk.h - from references to segments with the same owners; plain C, no Lua here */

#ifndef BYRE_EXTENT_WALK_H
#define BYRE_EXTENT_WALK_H

#include "extents.h"

/* A growing array: `room` elements of which `count` are used. */
struct byre_array {
	void *data;
	size_t count, room;
};

/* Room for one more element, which is counted but not set; NULL: no memory. */
void *byre_array_add(struct byre_array *array, size_t size);
void byre_array_free(struct byre_array *array);

#define BYRE_REF_MARK (1u << 31)                /* in ref.file */

struct byre_ref {
	uint64_t start;
	uint32_t length;
	uint32_t file;
};

/* Stands for a set of owners: 128 bits, so that two sets never look the same. */
struct byre_signature {
	uint64_t a, b;
};

void byre_signature_toggle(struct byre_signature *signature, uint32_t owner);

struct byre_walk {
	/* `files`: one number each, all 0 */
	uint32_t *active;               /* of each file: references to the present segment */
	/* what to do with a segment */
	int (*visit)(void *user, const struct byre_walk *walk, const struct byre_segment *segment);
	void *user;
	/* the rest is the walk's own */
	struct byre_array ends;         /* a heap of the references that cover `at`, the first to end on top */
	uint64_t at;
	uint64_t marked;                /* of these references */
	struct byre_signature signature;        /* of their files */
};

/* Visit all segments of these references, which are sorted, in ascending order. */
int byre_walk(struct byre_walk *walk, struct byre_array *refs);

/* The files that refer to the segment being visited, ascending, appended to an array of uint32_t. */
int byre_walk_owners(const struct byre_walk *walk, struct byre_array *owners);

#endif
