/* replay.c - disks as a power cut leaves them; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replay.h"

/* what a drive writes as a whole: tears at 512 bytes break the superblock of btrfs */
#define SECTOR 4096

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static bool chance(uint64_t *state, unsigned int percent)
{
	return next_random(state) % 100 < percent;
}

static const char *record_data(const struct record *record)
{
	return (const char *)(record + 1);
}

static size_t record_size(const struct record *record)
{
	bool has_data = record->type == RECORD_WRITE || record->type == RECORD_MARK;

	return sizeof *record + (has_data ? RECORD_PADDED(record->length) : 0);
}

/* Find the records of a mapped log.  What was cut off at its end does not count. */
static int log_index(struct log *log)
{
	size_t position = 0, room = 0;

	while (position + sizeof(struct record) <= log->size) {
		const struct record *record = (const void *)(log->map + position);

		if (record->magic != RECORD_MAGIC)
			return -EBADMSG;
		if (record_size(record) > log->size - position)
			break;
		if (log->count == room) {
			const struct record **more;

			room = room ? 2 * room : 4096;
			more = realloc(log->records, room * sizeof *more);
			if (!more)
				return -ENOMEM;
			log->records = more;
		}
		log->records[log->count++] = record;
		position += record_size(record);
	}
	return 0;
}

int log_open(const char *path, struct log *ret_log)
{
	struct log log = {.map = NULL};
	struct stat st;
	void *map;
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || st.st_size == 0) {
		close(fd);
		return -ENODATA;
	}
	log.size = (size_t)st.st_size;
	map = mmap(NULL, log.size, PROT_READ, MAP_SHARED, fd, 0);
	r = -errno;
	close(fd);
	if (map == MAP_FAILED)
		return r;
	log.map = map;
	r = log_index(&log);
	if (r < 0)
		log_close(&log);
	else
		*ret_log = log;
	return r;
}

void log_close(struct log *log)
{
	if (log->map)
		munmap((void *)log->map, log->size);
	free(log->records);
	memset(log, 0, sizeof *log);
}

size_t log_last_flush(const struct log *log, size_t record)
{
	while (record > 0 && log->records[record - 1]->type != RECORD_FLUSH)
		record--;
	return record;
}

static int map_file(int fd, uint64_t size, int protection, char **ret_map)
{
	void *map = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	*ret_map = map;
	return 0;
}

int disk_open(const char *base_path, const char *work_path, struct disk *ret_disk)
{
	struct disk disk = {.base = -1, .work = -1};
	struct stat st;
	int r;

	disk.base = open(base_path, O_RDWR | O_CLOEXEC);
	disk.work = disk.base < 0 ? -1 : open(work_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (disk.work < 0 || fstat(disk.base, &st) < 0 || ftruncate(disk.work, st.st_size) < 0) {
		r = -errno;
		disk_close(&disk);
		return r;
	}
	disk.size = (uint64_t)st.st_size;
	r = map_file(disk.base, disk.size, PROT_READ, &disk.base_map);
	if (r == 0)
		r = map_file(disk.work, disk.size, PROT_READ | PROT_WRITE, &disk.work_map);
	if (r < 0)
		disk_close(&disk);
	else
		*ret_disk = disk;
	return r;
}

void disk_close(struct disk *disk)
{
	if (disk->base_map)
		munmap(disk->base_map, disk->size);
	if (disk->work_map)
		munmap(disk->work_map, disk->size);
	if (disk->base >= 0)
		close(disk->base);
	if (disk->work >= 0)
		close(disk->work);
	*disk = (struct disk){.base = -1, .work = -1};
}

/* Where, after `position`, a file goes on with something else: data or a hole. */
static off_t next_change(int fd, off_t position, off_t size, bool *ret_is_data)
{
	off_t data = lseek(fd, position, SEEK_DATA);

	*ret_is_data = data == position;
	if (data < 0)
		return size;
	return *ret_is_data ? lseek(fd, position, SEEK_HOLE) : data;
}

/* Make `work` equal to `base` again.  Where both have holes nothing is read. */
static void disk_restore(struct disk *disk)
{
	off_t size = (off_t)disk->size, position = 0;

	while (position < size) {
		bool in_base, in_work;
		off_t base_end = next_change(disk->base, position, size, &in_base);
		off_t work_end = next_change(disk->work, position, size, &in_work);
		off_t end = base_end < work_end ? base_end : work_end;

		for (; position < end && (in_base || in_work); position += SECTOR)
			if (memcmp(disk->base_map + position, disk->work_map + position, SECTOR) != 0)
				memcpy(disk->work_map + position, disk->base_map + position, SECTOR);
		position = end;
	}
}

static int write_all(int fd, const char *data, size_t length, uint64_t offset)
{
	while (length > 0) {
		ssize_t n = pwrite(fd, data, length, (off_t)offset);

		if (n < 0)
			return -errno;
		data += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

static int apply(int fd, const struct record *record)
{
	if (record->type == RECORD_WRITE)
		return write_all(fd, record_data(record), record->length, record->offset);
	if (record->type == RECORD_DISCARD && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
							(off_t)record->offset, (off_t)record->length) < 0)
		return -errno;
	return 0;
}

/* each sector of a write is there or not, by itself */
static int apply_torn(int fd, const struct record *record, uint64_t *random)
{
	uint64_t done;
	int r;

	for (done = 0; done < record->length; done += SECTOR) {
		uint64_t part = record->length - done < SECTOR ? record->length - done : SECTOR;

		if (chance(random, 50))
			continue;
		r = write_all(fd, record_data(record) + done, part, record->offset + done);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Apply what a cut keeps of the records after the last flush. */
static int apply_kept(struct disk *disk, const struct log *log, size_t record, enum cut cut, uint64_t seed)
{
	static const unsigned int shares[] = {10, 50, 90};
	unsigned int percent = shares[next_random(&seed) % 3];
	size_t i;
	int r = 0;

	for (i = disk->at; i < record && r == 0; i++) {
		const struct record *next = log->records[i];

		if (cut != CUT_PREFIX && !chance(&seed, percent))
			continue;
		if (cut == CUT_TORN && next->type == RECORD_WRITE && chance(&seed, 50))
			r = apply_torn(disk->work, next, &seed);
		else
			r = apply(disk->work, next);
	}
	return r;
}

int disk_cut(struct disk *disk, const struct log *log, size_t record, enum cut cut, uint64_t seed)
{
	size_t flush = log_last_flush(log, record);
	int r;

	if (record > log->count || flush < disk->at)
		return -EINVAL;
	for (; disk->at < flush; disk->at++) {
		r = apply(disk->base, log->records[disk->at]);
		if (r < 0)
			return r;
	}
	disk_restore(disk);
	return cut == CUT_LOST ? 0 : apply_kept(disk, log, record, cut, seed);
}
