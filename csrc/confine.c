/*
 * confine.c - call a function in a copy of this process that ends in time,
 * whatever the function does; plain C, no Lua here
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data.h"
#include "files.h"

#define READ_SIZE (64 << 10)

static int limit(int resource, rlim_t most)
{
	/* at the hard limit of CPU time the signal would be SIGKILL, which does not say why */
	struct rlimit now, wanted = {.rlim_cur = most, .rlim_max = most + 1};

	if (getrlimit(resource, &now) < 0)
		return -errno;
	/* one that is tighter already stays */
	if (now.rlim_max < wanted.rlim_max)
		wanted.rlim_max = now.rlim_max;
	if (wanted.rlim_cur > wanted.rlim_max)
		wanted.rlim_cur = wanted.rlim_max;
	return setrlimit(resource, &wanted) < 0 ? -errno : 0;
}

/* How many bytes this process has mapped; 0 where /proc does not tell. */
static rlim_t mapped(void)
{
	char text[64] = "";
	unsigned long long pages = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0 || sscanf(text, "%llu", &pages) != 1)
		return 0;
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int set_limits(const struct byre_confine *limits)
{
	rlim_t before = mapped();
	int r = limit(RLIMIT_CPU, (rlim_t)limits->cpu + 1);

	if (r == 0)
		r = limit(RLIMIT_CORE, 0);
	if (r == 0)
		r = limit(RLIMIT_FSIZE, 0);
	if (r == 0 && before > 0)
		r = limit(RLIMIT_AS, before + limits->memory);
	return r;
}

/* Signals end the copy: what this process does on them is not the copy's to do. */
static void default_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU, SIGXFSZ};
	struct sigaction action;
	sigset_t none;
	size_t i;

	memset(&action, 0, sizeof action);
	action.sa_handler = SIG_DFL;
	for (i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		length -= n;
	}
	return true;
}

/* The life of the copy. */
static _Noreturn void be_copy(const struct byre_confine *limits, pid_t parent, int fd,
			      int (*run)(void *arg, struct byre_buffer *out), void *arg)
{
	struct byre_buffer out = {0};

	default_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || set_limits(limits) < 0)
		_exit(1);
	if (run(arg, &out) < 0 || out.length > limits->output)
		_exit(1);
	/* at exit nothing is flushed or undone that is this process's own */
	_exit(write_all(fd, out.data, out.length) ? 0 : 1);
}

/* Read until the copy closes its end.  Returns 0, -ETIME when it takes too long, or -errno. */
static int read_until(int fd, double deadline, size_t most, struct byre_buffer *out)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	for (;;) {
		double left = deadline - byre_clock();
		ssize_t n;
		int r;

		if (left <= 0)
			return -ETIME;
		r = poll(&pollfd, 1, (int)(left * 1000) + 1);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r <= 0)
			continue;
		r = byre_buffer_reserve(out, READ_SIZE);
		if (r < 0)
			return r;
		n = read(fd, out->data + out->length, READ_SIZE);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			out->length += n;
		if (out->length > most)
			return -EFBIG;
	}
}

static enum byre_confined end_of(int read, int status)
{
	if (read == -ETIME)
		return BYRE_CONFINED_WALL;
	if (read == -EFBIG)
		return BYRE_CONFINED_OUTPUT;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return BYRE_CONFINED_CPU;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return BYRE_CONFINED_DONE;
	return BYRE_CONFINED_KILLED;
}

int byre_confine(const struct byre_confine *limits,
		 int (*run)(void *arg, struct byre_buffer *out), void *arg,
		 struct byre_buffer *ret_out, enum byre_confined *ret_end)
{
	double deadline = byre_clock() + limits->wall;
	int ends[2], status, r, waited;
	pid_t pid, parent = getpid();

	memset(ret_out, 0, sizeof *ret_out);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		be_copy(limits, parent, ends[1], run, arg);
	}
	r = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (pid > 0) {
		r = read_until(ends[0], deadline, limits->output, ret_out);
		if (r < 0)
			kill(pid, SIGKILL);
		waited = byre_wait_for(pid, &status);
		if (waited < 0 || (r < 0 && r != -ETIME && r != -EFBIG)) {
			r = waited < 0 ? waited : r;
		} else {
			*ret_end = end_of(r, status);
			r = 0;
		}
	}
	close(ends[0]);
	return r;
}
