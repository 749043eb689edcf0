/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.c - the one place where the daemon reads the time of day.
 */
#include <time.h>

#include "daemon/daemon.h"

int64_t clock_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
