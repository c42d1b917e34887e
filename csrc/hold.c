/* hold.c - directories that stay open from one call to the next; plain C, no Lua here */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

static void place_close(struct byre_place *place)
{
	if (!place->path)
		return;
	close(place->fd);
	free(place->path);
	place->path = NULL;
}

static bool place_is(const struct byre_place *place, const char *path, size_t length)
{
	return place->path && strncmp(place->path, path, length) == 0 && place->path[length] == '\0';
}

/* The latest stands first; the last one makes room. */
static void place_first(struct byre_hold *hold, size_t index, struct byre_place place)
{
	memmove(&hold->places[1], &hold->places[0], index * sizeof place);
	hold->places[0] = place;
}

static bool place_add(struct byre_hold *hold, const char *path, size_t length, int fd)
{
	struct byre_place place = { .fd = fd, .path = strndup(path, length) };
	const size_t last = BYRE_HOLD_PLACES - 1;

	if (!place.path)
		return false;
	place_close(&hold->places[last]);
	place_first(hold, last, place);
	return true;
}

int byre_hold_find(struct byre_hold *hold, int dir, const char **path)
{
	const char *slash = strrchr(*path, '/');
	struct byre_parent parent;
	size_t i, length;

	if (hold->users == 0 || !slash || slash[1] == '\0')
		return dir;
	length = (size_t)(slash - *path);
	for (i = 0; i < BYRE_HOLD_PLACES; i++)
		if (place_is(&hold->places[i], *path, length))
			break;
	if (i < BYRE_HOLD_PLACES) {
		place_first(hold, i, hold->places[i]);
	} else {
		/* the caller's own walk says what is wrong */
		if (byre_parent_open(dir, *path, &parent) < 0)
			return dir;
		if (!parent.owned || !place_add(hold, *path, length, parent.fd)) {
			byre_parent_close(&parent);
			return dir;
		}
	}
	*path = slash + 1;
	return hold->places[0].fd;
}

int byre_hold_find_dir(struct byre_hold *hold, int dir, const char **path)
{
	const size_t length = strlen(*path);
	size_t i;

	for (i = 0; i < BYRE_HOLD_PLACES; i++) {
		if (place_is(&hold->places[i], *path, length)) {
			*path = ".";
			return hold->places[i].fd;
		}
	}
	return dir;
}

void byre_hold_drop(struct byre_hold *hold)
{
	size_t i;

	for (i = 0; i < BYRE_HOLD_PLACES; i++)
		place_close(&hold->places[i]);
}
