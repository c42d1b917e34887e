/* strike.c - a seccomp filter and what it reports; plain C, no Lua here */

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/fiemap.h>
#include <linux/loop.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "strike.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* how a call names what it works on */
enum object { FD, PATH, AT, TWO_PATHS, TWO_AT };

struct watched {
	const char *name;
	int number;
	enum object object;
	bool changes;           /* files, names or what is durable */
	int argument;           /* -1, or which argument has to ... */
	uint32_t mask;          /* ... have one of these bits, or if there are none ... */
	uint32_t value;         /* ... be this */
};

/* a call that counts whatever its arguments are */
#define ALWAYS(call, object, changes) {#call, SYS_##call, object, changes, -1, 0, 0}
#define IF_EQUAL(name, call, object, changes, argument, value) \
	{name, SYS_##call, object, changes, argument, 0, value}

#define CREATING (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

static const struct watched calls[] = {
	{"openat", SYS_openat, AT, true, 2, CREATING, 0},
	ALWAYS(mkdirat, AT, true),
	ALWAYS(unlinkat, AT, true),
	ALWAYS(renameat, TWO_AT, true),
	ALWAYS(renameat2, TWO_AT, true),
	ALWAYS(linkat, TWO_AT, true),
	ALWAYS(symlinkat, PATH, true),
	ALWAYS(fchmodat, AT, true),
#ifdef SYS_fchmodat2
	ALWAYS(fchmodat2, AT, true),
#endif
	ALWAYS(fchownat, AT, true),
	ALWAYS(utimensat, AT, true),
	ALWAYS(truncate, PATH, true),
#ifdef SYS_open
	{"open", SYS_open, PATH, true, 1, CREATING, 0},
	ALWAYS(creat, PATH, true),
	ALWAYS(mkdir, PATH, true),
	ALWAYS(rmdir, PATH, true),
	ALWAYS(unlink, PATH, true),
	ALWAYS(rename, TWO_PATHS, true),
	ALWAYS(link, TWO_PATHS, true),
	ALWAYS(chmod, PATH, true),
#endif
	ALWAYS(fchmod, FD, true),
	ALWAYS(fchown, FD, true),
	ALWAYS(ftruncate, FD, true),
	ALWAYS(fallocate, FD, true),
	ALWAYS(write, FD, true),
	ALWAYS(pwrite64, FD, true),
	ALWAYS(writev, FD, true),
	ALWAYS(pwritev, FD, true),
	ALWAYS(copy_file_range, FD, true),
	ALWAYS(sendfile, FD, true),
	ALWAYS(fsync, FD, true),
	ALWAYS(fdatasync, FD, true),
	ALWAYS(sync_file_range, FD, true),
	ALWAYS(syncfs, FD, true),
	IF_EQUAL("ioctl FICLONE", ioctl, FD, true, 1, FICLONE),
	IF_EQUAL("ioctl FICLONERANGE", ioctl, FD, true, 1, FICLONERANGE),
	IF_EQUAL("ioctl FIDEDUPERANGE", ioctl, FD, true, 1, FIDEDUPERANGE),
	IF_EQUAL("ioctl LOOP_SET_CAPACITY", ioctl, FD, true, 1, LOOP_SET_CAPACITY),
	/* these change nothing */
	ALWAYS(openat, AT, false),
	ALWAYS(openat2, AT, false),
	ALWAYS(newfstatat, AT, false),
	ALWAYS(statx, AT, false),
	ALWAYS(fstat, FD, false),
	ALWAYS(getdents64, FD, false),
	ALWAYS(read, FD, false),
	ALWAYS(pread64, FD, false),
	ALWAYS(lseek, FD, false),
	IF_EQUAL("ioctl FIEMAP", ioctl, FD, false, 1, FS_IOC_FIEMAP),
	IF_EQUAL("fcntl F_DUPFD_CLOEXEC", fcntl, FD, false, 1, F_DUPFD_CLOEXEC),
	IF_EQUAL("fcntl F_OFD_SETLK", fcntl, FD, false, 1, F_OFD_SETLK),
	IF_EQUAL("fcntl F_SETLEASE", fcntl, FD, false, 1, F_SETLEASE),
#ifdef SYS_open
	ALWAYS(open, PATH, false),
#endif
};

#define ARGUMENT(n) (offsetof(struct seccomp_data, args) + 8 * (n))
/* instructions for one call: its number, perhaps its argument, and the verdict */
#define PER_CALL 5

static struct sock_filter *add_call(struct sock_filter *at, const struct watched *call)
{
	struct sock_filter *start = at;

	at++;                           /* written last, when it is known where the next call begins */
	if (call->argument >= 0) {
		*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(call->argument));
		*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | (call->mask ? BPF_JSET : BPF_JEQ) | BPF_K,
						     call->mask ? call->mask : call->value, 0, 1);
	}
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	if (call->argument >= 0)        /* the next comparison is with the number again */
		*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						     offsetof(struct seccomp_data, nr));
	*start = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->number, 0,
					      (uint8_t)(at - start - 1));
	return at;
}

