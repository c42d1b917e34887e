/* spawn.c - run another program and collect what it prints; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data.h"

#ifndef __GLIBC_PREREQ
#define __GLIBC_PREREQ(major, minor) 0
#endif

#define READ_SIZE (16 << 10)

/* one end of a pipe that we read; fd is -1 once it has ended */
struct drain {
	int fd;
	struct byre_buffer *buffer;
	size_t keep;            /* of what was read, only the last so many bytes; 0: all */
	size_t most;            /* more is too much; 0: any number */
};

static void buffer_keep_last(struct byre_buffer *buffer, size_t keep)
{
	if (buffer->length <= keep)
		return;
	memmove(buffer->data, buffer->data + buffer->length - keep, keep);
	buffer->length = keep;
}

/* Read all there is for now. */
static int drain_read(struct drain *drain)
{
	struct byre_buffer *buffer = drain->buffer;

	while (drain->fd >= 0) {
		ssize_t n;
		int r;

		if (drain->keep && buffer->length >= 2 * drain->keep)
			buffer_keep_last(buffer, drain->keep);
		r = byre_buffer_reserve(buffer, READ_SIZE);
		if (r < 0)
			return r;
		n = read(drain->fd, buffer->data + buffer->length, READ_SIZE);
		if (n > 0) {
			buffer->length += n;
			if (drain->most && buffer->length > drain->most)
				return -EFBIG;
		} else if (n == 0) {
			close(drain->fd);
			drain->fd = -1;
		} else if (errno == EAGAIN) {
			return 0;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/*
 * Read both pipes until they end or the program does: a daemon it left behind
 * may keep them open for ever.  pidfd is -1 where the kernel has none.
 */
static int drain_both(struct drain *out, struct drain *err, int pidfd)
{
	int r = 0;

	while (r == 0 && (out->fd >= 0 || err->fd >= 0)) {
		struct pollfd fds[] = {
			{.fd = out->fd, .events = POLLIN},
			{.fd = err->fd, .events = POLLIN},
			{.fd = pidfd, .events = POLLIN},
		};

		if (poll(fds, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		r = drain_read(out);
		if (r == 0)
			r = drain_read(err);
		if (fds[2].revents)
			break;
	}
	buffer_keep_last(err->buffer, err->keep);
	return r;
}

/* Move a descriptor out of the way of 0, 1 and 2.  Returns the new one or -errno. */
static int move_up(int fd)
{
	int moved;

	if (fd > STDERR_FILENO)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (moved < 0)
		moved = -errno;
	close(fd);
	return moved;
}

/* A pipe whose first end does not block. */
static int make_pipe(int fds[2])
{
	int r = 0;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		r = -errno;
		fds[0] = fds[1] = -1;
		return r;
	}
	for (int i = 0; i < 2; i++) {
		fds[i] = move_up(fds[i]);
		if (fds[i] < 0)
			r = fds[i];
	}
	if (r == 0 && fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
		r = -errno;
	return r;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The program starts with its signals as a shell would give them, whatever ours are. */
static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, defaults;
	int r;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	r = posix_spawnattr_setsigmask(attr, &none);
	if (r == 0)
		r = posix_spawnattr_setsigdefault(attr, &defaults);
	if (r == 0)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return r;
}

static int start_with(const struct byre_spawn *spawn, posix_spawn_file_actions_t *actions,
		      const int fds[3], pid_t *ret_pid)
{
	posix_spawnattr_t attr;
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++)
		r = posix_spawn_file_actions_adddup2(actions, fds[i], i);
#if __GLIBC_PREREQ(2, 34)
	/* what the host opened without O_CLOEXEC, as io.open does */
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
#endif
	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r != 0)
		return -r;
	r = set_attributes(&attr);
	if (r == 0)
		r = posix_spawnp(ret_pid, spawn->argv[0], actions, &attr, spawn->argv, environ);
	posix_spawnattr_destroy(&attr);
	return -r;
}

/* Start the program with these as its descriptors 0, 1 and 2; all of them are above 2. */
static int start(const struct byre_spawn *spawn, const int fds[3], pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = start_with(spawn, &actions, fds, ret_pid);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

/* A copy above 2 of the caller's descriptor, or /dev/null. */
static int dup_or_null(int fd)
{
	int copy;

	if (fd < 0) {
		copy = open("/dev/null", O_RDWR | O_CLOEXEC);
		return copy < 0 ? -errno : move_up(copy);
	}
	copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return copy < 0 ? -errno : copy;
}

int byre_wait_for(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
	return syscall(SYS_pidfd_open, pid, 0);         /* CLOEXEC by itself */
#else
	(void)pid;
	return -1;
#endif
}

/* Make the program's three descriptors, and our ends of the pipes among them. */
static int make_ends(const struct byre_spawn *spawn, int child[3], int *ret_out, int *ret_err)
{
	int ends[2], r;

	r = child[0] = dup_or_null(spawn->in);
	if (r < 0)
		return r;
	if (spawn->out >= 0) {
		r = child[1] = dup_or_null(spawn->out);
	} else {
		r = make_pipe(ends);
		*ret_out = ends[0];
		child[1] = ends[1];
	}
	if (r < 0)
		return r;
	r = make_pipe(ends);
	*ret_err = ends[0];
	child[2] = ends[1];
	return r;
}

static int collect(pid_t pid, struct drain *out, struct drain *err, int *ret_status)
{
	int pidfd = open_pidfd(pid);
	int waited, r = drain_both(out, err, pidfd);

	close_fd(&pidfd);
	/* where we gave up, it finds nobody reading any more */
	close_fd(&out->fd);
	close_fd(&err->fd);
	waited = byre_wait_for(pid, ret_status);
	return r < 0 ? r : waited;
}

int byre_spawn(const struct byre_spawn *spawn, struct byre_spawn_result *ret_result)
{
	struct drain out = {.fd = -1, .buffer = &ret_result->out, .most = BYRE_SPAWN_STDOUT_MAX};
	struct drain err = {.fd = -1, .buffer = &ret_result->err, .keep = BYRE_SPAWN_STDERR_MAX};
	int child[3] = {-1, -1, -1}, r;
	pid_t pid;

	memset(ret_result, 0, sizeof *ret_result);
	r = make_ends(spawn, child, &out.fd, &err.fd);
	if (r >= 0)
		r = start(spawn, child, &pid);
	/* only the program may hold them, or their end is never seen */
	for (int i = 0; i < 3; i++)
		close_fd(&child[i]);
	if (r >= 0)
		r = collect(pid, &out, &err, &ret_result->status);
	close_fd(&out.fd);
	close_fd(&err.fd);
	return r;
}

void byre_spawn_result_free(struct byre_spawn_result *result)
{
	byre_buffer_free(&result->out);
	byre_buffer_free(&result->err);
}
