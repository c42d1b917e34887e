/*
 * extent_set.c - a set of extents, told by lines on standard input
 *
 *    f                 a new file
 *    a START LENGTH MARK   it refers to these bytes
 *    o LENGTH          it has so many bytes of its own
 *    s                 settle; prints the total.  One reference that is marked: somebody else has it too
 *    i FILE            prints what it takes, and what it alone takes
 *    t FILE, p FILE    take it away, put it back; prints what is free
 *    u COUNT FILE...   prints what these take together
 *    m                 prints the most memory that was used, in KiB
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "extents.h"

static void must(int r, const char *what)
{
	if (r < 0) {
		printf("%s: %d\n", what, r);
		exit(1);
	}
}

static uint64_t number(void)
{
	uint64_t value;

	if (scanf("%" SCNu64, &value) != 1)
		exit(2);
	return value;
}

/* segments come in order, and none is empty */
static int is_outside(void *user, const struct byre_segment *segment, bool *ret_outside)
{
	uint64_t *end = user;

	if (segment->start < *end || segment->length == 0 || segment->references == 0 ||
	    segment->marked > segment->references)
		abort();
	*end = segment->start + segment->length;
	*ret_outside = segment->references == 1 && segment->marked;
	return 0;
}

static uint64_t unite(struct byre_extent_set *set)
{
	uint64_t count = number(), sum = 0;

	byre_extent_set_begin_union(set);
	while (count-- > 0)
		sum += byre_extent_set_unite(set, (uint32_t)number());
	return sum;
}

static void settle(struct byre_extent_set *set)
{
	uint64_t end = 0;

	must(byre_extent_set_settle(set, is_outside, &end), "settle");
	printf("%" PRIu64 "\n", byre_extent_set_total(set));
}

static void add(struct byre_extent_set *set)
{
	uint64_t start = number(), length = number();

	must(byre_extent_set_add(set, start, length, number() != 0), "add");
}

static void take(struct byre_extent_set *set, bool back)
{
	(back ? byre_extent_set_put_back : byre_extent_set_take)(set, (uint32_t)number());
	printf("%" PRIu64 "\n", byre_extent_set_freed(set));
}

static void tell(const struct byre_extent_set *set)
{
	uint32_t file = (uint32_t)number();

	printf("%" PRIu64 " %" PRIu64 "\n", byre_extent_set_allocated(set, file), byre_extent_set_exclusive(set, file));
}

static void tell_memory(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("%ld\n", usage.ru_maxrss);
}

int main(void)
{
	struct byre_extent_set *set = byre_extent_set_new();
	uint32_t file;
	char command;

	while (set && scanf(" %c", &command) == 1) {
		switch (command) {
		case 'f': must(byre_extent_set_new_file(set, &file), "file"); break;
		case 'a': add(set); break;
		case 'o': byre_extent_set_add_own(set, number()); break;
		case 's': settle(set); break;
		case 'i': tell(set); break;
		case 't': take(set, false); break;
		case 'p': take(set, true); break;
		case 'u': printf("%" PRIu64 "\n", unite(set)); break;
		case 'm': tell_memory(); break;
		default: return 2;
		}
	}
	byre_extent_set_free(set);
	return 0;
}
