/*
 * fuzz.c - libFuzzer for the parsers of byre, which are Lua: spec/fuzz/targets.lua says what is
 * promised, and the lines that Lua runs are what the fuzzer sees as coverage
 *
 *     BYRE_FUZZ_TARGET=vid build/fuzz/fuzz -max_total_time=60 build/fuzz/vid spec/fuzz/corpus/vid
 */

#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byre.h"

#define COUNTERS 16384

/* libFuzzer takes these for counters of edges */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static lua_State *fuzzed;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* An edge: from the last line of Lua to this one. */
static void count_line(lua_State *L, lua_Debug *ar)
{
	static size_t last;
	size_t place;

	lua_getinfo(L, "S", ar);
	place = (size_t)ar->currentline * 31 + (uintptr_t)ar->source / 16 * 7;
	counters[(place ^ last) % COUNTERS]++;
	last = place >> 1;
}

static int die(const char *message)
{
	fprintf(stderr, "fuzz: %s\n", message);
	abort();
}

/* A function of targets.lua, left on the stack of a new state. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("BYRE_FUZZ_TARGET");

	(void)argc;
	(void)argv;
	fuzzed = luaL_newstate();
	if (!fuzzed || !name)
		return die("BYRE_FUZZ_TARGET names no target");
	luaL_openlibs(fuzzed);
	byre_preload(fuzzed);
	if (luaL_dofile(fuzzed, "spec/fuzz/targets.lua"))
		return die(lua_tostring(fuzzed, -1));
	if (lua_getfield(fuzzed, -1, name) != LUA_TFUNCTION)
		return die("there is no such target");
	lua_sethook(fuzzed, count_line, LUA_MASKLINE, 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	lua_pushvalue(fuzzed, -1);
	lua_pushlstring(fuzzed, (const char *)data, size);
	if (lua_pcall(fuzzed, 1, 0, 0))
		return die(lua_tostring(fuzzed, -1));
	return 0;
}