int strike_filter(bool every, int *ret_listener)
{
	struct sock_filter program[COUNT(calls) * PER_CALL + 2], *at = program;
	struct sock_fprog prog;
	size_t i;
	int fd;

	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (i = 0; i < COUNT(calls); i++)
		if (every || calls[i].changes)
			at = add_call(at, &calls[i]);
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.filter = program;
	prog.len = (unsigned short)(at - program);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	if (fd < 0)
		return -errno;
	*ret_listener = fd;
	return 0;
}

static const struct watched *find_call(const struct seccomp_data *data)
{
	size_t i;

	for (i = 0; i < COUNT(calls); i++) {
		const struct watched *call = &calls[i];
		uint32_t value = call->argument < 0 ? 0 : (uint32_t)data->args[call->argument];

		if (call->number != data->nr)
			continue;
		if (call->argument < 0 || (call->mask ? value & call->mask : value == call->value))
			return call;
	}
	return NULL;
}

/* the target of a descriptor of the child */
static void add_descriptor(pid_t pid, uint64_t fd, char *to, size_t size)
{
	char link[64];
	ssize_t n;

	if ((int)fd == AT_FDCWD)
		return;
	snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, (int)fd);
	n = readlink(link, to, size - 1);
	to[n < 0 ? 0 : n] = '\0';
}

static void add_string(pid_t pid, uint64_t address, char *to, size_t size)
{
	char name[64];
	ssize_t n;
	int fd;

	snprintf(name, sizeof name, "/proc/%d/mem", (int)pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = pread(fd, to, size - 1, (off_t)address);
	to[n < 0 ? 0 : n] = '\0';
	close(fd);
}

static void add_at(pid_t pid, uint64_t fd, uint64_t address, char *to, size_t size)
{
	size_t length;

	add_descriptor(pid, fd, to, size / 2);
	length = strlen(to);
	if (length > 0)
		to[length++] = '/';
	add_string(pid, address, to + length, size - length);
}

static void describe(pid_t pid, const struct seccomp_data *data, enum object object, char *to, size_t size)
{
	const uint64_t *args = (const uint64_t *)data->args;
	size_t length, half = size / 2;

	to[0] = '\0';
	switch (object) {
	case FD:
		add_descriptor(pid, args[0], to, size);
		return;
	case PATH:
		add_string(pid, args[0], to, size);
		return;
	case AT:
		add_at(pid, args[0], args[1], to, size);
		return;
	case TWO_PATHS:
		add_string(pid, args[0], to, half);
		break;
	case TWO_AT:
		add_at(pid, args[0], args[1], to, half);
		break;
	}
	length = strlen(to);
	memcpy(to + length, " -> ", 5);
	length += 4;
	if (object == TWO_PATHS)
		add_string(pid, args[1], to + length, size - length);
	else
		add_at(pid, args[2], args[3], to + length, size - length);
}

int strike_receive(int listener, uint64_t *ret_id, pid_t pid, struct strike_call *ret_call)
{
	struct seccomp_notif notif;
	const struct watched *call;

	memset(&notif, 0, sizeof notif);
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notif) < 0)
		return -errno;
	*ret_id = notif.id;
	call = find_call(&notif.data);
	ret_call->name = call ? call->name : "?";
	ret_call->changes = call && call->changes;
	ret_call->path[0] = '\0';
	if (call)
		describe(pid, &notif.data, call->object, ret_call->path, sizeof ret_call->path);
	return 0;
}

int strike_answer(int listener, uint64_t id, int err)
{
	struct seccomp_notif_resp resp = { .id = id, .error = -err };

	if (err == 0)
		resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp) < 0 ? -errno : 0;
}
