/*
 * files.h - directories, names, temporary files, locks; plain C, no Lua here
 *
 * Every function returns 0 or -errno unless it says otherwise.  `dir` is the
 * descriptor of a directory; a `path` is relative to it, resolved beneath it and
 * never through a symbolic link (-ELOOP).  An empty path is -EINVAL; an absolute
 * one or one with a ".." component is -EXDEV.  Every descriptor is close-on-exec.
 */

#ifndef BYRE_FILES_H
#define BYRE_FILES_H

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* beyond every errno: "not a regular file", EINVAL for callers outside */
#define BYRE_ENOTREG 4096

/* path.c */

/* The directory a path's last component is in, and that component. */
struct byre_parent {
	int fd;
	bool owned;                     /* else fd is the directory we started from */
	char name[NAME_MAX + 1];
};

int byre_parent_open(int dir, const char *path, struct byre_parent *ret_parent);
void byre_parent_close(struct byre_parent *parent);

/* A directory, open for reading; `path` may be ".". */
int byre_dir_open(int dir, const char *path, int *ret_fd);

/* A directory named by any path; a symbolic link at its end only if `follow`. */
int byre_dir_open_anywhere(const char *path, bool follow, int *ret_fd);

/* A regular file that exists.  `flags`: O_RDONLY or O_RDWR.  Never waits for a
 * fifo and never opens a device (-BYRE_ENOTREG). */
int byre_file_open(int dir, const char *path, int flags, int *ret_fd);

/* hold.c */

#define BYRE_HOLD_PLACES 4

struct byre_place {
	int fd;
	char *path;                     /* NULL: this place is free */
};

/*
 * Directories beneath another one that stay open between calls, those used
 * latest.  All zero when it begins.  While `users` is not 0 a path is walked to
 * once, and again after byre_hold_drop: who makes, moves or removes directories
 * has to call that.  What was found beneath the directory stays what was found,
 * whatever is put in its place meanwhile.
 */
struct byre_hold {
	unsigned users;
	struct byre_place places[BYRE_HOLD_PLACES];
};

/* From where to go on to `path` when `dir` is where it starts; *path becomes the rest of it.  The descriptor is the
 * hold's; one more call leaves it open. */
int byre_hold_find(struct byre_hold *hold, int dir, const char **path);

/* The same for a path that is a directory itself, if it is among those that are held. */
int byre_hold_find_dir(struct byre_hold *hold, int dir, const char **path);

void byre_hold_drop(struct byre_hold *hold);

/* names.c */

#define BYRE_RANDOM_LENGTH 8

/* Eight characters of [a-z0-9] and a zero byte. */
int byre_random_name(char ret_name[BYRE_RANDOM_LENGTH + 1]);

int byre_stat(int dir, const char *path, struct stat *ret_st);

/* `exact`: with this mode whatever the umask is. */
int byre_make_dir(int dir, const char *path, mode_t mode, bool exact);
int byre_remove_dir(int dir, const char *path);
int byre_unlink(int dir, const char *path);
int byre_chmod(int dir, const char *path, mode_t mode);
int byre_link(int from_dir, const char *from, int to_dir, const char *to);

/* `flags`: 0, RENAME_NOREPLACE or RENAME_EXCHANGE.  As POSIX wants it, renaming
 * to another name of the same file does nothing. */
int byre_rename(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);

/* Rename, or fail with -EEXIST, also where the file system cannot do it at once. */
int byre_rename_noreplace(int from_dir, const char *from, int to_dir, const char *to);

/* Open a directory to be read entry by entry with byre_entry_next. */
int byre_entries_open(int dir, const char *path, DIR **ret_entries);

/* The next entry but "." and "..".  Returns 1, 0 at the end, or -errno. */
int byre_entry_next(DIR *entries, struct dirent **ret_entry);

/* The DT_ type of an entry, also where the file system leaves it out. */
int byre_entry_type(DIR *entries, const struct dirent *entry);

/* publish.c */

enum byre_temporary_kind { BYRE_NOT_TEMPORARY, BYRE_UNNAMED, BYRE_NAMED };

/* How a temporary file exists until it is published. */
struct byre_temporary {
	enum byre_temporary_kind kind;
	int parent;                     /* BYRE_NAMED: its directory, owned */
	char name[NAME_MAX + 1];        /* BYRE_NAMED: its name there */
};

/* A new file of mode 0600, in the directory where `path` would be: unnamed, or
 * named "<path>~<random>" where the file system has no unnamed files. */
int byre_tmpfile(int dir, const char *path, struct byre_temporary *ret_temporary, int *ret_fd);

/* Give it its name.  -EEXIST if that exists, unless `replace`. */
int byre_publish(int fd, struct byre_temporary *temporary, int dir, const char *path, bool replace);

/* Remove the name of a temporary file never published; without one, do nothing. */
void byre_temporary_discard(struct byre_temporary *temporary);

/* io.c */

/* A file anywhere, "-" for a copy of standard input or output.  `for_writing`
 * creates and truncates regular files; a block device in use is -EBUSY. */
int byre_foreign_open(const char *path, bool for_writing, int *ret_fd);

/* As fstat, with the size of a block device. */
int byre_file_stat(int fd, struct stat *ret_st);

/* Up to `length` bytes, fewer only at the end.  offset -1: where the file stands. */
int byre_read(int fd, void *buffer, size_t length, off_t offset, size_t *ret_length);

/* All bytes.  offset -1: where the file stands. */
int byre_write(int fd, const void *data, size_t length, off_t offset);

int byre_truncate(int fd, off_t size);
int byre_set_mtime(int fd, time_t seconds, long nanoseconds);

/* sync.c; a failed sync is never tried again: the second one may "succeed" */

int byre_sync(int fd);
int byre_sync_dir(int dir, const char *path);
int byre_sync_filesystem(int fd);

/* clock.c */

/* Seconds from some moment on, never back. */
double byre_clock(void);

/* Does the kernel believe that its time is right?  Somebody has to tell it so again and again, as NTP does. */
int byre_clock_is_synchronised(bool *ret_yes);

/* lock.c */

/* Sleep once, for *milliseconds, and double it for the next time up to 50. */
void byre_pause(unsigned *milliseconds);

/*
 * Lock the file `path`, creating it.  Waits up to `timeout` seconds.  The lock
 * lives until every copy of *ret_fd is closed.  -EAGAIN: *ret_holder is the process
 * id of a holder, or 0 if unknown.
 */
int byre_lock(int dir, const char *path, bool exclusive, double timeout,
	      int *ret_fd, pid_t *ret_holder);

/* holders.c */

/* A process that holds a lock on this file, among those that this one may look at; 0: none. */
pid_t byre_find_locker(int fd);

/* lease.c */

/* Whether anything else has the file of a read-only descriptor open: for writing, or at all. */
int byre_has_writers(int fd, bool *ret_writers);
int byre_has_users(int fd, bool *ret_users);

#endif
