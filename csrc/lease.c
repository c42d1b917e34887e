/* lease.c - find out about writers of a file; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "files.h"
#include "inject.h"

static int lease_set(int fd, int type)
{
	int err = byre_injected(BYRE_CALL_SETLEASE);

	if (err)
		return -err;
	return fcntl(fd, F_SETLEASE, type) < 0 ? -errno : 0;
}

/* Does the kernel refuse a lease?  It is given back at once; who opens the file
 * in between waits for no longer than that. */
static int lease_refused(int fd, int type, bool *ret_refused)
{
	int r, flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -BYRE_ENOTREG;
	/* our own descriptor would count as a writer */
	if ((flags & O_ACCMODE) != O_RDONLY)
		return -EBADF;
	/* a broken lease sends SIGIO, which kills; SIGURG is ignored by default */
	if (fcntl(fd, F_SETSIG, SIGURG) < 0)
		return -errno;
	r = lease_set(fd, type);
	if (r < 0 && r != -EAGAIN)
		return r;
	*ret_refused = r == -EAGAIN;
	return r < 0 ? 0 : lease_set(fd, F_UNLCK);
}

/* The kernel grants a read lease only while nobody can write, ... */
int byre_has_writers(int fd, bool *ret_writers)
{
	return lease_refused(fd, F_RDLCK, ret_writers);
}

/* ... and a write lease only while nobody else has the file open at all. */
int byre_has_users(int fd, bool *ret_users)
{
	return lease_refused(fd, F_WRLCK, ret_users);
}
