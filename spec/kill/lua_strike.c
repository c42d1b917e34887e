/* lua_strike.c - the Lua module "strike": a function in a child whose system calls are watched */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

#include "strike.h"

#define CHILD_TYPE "byre.strike.child"
#define MESSAGE_MAX (256 << 10)

/* first byte of a message of the child */
enum { BEGIN = 'B', FINISH = 'F', TEXT = 'T' };

struct child {
	pid_t pid;              /* 0 once it is gone */
	int sock;
	int listener;           /* -1 before it begins */
	bool counting;
	int count;              /* calls met so far */
};

/* in the child: the way to its parent */
static int to_parent = -1;

static int push_errno(lua_State *L, int err, const char *what)
{
	lua_pushnil(L);
	lua_pushfstring(L, "%s: %s", what, strerror(err));
	lua_pushinteger(L, err);
	return 3;
}

static void send_message(char kind, const char *text, size_t length, int fd)
{
	struct iovec parts[2] = { { &kind, 1 }, { (void *)text, length } };
	char control[CMSG_SPACE(sizeof fd)] = { 0 };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = control;
		message.msg_controllen = sizeof control;
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
	}
	if (sendmsg(to_parent, &message, MSG_NOSIGNAL) < 0)
		_exit(101);
}

/* strike.begin(every): from here on calls are counted */
static int strike_begin(lua_State *L)
{
	int listener, r = strike_filter(lua_toboolean(L, 1), &listener);
	char go;

	if (r < 0)
		return luaL_error(L, "seccomp: %s", strerror(-r));
	send_message(BEGIN, NULL, 0, listener);
	close(listener);
	if (recv(to_parent, &go, 1, 0) != 1)
		_exit(102);
	return 0;
}

/* strike.finish(): and from here on no more */
static int strike_finish(lua_State *L)
{
	(void)L;
	send_message(FINISH, NULL, 0, -1);
	return 0;
}

/* strike.tell(text) */
static int strike_tell(lua_State *L)
{
	size_t length;
	const char *text = luaL_checklstring(L, 1, &length);

	send_message(TEXT, text, length, -1);
	return 0;
}

/* strike.listen() -> text of child:reply */
static int strike_listen(lua_State *L)
{
	char text[4096];
	ssize_t n = recv(to_parent, text, sizeof text, 0);

	if (n <= 0)
		_exit(102);
	lua_pushlstring(L, text, (size_t)n);
	return 1;
}

/* never returns: nothing of the parent's is closed, flushed or collected */
static void run_child(lua_State *L, int sock)
{
	int status;

	to_parent = sock;
	lua_pushvalue(L, 1);
	status = lua_pcall(L, 0, 0, 0);
	if (status != LUA_OK) {
		size_t length;
		const char *text = luaL_tolstring(L, -1, &length);

		send_message(TEXT, text, length, -1);
	}
	_exit(status == LUA_OK ? 0 : 100);
}

/* strike.fork(fn) -> child */
static int strike_fork(lua_State *L)
{
	struct child *child;
	int pair[2];

	luaL_checktype(L, 1, LUA_TFUNCTION);
	child = lua_newuserdata(L, sizeof *child);
	*child = (struct child){ .sock = -1, .listener = -1 };
	luaL_setmetatable(L, CHILD_TYPE);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return push_errno(L, errno, "socketpair");
	child->pid = fork();
	if (child->pid == 0) {
		close(pair[0]);
		run_child(L, pair[1]);
	}
	close(pair[1]);
	child->sock = pair[0];
	if (child->pid < 0) {
		child->pid = 0;
		return push_errno(L, errno, "fork");
	}
	return 1;
}

/* Take a message of the child: true with text, false without; nil once it is gone. */
static int receive(lua_State *L, struct child *child, char *ret_kind)
{
	char *text = lua_newuserdata(L, MESSAGE_MAX);
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { text, MESSAGE_MAX };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof control };
	ssize_t n = recvmsg(child->sock, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	if (n <= 0)
		return 0;
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&child->listener, CMSG_DATA(header), sizeof child->listener);
	*ret_kind = text[0];
	lua_pushlstring(L, text + 1, (size_t)n - 1);
	return 1;
}

