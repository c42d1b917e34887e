/* extent_walk.c - from references to segments with the same owners; plain C, no Lua here */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "extent_walk.h"

void *byre_array_add(struct byre_array *array, size_t size)
{
	if (array->count == array->room) {
		size_t room = array->room ? array->room * 2 : 64;
		void *data = room > SIZE_MAX / size ? NULL : realloc(array->data, room * size);

		if (!data)
			return NULL;
		array->data = data;
		array->room = room;
	}
	return (char *)array->data + array->count++ * size;
}

void byre_array_free(struct byre_array *array)
{
	free(array->data);
	memset(array, 0, sizeof *array);
}

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

void byre_signature_toggle(struct byre_signature *signature, uint32_t owner)
{
	signature->a ^= mix(owner);
	signature->b ^= mix(owner + ((uint64_t)1 << 32));
}

struct end {
	uint64_t at;
	uint32_t file;                  /* with its mark */
};

static void heap_up(struct end *heap, size_t i)
{
	const struct end end = heap[i];

	for (; i > 0 && heap[(i - 1) / 2].at > end.at; i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = end;
}

static void heap_down(struct end *heap, size_t count)
{
	const struct end end = heap[0];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < count) {
		if (child + 1 < count && heap[child + 1].at < heap[child].at)
			child++;
		if (heap[child].at >= end.at)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = end;
}

static int walk_begin(struct byre_walk *walk, const struct byre_ref *ref)
{
	struct end *end = byre_array_add(&walk->ends, sizeof *end);
	uint32_t file = ref->file & ~BYRE_REF_MARK;

	if (!end)
		return -ENOMEM;
	*end = (struct end){ ref->start + ref->length, ref->file };
	heap_up(walk->ends.data, walk->ends.count - 1);
	walk->marked += (ref->file & BYRE_REF_MARK) != 0;
	if (walk->active[file]++ == 0)
		byre_signature_toggle(&walk->signature, file);
	return 0;
}

static void walk_end(struct byre_walk *walk)
{
	struct end *heap = walk->ends.data;
	uint32_t file = heap[0].file & ~BYRE_REF_MARK;

	walk->marked -= (heap[0].file & BYRE_REF_MARK) != 0;
	if (--walk->active[file] == 0)
		byre_signature_toggle(&walk->signature, file);
	heap[0] = heap[--walk->ends.count];
	if (walk->ends.count > 0)
		heap_down(heap, walk->ends.count);
}

/* Everything up to an address has the same owners. */
static int walk_visit(struct byre_walk *walk, uint64_t to)
{
	const struct byre_segment segment = { walk->at, to - walk->at, walk->ends.count, walk->marked };

	walk->at = to;
	return segment.length > 0 && segment.references > 0 ? walk->visit(walk->user, walk, &segment) : 0;
}

static int walk_to(struct byre_walk *walk, uint64_t to)
{
	while (walk->ends.count > 0 && ((struct end *)walk->ends.data)->at <= to) {
		int r = walk_visit(walk, ((struct end *)walk->ends.data)->at);

		if (r < 0)
			return r;
		walk_end(walk);
	}
	return walk_visit(walk, to);
}

static int compare_refs(const void *a, const void *b)
{
	const struct byre_ref *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

int byre_walk(struct byre_walk *walk, struct byre_array *refs)
{
	struct byre_ref *ref = refs->data;
	size_t i;
	int r = 0;

	if (refs->count > 0)
		qsort(ref, refs->count, sizeof *ref, compare_refs);
	for (i = 0; r == 0 && i < refs->count; i++) {
		r = walk_to(walk, ref[i].start);
		if (r == 0)
			r = walk_begin(walk, &ref[i]);
	}
	if (r == 0)
		r = walk_to(walk, UINT64_MAX);
	byre_array_free(&walk->ends);
	return r;
}

static int compare_files(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int byre_walk_owners(const struct byre_walk *walk, struct byre_array *owners)
{
	const struct end *heap = walk->ends.data;
	size_t first = owners->count, kept = first, i;
	uint32_t *files;

	for (i = 0; i < walk->ends.count; i++) {
		uint32_t *file = byre_array_add(owners, sizeof *file);

		if (!file)
			return -ENOMEM;
		*file = heap[i].file & ~BYRE_REF_MARK;
	}
	files = owners->data;
	qsort(files + first, owners->count - first, sizeof *files, compare_files);
	for (i = first; i < owners->count; i++)
		if (kept == first || files[kept - 1] != files[i])
			files[kept++] = files[i];
	owners->count = kept;
	return 0;
}
