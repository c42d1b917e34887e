/* lua_pack.c - plain values of Lua as bytes, to be carried from one state to another */

#include "lua_pack.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#define DEPTH_MAX 32

struct packer {
	lua_State *L;
	struct byre_buffer *out;
	size_t most;
};

static int put(struct packer *packer, char tag, const void *data, size_t length)
{
	int r;

	if (length >= packer->most || packer->out->length + length + 1 > packer->most)
		return -E2BIG;
	r = byre_buffer_add(packer->out, &tag, 1);
	return r < 0 ? r : byre_buffer_add(packer->out, data, length);
}

static int pack_number(struct packer *packer, int index)
{
	lua_Integer integer;
	lua_Number number;

	if (lua_isinteger(packer->L, index)) {
		integer = lua_tointeger(packer->L, index);
		return put(packer, 'i', &integer, sizeof integer);
	}
	number = lua_tonumber(packer->L, index);
	return put(packer, 'd', &number, sizeof number);
}

static int pack_string(struct packer *packer, int index)
{
	size_t length;
	const char *data = lua_tolstring(packer->L, index, &length);
	int r = put(packer, 's', &length, sizeof length);

	if (r < 0)
		return r;
	if (length > packer->most - packer->out->length)
		return -E2BIG;
	return byre_buffer_add(packer->out, data, length);
}

static int pack_value(struct packer *packer, int index, int depth);

static int pack_table(struct packer *packer, int index, int depth)
{
	lua_State *L = packer->L;
	int r = put(packer, '{', NULL, 0);

	if (r == 0 && (depth >= DEPTH_MAX || !lua_checkstack(L, 4)))
		r = -ELOOP;
	if (r < 0)
		return r;
	lua_pushnil(L);
	while (lua_next(L, index)) {
		if (lua_type(L, -2) != LUA_TSTRING && !lua_isinteger(L, -2))
			r = -EINVAL;
		if (r == 0)
			r = pack_value(packer, lua_gettop(L) - 1, depth + 1);
		if (r == 0)
			r = pack_value(packer, lua_gettop(L), depth + 1);
		if (r < 0) {
			lua_pop(L, 2);
			return r;
		}
		lua_pop(L, 1);
	}
	return put(packer, '}', NULL, 0);
}

static int pack_value(struct packer *packer, int index, int depth)
{
	switch (lua_type(packer->L, index)) {
	case LUA_TNIL:
		return put(packer, 'n', NULL, 0);
	case LUA_TBOOLEAN:
		return put(packer, lua_toboolean(packer->L, index) ? 't' : 'f', NULL, 0);
	case LUA_TNUMBER:
		return pack_number(packer, index);
	case LUA_TSTRING:
		return pack_string(packer, index);
	case LUA_TTABLE:
		return pack_table(packer, index, depth);
	default:
		return -EINVAL;
	}
}

int byre_pack(lua_State *L, int index, size_t most, struct byre_buffer *out)
{
	struct packer packer = {.L = L, .out = out, .most = most};

	return pack_value(&packer, lua_absindex(L, index), 0);
}

struct unpacker {
	lua_State *L;
	const char *next, *end;
};

static int take(struct unpacker *unpacker, void *ret_data, size_t length)
{
	if ((size_t)(unpacker->end - unpacker->next) < length)
		return -EINVAL;
	memcpy(ret_data, unpacker->next, length);
	unpacker->next += length;
	return 0;
}

static int unpack_number(struct unpacker *unpacker, char tag)
{
	lua_Integer integer;
	lua_Number number;
	int r;

	if (tag == 'i') {
		r = take(unpacker, &integer, sizeof integer);
		if (r == 0)
			lua_pushinteger(unpacker->L, integer);
	} else {
		r = take(unpacker, &number, sizeof number);
		if (r == 0)
			lua_pushnumber(unpacker->L, number);
	}
	return r;
}

static int unpack_string(struct unpacker *unpacker)
{
	size_t length;
	int r = take(unpacker, &length, sizeof length);

	if (r < 0 || (size_t)(unpacker->end - unpacker->next) < length)
		return -EINVAL;
	lua_pushlstring(unpacker->L, unpacker->next, length);
	unpacker->next += length;
	return 0;
}

static int unpack_value(struct unpacker *unpacker, int depth);

/* On failure rubbish is left on the stack, for byre_unpack to take away. */
static int unpack_table(struct unpacker *unpacker, int depth)
{
	lua_State *L = unpacker->L;
	int r;

	if (depth >= DEPTH_MAX)
		return -EINVAL;
	luaL_checkstack(L, 4, "too many values");
	lua_newtable(L);
	while (unpacker->next < unpacker->end && *unpacker->next != '}') {
		r = unpack_value(unpacker, depth + 1);
		if (r == 0 && lua_type(L, -1) != LUA_TSTRING && !lua_isinteger(L, -1))
			r = -EINVAL;
		if (r == 0)
			r = unpack_value(unpacker, depth + 1);
		if (r < 0)
			return r;
		lua_rawset(L, -3);
	}
	if (unpacker->next == unpacker->end)
		return -EINVAL;
	unpacker->next++;
	return 0;
}

static int unpack_value(struct unpacker *unpacker, int depth)
{
	char tag;

	if (take(unpacker, &tag, 1) < 0)
		return -EINVAL;
	switch (tag) {
	case 'n':
		lua_pushnil(unpacker->L);
		return 0;
	case 't':
	case 'f':
		lua_pushboolean(unpacker->L, tag == 't');
		return 0;
	case 'i':
	case 'd':
		return unpack_number(unpacker, tag);
	case 's':
		return unpack_string(unpacker);
	case '{':
		return unpack_table(unpacker, depth);
	default:
		return -EINVAL;
	}
}

int byre_unpack(lua_State *L, const char *data, size_t length)
{
	struct unpacker unpacker = {.L = L, .next = data, .end = data + length};
	int top = lua_gettop(L);
	int r;

	luaL_checkstack(L, 4, "too many values");
	r = unpack_value(&unpacker, 0);
	if (r == 0 && unpacker.next != unpacker.end)
		r = -EINVAL;
	if (r < 0)
		lua_settop(L, top);
	return r;
}

const char *byre_pack_reason(int r)
{
	switch (r) {
	case -EINVAL:
		return "only nil, booleans, numbers, strings and tables of them can be passed";
	case -ELOOP:
		return "a table is nested too deeply, or in itself";
	case -E2BIG:
		return "too much data";
	default:
		return "not enough memory";
	}
}
