/* replay.h - disks as a power cut leaves them, from the log of logdisk; plain C, no Lua */

#ifndef POWERCUT_REPLAY_H
#define POWERCUT_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "record.h"

/* a log in memory; records are counted from 1, 0 is the disk before the first one */
struct log {
	const char *map;
	size_t size;
	const struct record **records;
	size_t count;
};

/* what a cut does to the writes since the last flush that was completed */
enum cut {
	CUT_PREFIX,     /* all of them are there */
	CUT_LOST,       /* none is */
	CUT_SUBSET,     /* some are */
	CUT_TORN,       /* some are, some of them in part */
};

/* a disk that goes through a log: `base` holds what is durable at record `at`,
 * `work`, on which file systems get mounted, a disk after a cut */
struct disk {
	int base, work;
	char *base_map, *work_map;
	uint64_t size;
	size_t at;
};

int log_open(const char *path, struct log *ret_log);
void log_close(struct log *log);

/* The last flush at or before a record; 0: none. */
size_t log_last_flush(const struct log *log, size_t record);

int disk_open(const char *base_path, const char *work_path, struct disk *ret_disk);
void disk_close(struct disk *disk);

/* Make `work` the disk after a cut that follows `record`.  Cuts must come in the
 * order of the log; nothing may be mounted.  `seed` decides what is kept. */
int disk_cut(struct disk *disk, const struct log *log, size_t record, enum cut cut, uint64_t seed);

/* replay_sys.c: all return 0 or -errno */
int loop_attach(const char *path, char *ret_device, size_t size);
int loop_detach(const char *device);
int btrfs_forget(const char *device);

#endif
