/* zero.c - is a block all zeros?; plain C, no Lua here */

#include <string.h>

#include "data.h"

/* Compilers make of it what the machine has. */
typedef uint64_t wide __attribute__((vector_size(16)));

#define PIECE (8 * sizeof(wide))

static inline wide load(const unsigned char *bytes, size_t number)
{
	wide words;

	memcpy(&words, bytes + number * sizeof words, sizeof words);
	return words;
}

/* Written out: compilers unroll no loop at -O2, and loads that wait for each other are slow. */
static inline bool piece_is_zero(const unsigned char *bytes)
{
	wide a = load(bytes, 0) | load(bytes, 1), b = load(bytes, 2) | load(bytes, 3);
	wide c = load(bytes, 4) | load(bytes, 5), d = load(bytes, 6) | load(bytes, 7);
	wide all = (a | b) | (c | d);

	return (all[0] | all[1]) == 0;
}

/* Most blocks that are not zero differ in their first word. */
bool byre_is_zero(const void *data, size_t length)
{
	const unsigned char *bytes = data;
	uint64_t first = 0;
	size_t head = length < sizeof first ? length : sizeof first;

	if (length == 0)
		return true;
	memcpy(&first, bytes, head);
	if (first != 0)
		return false;
	for (; length >= PIECE; bytes += PIECE, length -= PIECE)
		if (!piece_is_zero(bytes))
			return false;
	while (length > 0)
		if (bytes[--length] != 0)
			return false;
	return true;
}
