/* clock.c - what the kernel knows of its clocks; plain C, no Lua here */

#include <errno.h>
#include <sys/timex.h>
#include <time.h>

#include "files.h"

double byre_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int byre_clock_is_synchronised(bool *ret_yes)
{
	struct timex clock = {0};       /* asks, sets nothing */

	if (adjtimex(&clock) < 0)
		return -errno;
	*ret_yes = !(clock.status & STA_UNSYNC);
	return 0;
}
