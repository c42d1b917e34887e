/* revision.h - the names of revisions; plain C, no Lua here */

#ifndef BYRE_REVISION_H
#define BYRE_REVISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* the highest number: there has to be one for the next */
#define BYRE_LAST_SEQ INT64_C(999999999999999)

/* "2026-11-22T18:00:00", UTC.  False: no time that exists. */
bool byre_stamp_parse(const char *text, size_t length, int64_t *ret_time);

struct byre_revision {
	int64_t seq;
	int64_t time;                   /* seconds since the epoch */
	size_t digits;                  /* how many the number has */
};

/* What stands behind the volume's name: ".img.4@2026-11-22T18:00:00Z". */
bool byre_revision_parse(const char *rest, size_t length, struct byre_revision *ret_revision);

#endif
