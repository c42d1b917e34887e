/* record.h - the log of a disk: what logdisk writes and the replayer reads */

#ifndef POWERCUT_RECORD_H
#define POWERCUT_RECORD_H

#include <stdint.h>

enum record_type {
	RECORD_WRITE = 1,       /* offset, length; the data follows */
	RECORD_DISCARD = 2,     /* offset, length: reads as zeros from now on */
	RECORD_FLUSH = 3,       /* all writes before this one are durable */
	RECORD_MARK = 4,        /* length; a text of whoever uses the disk follows */
};

/* what follows a record is padded to a multiple of eight bytes */
struct record {
	uint32_t magic;
	uint32_t type;
	uint64_t offset;
	uint64_t length;
	uint64_t nsec;          /* monotonic clock */
};

#define RECORD_MAGIC 0x62797265u
#define RECORD_PADDED(length) (((length) + 7) & ~(uint64_t)7)

#endif
