/*
 * window.h - the part of a file that a copy works on: where its data is, and what
 * of it was in memory before; plain C, no Lua here
 */

#ifndef BYRE_WINDOW_H
#define BYRE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* the unit in which zeros become holes */
#define BYRE_BLOCK 4096

/* More than any disk reads ahead of its own accord: what is not in memory when a
 * window is planned is not there by the copying of the windows before it. */
#define BYRE_WINDOW_SIZE (16 << 20)

struct byre_range {
	int64_t start, end;
};

struct byre_window {
	int64_t start, end;     /* equal: no data follows */
	unsigned count;
	struct byre_range ranges[BYRE_WINDOW_SIZE / BYRE_BLOCK / 2 + 1];
	unsigned pages;         /* 0: nothing is known of them */
	unsigned char resident[BYRE_WINDOW_SIZE / BYRE_BLOCK + 1];
};

/*
 * Find the data at or behind `position`, in whole blocks, and have it read from the
 * disk while something else is done.  Returns 0 or -errno.
 */
int byre_window_plan(struct byre_window *window, int fd, int64_t size, int64_t position);

/* Give back the memory of what was read since the window was planned and was not there before. */
void byre_window_forget(const struct byre_window *window, int fd);

/*
 * Write behind: begin to bring a range of a new file to the disk, and wait until one is
 * there, then give back its memory.  Return 0 or -errno; data lost on the way is not
 * reported by a later sync.
 */
int byre_begin_write_out(int fd, int64_t start, int64_t end);
int byre_end_write_out(int fd, int64_t start, int64_t end);

#endif
