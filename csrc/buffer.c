/* buffer.c - bytes that grow; plain C, no Lua here */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

#define FIRST_ROOM (16 << 10)

int byre_buffer_reserve(struct byre_buffer *buffer, size_t more)
{
	size_t room = buffer->room ? buffer->room : FIRST_ROOM;
	char *data;

	while (room - buffer->length < more) {
		if (room > SIZE_MAX / 2)
			return -ENOMEM;
		room *= 2;
	}
	if (room == buffer->room)
		return 0;
	data = realloc(buffer->data, room);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->room = room;
	return 0;
}

int byre_buffer_add(struct byre_buffer *buffer, const void *data, size_t length)
{
	int r = byre_buffer_reserve(buffer, length);

	if (r < 0)
		return r;
	if (length > 0)
		memcpy(buffer->data + buffer->length, data, length);
	buffer->length += length;
	return 0;
}

void byre_buffer_free(struct byre_buffer *buffer)
{
	free(buffer->data);
	memset(buffer, 0, sizeof *buffer);
}
