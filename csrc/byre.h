/*
 * byre.h - byre for programs that embed Lua 5.4
 *
 * Link with libbyre and call byre_preload once for each Lua state:
 *
 *	lua_State *L = luaL_newstate();
 *
 *	luaL_openlibs(L);
 *	byre_preload(L);
 *	luaL_dostring(L, "local byre = require 'byre' ...");
 *
 * libbyre takes Lua from the program: link liblua too, and where that is a
 * static archive and libbyre the shared library, export it (cc -rdynamic).
 */

#ifndef BYRE_H
#define BYRE_H

#include <lua.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BYRE_VERSION "0.1.0"

#if defined(__GNUC__)
#define BYRE_API __attribute__((visibility("default")))
#else
#define BYRE_API
#endif

/* The version of the library itself, to be compared with BYRE_VERSION. */
BYRE_API const char *byre_version(void);

/*
 * Make `require "byre"` work in this state without any file on disk.  Fills
 * package.preload and nothing else: no global, no path, no module loaded yet.
 * A dkjson that the state finds by itself goes before ours.
 *
 * The stack is left as it was.  May raise (out of memory, another version of
 * Lua); it can be pushed as a C function to be called protected.  Returns 0.
 */
BYRE_API int byre_preload(lua_State *L);

/* The C module byre.core, for programs that fill package.preload themselves. */
BYRE_API int luaopen_byre_core(lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
