/* spawn.c - run another program and collect what it prints; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "data.h"

#ifndef __GLIBC_PREREQ
#define __GLIBC_PREREQ(major, minor) 0
#endif

#define READ_SIZE (16 << 10)
#define TICK_MS 200             /* between two looks at whether it should go on */
#define BLIND_TICK_MS 10        /* where the kernel does not tell of its end */
#define GRACE_MS 2000           /* between SIGTERM and SIGKILL */

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
		r = posix_spawnattr_setpgroup(attr, 0);
	if (r == 0)
		r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						   POSIX_SPAWN_SETPGROUP);
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

/* A program on its way. */
struct child {
	const struct byre_spawn *spawn;
	pid_t pid;
	int pidfd;              /* -1 where the kernel has none */
	struct drain out, err;
	bool ending;            /* it was told to end */
	long deadline;          /* when it is made to; -1: never */
};

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

/* Has it ended?  It is not waited for yet, so its number stays its own. */
static bool has_ended(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static void close_drains(struct child *child)
{
	close_fd(&child->out.fd);
	close_fd(&child->err.fd);
}

static void ask_to_end(struct child *child)
{
	kill(-child->pid, SIGTERM);
	child->ending = true;
	child->deadline = now_ms() + GRACE_MS;
}

/* How long may poll wait? */
static int patience(const struct child *child)
{
	long wait = child->pidfd >= 0 ? TICK_MS : BLIND_TICK_MS, left;

	if (child->deadline >= 0) {
		left = child->deadline - now_ms();
		wait = left < 0 ? 0 : left < wait ? left : wait;
	}
	return (int)wait;
}

/* Wait for something to happen and read what there is.  Returns 1 once the program has ended, 0 or -errno. */
static int look(struct child *child)
{
	struct pollfd fds[] = {
		{.fd = child->out.fd, .events = POLLIN},
		{.fd = child->err.fd, .events = POLLIN},
		{.fd = child->pidfd, .events = POLLIN},
	};
	bool ended;
	int r;

	if (poll(fds, 3, patience(child)) < 0 && errno != EINTR)
		return -errno;
	/* asked first: then all that it wrote is there.  A daemon it left behind may hold the pipes for ever */
	ended = has_ended(child->pid);
	r = drain_read(&child->out);
	if (r == 0)
		r = drain_read(&child->err);
	return r < 0 ? r : ended;
}

/* Read what the program prints until it has ended, by itself or because it must. */
static int follow(struct child *child, bool *ret_timed_out)
{
	const struct byre_spawn *spawn = child->spawn;
	int failed = 0, r;

	while ((r = look(child)) != 1) {
		if (r == 0 && failed == 0 && spawn->tick)
			r = spawn->tick(spawn->tick_arg);
		if (r != 0) {
			/* where we give up, it finds nobody reading any more */
			close_drains(child);
			failed = failed ? failed : r;
			if (!child->ending)
				ask_to_end(child);
		}
		if (child->deadline < 0 || now_ms() < child->deadline)
			continue;
		if (child->ending)
			break;
		*ret_timed_out = true;
		ask_to_end(child);
	}
	if (child->ending)
		kill(-child->pid, SIGKILL);
	return failed;
}

static int collect(struct child *child, struct byre_spawn_result *result)
{
	int r, waited;

	child->pidfd = open_pidfd(child->pid);
	child->deadline = child->spawn->timeout < 0 ? -1 : now_ms() + child->spawn->timeout;
	r = follow(child, &result->timed_out);
	close_fd(&child->pidfd);
	waited = byre_wait_for(child->pid, &result->status);
	buffer_keep_last(child->err.buffer, child->err.keep);
	return r != 0 ? r : waited;
}

int byre_spawn(const struct byre_spawn *spawn, struct byre_spawn_result *ret_result)
{
	struct child child = {
		.spawn = spawn,
		.out = {.fd = -1, .buffer = &ret_result->out, .most = BYRE_SPAWN_STDOUT_MAX},
		.err = {.fd = -1, .buffer = &ret_result->err, .keep = BYRE_SPAWN_STDERR_MAX},
	};
	int ends[3] = {-1, -1, -1}, r;

	memset(ret_result, 0, sizeof *ret_result);
	r = make_ends(spawn, ends, &child.out.fd, &child.err.fd);
	if (r >= 0)
		r = start(spawn, ends, &child.pid);
	/* only the program may hold them, or their end is never seen */
	for (int i = 0; i < 3; i++)
		close_fd(&ends[i]);
	if (r >= 0)
		r = collect(&child, ret_result);
	close_drains(&child);
	return r;
}

void byre_spawn_result_free(struct byre_spawn_result *result)
{
	byre_buffer_free(&result->out);
	byre_buffer_free(&result->err);
}
