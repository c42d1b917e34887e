/* lua_pack.h - plain values of Lua as bytes, to be carried from one state to another */

#ifndef BYRE_LUA_PACK_H
#define BYRE_LUA_PACK_H

#include <lua.h>

#include "data.h"

/*
 * Append the value at an index: nil, booleans, numbers, strings, and tables of
 * them whose keys are strings or integers.  Metatables are not looked at.  Does
 * not raise.  Returns 0, -EINVAL (another type), -ELOOP (too deep, or a table in
 * itself), -E2BIG (the buffer would grow beyond `most`) or -ENOMEM.
 */
int byre_pack(lua_State *L, int index, size_t most, struct byre_buffer *out);

/*
 * Push the value that the bytes stand for; 0, or -EINVAL with nothing pushed.
 * The bytes may be anybody's.  Raises when memory is short.
 */
int byre_unpack(lua_State *L, const char *data, size_t length);

/* In words, for messages: why a value could not be carried. */
const char *byre_pack_reason(int r);

#endif
