/* zero.c - is a block all zeros?; plain C, no Lua here */

#include <string.h>

#include "data.h"

/*
 * Most blocks that are not zero differ in their first word.  For the rest memcmp
 * of the block with itself, one word further on, runs at the speed of memory.
 */
bool byre_is_zero(const void *data, size_t length)
{
	const unsigned char *bytes = data;
	uint64_t first = 0;
	size_t head = length < sizeof first ? length : sizeof first;

	if (head == 0)
		return true;
	memcpy(&first, bytes, head);
	return first == 0 && memcmp(bytes, bytes + head, length - head) == 0;
}