/* wait for its end; pushes "exited" or "killed" and the number */
static int push_end(lua_State *L, struct child *child)
{
	int status = 0;

	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	child->pid = 0;
	lua_pushnil(L);
	lua_pushstring(L, WIFSIGNALED(status) ? "killed" : "exited");
	lua_pushinteger(L, WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return 3;
}

struct wish {
	int number;             /* of the call, 0: none */
	int err;                /* to fail with; 0: kill instead */
	bool during;            /* kill once it has begun */
	bool sticky;            /* all calls from this one on fail */
	bool log;
};

static struct wish check_wish(lua_State *L, int arg)
{
	struct wish wish;

	luaL_checktype(L, arg, LUA_TTABLE);
	lua_getfield(L, arg, "number");
	lua_getfield(L, arg, "errno");
	lua_getfield(L, arg, "during");
	lua_getfield(L, arg, "sticky");
	lua_getfield(L, arg, "log");
	wish.number = (int)lua_tointeger(L, -5);
	wish.err = (int)lua_tointeger(L, -4);
	wish.during = lua_toboolean(L, -3);
	wish.sticky = lua_toboolean(L, -2);
	wish.log = lua_toboolean(L, -1);
	lua_pop(L, 5);
	return wish;
}

/* Append {name=, path=, changes=} to the list in slot `log`. */
static void log_call(lua_State *L, int log, const struct strike_call *call)
{
	lua_createtable(L, 0, 3);
	lua_pushstring(L, call->name);
	lua_setfield(L, -2, "name");
	lua_pushstring(L, call->path);
	lua_setfield(L, -2, "path");
	lua_pushboolean(L, call->changes);
	lua_setfield(L, -2, "changes");
	lua_rawseti(L, log, (lua_Integer)lua_rawlen(L, log) + 1);
}

static void meet_call(lua_State *L, struct child *child, const struct wish *wish, int log)
{
	struct strike_call call;
	bool hit, strike_now;
	uint64_t id;

	if (strike_receive(child->listener, &id, child->pid, &call) < 0)
		return;
	child->count += child->counting;
	hit = child->counting && (child->count == wish->number ||
				  (wish->sticky && wish->number > 0 && child->count > wish->number));
	if (hit || (child->counting && wish->log))
		log_call(L, log, &call);
	strike_now = hit && wish->err == 0 && !wish->during;
	if (!strike_now)
		strike_answer(child->listener, id, hit ? wish->err : 0);
	if (hit && wish->err == 0)
		kill(child->pid, SIGKILL);
}

/* child:watch{number=, errno=, during=, sticky=, log=} -> text of strike.tell, calls
 *                                             or nil, "killed"|"exited", number, calls */
static int child_watch(lua_State *L)
{
	struct child *child = luaL_checkudata(L, 1, CHILD_TYPE);
	struct wish wish = check_wish(L, 2);
	int log;

	lua_settop(L, 2);
	lua_newtable(L);
	log = lua_gettop(L);
	for (;;) {
		struct pollfd fds[2] = { { child->sock, POLLIN, 0 }, { child->listener, POLLIN, 0 } };
		char kind;

		if (poll(fds, child->listener < 0 ? 1 : 2, -1) < 0)
			continue;
		/* the child says that it has finished before it makes another call */
		if (fds[0].revents == 0) {
			meet_call(L, child, &wish, log);
			continue;
		}
		if (!receive(L, child, &kind)) {
			int pushed = push_end(L, child);

			lua_pushvalue(L, log);
			return pushed + 1;
		}
		if (kind == TEXT) {
			lua_pushvalue(L, log);
			return 2;
		}
		lua_settop(L, log);
		child->counting = kind == BEGIN;
		if (kind == BEGIN && send(child->sock, "g", 1, MSG_NOSIGNAL) < 0)
			child->counting = false;
	}
}

/* child:reply(text) */
static int child_reply(lua_State *L)
{
	struct child *child = luaL_checkudata(L, 1, CHILD_TYPE);
	size_t length;
	const char *text = luaL_checklstring(L, 2, &length);

	if (send(child->sock, text, length, MSG_NOSIGNAL) < 0)
		return push_errno(L, errno, "send");
	lua_pushboolean(L, 1);
	return 1;
}

/* child:close(): kill it if it is still there */
static int child_close(lua_State *L)
{
	struct child *child = luaL_checkudata(L, 1, CHILD_TYPE);

	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		push_end(L, child);
	}
	if (child->sock >= 0)
		close(child->sock);
	if (child->listener >= 0)
		close(child->listener);
	child->sock = child->listener = -1;
	return 0;
}

static const luaL_Reg child_methods[] = {
	{ "watch", child_watch }, { "reply", child_reply }, { "close", child_close }, { NULL, NULL }
};

static const luaL_Reg functions[] = {
	{ "fork", strike_fork }, { "begin", strike_begin }, { "finish", strike_finish },
	{ "tell", strike_tell }, { "listen", strike_listen }, { NULL, NULL }
};

__attribute__((visibility("default"))) int luaopen_strike(lua_State *L);

int luaopen_strike(lua_State *L)
{
	luaL_newmetatable(L, CHILD_TYPE);
	luaL_newlib(L, child_methods);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, child_close);
	lua_setfield(L, -2, "__gc");
	lua_pushcfunction(L, child_close);
	lua_setfield(L, -2, "__close");
	lua_pop(L, 1);
	luaL_newlib(L, functions);
	return 1;
}
