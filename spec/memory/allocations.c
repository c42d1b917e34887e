/* allocations.c - run cases of a script while allocations fail, and see what they leave behind */

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <byre.h>
#include <lauxlib.h>
#include <lualib.h>

/* of the sanitizer; not every compiler brings its headers along */
size_t __sanitizer_get_current_allocated_bytes(void);
void __sanitizer_set_death_callback(void (*callback)(void));

/*
 * Which allocations fail: one, so that Lua collects garbage and tries again;
 * that one and the next, so that the operation fails there and only there; it
 * and all that come after.  Or none, but all garbage is collected at each.
 */
enum mode { ONCE, TWICE, REST, COLLECT, MODES };

static const char *const mode_names[MODES] = {"once", "twice", "rest", "collect"};

static struct {
	enum mode mode;
	long at;                /* 1 is the first allocation after `armed` was set */
	bool armed;
	long count;
	long refused;
	size_t bytes;           /* that Lua has */
} memory;

#define FAILURES_MAX 20         /* to be told of */

static const char *case_name = "none";
static int failures;

static bool refuse(void)
{
	bool refused;

	if (!memory.armed || memory.mode == COLLECT)
		return false;
	memory.count++;
	refused = memory.count == memory.at || (memory.mode == TWICE && memory.count == memory.at + 1) ||
		(memory.mode == REST && memory.count >= memory.at);
	memory.refused += refused;
	return refused;
}

/* What csrc itself allocates comes here, by the linker's --wrap. */
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
int __real_posix_memalign(void **ret_block, size_t alignment, size_t size);
int __wrap_posix_memalign(void **ret_block, size_t alignment, size_t size);

void *__wrap_realloc(void *block, size_t size)
{
	if (refuse()) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_realloc(block, size);
}

int __wrap_posix_memalign(void **ret_block, size_t alignment, size_t size)
{
	return refuse() ? ENOMEM : __real_posix_memalign(ret_block, alignment, size);
}

static void *allocate(void *user, void *block, size_t old, size_t size)
{
	void *result;

	(void)user;
	if (!block)
		old = 0;
	if (size == 0) {
		free(block);
		memory.bytes -= old;
		return NULL;
	}
	if (size > old && refuse())
		return NULL;
	result = __real_realloc(block, size);
	if (result)
		memory.bytes += size - old;
	return result;
}

static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	if (!dir)
		abort();
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void complain(const char *what)
{
	printf("%s %s %ld: %s\n", case_name, mode_names[memory.mode], memory.at, what);
	failures++;
}

/* said by the sanitizer when it ends the program */
static void say_where(void)
{
	fprintf(stderr, "%s %s %ld\n", case_name, mode_names[memory.mode], memory.at);
}

/* at every step of the collector, all of it */
static void collect_always(lua_State *L)
{
#if LUA_VERSION_NUM >= 504
	lua_gc(L, LUA_GCINC, 1, 1000, 100);
#else
	lua_gc(L, LUA_GCSETPAUSE, 0);
	lua_gc(L, LUA_GCSETSTEPMUL, 1 << 30);
#endif
	lua_gc(L, LUA_GCCOLLECT, 0);    /* so that the pause from before is over */
}

/* Fails as all that is to be tested may: protected, with all it made to be found by lua_close. */
static int open_libraries(lua_State *L)
{
	luaL_openlibs(L);
	return byre_preload(L);
}

/* open_script(path): the table of the script, with its fields for the case `name`. */
static int open_script(lua_State *L)
{
	open_libraries(L);
	if (luaL_loadfile(L, lua_touserdata(L, 1)) != LUA_OK)
		return lua_error(L);
	lua_call(L, 0, 1);
	return 1;
}

/* A state with the table of the script on its stack.  Ends the program if there is none. */
static lua_State *new_state(const char *script)
{
	lua_State *L = lua_newstate(allocate, NULL);

	if (!L)
		abort();
	lua_pushcfunction(L, open_script);
	lua_pushlightuserdata(L, (void *)script);
	if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
		fprintf(stderr, "%s\n", lua_tostring(L, -1));
		exit(2);
	}
	return L;
}

