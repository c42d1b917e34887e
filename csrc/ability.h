/*
 * ability.h - what a kernel and a file system can do; plain C, no Lua here
 *
 * Every function returns 0 or -errno.
 */

#ifndef BYRE_ABILITY_H
#define BYRE_ABILITY_H

#include <stdbool.h>
#include <stdint.h>

/* Can paths be held beneath a directory by the kernel? */
int byre_can_openat2(int dir, bool *ret_can);

/* Does a rename refuse to replace by itself?  Tried by renaming `from`, which must exist, to `to`, which must not. */
int byre_can_rename_noreplace(int dir, const char *from, const char *to, bool *ret_can);

/* Has a file or a directory the no-copy-on-write attribute (chattr +C)?  A new file has that of its directory. */
int byre_is_nocow(int fd, bool *ret_nocow);

/* Bytes: what btrfs has set aside for metadata, what of it is in use or reserved, and what of its
 * devices is set aside for nothing yet. */
struct byre_btrfs_space {
	uint64_t metadata;
	uint64_t metadata_used;
	uint64_t unallocated;
};

/* -ENOTTY: it is no btrfs. */
int byre_btrfs_space(int fd, struct byre_btrfs_space *ret_space);

#endif
