/* threads.c - a script in many states at a time, each of one thread */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <byre.h>
#include <lauxlib.h>
#include <lualib.h>

#define THREADS_MAX 64

static const char *script, *directory;
static int states;
static atomic_int failures;

/* The script gets the directory, the number of the thread and that of the state. */
static int run_script(lua_State *L)
{
	luaL_openlibs(L);
	byre_preload(L);
	if (luaL_loadfile(L, script) != LUA_OK)
		return lua_error(L);
	lua_pushstring(L, directory);
	lua_pushvalue(L, 1);
	lua_pushvalue(L, 2);
	lua_call(L, 3, 0);
	return 0;
}

static void run_state(int thread, int number)
{
	lua_State *L = luaL_newstate();

	if (!L)
		abort();
	lua_pushcfunction(L, run_script);
	lua_pushinteger(L, thread);
	lua_pushinteger(L, number);
	if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
		printf("thread %d, state %d: %s\n", thread, number, luaL_tolstring(L, -1, NULL));
		atomic_fetch_add(&failures, 1);
	}
	lua_close(L);
}

static void *run_thread(void *number)
{
	int i;

	for (i = 1; i <= states; i++)
		run_state((int)(intptr_t)number, i);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	int i, count;

	if (argc != 5 || (count = atoi(argv[3])) < 1 || count > THREADS_MAX) {
		fprintf(stderr, "usage: %s SCRIPT DIRECTORY THREADS STATES\n", argv[0]);
		return 2;
	}
	script = argv[1];
	directory = argv[2];
	states = atoi(argv[4]);
	run_state(0, 0);        /* what all of them share */
	for (i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, run_thread, (void *)(intptr_t)(i + 1)) != 0)
			abort();
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	run_state(0, 1);        /* and how they leave it */
	return failures > 0;
}