/* Call function `name` of the script with the case, a string and a boolean; one result stays on the stack. */
static bool call(lua_State *L, const char *name, const char *text, bool flag)
{
	bool ok;

	lua_settop(L, 1);
	lua_getfield(L, 1, name);
	lua_pushstring(L, case_name);
	lua_pushstring(L, text);
	lua_pushboolean(L, flag);
	ok = lua_pcall(L, 3, 1, 0) == LUA_OK;
	if (!ok)
		complain(luaL_tolstring(L, -1, NULL));
	return ok;
}

/* Call what `prepare` made.  What it raises must be what a lack of memory may cause. */
static bool run_armed(lua_State *L)
{
	int status;

	luaL_checkstack(L, LUA_MINSTACK, NULL);
	if (memory.mode == COLLECT)
		collect_always(L);
	memory.armed = true;
	status = lua_pcall(L, 0, 0, 0);
	memory.armed = false;
	if (status == LUA_OK)
		return true;
	lua_getfield(L, 1, "is_expected");
	lua_pushvalue(L, -2);
	lua_call(L, 1, 1);
	if (memory.refused == 0 || !lua_toboolean(L, -1))
		complain(luaL_tolstring(L, -2, NULL));
	return false;
}

/* Run the case in a state of its own.  Was it carried through? */
static bool run_state(const char *script, const char *dir)
{
	lua_State *L = new_state(script);
	bool done = call(L, "prepare", dir, false) && run_armed(L);

	lua_close(L);
	return done;
}

/* The same for what comes before any script. */
static bool run_loading(void)
{
	static const char require[] = "assert(require('byre').is_error)";
	lua_State *L;
	bool done = false;

	memory.armed = true;
	L = lua_newstate(allocate, NULL);
	if (L) {
		lua_pushcfunction(L, open_libraries);
		done = lua_pcall(L, 0, 0, 0) == LUA_OK && luaL_dostring(L, require) == LUA_OK;
		memory.armed = false;
		if (!done && (memory.refused == 0 || !strstr(luaL_tolstring(L, -1, NULL), "not enough memory")))
			complain(lua_tostring(L, -1));
		lua_close(L);
	}
	memory.armed = false;
	return done;
}

/* One run, with what is wrong after it. */
static void run(lua_State *judge, const char *script, const char *dir)
{
	bool loading = strcmp(case_name, "loading") == 0, done;
	size_t lua_before, before;
	int descriptors;

	if (!loading && !call(judge, "clear", dir, false))
		return;
	lua_settop(judge, 1);
	lua_gc(judge, LUA_GCCOLLECT, 0);
	lua_before = memory.bytes;
	before = __sanitizer_get_current_allocated_bytes();
	descriptors = count_descriptors();
	memory.count = memory.refused = 0;
	done = loading ? run_loading() : run_state(script, dir);
	if (memory.bytes != lua_before)
		complain("memory of Lua was not freed");
	else if (__sanitizer_get_current_allocated_bytes() != before)
		complain("memory was not freed");
	if (count_descriptors() != descriptors)
		complain("a descriptor was not closed");
	if (!loading)
		call(judge, "check", dir, done);
}

/* Once undisturbed, then with every `step`-th allocation failing, from number `first` on. */
static void run_case(lua_State *judge, const char *script, const char *dir, long first, long step)
{
	memory.at = 0;
	run(judge, script, dir);
	if (memory.mode == COLLECT)
		return;
	memory.at = first;
	do {
		run(judge, script, dir);
		memory.at += step;
	} while (memory.refused > 0 && failures < FAILURES_MAX);
}

static enum mode find_mode(const char *name)
{
	int mode = 0;

	while (mode < MODES && strcmp(name, mode_names[mode]) != 0)
		mode++;
	return mode;
}

int main(int argc, char **argv)
{
	lua_State *judge;
	int i;

	if (argc < 7 || (memory.mode = find_mode(argv[3])) == MODES) {
		fprintf(stderr, "usage: %s SCRIPT DIRECTORY once|twice|rest|collect FIRST STEP CASE...\n", argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);       /* the sanitizer does not flush it */
	__sanitizer_set_death_callback(say_where);
	judge = new_state(argv[1]);
	for (i = 6; i < argc; i++) {
		case_name = argv[i];
		run_case(judge, argv[1], argv[2], atol(argv[4]), atol(argv[5]));
		printf("%s: %ld allocations\n", case_name, memory.count);
	}
	lua_close(judge);
	return failures > 0;
}
