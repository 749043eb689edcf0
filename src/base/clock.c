/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clock.c - the only place where the time is read.
 */
#include <time.h>

#include "waymark/base/clock.h"

static int64_t read_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t clock_steady_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

bool clock_is_due(int64_t due_ms, int64_t now_ms, int64_t most_ms)
{
	return due_ms && (due_ms <= now_ms || due_ms - now_ms > most_ms);
}
