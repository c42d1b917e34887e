/* window.c - the part of a file that a copy works on; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "extents.h"
#include "window.h"

/* The next range of data at or behind position, in whole blocks; start is size if there is none. */
static int find_data(int fd, int64_t size, int64_t position, struct byre_range *ret_range)
{
	int64_t start, end;
	int r = byre_next_data(fd, position, &start, &end);

	*ret_range = (struct byre_range){size, size};
	if (r == -EINVAL) {     /* it has no map: all of it may be data */
		ret_range->start = position;
		return 0;
	}
	if (r < 0)
		return r;
	if (start < 0 || start >= size)
		return 0;
	start -= start % BYRE_BLOCK;
	/* what became data behind us is not data again */
	ret_range->start = start > position ? start : position;
	end += (BYRE_BLOCK - end % BYRE_BLOCK) % BYRE_BLOCK;
	if (end < size)
		ret_range->end = end;
	return 0;
}

static int find_ranges(struct byre_window *window, int fd, int64_t size, int64_t position)
{
	struct byre_range range;
	int r = find_data(fd, size, position, &range);

	window->start = range.start;
	window->end = size - range.start < BYRE_WINDOW_SIZE ? size : range.start + BYRE_WINDOW_SIZE;
	window->count = 0;
	while (r == 0 && range.start < window->end) {
		struct byre_range *last = window->ranges + window->count - 1;

		if (range.end > window->end)
			range.end = window->end;
		if (window->count > 0 && last->end == range.start)
			last->end = range.end;
		else
			window->ranges[window->count++] = range;
		r = find_data(fd, size, range.end, &range);
	}
	return r;
}

static int64_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static int64_t first_page(const struct byre_window *window)
{
	return window->start - window->start % page_size();
}

/* The kernel tells this to the owner only; to others all of a file seems to be in
 * memory.  No page is touched: an error of the disk would be a signal. */
static void find_resident(struct byre_window *window, int fd)
{
	int64_t first = first_page(window);
	size_t length = window->end - first;
	void *map;

	window->pages = 0;
	if (length == 0)
		return;
	map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, first);
	if (map == MAP_FAILED)
		return;
	if (mincore(map, length, window->resident) == 0)
		window->pages = (length + page_size() - 1) / page_size();
	munmap(map, length);
}

static bool is_resident(const struct byre_window *window, int64_t position)
{
	return window->resident[(position - first_page(window)) / page_size()] & 1;
}

/* Is a page of this range still on the disk only? */
static bool is_missing(const struct byre_window *window, const struct byre_range *range)
{
	int64_t page = page_size(), position;

	for (position = range->start; position < range->end; position += page - position % page)
		if (!is_resident(window, position))
			return true;
	return false;
}

static void read_ahead(const struct byre_window *window, int fd)
{
	unsigned i;

	for (i = 0; window->pages > 0 && i < window->count; i++) {
		const struct byre_range *range = &window->ranges[i];

		if (is_missing(window, range))
			posix_fadvise(fd, range->start, range->end - range->start, POSIX_FADV_WILLNEED);
	}
}

int byre_window_plan(struct byre_window *window, int fd, int64_t size, int64_t position)
{
	int r = find_ranges(window, fd, size, position);

	if (r < 0)
		return r;
	find_resident(window, fd);
	read_ahead(window, fd);
	return 0;
}

void byre_window_forget(const struct byre_window *window, int fd)
{
	int64_t page = page_size();
	unsigned i = 0, start;

	while (i < window->pages) {
		if (window->resident[i] & 1) {
			i++;
			continue;
		}
		for (start = i; i < window->pages && !(window->resident[i] & 1); i++)
			;
		posix_fadvise(fd, first_page(window) + start * page, (i - start) * page, POSIX_FADV_DONTNEED);
	}
}

static int write_out(int fd, int64_t start, int64_t end, unsigned flags)
{
	if (sync_file_range(fd, start, end - start, flags) == 0)
		return 0;
	/* a file system that cannot do it writes when it likes */
	return errno == ESPIPE || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS ? 0 : -errno;
}

int byre_begin_write_out(int fd, int64_t start, int64_t end)
{
	return write_out(fd, start, end, SYNC_FILE_RANGE_WRITE);
}

int byre_end_write_out(int fd, int64_t start, int64_t end)
{
	int r = write_out(fd, start, end, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			  SYNC_FILE_RANGE_WAIT_AFTER);

	if (r == 0)
		posix_fadvise(fd, start, end - start, POSIX_FADV_DONTNEED);
	return r;
}
